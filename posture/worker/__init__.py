"""The worker's threads, from subscription to acknowledgement."""
