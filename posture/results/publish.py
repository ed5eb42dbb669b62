"""Publishes the newest result of each camera, over a connection of its own.

The recorder leaves rows here and goes on; what the broker does, or does not, delays
nothing. One thread of its own tells the broker, a few times a second, with a new client
for each connection, so that nothing of a lost one is ever sent again.
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.broker_settings import BrokerSettings
from common.mqtt import RETAINED_ALWAYS, Connection
from common.picture_topics import safe_name
from common.publisher import Publisher
from common.takes import Takes
from posture.results import home_assistant
from posture.results.newest import CAMERAS, Newest
from posture.results.payload import (
    availability_topic,
    camera_of,
    document,
    lost_session,
    picture_topic,
    session_topic,
    status_topic,
    today_topic,
    understood,
)
from posture.results.settings import ResultSettings
from posture.results.shown import Shown
from posture.store.row import Row

log = logging.getLogger(__name__)

_TICK = 0.2  # seconds between two looks at what is new
_ANSWER = 15.0  # seconds for the broker to take us
_DELAYS = (1.0, 30.0)  # seconds between attempts, first and longest
_LASTING = 30.0  # seconds; a connection that lasted longer was a good one
_ONLINE, _OFFLINE = b"online", b"offline"


def forget_results(broker: BrokerSettings, settings: ResultSettings, pi: str) -> int:
    """Take away what the broker keeps about a camera; gives the number of topics.

    Home Assistant forgets the camera too if `settings.discovery` is set. Workers that
    run forget it when they hear of it; a picture that comes later is published again.

    Raises:
        OperatorError: the broker is away or refuses; says why.
    """
    # The descriptions first: Home Assistant cannot read a document that is empty.
    topics = [
        *home_assistant.topics(settings, pi),
        status_topic(settings.prefix, pi),
        today_topic(settings.prefix, pi),
    ]
    with Publisher(broker) as publisher:
        for topic in topics:
            publisher.send(topic, b"", retain=True)
        publisher.finish()
    return len(topics)


class Results:
    """Takes rows at any time, and tells the broker when it can."""

    def __init__(
        self,
        broker: BrokerSettings,
        settings: ResultSettings,
        session_id: str,
        pictures: Path | None = None,
    ) -> None:
        """Prepare; nothing is connected yet. `pictures` has the annotated ones."""
        self._broker = broker
        self._settings = settings
        self._client_id = f"{session_id}-results"
        worker = safe_name(session_id, f"workers/{session_id}")
        self._availability = availability_topic(settings.prefix, worker)
        self._session = session_topic(settings.prefix, worker)
        self._lost = b""  # what there is to say of lost sessions
        self._lost_count = 0
        self._lost_told = False
        self._birth = home_assistant.birth_topic(settings)
        self._takes = Takes()  # what is known of the broker
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}  # by camera, the one silent for longest first
        # The rest is the thread's own.
        self._shown = Shown(pictures if settings.pictures else None)
        self._newest = Newest()
        self._described: set[str] = set()
        self._wildcards = True  # else each camera is heard by its own topic
        self._heard: set[str] = set()
        self._welcome = False  # what we say comes back, so what was retained came too
        self._next = 0.0
        self._working = threading.Event()
        self._stop = threading.Event()
        self._until = float("inf")
        # A daemon: a name server that hangs must not outlive the grace period.
        self._thread = threading.Thread(target=self._run, name="results", daemon=True)

    def start(self, working: threading.Event) -> None:
        """Begin to publish, whenever `working` is set.

        That is while pictures come: who looks for the worker's connection to the broker
        (`posture/health.sh`) must not find this one instead.
        """
        self._working = working
        self._thread.start()

    def offer(self, rows: Sequence[Row]) -> None:
        """Take rows that are new in the table; returns at once."""
        with self._lock:
            for row in rows:
                known = self._rows.pop(row.pi_id, row)
                newer = row.received_time >= known.received_time
                self._rows[row.pi_id] = row if newer else known
            while len(self._rows) > CAMERAS:
                del self._rows[next(iter(self._rows))]

    def session_lost(self) -> None:
        """Tell that the broker has lost the worker's session; returns at once."""
        with self._lock:
            self._lost_count += 1
            self._lost = lost_session(self._lost_count, datetime.now(UTC))
            self._lost_told = False

    def finish(self, timeout: float) -> None:
        """Tell what there is to tell if the broker listens, and end."""
        self._until = time.monotonic() + timeout
        self._stop.set()
        self._thread.join(timeout + _TICK)

    def _run(self) -> None:
        delay, longest = _DELAYS
        while not self._stop.is_set():
            if not self._working.wait(_TICK):
                continue
            begun, asked = time.monotonic(), self._takes.asked
            try:
                trouble = self._serve()
            except Exception as error:  # noqa: BLE001 - the next connection begins anew
                trouble = f"{type(error).__name__}: {error}"
            if not trouble or self._stop.is_set():
                continue
            if self._takes.asked != asked:
                continue  # it has just said that it takes less
            if time.monotonic() - begun > _LASTING:
                delay = _DELAYS[0]
            at = f"{self._broker.host}:{self._broker.port}"
            log.warning(
                "results are not published, broker %s: %s; trying again", at, trouble
            )
            self._stop.wait(delay * random.uniform(0.5, 1))  # noqa: S311 - no secret
            delay = min(longest, delay * 2)

    def _serve(self) -> str:
        """One connection, from its begin to its end; says what was wrong, if anything.

        Raises:
            OSError: the broker cannot be reached, or refuses us.
        """
        self._welcome = self._lost_told = False
        self._described.clear()
        self._heard.clear()
        self._newest.restart()
        line = self._connect()
        try:
            return self._talk(line)
        finally:
            line.drop()  # so the broker says that we are gone

    def _talk(self, line: Connection) -> str:
        until = time.monotonic() + _ANSWER
        while not (trouble := line.turn(_TICK)):
            if self._welcome:
                self._tell(line)
            elif time.monotonic() > until:
                return (
                    f"what is published in {self._settings.prefix}/# does not come "
                    "back; allow this user to read and write it"
                )
            if self._ending():
                self._leave(line)
                return ""
        return trouble

    def _ending(self) -> bool:
        if not self._stop.is_set():
            return not self._working.is_set()
        told = self._welcome and self._newest.all_told()
        return told or time.monotonic() > self._until

    def _leave(self, line: Connection) -> None:
        """Say so, and read all answers, for what is unread when a line ends ends it."""
        until = max(self._until, time.monotonic() + _TICK)
        said = line.publish(self._availability, _OFFLINE, retain=True)
        while self._welcome or not said.is_published():
            if line.turn(_TICK) or time.monotonic() > until:
                break
        line.disconnect()

    def _connect(self) -> Connection:
        line = Connection(
            self._broker,
            self._client_id,
            Callbacks(
                connected=lambda granted: self._ask(line, granted),
                refused=_give_up,
                message=lambda delivery: self._arrived(line, delivery),
            ),
            takes=self._takes,
        )
        line.will(self._availability, _OFFLINE)
        line.open()
        return line

    def _ask(self, line: Connection, granted: Granted) -> None:
        self._wildcards = granted.wildcards
        every = status_topic(self._settings.prefix, "+") if granted.wildcards else None
        self._subscribe(line, every, self._availability, self._birth)
        # What is retained comes before this does.
        line.publish(self._availability, _ONLINE, retain=True)

    def _subscribe(self, line: Connection, *topics: str | None) -> None:
        # What does not come back at QoS 0 is sent again, so that is enough.
        line.subscribe(*filter(None, topics), qos=0, retained=RETAINED_ALWAYS)

    def _arrived(self, line: Connection, delivery: Delivery) -> None:
        topic, payload = delivery.topic, delivery.payload
        if topic == self._availability:
            self._welcome = payload == _ONLINE
        elif topic == self._birth:
            if payload == _ONLINE:
                self._tell_home_assistant(line)
        elif topic.startswith(f"{self._settings.prefix}/"):
            self._hear(camera_of(self._settings.prefix, topic), payload)

    def _tell_home_assistant(self, line: Connection) -> None:
        for pi in self._described:
            self._describe(line, pi)
        if not self._takes.retained:
            self._newest.tell_again()

    def _hear(self, pi: str, payload: bytes) -> None:
        if not payload:
            self._newest.forget(pi)
            self._described.discard(pi)
        elif heard := understood(payload):
            self._newest.heard(pi, heard, datetime.now(UTC))

    def _tell(self, line: Connection) -> None:
        now = time.monotonic()
        if now < self._next and not self._stop.is_set():
            return
        self._next = now + _TICK
        self._take()
        if self._lost and not self._lost_told:
            self._lost_told = True
            line.publish(self._session, self._lost, retain=True)
        for pi, newest in self._newest.due(now):
            if self._settings.discovery and pi not in self._described:
                self._described.add(pi)
                self._describe(line, pi)
            topic = status_topic(self._settings.prefix, pi)
            if not self._wildcards and topic not in self._heard:
                self._heard.add(topic)
                self._subscribe(line, topic)
            line.publish(topic, newest.payload, retain=True)
            self._show(line, pi, newest.filename)

    def _show(self, line: Connection, pi: str, filename: str) -> None:
        topic = picture_topic(self._settings.prefix, pi)
        file = self._shown.file_of(pi, filename)
        if file and self._takes.fits(topic, file):
            line.publish(topic, file, qos=0)  # retained it would outlive its file

    def _take(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, {}
        now = datetime.now(UTC)
        for pi, row in rows.items():
            self._shown.note(pi, row.filename)
            self._newest.offer(pi, document(row), now)

    def _describe(self, line: Connection, pi: str) -> None:
        retained = self._takes.retained
        found = home_assistant.descriptions(self._settings, pi, retained=retained)
        for topic, payload in found:
            line.publish(topic, payload, retain=True)


def _give_up(reason: Reason) -> None:
    raise ConnectionRefusedError(f"refused the connection: {reason}")
