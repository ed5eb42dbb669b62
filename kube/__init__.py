"""The door to the Kubernetes API server, and what its objects say."""
