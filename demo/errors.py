"""What can go wrong with the demo, said once."""

from common.errors import OperatorError


class DemoError(OperatorError):
    """The demo cannot go on: what, which value, what to do."""
