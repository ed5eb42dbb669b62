"""What can go wrong between this system and the API server."""

from common.errors import OperatorError


class ManifestError(OperatorError):
    """A manifest, or the ScaledJob in the cluster, is not one that can be pinned."""


class ClusterError(OperatorError):
    """The API server did not do what it was asked; `status` is its HTTP code, or 0."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status
