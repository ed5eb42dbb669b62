"""What the worker tells whoever wants to count; here, nobody does.

Called in the worker's threads, the network thread among them: nothing here may wait.
"""

import threading
from collections.abc import Callable

from posture.vision.verdict import Verdict
from posture.worker.dedup import InHand


class Events:
    """Hears of everything and does nothing; `telemetry` does."""

    def watch(
        self,
        in_hand: InHand,
        subscribed: threading.Event,
        standstill: Callable[[], str | None],
        stalled: Callable[[], str | None],
    ) -> None:
        """Where to look: what is in hand, the connection, what hangs, what waits."""

    def ready(self) -> None:
        """Pictures begin to come."""

    def session_lost(self) -> None:
        """The broker no longer has our session, nor what waited in it."""

    def recorded(
        self,
        verdict: Verdict,
        seconds: float,
        waited: float,
        *,
        unchanged: bool = False,
    ) -> None:
        """A row was committed; `seconds` its analysis took, `waited` all of it.

        `unchanged`: with the landmarks of the camera's picture before.
        """

    def repeated(self) -> None:
        """A message came again whose row is committed."""

    def refused(self, kind: str) -> None:
        """A message went to the quarantine; `kind` is one of RefusedError's."""

    def write_failed(self, part: str) -> None:
        """An attempt to write `pictures` or `rows` failed; it is made again."""
