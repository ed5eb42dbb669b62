"""`view`: whether a camera stands where its pictures can be judged.

Looks at picture files, or at the next ones that a camera sends, by the worker's own
rules, and changes nothing: not at the broker, not in the database.
"""

import argparse
import queue
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common import cli, options
from common.broker_answers import Callbacks, Delivery
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.mqtt import RETAINED_NEVER, Connection
from common.options import section
from common.picture_topics import PictureTopics
from posture.errors import RefusedError
from posture.models import find_bundle
from posture.settings import ModelSettings
from posture.vision.advice import Seen, advise, remedy, short
from posture.vision.analyze import Analysis, Find, Rules, analyze
from posture.vision.camera_settings import CameraSettings
from posture.vision.verdict import Verdict
from posture.worker.finder import finder
from posture.worker.native_log import take_over_stderr

_WANTED = 5  # pictures of a camera
_PATIENCE = 60.0  # seconds for each of them
_KEPT = Path("view")  # folder for what was found, drawn on the pictures


@dataclass(frozen=True)
class ViewSettings(ModelSettings):
    """How to look at pictures."""

    cameras: CameraSettings = section(CameraSettings)


@dataclass(frozen=True)
class CameraViewSettings(ViewSettings):
    """How to get and look at a camera's pictures."""

    broker: BrokerSettings = section(BrokerSettings)
    topics: PictureTopics = section(PictureTopics)


def check_view(arguments: argparse.Namespace) -> int:
    """Look, and print what would be judged; 0 if most of it would be, else 1.

    Raises:
        SettingsError: a setting is missing or wrong.
        OperatorError: a file cannot be read, or no picture comes.
    """
    pi, files = arguments.pi, [Path(each) for each in arguments.pictures]
    if not pi and not files:
        raise options.SettingsError(["view: name picture files, or a camera with --pi"])
    wanted = ViewSettings if files else CameraViewSettings
    settings = cli.read(wanted, arguments)
    take_over_stderr()
    rules = Rules(limit=64 << 20, cameras=settings.cameras)
    pictures = _of_files(files) if files else _of_camera(settings, pi)
    with finder(find_bundle(settings.models_folder, settings.model)) as find:
        return _report(pictures, find, rules, pi)


def _report(
    pictures: Iterator[tuple[str, bytes]], find: Find, rules: Rules, pi: str
) -> int:
    seen = []
    print(f"{'picture':28} {'verdict':24} {'seen from':12} what to do")  # noqa: T201
    for name, payload in pictures:
        try:
            analysis = analyze(payload, find, rules, pi)
        except RefusedError as refusal:
            print(f"{name[:28]:28} refused: {refusal}")  # noqa: T201
            seen.append(Seen("refused"))
            continue
        verdict = analysis.verdict
        seen.append(Seen(verdict.reason, verdict.yaw, verdict.rotate))
        print(_line(name, pi, verdict))  # noqa: T201
        _keep(name, analysis)
    judged = sum(each.reason is None for each in seen)
    print(f"judged: {judged} of {len(seen)}; what was found is drawn in {_KEPT}/")  # noqa: T201
    if advice := advise(pi, seen):
        print(f"most would not be judged: {advice}")  # noqa: T201
    return 0 if 2 * judged > len(seen) else 1


def _line(name: str, pi: str, verdict: Verdict) -> str:
    angles = f"{verdict.status} {verdict.neck}°/{verdict.body}°"
    told = angles if verdict.measured else short(verdict.reason)
    degrees = "" if verdict.yaw is None else f"{verdict.yaw}°"
    view = f"{verdict.view or '-'} {degrees}".strip()
    reason = verdict.reason
    todo = remedy(pi, reason, verdict.yaw, verdict.rotate) if reason else ""
    return f"{name[:28]:28} {told:24} {view:12} {todo or '-'}"


def _keep(name: str, analysis: Analysis) -> None:
    try:
        _KEPT.mkdir(exist_ok=True)
        (_KEPT / f"{Path(name).stem}.jpg").write_bytes(analysis.picture)
    except OSError as error:
        raise OperatorError(f"cannot write into {_KEPT}: {error.strerror}") from error


def _of_files(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        try:
            yield file.name, file.read_bytes()
        except OSError as error:
            raise OperatorError(f"cannot read {file}: {error.strerror}") from error


def _of_camera(settings: ViewSettings, pi: str) -> Iterator[tuple[str, bytes]]:
    """The next pictures of a camera, over a connection that leaves nothing behind."""
    assert isinstance(settings, CameraViewSettings)  # noqa: S101 - for mypy
    arrived: queue.Queue[bytes | str] = queue.Queue(_WANTED)
    broker = settings.broker
    at = f"broker {broker.host}:{broker.port}"

    def take(delivery: Delivery) -> None:
        if settings.topics.camera(delivery.topic) == pi and not arrived.full():
            arrived.put(delivery.payload)

    def trouble(what: object) -> None:
        if not arrived.full():
            arrived.put(f"{at}: {what}")

    connection = Connection(
        broker,
        f"posture-view-{secrets.token_hex(6)}",
        Callbacks(
            connected=lambda _: connection.subscribe(
                settings.topics.topic, qos=0, retained=RETAINED_NEVER
            ),
            refused=trouble,
            unreachable=lambda error: trouble(f"cannot be reached: {error}"),
            message=take,
        ),
    )
    connection.start()
    try:
        for number in range(1, _WANTED + 1):
            yield f"{pi} {number}", _next(arrived, pi, at)
    finally:
        connection.stop()


def _next(arrived: "queue.Queue[bytes | str]", pi: str, at: str) -> bytes:
    try:
        came = arrived.get(timeout=_PATIENCE)
    except queue.Empty:
        raise OperatorError(
            f"no picture of {pi} came from {at} in {_PATIENCE:.0f} s: does a camera of "
            "this name publish to MQTT_TOPIC?"
        ) from None
    if isinstance(came, str):
        raise OperatorError(came)
    return came
