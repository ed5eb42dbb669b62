"""What can go wrong with a picture or with the worker's surroundings."""


class PostureError(Exception):
    """Something that the operator has to know: what, which value, what to do."""


class RefusedError(PostureError):
    """This picture can never be analyzed; the text is the reason for its quarantine."""


class ModelError(PostureError):
    """A pose model is missing, broken or cannot be fetched."""


class StoppedError(PostureError):
    """The worker was asked to stop while it waited."""
