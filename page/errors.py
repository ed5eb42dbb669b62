"""What can go wrong with the live page, said once."""

from common.errors import OperatorError


class PageError(OperatorError):
    """The page cannot do this: what, which value, what to do."""
