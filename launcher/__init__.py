"""From a checkout to a running system, and back."""
