"""Makes sure of OpenCV's limit: it is read once, when a test first imports OpenCV."""

import posture  # noqa: F401 - sets the limit
