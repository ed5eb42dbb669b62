"""The one error that an operator is to see as a sentence, not as a traceback."""


class OperatorError(Exception):
    """Something that the operator has to know: what, which value, what to do."""

    exit_code = 1
    """What the command ends with that meets it."""
