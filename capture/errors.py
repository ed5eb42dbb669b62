"""What can go wrong between a camera and its broker."""

from common.errors import OperatorError


class SourceError(OperatorError):
    """The source gives no picture: what, which source, what to do."""
