import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.errors import OperatorError
from posture.mqtt.subscription import Subscription
from posture.settings import BrokerSettings
from tests.fixtures.certificates import make_certificates
from tests.fixtures.mosquitto import dynamic_security, running_mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.proxy import running_proxy
from tests.fixtures.settings import settings_from

CLIENT = "posture-test"


class Inbox:
    """Collects what a subscription delivers."""

    def __init__(self, environ):
        self.messages, self.ready = [], 0
        self.subscription = Subscription(
            settings_from(BrokerSettings, environ),
            CLIENT,
            "images/#",
            self.messages.append,
            100,
            self._count_ready,
        )

    def _count_ready(self):
        self.ready += 1

    @property
    def payloads(self):
        return [message.payload for message in self.messages]

    def start(self, timeout=20):
        self.subscription.start()
        assert self.subscription.subscribed.wait(timeout)

    def wait_for(self, count, timeout=20):
        wait_until(lambda: len(self.messages) >= count, f"{count} messages", timeout)
        return self.messages

    def acknowledge(self, *numbers):
        return [self.subscription.acknowledge(self.messages[n]) for n in numbers]


@contextmanager
def inbox(environ, *, start=True):
    made = Inbox(environ)
    try:
        if start:
            made.start()
        yield made
    finally:
        made.subscription.stop()


def left_over(broker, sentinel=b"last"):
    """What the broker still delivers to the session, up to a message sent now."""
    broker.publish("images/pi1", sentinel)
    with inbox(broker.environ) as later:
        wait_until(lambda: sentinel in later.payloads, "the last message")
        later.acknowledge(*range(len(later.messages)))
        return later.payloads[: later.payloads.index(sentinel)]


def test_a_message_is_delivered_with_its_topic_and_payload(broker):
    with inbox(broker.environ) as box:
        broker.publish("images/pi1/\U0001f600", b"\0picture")
        (message,) = box.wait_for(1)

    assert (message.topic, message.payload) == ("images/pi1/\U0001f600", b"\0picture")
    assert (message.generation, message.mid, message.qos) == (1, 1, 1)
    assert box.ready == 1


def test_what_is_not_acknowledged_comes_again_and_the_rest_does_not(broker):
    with inbox(broker.environ) as box:
        broker.publish("images/pi1", b"a", b"b", b"c")
        box.wait_for(3)
        assert box.acknowledge(0, 1) == [True, True]

    assert left_over(broker) == [b"c"]


def test_the_session_waits_while_the_worker_is_away(broker):
    with inbox(broker.environ):
        pass

    broker.publish("images/pi1", b"a", b"b")

    assert left_over(broker) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("done", "again"),
    [
        pytest.param([2], [b"a", b"b", b"c"], id="the last one alone"),
        pytest.param([2, 1], [b"a", b"b", b"c"], id="not the first"),
        pytest.param([1, 0], [b"c"], id="the first closes a gap"),
        pytest.param([2, 1, 0], [], id="all, backwards"),
    ],
)
def test_the_broker_hears_of_messages_in_the_order_of_their_delivery(
    broker, done, again
):
    with inbox(broker.environ) as box:
        broker.publish("images/pi1", b"a", b"b", b"c")
        box.wait_for(3)
        assert all(box.acknowledge(*done))

    assert left_over(broker) == again


def lose_session(broker, box):
    """Start the broker anew without its sessions: its numbers begin again."""
    broker.stop()
    (broker.folder / "mosquitto.db").unlink()
    box.subscription.subscribed.clear()
    broker.start()
    assert box.subscription.subscribed.wait(30)


def test_an_acknowledgement_of_an_earlier_connection_confirms_nothing(broker):
    with inbox(broker.environ) as box:
        broker.publish("images/pi1", b"old")
        box.wait_for(1)
        lose_session(broker, box)
        broker.publish("images/pi1", b"new")
        old, new = box.wait_for(2)
        assert (old.mid, old.generation) == (new.mid, new.generation - 1)

        assert box.acknowledge(0) == [False]

    assert left_over(broker) == [b"new"]


def test_a_number_that_was_done_on_an_earlier_connection_is_not_done_on_this(broker):
    with inbox(broker.environ) as box:
        broker.publish("images/pi1", b"a", b"b")
        box.wait_for(2)
        box.acknowledge(1)  # and a is still worked on
        lose_session(broker, box)
        broker.publish("images/pi1", b"c", b"d")
        box.wait_for(4)
        assert box.acknowledge(2) == [True]

    assert left_over(broker) == [b"d"]


def test_nothing_is_acknowledged_once_the_connection_is_ended(broker):
    with inbox(broker.environ) as box:
        broker.publish("images/pi1", b"a")
        box.wait_for(1)
        box.subscription.stop()

        assert box.acknowledge(0) == [False]

    assert left_over(broker) == [b"a"]


def test_a_message_without_a_number_needs_no_acknowledgement(broker):
    with inbox(broker.environ) as box:
        broker.publish("images/pi1", b"zero", qos=0)
        box.wait_for(1)
        assert box.messages[0].qos == 0
        assert box.acknowledge(0) == [True]
        broker.publish("images/pi1", b"one")
        box.wait_for(2)
        assert box.acknowledge(1) == [True]

    assert left_over(broker) == []


