"""The live page beside the demo, and the browser that shows it."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from demo.broker import free_port
from demo.processes import Program

_HERE = "127.0.0.1"


class LivePage:
    """The page as a process of its own; only this machine can reach it."""

    def __init__(self, environ: Mapping[str, str], port: int, log: Path) -> None:
        """Start it on `port`, or on another one when that is in use."""
        self._port = free_port(_HERE, port)
        own = {
            "PAGE_LISTEN": _HERE,
            "PAGE_PORT": str(self._port),
            "PAGE_HOME": "cameras",  # who starts it sits before them
        }
        self.program = Program("live page", "live_page.py", dict(environ) | own, log)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://{_HERE}:{self._port}/"


def has_desktop(platform: str, environ: Mapping[str, str]) -> bool:
    """Whether there is a screen on which a browser can open."""
    return platform == "darwin" or any(
        environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def open_browser(address: str) -> bool:
    """Show the page to who sits before this machine, if anybody does."""
    return has_desktop(sys.platform, os.environ) and webbrowser.open(address)
