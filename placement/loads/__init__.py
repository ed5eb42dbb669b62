"""The load of each node, as Prometheus tells it."""
