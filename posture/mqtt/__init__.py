"""The worker's side of MQTT: durable sessions, shards, probe, replay."""
