"""What pod and master both need; no word of the domain."""
