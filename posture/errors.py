"""What can go wrong with a picture or with the worker's surroundings."""

from common.errors import OperatorError

REFUSALS = ("picture", "poison", "database", "folder", "unexpected")
"""Kinds of refusals: no readable picture; it kills its process; the database refuses
its row for good; a blocked folder; an error that nobody has thought of."""


class RefusedError(OperatorError):
    """This picture can never be analyzed; the text is the reason for its quarantine."""

    kind = "picture"


class PoisonError(RefusedError):
    """Whoever analyzes this picture does not survive it."""

    kind = "poison"


class ModelError(OperatorError):
    """A pose model is missing, broken or cannot be fetched."""


class StoppedError(OperatorError):
    """The worker was asked to stop while it waited."""
