"""The node agent: tells Prometheus how busy a node's GPU and CPU are."""
