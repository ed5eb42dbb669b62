"""What can go wrong with nudges."""


class NudgeError(Exception):
    """Something that the operator has to know: what, which value, what to do."""
