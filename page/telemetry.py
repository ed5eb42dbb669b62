"""What the page tells Prometheus: the cameras, as the table shows them.

The page outlives every Job, so what belongs to a camera is told here. It is counted row
by row, as the page follows the table by id: a scrape asks the database nothing.
"""

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Summary,
    disable_created_metrics,
)

from page.rows import StoredRow
from posture.vision.verdict import Status

_MOST = 500  # cameras; each has 17 series
_LONGEST = 100  # characters of a name
_OTHER = "other"  # a status that is not ours


class Telemetry:
    """Pictures by camera and status, angles, delays, and when the last one came."""

    def __init__(self) -> None:
        # A series more for each counter, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._known: set[str] = set()
        self._pictures = Counter(
            "posture_camera_pictures",
            "Rows since the page began to look",
            ["pi", "status"],
            registry=self.registry,
        )
        self._status = Gauge(
            "posture_camera_status",
            "1 for the status of the last picture",
            ["pi", "status"],
            registry=self.registry,
        )
        self._last = Gauge(
            "posture_camera_last_picture_time_seconds",
            "When the last picture came to the worker",
            ["pi"],
            registry=self.registry,
        )
        self._neck = self._summary("neck_angle_degrees", "Inclination of the neck")
        self._body = self._summary("body_angle_degrees", "Inclination of the body")
        self._delay = self._summary("delay_seconds", "From received to analyzed")
        self._untold = Counter(
            "posture_camera_untold_pictures",
            f"Rows of cameras beyond the first {_MOST}",
            registry=self.registry,
        )

    def _summary(self, name: str, text: str) -> Summary:
        return Summary(f"posture_camera_{name}", text, ["pi"], registry=self.registry)

    def watch(self, trouble: Callable[[], str | None], quarantine: Path) -> None:
        """Tell whether the database answers, and what is kept in `quarantine`."""
        Gauge(
            "posture_page_database_up",
            "1 while the database answers the page",
            registry=self.registry,
        ).set_function(lambda: trouble() is None)
        Gauge(
            "posture_page_quarantine_messages",
            "Messages in the quarantine folder; NaN where the page does not see it",
            registry=self.registry,
        ).set_function(lambda: _kept(quarantine))

    def begin(self, rows: Iterable[StoredRow]) -> None:
        """Begin with the newest row of each camera: nothing is counted yet."""
        for row in rows:
            pi = row.pi_id[:_LONGEST]
            if self._admits(pi):
                self._show(pi, row)

    def recall(self, rows: Iterable[StoredRow]) -> None:
        """Take in cameras that have been silent for long."""
        self.begin(row for row in rows if row.pi_id[:_LONGEST] not in self._known)

    def add(self, rows: Iterable[StoredRow]) -> None:
        """Count new rows, oldest first."""
        for row in rows:
            pi = row.pi_id[:_LONGEST]
            if self._admits(pi):
                self._show(pi, row)
                self._count(pi, row)
            else:
                self._untold.inc()

    def _admits(self, pi: str) -> bool:
        if pi not in self._known:
            if len(self._known) >= _MOST:
                return False
            self._known.add(pi)
            for status in (*Status, _OTHER):  # so that each begins at 0
                self._pictures.labels(pi, status)
        return True

    def _show(self, pi: str, row: StoredRow) -> None:
        now = _status(row)
        for status in (*Status, _OTHER):
            self._status.labels(pi, status).set(status == now)
        if row.received_time is not None:
            self._last.labels(pi).set(row.received_time.timestamp())

    def _count(self, pi: str, row: StoredRow) -> None:
        self._pictures.labels(pi, _status(row)).inc()
        if row.neck_angle is not None:
            self._neck.labels(pi).observe(row.neck_angle)
        if row.body_angle is not None:
            self._body.labels(pi).observe(row.body_angle)
        if row.received_time is not None and row.analyzed_time is not None:
            seconds = (row.analyzed_time - row.received_time).total_seconds()
            # A clock that is set back must not make a sum smaller.
            self._delay.labels(pi).observe(max(0.0, seconds))


def _status(row: StoredRow) -> str:
    return row.posture_status if row.posture_status in tuple(Status) else _OTHER


def _kept(quarantine: Path) -> float:
    if not quarantine.is_dir():
        return math.nan
    return sum(1 for _ in quarantine.glob("*.json"))
