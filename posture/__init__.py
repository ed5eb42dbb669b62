"""What happens to one picture, in the pod."""
