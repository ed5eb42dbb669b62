"""Small file systems of the stage's own, which can be filled and copied."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures.disk import NoLoopError, mounted_image
from tests.fixtures.postgres import Postgres

_SIZE = 512 << 20  # bytes


@dataclass(frozen=True)
class Disks:
    """What could be mounted."""

    small: dict[str, Path] = field(default_factory=dict)
    image: Path | None = None
    """The file that the disk of the pictures is made of."""


@contextmanager
def small_disks(folder: Path, pictures: Path, database: Postgres) -> Iterator[Disks]:
    """Small file systems for the pictures and for the table, where one may mount."""
    table = database.folder / "small"
    table.mkdir()
    with ExitStack() as stack:
        if not _mount(stack, table, "48m"):
            yield Disks()
            return
        image: Path | None = folder / "pictures.img"
        try:
            stack.enter_context(mounted_image(image, pictures, size=_SIZE))
        except NoLoopError:  # in most containers
            image = None
            assert _mount(stack, pictures, "512m")
        stack.callback(database.stop, "immediate")  # it has files open there
        shutil.chown(table, "pgserver" if os.geteuid() == 0 else None)
        database.execute(f"CREATE TABLESPACE small LOCATION '{table}'")
        database.execute("ALTER TABLE posture_log SET TABLESPACE small")
        yield Disks({"pictures": pictures, "table": table}, image)


def _mount(stack: ExitStack, folder: Path, size: str) -> bool:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        return False
    stack.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
    return True


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """A file system without a byte to spare."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        block = bytes(1 << 20)
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    os.write(file.fileno(), block[:size])
    try:
        yield
    finally:
        ballast.unlink()
