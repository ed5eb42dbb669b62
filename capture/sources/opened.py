"""The source that the settings name."""

from pathlib import Path
from urllib.parse import urlsplit

from capture.settings import SourceSettings
from capture.sources.source import Source


def open_source(settings: SourceSettings) -> Source:
    """A source that has not been asked yet; imports only what this kind needs."""
    scheme = urlsplit(settings.source).scheme
    login = (settings.user, settings.password)
    if scheme in ("http", "https"):
        from capture.sources.snapshot import Snapshot

        return Snapshot(settings.source, login, settings.token, settings.patience)
    if scheme in ("rtsp", "rtsps"):
        from capture.sources.video import rtsp_camera

        return rtsp_camera(settings.source, *login, settings.patience)
    if settings.source == "rpicam":
        from capture.sources.rpicam import RpiCamera

        return RpiCamera(settings.width, settings.patience)
    if settings.source.startswith("/dev/"):
        from capture.sources.video import usb_camera

        return usb_camera(settings.source, settings.width, settings.patience)
    from capture.sources.folder import Folder

    return Folder(Path(settings.source))
