import base64

import pytest

from common.publisher import Publisher, PublishError
from posture.settings import BrokerSettings
from tests.fixtures.mosquitto import dynamic_security, running_mosquitto
from tests.fixtures.net import free_port
from tests.fixtures.proxy import running_proxy
from tests.fixtures.settings import settings_from
from tests.posture.mqtt.test_subscription import inbox


def publisher(broker, patience=20, **environ):
    settings = settings_from(BrokerSettings, broker.environ | environ)
    return Publisher(settings, patience)


def test_every_picture_is_acknowledged_and_arrives_as_base64(broker):
    files = [b"picture %d" % number for number in range(50)]  # more than the window
    with inbox(broker.environ) as box:
        with publisher(broker) as camera:
            for file in files:
                camera.publish("images/pi1", file)
            camera.finish()
        box.wait_for(50)

    assert (camera.acknowledged, camera.unheard, camera.refused) == (50, 0, [])
    assert [base64.b64decode(each) for each in box.payloads] == files


def test_pictures_that_nobody_wants_are_counted(broker):
    with publisher(broker) as camera:
        camera.publish("images/pi1", b"picture")
        camera.finish()

    assert (camera.acknowledged, camera.unheard) == (1, 1)


def test_nothing_to_publish_is_finished_even_if_the_broker_has_gone(broker):
    with publisher(broker) as camera:
        broker.stop()
        camera.finish()  # would raise if it waited for anything

    assert (camera.acknowledged, camera.unheard, camera.reasons) == (0, 0, [])


def test_a_broker_that_is_not_there_is_named(broker):
    port = str(free_port())

    with pytest.raises(PublishError, match=f"127.0.0.1:{port} cannot be reached"):
        publisher(broker, MQTT_PORT=port).__enter__()


def test_a_broker_that_says_nothing_is_given_up(broker):
    with running_proxy(broker.port) as proxy:
        proxy.mode = "swallow"

        with pytest.raises(PublishError, match="does not answer"):
            publisher(broker, patience=1, MQTT_PORT=str(proxy.port)).__enter__()


def test_a_broker_that_falls_silent_is_given_up_and_the_pictures_counted(broker):
    with (
        running_proxy(broker.port) as proxy,
        publisher(broker, patience=3, MQTT_PORT=str(proxy.port)) as camera,
    ):
        camera.publish("images/pi1", b"first")
        camera.finish()
        proxy.mode = "swallow"
        for _ in range(3):
            camera.publish("images/pi1", b"picture")
        with pytest.raises(PublishError, match="has not acknowledged 3 pictures"):
            camera.finish()


def test_what_was_on_its_way_is_sent_again_after_a_cut(broker):
    with running_proxy(broker.port) as proxy, inbox(broker.environ) as box:
        with publisher(broker, MQTT_PORT=str(proxy.port)) as camera:
            proxy.mode = "swallow"
            camera.publish("images/pi1", b"picture")
            proxy.mode = "pass"
            proxy.cut()
            camera.finish()
        box.wait_for(1)

    assert camera.acknowledged == 1


def test_a_refused_connection_is_said(tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    extra = f"allow_anonymous false\npassword_file {passwords}"
    with (
        running_mosquitto(tmp_path / "broker", extra) as broker,
        pytest.raises(PublishError, match="refused the connection: Not author"),
    ):
        publisher(broker, MQTT_USER="me", MQTT_PASSWORD="secret").__enter__()


def test_refused_pictures_are_counted_with_the_reason(tmp_path):
    extra = dynamic_security(tmp_path, "publishClientSend")
    with (
        running_mosquitto(tmp_path / "broker", extra) as broker,
        publisher(broker) as camera,
    ):
        for _ in range(2):
            camera.publish("images/pi1", b"picture")
        with pytest.raises(PublishError, match="refused 2 pictures: Not author"):
            camera.finish()


@pytest.mark.parametrize(
    ("extra", "size", "words"),
    [
        ("max_packet_size 500000", 600_000, "takes no packet above 500000 bytes"),
        ("max_qos 0", 100, "takes nothing but QoS 0"),
    ],
    ids=["packet limit", "QoS 0"],
)
def test_what_the_broker_takes_less_is_said_before_it_is_sent(
    tmp_path, extra, size, words
):
    with (
        running_mosquitto(tmp_path / "broker", extra) as broker,
        pytest.raises(PublishError, match=words),
        publisher(broker) as camera,
    ):
        camera.send("images/pi1", bytes(size))


def test_a_packet_limit_of_mqtt_311_is_guessed(tmp_path):
    with (
        running_mosquitto(tmp_path / "broker", "max_packet_size 500000") as broker,
        publisher(broker, 8, MQTT_VERSION="3.1.1") as camera,
    ):
        camera.send("images/pi1", bytes(600_000))
        with pytest.raises(PublishError, match="takes no packet so large, it seems"):
            camera.finish()
