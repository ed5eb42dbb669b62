"""The door to OpenCV's video: USB cameras (V4L2) and RTSP.

A thread reads frame after frame, so that a picture is one of this moment and not what
has waited in a queue.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from capture.errors import SourceError

if TYPE_CHECKING:
    from cv2 import VideoCapture

_QUALITY = 85
_AGAIN = 1.0  # seconds between two tries to open it
_LIBRARY_SILENT = {  # their messages may show an address with its password
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}

Open = Callable[[], "VideoCapture"]


def usb_camera(device: str, width: int, patience: float) -> "Video":
    """The camera at /dev/video<N>, asked for `width` x 9/16 pixels in Motion JPEG."""

    def open_camera() -> "VideoCapture":
        cv2 = _opencv()
        capture: VideoCapture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, width * 9 // 16)
        return capture

    remedy = "is it plugged in, and is this user in the group video?"
    return Video(device, open_camera, patience, remedy)


def rtsp_camera(
    address: str, user: str | None, password: str | None, patience: float
) -> "Video":
    """The camera at an RTSP address, over TCP."""
    whole = _with_login(address, user, password)
    milliseconds = int(patience * 1000)

    def open_camera() -> "VideoCapture":
        cv2 = _opencv()
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds]
        limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
        capture: VideoCapture = cv2.VideoCapture(whole, cv2.CAP_FFMPEG, limits)
        return capture

    name = urlsplit(address)._replace(query="", fragment="").geturl()
    return Video(
        name,
        open_camera,
        patience,
        "is it on, and are the address, CAMERA_USER and CAMERA_PASSWORD right?",
    )


class Video:
    """A stream of frames, of which one is taken now and then."""

    def __init__(self, name: str, opened: Open, patience: float, remedy: str) -> None:
        """Start reading; `patience` is how many seconds a picture may take."""
        self._name = name
        self._open = opened
        self._patience = patience
        self._remedy = remedy
        self._changed = threading.Condition()
        self._wanted = False
        self._frame: Any = None
        self._ended = False
        self._thread = threading.Thread(target=self._read, name="video", daemon=True)
        self._thread.start()

    def picture(self) -> bytes:
        """The next frame that comes, as a JPEG file."""
        with self._changed:
            self._frame, self._wanted = None, True
            came = self._changed.wait_for(
                lambda: self._frame is not None, self._patience
            )
            self._wanted = False
            frame, self._frame = self._frame, None
        if not came:
            raise SourceError(
                f"no picture from {self._name} for {self._patience:g} s: {self._remedy}"
            )
        cv2 = _opencv()
        done, file = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise SourceError(f"a frame of {self._name} cannot be written as JPEG")
        return bytes(file)

    def close(self) -> None:
        """Stop reading; a library that hangs is not waited for long."""
        self._ended = True
        self._thread.join(1)

    def _read(self) -> None:
        while not self._ended:
            capture = self._open()
            while not self._ended and capture.grab():
                self._hand_over(capture)
            capture.release()
            if not self._ended:
                time.sleep(_AGAIN)

    def _hand_over(self, capture: "VideoCapture") -> None:
        if not self._wanted:
            return
        read, frame = capture.retrieve()
        with self._changed:
            if read and self._wanted:
                self._frame = frame
                self._changed.notify_all()


def _with_login(address: str, user: str | None, password: str | None) -> str:
    if not user:
        return address
    parts = urlsplit(address)
    login = f"{quote(user, safe='')}:{quote(password or '', safe='')}@"
    return parts._replace(netloc=login + parts.netloc).geturl()


def _opencv() -> Any:  # noqa: ANN401 - a module
    for name, value in _LIBRARY_SILENT.items():
        os.environ.setdefault(name, value)
    import cv2

    return cv2
