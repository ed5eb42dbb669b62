"""The cluster, opened when first needed."""

import threading
from collections.abc import Callable

from kube.client import Cluster
from kube.errors import ClusterError


class Opened:
    """Opens the cluster once; a failure is waited for only once, too."""

    def __init__(self, open_cluster: Callable[[], Cluster]) -> None:
        self._open = open_cluster
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None
        self._failure: ClusterError | None = None

    def __call__(self) -> Cluster:
        """The cluster, once it has answered.

        Raises:
            ClusterError: it cannot be reached.
        """
        with self._lock:
            if self._failure:
                raise self._failure
            if self._cluster is None:
                self._cluster = self._try()
            return self._cluster

    def _try(self) -> Cluster:
        try:
            cluster = self._open()
            cluster.request("GET", "/version")
        except ClusterError as error:
            self._failure = error
            raise
        return cluster
