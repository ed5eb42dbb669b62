"""The camera's connection to the broker: pictures and state out, pauses in."""

import base64
import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from capture.outbox import Outbox
from capture.settings import CameraSettings
from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.broker_limits import too_large
from common.losses import Losses
from common.mqtt import RETAINED_ALWAYS, Connection, Sent
from common.takes import Takes

log = logging.getLogger(__name__)

SCHEMA = 1
"""Version of the state that is published; a change that breaks readers makes it 2."""

_WINDOW = 8  # messages on their way at a time
_LOSSES_OVER_ONE = 5  # connections lost in a row without anything taken
_LARGE = 200_000  # bytes that a broker may find too many
_FAREWELL = 3.0  # seconds that a stop waits for what is on its way


class Link:
    """Sends what is in an outbox whenever the broker can be reached, for good."""

    def __init__(
        self, settings: CameraSettings, outbox: Outbox, paused: Callable[[str], None]
    ) -> None:
        """Prepare; `paused` hears each text that somebody publishes as a pause.

        Raises:
            OperatorError: the certificate files cannot be used.
        """
        self._settings = settings
        self._at = f"broker {settings.broker.host}:{settings.broker.port}"
        self._own = f"{settings.prefix}/{settings.pi}"
        self._outbox = outbox
        self._paused = paused
        self._changed = threading.Condition()
        self._granted: Granted | None = None  # None: not connected
        self._on_the_way = 0
        self._in_vain = 0  # connections since the broker took a picture
        self._taken = 0  # of them on this one, less what is told beside
        self._takes = Takes()
        self._trouble = ""
        self._losses = Losses()
        self._state = self._document("online", "")
        callbacks = Callbacks(
            connected=self._connected,
            refused=lambda reason: self._away(f"refuses the connection: {reason}"),
            unreachable=lambda error: self._away(f"cannot be reached: {error}"),
            lost=self._lost,
            message=self._heard,
            published=self._published,
        )
        # One name for one place, so that a second camera of that name is noticed.
        name = f"camera-{settings.pi}"
        self._connection = Connection(
            settings.broker, name, callbacks, takes=self._takes
        )
        gone = self._document("offline", "the connection was lost")
        self._connection.will(f"{self._own}/camera", gone)
        self._connection.delays(1, 30)
        self._thread = threading.Thread(target=self._send, name="link", daemon=True)

    def start(self) -> None:
        """Connect, now or as soon as the broker is there."""
        self._connection.start()
        self._thread.start()

    def stop(self) -> int:
        """Say farewell; gives how many pictures the broker has not taken."""
        with self._changed:
            self._changed.wait_for(self._nothing_left, _FAREWELL)
            left = len(self._outbox) + self._on_the_way
        self._outbox.close()
        if self._granted:
            gone = self._document("offline", "the camera was stopped")
            self._publish("camera", gone).wait_for_publish(_FAREWELL)
        self._connection.stop()
        return left

    def tell(self, state: str, reason: str) -> None:
        """Publish what the camera does now; kept for when the broker is back."""
        self._state = self._document(state, reason)
        if self._granted:
            self._publish("camera", self._state)

    def keep_pause(self, text: str) -> None:
        """Have the broker retain a pause, for whoever connects later."""
        self._publish("pause", text.encode())

    def _nothing_left(self) -> bool:
        return not self._granted or not (len(self._outbox) or self._on_the_way)

    def _document(self, state: str, reason: str) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        document = {"schema": SCHEMA, "pi": self._settings.pi, "state": state}
        return json.dumps(document | {"reason": reason, "since": now}).encode()

    def _publish(self, what: str, payload: bytes) -> Sent:
        with self._changed:
            self._taken -= 1
            self._on_the_way += 1
        topic = f"{self._own}/{what}"
        return self._connection.publish(topic, payload, retain=True)

    def _send(self) -> None:
        while picture := self._outbox.take():
            payload = base64.b64encode(picture.file)
            with self._changed:
                self._changed.wait_for(self._has_room)
                if not self._takes.fits(picture.topic, payload):
                    self._drop(len(payload), self._takes.largest)
                    continue
                self._on_the_way += 1
            self._connection.publish(picture.topic, payload)

    def _has_room(self) -> bool:
        if self._granted is None:
            return False
        return self._on_the_way < min(_WINDOW, self._granted.receive_maximum)

    def _drop(self, size: int, limit: int | None) -> None:
        log.error("a picture is not sent: %s %s", self._at, too_large(size, limit))

    # In the network thread

    def _connected(self, granted: Granted) -> None:
        if self._in_vain >= _LOSSES_OVER_ONE:
            self._give_up_largest()
        waiting = len(self._outbox)
        log.info("%s takes pictures; %d have waited", self._at, waiting)
        if granted.maximum_qos < 1:
            log.error("%s takes no QoS 1: pictures may be lost", self._at)
        with self._changed:
            self._granted, self._trouble, self._taken = granted, "", 0
            self._losses.connected()
            self._changed.notify_all()
        self._connection.subscribe(f"{self._own}/pause", retained=RETAINED_ALWAYS)
        self._publish("camera", self._state)

    def _away(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.error("%s %s; pictures wait in memory", self._at, trouble)
        self._trouble = trouble

    def _lost(self, reason: Reason) -> None:
        was, self._granted = self._granted, None
        self._in_vain += was is not None and self._on_the_way > 0
        if self._losses.contested(reason):
            log.error(
                "the connection is lost again and again (%s): is another camera called "
                "%s? Give each place a name of its own (CAMERA_NAME, --pi). Or are its "
                "pictures too large for the broker?",
                *(reason, self._settings.pi),
            )
        elif was and reason.code:
            log.error("%s: the connection is lost: %s", self._at, reason)

    def _give_up_largest(self) -> None:
        # A broker of MQTT 3.1.1 ends the connection of who sends it too much; the same
        # picture would end the next one, and nothing else would ever come through.
        self._in_vain, least = 0, _LARGE
        while size := self._connection.give_up_largest(least):
            if least == _LARGE:
                least = size
                self._takes.suspect(size)
            self._drop(size, None)
            with self._changed:
                self._on_the_way -= 1
                self._changed.notify_all()

    def _heard(self, delivery: Delivery) -> None:
        self._paused(delivery.payload.decode(errors="replace"))

    def _published(self, reason: Reason) -> None:
        if reason.failure:
            log.error(
                "%s refuses what this camera publishes: %s; may its user write "
                "%s and %s/#?",
                *(self._at, reason, self._settings.topic, self._own),
            )
        with self._changed:
            self._taken += 1
            if self._taken > 0:
                self._in_vain = 0
            self._on_the_way -= 1
            self._changed.notify_all()
