"""A camera's program: pictures at an interval, published over MQTT."""
