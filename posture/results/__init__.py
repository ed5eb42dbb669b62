"""The newest result of each camera, published over MQTT."""
