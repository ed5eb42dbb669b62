"""What is kept is not kept for ever: deleted by age, or for one camera and period.

Files go before the rows that name them, so whatever cuts a run short, the next one
finds what is left.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from common.errors import OperatorError
from posture.store import kept_files
from posture.store.kept_files import Period
from posture.store.kept_rows import KeptRows
from posture.store.own_files import delete, exists
from posture.store.settings import FolderSettings

log = logging.getLogger(__name__)

_EVERY = 3600.0  # seconds
_PAUSE = 0.01  # seconds after so many files, so that pictures are analyzed meanwhile
_AT_ONCE = 200
_BLOCK = 4096  # bytes: a file takes whole ones
_NAMES = 1000  # that the table is asked about in one statement


@dataclass
class Deleted:
    """How many of each were deleted, or would be."""

    pictures: int = 0
    refused: int = 0
    rows: int | None = None
    topics: int | None = None
    baselines: int = 0

    def __str__(self) -> str:
        parts = [f"{self.pictures} pictures", f"{self.refused} files in quarantine"]
        if self.rows is not None:
            parts.append(f"{self.rows} rows")
        if self.topics is not None:
            parts.append(f"{self.topics} topics at the broker")
        if self.baselines:
            parts.append(f"{self.baselines} baseline")
        return ", ".join(parts)


def prune_files(
    settings: FolderSettings, now: datetime, *, dry_run: bool = False
) -> Deleted:
    """Delete pictures and refused messages that are older than the settings say.

    Then the oldest pictures, until the others take no more than nine tenths of what
    they may: so there is room for a while.

    Raises:
        OperatorError: some could not be deleted.
    """
    deleted = Deleted()
    remove = _Remover(dry_run=dry_run)
    if settings.picture_days is not None:
        moment = now - timedelta(days=settings.picture_days)
        for path in kept_files.pictures_before(settings.pictures, moment):
            deleted.pictures += remove(path)
        for path in kept_files.refused_before(settings.quarantine, moment):
            deleted.refused += remove(path)
    if settings.pictures_mb is not None:
        most = (settings.pictures_mb << 20) * 9 // 10
        for path in kept_files.pictures_beyond(settings.pictures, most):
            deleted.pictures += remove(path)
    remove.check()
    return deleted


def prune_rows(
    rows: KeptRows, days: int, now: datetime, *, dry_run: bool = False
) -> int:
    """Delete rows whose pictures came longer ago; gives how many.

    Raises:
        DatabaseError: the database is away, or forbids it.
    """
    rows.check_rights()
    moment = now - timedelta(days=days)
    return rows.count_before(moment) if dry_run else rows.delete_before(moment)


def forget(
    rows: KeptRows,
    settings: FolderSettings,
    pi: str,
    period: Period,
    *,
    dry_run: bool = False,
) -> Deleted:
    """Delete what is kept of one camera from that time: files, refused messages, rows.

    Raises:
        DatabaseError: the database is away, or forbids it.
        OperatorError: some files could not be deleted; their rows are there still.
    """
    rows.check_rights()
    deleted = Deleted(rows=0)
    remove = _Remover(dry_run=dry_run)
    for batch in rows.of_camera(pi, period):
        named = (
            kept_files.picture_of(settings.pictures, pi, r.filename) for r in batch
        )
        deleted.pictures += sum(remove(path) for path in named if path)
        remove.check()
        if not dry_run:
            rows.delete(batch)
        deleted.rows = (deleted.rows or 0) + len(batch)
    for path in _without_row(rows, settings.pictures, pi, period):
        deleted.pictures += remove(path)
    for path in kept_files.refused_in(settings.quarantine, pi, period):
        deleted.refused += remove(path)
    remove.check()
    return deleted


def _without_row(rows: KeptRows, pictures: Path, pi: str, period: Period) -> list[Path]:
    """Pictures whose rows are gone already, or never came to be."""
    found = list(kept_files.pictures_in(pictures, pi, period))
    named: set[str] = set()
    for start in range(0, len(found), _NAMES):
        names = [path.name for path in found[start : start + _NAMES]]
        named |= rows.named(pi, names)
    return [path for path in found if path.name not in named]


class _Remover:
    """Deletes files, or only counts them; goes on after one that resists."""

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._troubles: list[str] = []
        self._shown: set[Path] = set()
        self._seen = 0

    def __call__(self, path: Path) -> bool:
        """Whether there was such a file, and is none any more."""
        self._seen += 1
        if self._seen % _AT_ONCE == 0:
            time.sleep(_PAUSE)
        try:
            return self._would(path) if self._dry_run else delete(path)
        except OSError as error:
            self._troubles.append(f"{path}: {error.strerror}")
            return False

    def _would(self, path: Path) -> bool:
        # Too old and beyond the limit is still one file.
        known = path in self._shown
        self._shown.add(path)
        return exists(path) and not known

    def check(self) -> None:
        """Make sure that none resisted.

        Raises:
            OperatorError: says how many, and why the first did.
        """
        if self._troubles:
            raise OperatorError(
                f"{len(self._troubles)} files cannot be deleted: {self._troubles[0]}"
            )


class Pruner:
    """Deletes old files once an hour, and when pictures have grown, beside the work."""

    def __init__(self, settings: FolderSettings, every: float = _EVERY) -> None:
        """Prepare; without a limit in the settings there is nothing to do."""
        self._settings = settings
        self._every = every
        self._stop = False
        self._wake = threading.Event()
        self._grown = 0  # bytes since the last look
        # A look for each twentieth of what may be kept: the rest is room enough.
        self._much = ((settings.pictures_mb or 0) << 20) // 20
        # A daemon: a disk that hangs must not outlive the grace period.
        self._thread = threading.Thread(
            target=self._prune_all, name="pruner", daemon=True
        )

    def start(self) -> None:
        """Begin; the first time is now."""
        if self._settings.picture_days or self._settings.pictures_mb:
            self._thread.start()

    def grown(self, files: int, size: int) -> None:
        """So many files of so many bytes in all have been written; returns at once."""
        self._grown += size + files * _BLOCK
        if self._much and self._grown > self._much:
            self._wake.set()

    def stop(self) -> None:
        """Prune no more; does not wait."""
        self._stop = True
        self._wake.set()

    def _prune_all(self) -> None:
        while not self._stop:
            self._wake.clear()
            self._grown = 0
            try:
                deleted = prune_files(self._settings, datetime.now(UTC))
                if deleted.pictures or deleted.refused:
                    log.info("%s, deleted: %s", self._limits(), deleted)
            except (OperatorError, OSError) as error:
                log.warning("cannot delete what is old: %s", error)
            self._wake.wait(self._every)

    def _limits(self) -> str:
        days, size = self._settings.picture_days, self._settings.pictures_mb
        told = [f"older than {days} days"] if days else []
        return " or ".join(told + ([f"beyond {size} MB"] if size else []))
