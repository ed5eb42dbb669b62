"""The baselines that pictures are judged by, as far as cameras have one."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from common.postgres import DatabaseError
from posture.errors import StoppedError
from posture.store.baselines import Ask, NoRightsError, all_baselines
from posture.vision.baseline import Baseline
from posture.vision.verdict import Preset

log = logging.getLogger(__name__)

_FRESH = 30.0  # seconds after which the next picture has the table asked again
_DELAY = 5.0  # seconds between attempts
_TICK = 0.5  # seconds between looks whether the worker ends
_WRONG_TABLE = "42"  # class of SQLSTATEs: it is there, and not what it should be


class Baselines:
    """Each camera's baseline, asked of the table when pictures come.

    The first picture waits for the first answer: judged by the usual limits it could be
    wrong. Later ones never wait: while the database is away, the last answer counts.
    """

    def __init__(
        self,
        ask: Ask,
        preset: Preset,
        ends: Callable[[], bool],
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; the preset `legacy` knows no baselines.

        `ends` says whether the worker ends, so that waiting is of no use.
        `on_wait` is called while the database is away, again and again.
        """
        self._ask = ask
        self._ends = ends
        self._on_wait = on_wait
        self._known: Mapping[str, Baseline] | None = None
        self._due = 0.0  # moment (`time.monotonic`) from which the table is asked again
        self._wanted = threading.Event()
        self._answered = threading.Event()
        self._said = ""
        if preset == "legacy":
            self._known, self._due = {}, float("inf")
        # Analysts are kept from the network, so they cannot connect to a database.
        self._thread = threading.Thread(
            target=self._serve, name="baselines", daemon=True
        )

    def start(self) -> None:
        """Begin; in a thread that may reach the network."""
        if self._known is None:
            self._wanted.set()
            self._thread.start()

    def of(self, pi: str) -> Baseline | None:
        """The camera's baseline, if it has one.

        Raises:
            StoppedError: the worker ends before the database has answered.
        """
        if time.monotonic() > self._due:
            self._wanted.set()
        while self._known is None:
            if self._ends():
                raise StoppedError("cannot read baselines")
            self._on_wait()
            self._answered.wait(_TICK)
        return self._known.get(pi)

    def _serve(self) -> None:
        while self._wanted.wait() and not self._ends():
            try:
                self._take(all_baselines(self._ask))
            except NoRightsError as error:
                self._without(f"{error}; until then every camera has the usual limits")
            except DatabaseError as error:
                if error.code.startswith(_WRONG_TABLE):
                    self._without(f"{error}; every camera has the usual limits")
                else:
                    self._missed(error)
                    continue
            self._wanted.clear()

    def _take(self, known: Mapping[str, Baseline]) -> None:
        for pi in sorted(known.keys() | (self._known or {}).keys()):
            if (baseline := known.get(pi)) != (self._known or {}).get(pi):
                log.info("%s: %s", pi, _words(baseline))
        self._known, self._due = known, time.monotonic() + _FRESH
        self._answered.set()

    def _missed(self, error: DatabaseError) -> None:
        until = "pictures wait" if self._known is None else "those known count"
        log.error("cannot read baselines: %s; %s until it works", error, until)
        time.sleep(_DELAY)

    def _without(self, why: str) -> None:
        if why != self._said:
            log.warning("no baselines: %s", why)
        self._said = why
        self._take({})


def _words(baseline: Baseline | None) -> str:
    if baseline is None:
        return "no baseline any more: the usual limits count"
    neck, body = baseline.limits
    return (
        f"calibrated: Good below a neck of {neck} and a body of {body} degrees "
        f"(sitting well it reads {baseline.neck} and {baseline.body})"
    )
