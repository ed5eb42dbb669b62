"""The camera for tests, on a real broker."""

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import publish_test_images
from tests.conftest import IMAGES
from tests.fixtures.net import wait_until


@pytest.fixture
def received(broker):
    """What a subscriber of images/# gets: topics with payloads, in order."""
    messages: list[tuple[str, bytes]] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    subscribed = []
    client.on_message = lambda _c, _u, it: messages.append((it.topic, it.payload))
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.on_connect = lambda it, *_: it.subscribe("images/#", qos=1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    wait_until(lambda: subscribed, "subscribed")
    yield messages
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def publish(broker, monkeypatch):
    """The script, pointed at the test's broker."""
    for name, value in broker.environ.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: publish_test_images.main([*map(str, arguments)])


def test_files_folders_and_patterns_go_to_the_pis_in_turn(publish, received, capsys):
    one = IMAGES / "good_1280_000.jpg"
    assert publish(one, IMAGES, IMAGES / "slouch*", "--pi", "a,b") == 0
    wait_until(lambda: len(received) == 1 + 16 + 4, "all received")
    assert [topic for topic, _ in received[:4]] == [
        "images/a",
        "images/b",
        "images/a",
        "images/b",
    ]
    assert "21 pictures acknowledged" in capsys.readouterr().err


def test_pictures_are_repeated_at_the_wanted_rate(publish, received, capsys):
    one = IMAGES / "good_1280_000.jpg"
    assert publish(one, "--repeat", 5, "--rate", 20) == 0
    wait_until(lambda: len(received) == 5, "all received")
    said = capsys.readouterr().err
    # The fifth goes out 4 / 20 s after the first, or later.
    assert float(said.split(" acknowledged in ")[1].split()[0]) >= 0.2


def test_a_picture_that_nobody_waits_for_is_said_to_be_gone(publish, capsys):
    assert publish(IMAGES / "good_1280_000.jpg") == 0
    assert "1 of them had no subscriber" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    {
        "no such file": (["nothing.jpg"], "nothing.jpg: no picture there"),
        "no match": (["nothing/*.jpg"], "nothing/*.jpg: no picture there"),
        "a wildcard": ([IMAGES, "--pi", "a,#"], "'a,#': expected names of Pis"),
        "a rate": ([IMAGES, "--rate", "NaN"], "'NaN': expected a number"),
    }.values(),
)
def test_wrong_arguments_are_named(publish, capsys, arguments, words):
    assert publish(*arguments) == 2
    assert words in capsys.readouterr().err


def test_a_broker_that_is_not_there_is_said_at_once(publish, capsys):
    assert publish(IMAGES, "--broker-port", 1) == 1
    assert "127.0.0.1:1 cannot be reached" in capsys.readouterr().err
