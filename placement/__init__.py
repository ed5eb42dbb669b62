"""Which node runs the next pod, on the master or in the cluster."""
