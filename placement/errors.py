"""What can go wrong in placement, said once."""


class PlacementError(Exception):
    """Something that the operator has to know: what, which value, what to do."""


class MetricsError(PlacementError):
    """The loads could not be read from Prometheus."""


class ManifestError(PlacementError):
    """A manifest, or the ScaledJob in the cluster, is not one that can be pinned."""


class ClusterError(PlacementError):
    """The API server did not do what it was asked; `status` is its HTTP code, or 0."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status
