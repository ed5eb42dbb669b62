"""A camera that sends far too often is named, and a busy minute of many is not."""

import pytest

from posture.worker.rates import Rates


def floods(rates, topics, *, rate, seconds, since=0.0):
    """What is told while pictures of these topics come in turn, `rate` a second."""
    told = []
    for number in range(int(rate * seconds) + 1):
        topic = topics[number % len(topics)]
        told.append(rates.count(topic, since + number / rate))
    return [each for each in told if each]


def test_a_camera_of_sixty_pictures_a_second_is_named_once_an_hour():
    rates = Rates()
    (first,) = floods(rates, ["images/mad"], rate=60, seconds=600)
    assert first.topic == "images/mad"
    assert first.rate == pytest.approx(60, rel=0.01)
    assert floods(rates, ["images/mad"], rate=60, seconds=120, since=3000) == []
    assert floods(rates, ["images/mad"], rate=60, seconds=120, since=4000)


def test_many_cameras_at_an_ordinary_pace_are_not_named():
    cameras = [f"images/desk{number}" for number in range(50)]
    assert floods(Rates(), cameras, rate=50, seconds=300) == []


def test_the_busiest_is_named_among_others():
    topics = ["images/mad"] * 20 + ["images/desk1"]
    told = floods(Rates(), topics, rate=21, seconds=61)
    assert [each.topic for each in told] == ["images/mad"]


def test_a_silence_of_hours_is_no_flood():
    rates = Rates()
    for number in range(100):
        assert rates.count("images/slow", number * 3600.0) is None
