"""What can go wrong in placement."""

from common.errors import OperatorError


class MetricsError(OperatorError):
    """The loads could not be read from Prometheus."""


class LeadLostError(OperatorError):
    """A look took so long that another watcher may be at work meanwhile."""
