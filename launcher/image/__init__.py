"""The images on their way to the registry: what is in them, and the door to Docker."""
