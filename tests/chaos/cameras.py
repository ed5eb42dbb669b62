"""Cameras that know which of their pictures the broker has acknowledged.

A connection that ends takes its unanswered pictures along: nothing is sent again, for
a picture sent twice may rightly be recorded twice.
"""

import base64
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from posture.mqtt.shards import Slot
from tests.fixtures.net import accepts, wait_until

_NOBODY = 0x10  # "no matching subscribers": accepted and dropped
_TWINS = 10  # one picture in so many is sent twice, to the last byte the same


def numbered(jpeg: bytes, number: int) -> bytes:
    """The same picture as another file: with a comment that holds the number."""
    words = b"%012d" % number
    size = (len(words) + 2).to_bytes(2, "big")
    return jpeg[:2] + b"\xff\xfe" + size + words + jpeg[2:]


class Cameras:
    """Publishes `rate` pictures a second, each on a topic of its own."""

    def __init__(
        self,
        port: int,
        pictures: list[bytes],
        rate: float,
        workers: int,
        *,
        version: int = mqtt.MQTTv5,
        window: int = 100,
        twins: bool = True,
    ) -> None:
        """Prepare; with `twins` some pictures are sent twice."""
        self._port = port
        self._version = version
        self._window = window
        self._twins = twins
        self._pictures = pictures
        self._rate = rate
        self._workers = workers
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._sent: dict[tuple[int, int], str] = {}  # (connection, mid): topic
        self._early: dict[tuple[int, int], int] = {}  # answers before the note
        self._connection = 0
        self.acknowledged: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()  # the broker may have them or not
        self.dropped: Counter[str] = Counter()
        self._working = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)

    def start(self) -> None:
        self._working.set()
        self._thread.start()

    def pause(self) -> None:
        """Publish nothing until `resume`; what is under way is waited for."""
        self._working.clear()
        wait_until(lambda: not self._sent, "all pictures are answered", 60)

    def resume(self) -> None:
        self._working.set()

    def stop(self) -> None:
        self._ended.set()
        self._working.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._ended.is_set():
            if accepts(self._port):
                # A connection that fails is simply followed by the next one.
                with suppress(OSError, AssertionError), self._connected() as client:
                    self._publish_while_connected(client)
            time.sleep(0.1)

    def _publish_while_connected(self, client: mqtt.Client) -> None:
        due = time.monotonic()
        while client.is_connected() and not self._ended.is_set():
            if not self._working.wait(0.05):
                due = time.monotonic()
                continue
            for topic, payload in self._next():
                self._send(client, topic, payload)
            due += 1 / self._rate
            time.sleep(max(0.0, due - time.monotonic()))
        if self._ended.is_set():
            wait_until(lambda: not self._sent or not client.is_connected(), "answers")

    def _next(self) -> Iterator[tuple[str, bytes]]:
        number = next(self._numbers)
        jpeg = self._pictures[number % len(self._pictures)]
        message = (f"images/c{number:06d}", base64.b64encode(numbered(jpeg, number)))
        twice = self._twins and number % _TWINS == 0
        return itertools.repeat(message, 2 if twice else 1)

    def burst(self, count: int, names: str = "", number: int | None = None) -> set[str]:
        """Publish so many pictures as fast as the broker takes them; gives the topics.

        Pictures with the same `names` and `number` are the same to the last byte. They
        are the workers' in turn, so that those of two bursts have the same numbers at
        the same worker. All are acknowledged, or it fails.
        """
        numbers = itertools.count(
            next(self._numbers) * 10_000 if number is None else number
        )
        topics = set()
        with self._connected() as client:
            for offset in range(count):
                slot = Slot(offset % self._workers, self._workers)
                topic, payload = next(
                    made
                    for made in map(partial(self._made, names, offset), numbers)
                    if slot.owns(*made)
                )
                self._send(client, topic, payload)
                topics.add(topic)
            mine = self._connection_of(client)
            wait_until(
                lambda: not any(key[0] == mine for key in [*self._sent]),
                "the burst is acknowledged",
                120,
            )
        return topics

    def _made(self, names: str, offset: int, number: int) -> tuple[str, bytes]:
        jpeg = self._pictures[offset % len(self._pictures)]
        return f"images/b{names}-{number}", base64.b64encode(numbered(jpeg, number))

    # One connection

    def _connected(self) -> "_Connection":
        with self._lock:
            self._connection += 1
            return _Connection(
                self, self._port, self._connection, self._version, self._window
            )

    def _connection_of(self, client: mqtt.Client) -> int:
        return client.user_data_get()

    def _send(self, client: mqtt.Client, topic: str, payload: bytes) -> None:
        # Not under the lock: paho holds one of its own here and when it calls back.
        sent = client.publish(topic, payload, qos=1)
        key = self._connection_of(client), sent.mid
        with self._lock:
            self._sent[key] = topic
            early = self._early.pop(key, None)
        if early is not None:
            self.answered(*key, early)

    def answered(self, connection: int, mid: int, reason: int) -> None:
        with self._lock:
            topic = self._sent.pop((connection, mid), None)
            if topic is None:
                self._early[connection, mid] = reason
            elif reason == 0:
                self.acknowledged[topic] += 1
            else:
                # A broker that knows no session keeps nothing, and says so.
                self.dropped[topic] += 1

    def ended(self, connection: int) -> None:
        with self._lock:
            for key in [key for key in self._sent if key[0] == connection]:
                self.unanswered[self._sent.pop(key)] += 1


class _Connection:
    """A client that connects once and is never used again."""

    def __init__(
        self, cameras: Cameras, port: int, number: int, version: int, window: int
    ) -> None:
        self._cameras, self._port, self._number = cameras, port, number
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            protocol=version,
            userdata=number,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(window)

    def __enter__(self) -> mqtt.Client:
        client, number = self._client, self._number
        client.on_publish = lambda _c, _u, mid, reason, _p: self._cameras.answered(
            number, mid, reason.value
        )
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        wait_until(client.is_connected, "a camera is connected")
        return client

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._cameras.ended(self._number)
