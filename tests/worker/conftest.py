"""Payloads and looks at results that the tests of the worker share."""

import base64
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import IMAGES
from tests.fixtures.net import wait_until
from tests.fixtures.postgres import Postgres


def payload(name: str) -> bytes:
    """A sample picture as a camera sends it."""
    return base64.b64encode((IMAGES / f"{name}.jpg").read_bytes())


GOOD = "good_1280_000"
WORKING = threading.Event()  # a worker whose subscription stands
WORKING.set()
ALL = sorted(path.stem for path in IMAGES.glob("*.jpg"))


@pytest.fixture
def wait_for_rows() -> Callable[..., list[dict[str, object]]]:
    """Wait until the table has so many rows; gives them."""

    def wait(
        database: Postgres, count: int, timeout: float = 60
    ) -> list[dict[str, object]]:
        wait_until(
            lambda: len(database.rows()) >= count, f"{count} rows", timeout, step=0.05
        )
        return database.rows()

    return wait


def files_in(folder: Path) -> set[str]:
    """Names of the annotated pictures."""
    return {path.name for path in folder.glob("analyzed_images_from_*/*")}


def assert_each_once(database: Postgres, pictures: Path, count: int) -> None:
    """Exactly `count` rows, each with its own file, and no other file."""
    names = [str(row["filename"]) for row in database.rows()]
    assert len(names) == count
    assert len(set(names)) == count
    assert files_in(pictures) == set(names)
