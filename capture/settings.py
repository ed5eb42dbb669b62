"""The camera's settings, each with its flag, environment variable and default."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from common import options
from common.broker_settings import BrokerSettings, results_prefix
from common.options import decimal, integer, option, section
from common.picture_topics import PictureTopics
from common.times import QuietHours, quiet_hours, zone

KINDS = ("/dev/video0", "rpicam", "rtsp://HOST/PATH", "http://HOST/PATH", "a folder")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")


def _name(text: str) -> str:
    # What the worker takes over unchanged: any other name would get a hash behind it.
    if not _NAME.fullmatch(text):
        raise ValueError(
            "a name of letters, digits, . _ and -, at most 64, such as desk3"
        )
    return text


def _source(text: str) -> str:
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("http", "https", "rtsp", "rtsps"):
        return _address(text)
    if scheme:
        raise ValueError(f"one of {', '.join(KINDS)}")
    if text == "rpicam" or Path(text).is_dir():
        return text
    if Path(text).is_file():
        raise ValueError("a folder with pictures, not a single file")
    if text.startswith("/dev/"):
        return text  # may be plugged in later
    raise ValueError(f"one of {', '.join(KINDS)}; there is no folder of this name")


def _address(text: str) -> str:
    try:
        address = urlsplit(text)
        known = bool(address.hostname) and address.port != 0
    except ValueError:
        known = False
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise ValueError(
            "an address without user and password in it: those go into "
            "CAMERA_USER and CAMERA_PASSWORD"
        )
    if not known:
        raise ValueError("an address such as rtsp://192.168.1.40/stream1")
    return text


@dataclass(frozen=True)
class SourceSettings:
    """Where pictures come from."""

    source: str = option(
        "CAMERA_SOURCE",
        "--source",
        f"where pictures come from: {', '.join(KINDS)}",
        parse=_source,
    )
    user: str | None = option(
        "CAMERA_USER", "--source-user", "user at the camera", default=None
    )
    password: str | None = option(
        "CAMERA_PASSWORD",
        "--source-password",
        "password at the camera",
        default=None,
        secret=True,
    )
    token: str | None = option(
        "CAMERA_TOKEN",
        "--source-token",
        "bearer token of an HTTP address, such as Home Assistant's",
        default=None,
        secret=True,
    )
    width: int = option(
        "CAMERA_WIDTH",
        "--width",
        "width that a USB or Raspberry Pi camera is asked for, in pixels",
        default="1280",
        parse=integer(160, 4096),
    )
    patience: float = option(
        "CAMERA_PATIENCE",
        "--source-patience",
        "seconds that the source may take for a picture",
        default="10",
        parse=decimal(0.5, 60),
    )


@dataclass(frozen=True)
class CameraSettings:
    """Everything that `camera.py` is told."""

    broker: BrokerSettings = section(BrokerSettings)
    source: SourceSettings = section(SourceSettings)
    pi: str = option(
        "CAMERA_NAME", "--pi", "name of this camera, that of its place", parse=_name
    )
    topics: PictureTopics = section(PictureTopics)
    interval: float = option(
        "CAMERA_INTERVAL",
        "--interval",
        "seconds from one picture to the next",
        default="5",
        parse=decimal(0.1, 86400),
    )
    quiet: QuietHours | None = option(
        "CAMERA_QUIET",
        "--quiet",
        "hours without pictures, such as 18:00-08:00",
        default=None,
        parse=quiet_hours,
    )
    zone: ZoneInfo | None = option(
        "CAMERA_TIMEZONE",
        "--timezone",
        "time zone of the quiet hours; local: this machine's",
        default="local",
        parse=zone,
    )
    buffer: int = option(
        "CAMERA_BUFFER_MB",
        "--buffer-mb",
        "megabytes of pictures that are kept in memory while the broker is away; the "
        "oldest go first",
        default="64",
        parse=integer(1, 16_384),
    )
    prefix: str = results_prefix()
    log_level: str = options.log_level()

    def __post_init__(self) -> None:
        """Find the topic.

        Raises:
            SettingsError: MQTT_TOPIC does not say which.
        """
        _ = self.topic

    @property
    def topic(self) -> str:
        """Where the pictures go."""
        return self.topics.of(self.pi)
