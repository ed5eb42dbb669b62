"""What can go wrong in placement."""

from common.errors import OperatorError


class MetricsError(OperatorError):
    """The loads could not be read from Prometheus."""
