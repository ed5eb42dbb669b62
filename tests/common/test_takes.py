"""A broker without retained messages: everything is published all the same."""

import logging

import pytest

from common.broker_answers import Callbacks, Granted, Reason
from common.mqtt import Connection
from common.publisher import Publisher
from common.takes import Takes
from tests.fixtures.broker import broker_settings
from tests.fixtures.listener import kept, listening
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import wait_until

LOST = Reason(128, "Unspecified error", failure=True)


@pytest.fixture
def forgetful(tmp_path):
    with running_mosquitto(tmp_path / "broker", "retain_available false") as broker:
        yield broker


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_client_with_a_will_is_taken_and_heard(forgetful, version, caplog):
    settings = broker_settings(forgetful.port, version=version)
    taken: list[Granted] = []
    line = Connection(settings, "one", Callbacks(connected=taken.append))
    line.will("x/will", b"gone")
    line.delays(1, 1)
    with listening(forgetful.port, "x/#") as listener:
        line.start()
        wait_until(lambda: taken, "the connection", 30)
        line.publish("x/state", b"here", retain=True).wait_for_publish(10)
        wait_until(lambda: listener.payloads("x/state"), "what is published")
        line.drop()
        wait_until(lambda: listener.payloads("x/will"), "the last will")
        line.stop()
    assert caplog.text.count("the broker keeps no retained messages") == 1


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_publisher_has_it_taken(forgetful, version):
    settings = broker_settings(forgetful.port, version=version)
    with listening(forgetful.port, "x") as listener:
        with Publisher(settings) as publisher:
            publisher.send("x", b"1", retain=True)
            publisher.finish()
        wait_until(lambda: listener.payloads("x"), "what is published")


def test_a_lost_line_or_two_is_no_proof(caplog):
    caplog.set_level(logging.WARNING)
    known = Takes()
    for _ in range(2):
        known.ended(LOST, answered=True, suspect=True)
    known.ended(LOST, answered=True, suspect=False)
    for _ in range(2):
        known.ended(LOST, answered=True, suspect=True)
    assert known.retained


def test_a_guess_that_does_not_help_is_taken_back():
    known = Takes()
    for _ in range(3):
        known.ended(LOST, answered=False, suspect=True)
    assert not known.retained
    known.ended(LOST, answered=False, suspect=False)
    assert known.retained


def test_a_broker_that_keeps_them_keeps_them(broker):
    with Publisher(broker_settings(broker.port)) as publisher:
        publisher.send("x", b"1", retain=True)
        publisher.finish()
    assert kept(broker.port, "x") == {"x": b"1"}
