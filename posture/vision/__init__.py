"""From the bytes of a picture to a verdict and an annotated picture."""
