"""Whether pictures may be waiting for a worker.

A broker does not tell what it keeps for a session, so signs are collected: a picture
that was seen, a moment at which one may have been missed, a worker that ended before
its work was done. A worker ends by itself only when nothing has been left for it for
long; its end answers all signs that are older.
"""

import math
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Jobs:
    """The Jobs of the ScaledJob in one reading, by uid.

    `at` is when the reading began, in monotonic seconds, or earlier: what has come
    about since then may be in it or not. What is neither unfinished nor
    complete has failed or is gone.
    """

    at: float
    unfinished: frozenset[str] = frozenset()
    complete: frozenset[str] = frozenset()


class Demand:
    """What is known of waiting pictures; for use from several threads."""

    def __init__(self, now: float, fresh: float) -> None:
        """Begin at `now`, in monotonic seconds.

        `fresh` is how many seconds a worker that is to end must have been without a
        picture at the very least: a sign older than that is not about to be missed.
        """
        self._lock = threading.Lock()
        self._fresh = fresh
        # What came before us nobody has seen: one worker has to look.
        self._last_sign = now
        self._answered = -math.inf
        self._jobs = Jobs(-math.inf)

    def sign(self, now: float) -> None:
        """Note that a picture may be waiting since `now`."""
        with self._lock:
            self._last_sign = max(self._last_sign, now)

    def see(self, jobs: Jobs) -> None:
        """Take in a reading of the Jobs."""
        with self._lock:
            before, self._jobs = self._jobs, jobs
            if before.at == -math.inf:
                return  # the first reading: what ended before us is not our affair
            if jobs.complete - before.complete:
                # It ended after the reading before, and had been idle for long by then.
                # A picture younger than that may have come too late for it.
                known = min(before.at, jobs.at)
                self._answered = max(self._answered, known - self._fresh)
            if before.unfinished - jobs.unfinished - jobs.complete:
                self._last_sign = max(self._last_sign, jobs.at)

    def waiting(self, now: float, workers: int) -> bool:
        """Whether `workers` Jobs should exist for the sake of pictures.

        While enough Jobs run, only fresh signs count. An older one is taken care of,
        and counting it would race with the end of the Job: KEDA would see it ended
        before we do, and start another for nothing.
        """
        with self._lock:
            if self._last_sign <= self._answered:
                return False
            fresh = now - self._last_sign < self._fresh
            return fresh or len(self._jobs.unfinished) < workers

    @property
    def last_sign(self) -> float:
        """When a picture may have come last, in monotonic seconds."""
        return self._last_sign
