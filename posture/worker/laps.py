"""Where the time from the start to ready went."""

import time


class Laps:
    """Seconds between moments, each under the name of what was done."""

    def __init__(self) -> None:
        """Begin now."""
        self._last = time.perf_counter()
        self._laps: list[str] = []

    def lap(self, name: str) -> None:
        """End one and begin the next."""
        now = time.perf_counter()
        self._laps.append(f"{name} {now - self._last:.3f} s")
        self._last = now

    def __str__(self) -> str:
        return ", ".join(self._laps)
