"""The pictures that a command looks at: files, or the next ones that a camera sends."""

import queue
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.broker_answers import Callbacks, Delivery
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.mqtt import RETAINED_NEVER, Connection
from common.options import section
from common.picture_topics import PictureTopics

Pictures = Iterator[tuple[str, bytes]]
"""Names and payloads."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""By which the pictures in a folder are known."""

_PATIENCE = 60.0  # seconds for each picture of a camera


@dataclass(frozen=True)
class SendingSettings:
    """Where a camera sends its pictures."""

    broker: BrokerSettings = section(BrokerSettings)
    topics: PictureTopics = section(PictureTopics)


def of_files(given: Sequence[Path]) -> Pictures:
    """Files, and the pictures directly in folders.

    Raises:
        OperatorError: one cannot be read, or a folder has none.
    """
    for path in given:
        for file in _in_folder(path) if path.is_dir() else [path]:
            try:
                yield file.name, file.read_bytes()
            except OSError as error:
                raise OperatorError(f"cannot read {file}: {error.strerror}") from error


def _in_folder(folder: Path) -> list[Path]:
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise OperatorError(f"{folder}: no picture file there (such as .jpg)")
    return found


def of_camera(settings: SendingSettings, pi: str, count: int) -> Pictures:
    """The next pictures of a camera, over a connection that leaves nothing behind.

    Raises:
        OperatorError: the broker is away, or no picture comes.
    """
    arrived: queue.Queue[bytes | str] = queue.Queue(count)
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
        for number in range(1, count + 1):
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
