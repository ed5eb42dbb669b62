"""A Raspberry Pi's own camera, by the program that its system brings."""

import shutil
import subprocess

from capture.errors import SourceError
from capture.sources.source import is_picture

_PROGRAMS = ("rpicam-jpeg", "rpicam-still", "libcamera-jpeg", "libcamera-still")
_WARM_UP = 500  # milliseconds in which exposure and white balance settle


class RpiCamera:
    """Starts the program for each picture."""

    def __init__(self, width: int, patience: float) -> None:
        self._width = width
        self._patience = patience

    def picture(self) -> bytes:
        """What the camera sees now."""
        command = [*self._program(), "--nopreview", "--timeout", str(_WARM_UP)]
        command += ["--width", str(self._width), "--output", "-"]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=self._patience, check=False
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            raise SourceError(
                f"{command[0]} gives no picture within {self._patience:g} s: is "
                "another program using the camera?"
            ) from error
        if done.returncode or not is_picture(done.stdout):
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise SourceError(
                f"{command[0]} gives no picture: {said[-1] if said else 'no reason'} "
                "(rpicam-hello --list-cameras shows which cameras there are)"
            )
        return done.stdout

    def close(self) -> None:
        """Nothing is held open."""

    def _program(self) -> list[str]:
        found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        if not found:
            raise SourceError(
                f"none of {', '.join(_PROGRAMS)} is here: apt-get install rpicam-apps, "
                "or name /dev/video0 for a USB camera"
            )
        return [found]
