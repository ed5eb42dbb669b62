"""`calibrate`: have a camera judged by how its own person reads when sitting well.

Looks at pictures as `view` does, and keeps two angles of them in the database, where
every worker and the page find them; no picture.
"""

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from common import cli, options
from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.options import section
from common.picture_topics import is_safe
from posture.store import baselines
from posture.store.baselines import Ask
from posture.store.posture_log import PostureLog
from posture.view import CameraViewSettings, Looked, ViewSettings, look, pictures_of
from posture.vision.advice import advise
from posture.vision.baseline import Baseline, NoBaselineError, baseline_of
from posture.worker.native_log import take_over_stderr

PICTURES = 10
"""That are taken of a camera."""


@dataclass(frozen=True)
class CalibrateSettings(ViewSettings):
    """How to look at pictures, and where the baseline is kept."""

    database: DatabaseSettings = section(DatabaseSettings)


@dataclass(frozen=True)
class CameraCalibrateSettings(CalibrateSettings, CameraViewSettings):
    """How to get a camera's pictures, too."""


def check_calibrate(arguments: argparse.Namespace) -> int:
    """Look, and keep the baseline that the pictures give; or take it away (`off`).

    Raises:
        SettingsError: no camera is named, or a setting is missing or wrong.
        OperatorError: the pictures give none, or it cannot be kept.
    """
    pi, files = arguments.pi, [Path(each) for each in arguments.pictures]
    if not is_safe(pi):
        raise options.SettingsError(
            [f"calibrate: name the camera with --pi, as in its rows, not {pi!r}"]
        )
    # To take a baseline away or to look at files needs no broker.
    ours = CalibrateSettings if files or arguments.off else CameraCalibrateSettings
    settings = cli.read(ours, arguments)
    take_over_stderr()
    with closing(PostureLog(settings.database)) as table:
        baselines.check_may_save(table.ask)
        if arguments.off:
            return _take_away(table.ask, pi)
        return _calibrate(settings, table.ask, pi, files)


def _take_away(ask: Ask, pi: str) -> int:
    had = baselines.delete(ask, pi)
    _say(f"{pi}: {'the usual limits count again' if had else 'was not calibrated'}")
    return 0


def _calibrate(
    settings: CalibrateSettings, ask: Ask, pi: str, files: Sequence[Path]
) -> int:
    before = baselines.baseline_of_camera(ask, pi)
    # By the usual limits, so that what is shown does not depend on the last time.
    seen = look(settings, pictures_of(settings, pi, files, PICTURES), pi)
    found = _baseline(pi, seen)
    baselines.save(ask, pi, found, len(seen))
    neck, body = found.limits
    instead = (
        f", instead of {before.baseline.neck} and {before.baseline.body} degrees of "
        f"{before.time:%Y-%m-%d}"
        if before
        else ""
    )
    _say(
        f"{pi} is calibrated: sitting well the neck reads {found.neck} and the body "
        f"{found.body} degrees{instead}"
    )
    _say(
        f"Good is now below a neck of {neck} and a body of {body} degrees; workers "
        "know within a minute (--off takes it away; PRESET=legacy has none of it)"
    )
    return 0


def _baseline(pi: str, seen: Sequence[Looked]) -> Baseline:
    angles = [
        (each.neck, each.body)
        for each in seen
        if each.neck is not None and each.body is not None
    ]
    try:
        return baseline_of(angles, len(seen))
    except NoBaselineError as error:
        advice = advise(pi, seen)
        more = f"; {advice}" if advice else ""
        raise OperatorError(f"{pi} is not calibrated: {error}{more}") from error


def _say(text: str) -> None:
    print(text)  # noqa: T201 - what was asked for
