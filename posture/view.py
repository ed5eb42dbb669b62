"""`view`: whether a camera stands where its pictures can be judged.

Looks at picture files, or at the next ones that a camera sends, by the worker's own
rules, and changes nothing: not at the broker, not in the database.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from common import cli, options
from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.options import SettingsError, section
from posture.errors import RefusedError
from posture.given_pictures import Pictures, SendingSettings, of_camera, of_files
from posture.models import find_bundle
from posture.settings import ModelSettings
from posture.store.baselines import baseline_of_camera
from posture.store.posture_log import PostureLog
from posture.vision.advice import Seen, advise, remedy, short
from posture.vision.analyze import Analysis, Rules, analyze
from posture.vision.baseline import Baseline
from posture.vision.camera_settings import CameraSettings
from posture.vision.verdict import Verdict
from posture.worker.finder import finder
from posture.worker.native_log import take_over_stderr

_WANTED = 5  # pictures of a camera
_LARGEST = 64 << 20  # bytes of a picture
_KEPT = Path("view")  # folder for what was found, drawn on the pictures


@dataclass(frozen=True)
class ViewSettings(ModelSettings):
    """How to look at pictures."""

    cameras: CameraSettings = section(CameraSettings)


@dataclass(frozen=True)
class CameraViewSettings(ViewSettings, SendingSettings):
    """How to get and look at a camera's pictures."""


def check_view(arguments: argparse.Namespace) -> int:
    """Look, and print what would be judged; 0 if most of it would be, else 1.

    Raises:
        SettingsError: a setting is missing or wrong.
        OperatorError: a file cannot be read, or no picture comes.
    """
    pi, files = arguments.pi, [Path(each) for each in arguments.pictures]
    if not pi and not files:
        raise SettingsError(["view: name picture files, or a camera with --pi"])
    wanted = ViewSettings if files else CameraViewSettings
    settings = cli.read(wanted, arguments)
    take_over_stderr()
    baseline = _baseline(arguments, pi) if pi else None
    pictures = pictures_of(settings, pi, files, _WANTED)
    drawings = _Drawings()
    seen = look(settings, pictures, pi, baseline, drawings.keep)
    judged = sum(each.reason is None for each in seen)
    print(f"judged: {judged} of {len(seen)}; {drawings}")  # noqa: T201
    if advice := advise(pi, seen):
        print(f"most would not be judged: {advice}")  # noqa: T201
    return 0 if 2 * judged > len(seen) else 1


@dataclass(frozen=True)
class Looked(Seen):
    """What one picture of a camera gave, with the angles in degrees."""

    neck: int | None = None
    body: int | None = None


def pictures_of(
    settings: ViewSettings, pi: str, files: Sequence[Path], count: int
) -> Pictures:
    """The pictures of files and folders, or so many that the camera sends next."""
    if files:
        return of_files(files)
    assert isinstance(settings, CameraViewSettings)  # noqa: S101 - for mypy
    return of_camera(settings, pi, count)


def look(
    settings: ViewSettings,
    pictures: Pictures,
    pi: str,
    baseline: Baseline | None = None,
    keep: Callable[[str, Analysis], None] = lambda _name, _analysis: None,
) -> list[Looked]:
    """Look at pictures as a worker would, and print a line for each.

    `keep` gets each picture's name and what was found.

    Raises:
        OperatorError: no model, or no picture.
    """
    rules = Rules(limit=_LARGEST, cameras=settings.cameras.for_model(settings.model))
    seen = []
    print(f"{'picture':28} {'verdict':24} {'seen from':12} what to do")  # noqa: T201
    model = find_bundle(settings.models_folder, settings.model)
    with finder(model, settings.cameras.people) as find:
        for name, payload in pictures:
            try:
                analysis = analyze(payload, find, rules, pi, baseline)
            except RefusedError as refusal:
                print(f"{name[:28]:28} refused: {refusal}")  # noqa: T201
                seen.append(Looked("refused"))
                continue
            found = analysis.verdict
            seen.append(
                Looked(found.reason, found.yaw, found.rotate, found.neck, found.body)
            )
            print(_line(name, pi, found))  # noqa: T201
            keep(name, analysis)
    return seen


def _baseline(arguments: argparse.Namespace, pi: str) -> Baseline | None:
    """The camera's baseline, where a database is set and says it; told to the user."""
    if not options.given(DatabaseSettings, arguments, os.environ):
        return None
    try:
        table = PostureLog(cli.read(DatabaseSettings, arguments))
        with closing(table):
            known = baseline_of_camera(table.ask, pi)
    except (OperatorError, SettingsError) as error:
        cli.print_error(f"no baseline is known, the usual limits count: {error}")
        return None
    if known is None:
        return None
    neck, body = known.baseline.limits
    print(  # noqa: T201
        f"{pi} is calibrated ({known.time:%Y-%m-%d}): Good below a neck of {neck} and "
        f"a body of {body} degrees"
    )
    return known.baseline


def _line(name: str, pi: str, verdict: Verdict) -> str:
    angles = f"{verdict.status} {verdict.neck}°/{verdict.body}°"
    told = angles if verdict.measured else short(verdict.reason)
    degrees = "" if verdict.yaw is None else f"{verdict.yaw}°"
    view = f"{verdict.view or '-'} {degrees}".strip()
    reason = verdict.reason
    todo = remedy(pi, reason, verdict.yaw, verdict.rotate) if reason else ""
    return f"{name[:28]:28} {told:24} {view:12} {todo or '-'}"


class _Drawings:
    """What was found, drawn on the pictures, where that can be written."""

    def __init__(self) -> None:
        self._trouble = ""

    def keep(self, name: str, analysis: Analysis) -> None:
        try:
            _KEPT.mkdir(exist_ok=True)
            (_KEPT / f"{Path(name).stem}.jpg").write_bytes(analysis.picture)
        except OSError as error:  # as in a container
            self._trouble = error.strerror or str(error)

    def __str__(self) -> str:
        if self._trouble:
            return f"nothing is drawn, for {_KEPT}/ cannot be written: {self._trouble}"
        return f"what was found is drawn in {_KEPT}/"
