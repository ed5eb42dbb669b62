"""What can go wrong with nudges."""

from common.errors import OperatorError


class NudgeError(OperatorError):
    """Something that the operator has to know: what, which value, what to do."""