def test_a_retained_picture_does_not_come_again_after_a_reconnect(broker):
    broker.publish("images/pi1", b"retained", retain=True)
    with inbox(broker.environ) as box:
        box.wait_for(1)
        box.acknowledge(0)
    with inbox(broker.environ) as again:
        broker.publish("images/pi1", b"new")
        wait_until(lambda: b"new" in again.payloads, "the new message")

    assert again.payloads == [b"new"]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_lost_connection_is_made_again_and_nothing_is_lost(broker, version):
    with running_proxy(broker.port) as proxy:
        environ = {"MQTT_PORT": str(proxy.port), "MQTT_VERSION": version}
        with inbox(broker.environ | environ) as box:
            broker.publish("images/pi1", b"a")
            box.wait_for(1)
            proxy.cut()
            broker.publish("images/pi1", b"b")
            wait_until(lambda: box.payloads.count(b"a") == 2, "a comes again")
            wait_until(lambda: b"b" in box.payloads, "b comes")
            assert {message.generation for message in box.messages} == {1, 2}


def test_two_workers_with_the_same_id_do_not_fight_for_ever(broker, caplog):
    with inbox(broker.environ) as one, inbox(broker.environ) as other:
        wait_until(lambda: "same client id" in caplog.text, "it is said")
        assert "MQTT_CLIENT_ID" in caplog.text
        connections = broker.log.count(f" as {CLIENT} ")
        # Without its step back the loser would be here again after a second or two.
        time.sleep(2.5)
        assert broker.log.count(f" as {CLIENT} ") == connections
        away = [box for box in (one, other) if not box.subscription.subscribed.is_set()]
        assert len(away) == 1
        begun = time.monotonic()
        away[0].subscription.stop()
        assert time.monotonic() - begun < 10  # a stop does not wait for the next try


def test_a_broker_that_is_not_there_is_waited_for(tmp_path, caplog):
    nowhere = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(free_port())}
    with inbox(nowhere, start=False) as box:
        box.subscription.start()
        wait_until(lambda: "cannot reach the broker" in caplog.text, "it is said")
    assert f"127.0.0.1:{nowhere['MQTT_PORT']}: [Errno 111]" in caplog.text


def test_wrong_credentials_are_said(tmp_path, caplog):
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    extra = f"allow_anonymous false\npassword_file {passwords}"
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        wrong = {"MQTT_USER": "worker", "MQTT_PASSWORD": "a secret"}
        with inbox(broker.environ | wrong, start=False) as box:
            box.subscription.start()
            wait_until(lambda: "refused the connection" in caplog.text, "it is said")
    assert "check MQTT_USER and MQTT_PASSWORD" in caplog.text
    assert "a secret" not in caplog.text


def test_a_subscription_that_is_not_allowed_is_said(tmp_path, caplog):
    extra = dynamic_security(tmp_path, "subscribe")
    with (
        running_mosquitto(tmp_path / "broker", extra) as broker,
        inbox(broker.environ, start=False) as box,
    ):
        box.subscription.start()
        wait_until(lambda: "refuses the subscription" in caplog.text, "it is said")
        assert not box.subscription.subscribed.is_set()
    assert "images/#: Not authorized; allow it in its ACL" in caplog.text
    assert box.ready == 0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def tls_broker(tmp_path, certificates):
    extra = (
        f"cafile {certificates}/ca.pem\ncertfile {certificates}/server.pem\n"
        f"keyfile {certificates}/server.key\nrequire_certificate true"
    )
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        yield broker


def tls_settings(folder):
    return {
        "MQTT_TLS": "true",
        "MQTT_CA_FILE": f"{folder}/ca.pem",
        "MQTT_CERT_FILE": f"{folder}/client.pem",
        "MQTT_KEY_FILE": f"{folder}/client.key",
    }


def test_a_broker_with_certificates_is_reached(tls_broker, certificates):
    with inbox(tls_broker.environ | tls_settings(certificates)) as box:
        assert box.ready == 1


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            {"MQTT_CA_FILE": ""}, "CERTIFICATE_VERIFY_FAILED", id="unknown CA"
        ),
        pytest.param(
            {"MQTT_HOST": "localhost"}, "Hostname mismatch", id="other host's name"
        ),
    ],
)
def test_a_broker_that_cannot_prove_who_it_is_is_not_trusted(
    tls_broker, certificates, caplog, changes, words
):
    environ = tls_broker.environ | tls_settings(certificates) | changes
    with inbox(environ, start=False) as box:
        box.subscription.start()
        wait_until(lambda: "cannot reach the broker" in caplog.text, "it is said")
    assert words in caplog.text
    assert box.ready == 0
    # The logged error holds paho's socket, which nobody closes: free it here.
    caplog.clear()


@pytest.mark.parametrize("name", ["MQTT_CA_FILE", "MQTT_CERT_FILE", "MQTT_KEY_FILE"])
@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "wrong"])
def test_certificate_files_that_cannot_be_used_are_named(
    tmp_path, certificates, name, content
):
    folder = tmp_path / "certificates"
    shutil.copytree(certificates, folder)
    settings = tls_settings(folder)
    if content is None:
        Path(settings[name]).unlink()
    else:
        Path(settings[name]).write_text(content)

    with pytest.raises(OperatorError) as caught:
        Inbox(settings)

    assert "cannot use the certificate files" in str(caught.value)
    assert settings[name] in str(caught.value)
