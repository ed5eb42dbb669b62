"""Objects of one kind, read once and kept up to date by a watch.

Of each only what is needed is kept. A watch is asked for seconds only and begun again
where it ended: so one that has died in silence is noticed, and costs one small request.
After one that broke the changes since come one by one, each a past state: what
there is now is told when a bookmark, or the end of the watch, says that all have come.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from kube.client import Client, Object
from kube.errors import ClusterError
from kube.resources import Kind

log = logging.getLogger(__name__)

Kept = TypeVar("Kept")
_PAGE = 250  # objects that are read at a time: memory is for one page, not for all
_WATCH = 5  # seconds of one watch; a bookmark comes two seconds before its end
_SILENCE = 7.0  # seconds without a word after which it is dead
_AGAIN = 1.0  # seconds until it is tried again
_GONE = 410  # what is asked for is too old: everything is read anew


class Mirror(Generic[Kept]):
    """A thread that keeps them; for use from several threads."""

    def __init__(
        self,
        client: Client,
        kind: Kind,
        keep: Callable[[Object], Kept | None],
        query: dict[str, str] | None = None,
    ) -> None:
        """Prepare; `keep` says what is kept of an object, None for nothing.

        `query` has the selectors, as the API spells them.
        """
        self._client = client
        self._kind = kind
        self._path = kind.path(client.namespace)
        self._keep = keep
        self._query = query or {}
        self._kept: dict[str, Kept] = {}
        self._version: str | None = None
        self._heard = -math.inf
        self._doubt = math.inf
        self._problem: ClusterError | None = ClusterError("not read yet")
        self._lock = threading.Lock()
        self._tried = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"watch {kind.plural}", daemon=True
        )
        self.lists = 0
        """How often everything has been read."""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more; what is under way is not waited for."""
        self._stop.set()

    def look(self) -> tuple[list[Kept], float]:
        """What there is now, and since when there may be a gap; waits for the first.

        The second is infinite but for the first look after a watch has broken: then it
        is when it was last known to be whole, in monotonic seconds.

        Raises:
            ClusterError: it is not known what there is now, and why.
        """
        self._tried.wait()
        with self._lock:
            if self._problem:
                raise ClusterError(str(self._problem), self._problem.status)
            doubt, self._doubt = self._doubt, math.inf
            return list(self._kept.values()), doubt

    # The thread

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._version is None:
                    self._list()
                self._watch()
            except ClusterError as error:
                self._failed(error)
            except Exception as error:
                # Whatever it is: everything is read anew, or this would end for ever.
                log.exception("%s: unexpected error", self._kind.plural)
                self._version = None
                self._failed(
                    ClusterError(
                        f"{self._kind.plural}: {type(error).__name__}: {error}"
                    )
                )

    def _list(self) -> None:
        begun = time.monotonic()
        found: dict[str, Kept] = {}
        query = {**self._query, "limit": str(_PAGE)}
        while True:
            page = self._client.request("GET", self._path, query=query)
            for each in page["items"]:
                _put(found, each, self._keep(each))
            if not (further := page["metadata"].get("continue")):
                break
            query["continue"] = further
        self.lists += 1
        with self._lock:
            self._kept = found
        self._version = page["metadata"]["resourceVersion"]
        self._is_well(begun)

    def _watch(self) -> None:
        begun = time.monotonic()
        query = {
            **self._query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(self._version),
            "timeoutSeconds": str(_WATCH),
        }
        for event in self._client.stream(self._path, query, _SILENCE):
            if self._stop.is_set():
                return
            self._take(event)
        # It has ended as it should: nothing was left out until it had begun.
        self._is_well(begun)
        if time.monotonic() - begun < _AGAIN:
            self._stop.wait(_AGAIN)  # somebody in between ends every one at once

    def _take(self, event: Object) -> None:
        kind, found = event["type"], event["object"]
        if kind == "ERROR":
            raise ClusterError(
                f"API server {self._client.host} ends GET {self._path}: "
                f"{found.get('message')}",
                int(found.get("code") or 0),
            )
        caught_up = kind == "BOOKMARK" or not self._problem
        if kind != "BOOKMARK":
            kept = None if kind == "DELETED" else self._keep(found)
            with self._lock:
                _put(self._kept, found, kept)
        self._version = found["metadata"]["resourceVersion"]
        if caught_up:
            self._is_well(time.monotonic())

    def _is_well(self, at: float) -> None:
        with self._lock:
            self._heard = max(self._heard, at)
            self._problem = None
        self._tried.set()

    def _failed(self, error: ClusterError) -> None:
        with self._lock:
            self._doubt = min(self._doubt, self._heard)
            if error.status == _GONE:
                self._version = None
            first = self._problem is None or not self._tried.is_set()
            self._problem = error
        self._tried.set()
        if first:
            log.warning("%s", error)
        self._stop.wait(_AGAIN)


def _put(kept: dict[str, Kept], found: Object, what: Kept | None) -> None:
    uid = found["metadata"]["uid"]
    if what is None:
        kept.pop(uid, None)
    else:
        kept[uid] = what
