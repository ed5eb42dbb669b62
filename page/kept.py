"""What is kept of one camera: rows, pictures, and all of it to take home."""

import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from page.export import as_csv
from page.history import Wish, find_all
from page.rows import IN_TIME, Rows
from posture.store.baselines import Calibrated, NoRightsError, baseline_of_camera
from posture.store.own_files import camera_pictures
from posture.store.pictures import folder_of

log = logging.getLogger(__name__)

_CHUNK = 1 << 16  # bytes of a download that are sent at a time


@dataclass(frozen=True)
class Kept:
    """How much there is of one camera."""

    rows: int
    oldest: datetime | None
    pictures: int
    """Files that the page sees."""
    size: int
    """Their bytes."""
    calibrated: Calibrated | None = None


def kept_of(rows: Rows, pictures: Path, pi: str) -> Kept:
    """Count what is kept of a camera."""
    ((count, oldest),) = rows.ask(
        f"SELECT count(*), min(received_time) FILTER (WHERE {IN_TIME}) "  # noqa: S608 - a constant
        "FROM posture_log WHERE pi_id = %s",
        pi,
    )
    files = [status.st_size for _, status in _files(pictures, pi)]
    since = oldest.replace(tzinfo=UTC) if oldest else None
    calibrated = calibrated_of(rows, pi)
    return Kept(count, since, len(files), sum(files), calibrated)


def calibrated_of(rows: Rows, pi: str) -> Calibrated | None:
    """The camera's baseline; None too where the page's user may not read it."""
    try:
        return baseline_of_camera(rows.ask, pi)
    except NoRightsError as error:
        log.warning("%s", error)
        return None


def _files(pictures: Path, pi: str) -> Iterator[tuple[Path, os.stat_result]]:
    yield from camera_pictures(folder_of(pictures, pi), pi)


class _Pipe(io.RawIOBase):
    """Takes what the archive writes, and gives it away."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:  # noqa: ANN401 - bytes or a view
        added = bytes(content)
        self._held += added
        return len(added)

    def taken(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held

    def __len__(self) -> int:
        return len(self._held)


def archive(rows: Rows, pictures: Path, pi: str) -> Iterator[bytes]:
    """A ZIP with all rows as CSV, the baseline and all pictures, as it is made."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as made:
        with made.open("posture_log.csv", "w", force_zip64=True) as file:
            for lines in as_csv(find_all(rows, Wish(pi=pi))):
                file.write(lines.encode())
                if len(pipe) > _CHUNK:
                    yield pipe.taken()
        if calibrated := calibrated_of(rows, pi):
            made.writestr("baseline.json", _as_json(calibrated))
        for path, _ in _files(pictures, pi):
            try:
                content = path.read_bytes()
            except OSError:  # deleted meanwhile
                continue
            made.writestr(f"pictures/{path.name}", content)
            yield pipe.taken()
    yield pipe.taken()


def _as_json(calibrated: Calibrated) -> str:
    neck, body = calibrated.baseline
    time = calibrated.time.isoformat(timespec="seconds") + "Z"
    return json.dumps({"neck": neck, "body": body, "calibrated_time": time})
