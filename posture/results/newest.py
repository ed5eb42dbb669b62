"""The newest document of each camera, and what the broker still has to be told.

Several workers publish under one topic, and a broker keeps what came last, not what is
newest. So every worker hears what is published, and whoever knows a newer document
than the one that came puts the newer one back. Documents have an order on which all
agree, so that this ends.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from posture.results.payload import Document

CAMERAS = 1000
"""Cameras that are remembered; past that the one silent for longest is forgotten."""

_AHEAD = timedelta(minutes=1)  # a time further in the future is a wrong clock
_PATIENCE = 10.0  # seconds for the broker to send back what it was told


@dataclass
class _Camera:
    document: Document
    told: bool  # whether this is what the broker has
    sent: float | None = None  # when it was sent, while nothing has come back


class Newest:
    """What is to be told."""

    def __init__(self) -> None:
        self._cameras: OrderedDict[str, _Camera] = OrderedDict()

    def offer(self, pi: str, document: Document, now: datetime) -> None:
        """Take a document of our own, unless a newer one is known."""
        known = self._cameras.get(pi)
        if known is None:
            self._cameras[pi] = _Camera(document, told=False)
        elif _replaces(document, known.document, now):
            known.document, known.told = document, False
        self._cameras.move_to_end(pi)
        if len(self._cameras) > CAMERAS:
            self._cameras.popitem(last=False)

    def heard(self, pi: str, document: Document, now: datetime) -> None:
        """The broker has this one now, whoever has published it."""
        known = self._cameras.get(pi)
        if known is None:
            if len(self._cameras) < CAMERAS:
                self._cameras[pi] = _Camera(document, told=True)
            return
        if _replaces(document, known.document, now):
            known.document = document
        known.told = known.document == document
        known.sent = None

    def forget(self, pi: str) -> None:
        """Somebody has taken the camera's document away."""
        self._cameras.pop(pi, None)

    def tell_again(self) -> None:
        """Somebody listens who has heard nothing yet."""
        for camera in self._cameras.values():
            camera.told = False

    def restart(self) -> None:
        """The connection is a new one: nothing is on its way."""
        for camera in self._cameras.values():
            camera.sent = None

    def due(self, now: float) -> list[tuple[str, Document]]:
        """What is to be sent now, one document for each camera; it counts as sent.

        `now` is a time of a monotonic clock in seconds. A camera's next document waits
        until the last one came back, so that a slow broker gets fewer.
        """
        found = []
        for pi, camera in self._cameras.items():
            waiting = camera.sent is not None and now - camera.sent < _PATIENCE
            if not camera.told and not waiting:
                camera.sent = now
                found.append((pi, camera.document))
        return found

    def all_told(self) -> bool:
        """Whether the broker has everything."""
        return all(camera.told for camera in self._cameras.values())


def _replaces(document: Document, known: Document, now: datetime) -> bool:
    # One from the future stems from a wrong clock, perhaps our own before it was put
    # right; the next picture takes its place.
    return document > known or known.received > now + _AHEAD
