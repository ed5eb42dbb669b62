import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.options import SettingsError
from common.picture_topics import PictureTopics, is_safe, safe_name

PLAIN = PictureTopics("images/#", None)
HOSTILE = [
    "images",
    "images/",
    "images//",
    "images///",
    "images/pi1/",
    "images//pi1",
    "images/..",
    "images/.",
    "images/../../etc/passwd",
    "images//etc/passwd",
    "images/pi 1",
    "images/pi/1",
    "images/pi\\1",
    "images/pi\n1",
    "images/pi\x00",
    "images/\U0001f600",
    "images/\U0001f601",
    "images/Küche",
    "images/-rf",
    "images/.hidden",
    f"images/{'x' * 300}",
    f"images/{'x' * 301}",
    f"images/{'x' * 65}",
]


@pytest.mark.parametrize("name", ["pi1", "Pi-2_b.local", "0", "x" * 64])
def test_a_plain_name_stays_as_it_is(name):
    assert PLAIN.camera(f"images/{name}") == name


@pytest.mark.parametrize(
    "topic", HOSTILE, ids=lambda topic: f"{topic[:24]!a}, {len(topic)}"
)
def test_a_hostile_name_becomes_a_harmless_one(topic):
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", PLAIN.camera(topic))
    assert is_safe(PLAIN.camera(topic))


def test_topics_that_look_alike_are_kept_apart():
    topics = [*HOSTILE, "images/pi1", "images/pi_1", "images/etc_passwd"]
    # And somebody calls a camera as another one's folder is called.
    topics += [f"images/{PLAIN.camera(each)}" for each in HOSTILE]

    assert len({PLAIN.camera(each) for each in topics}) == len(topics)


@given(st.text(max_size=200))
def test_any_topic_gives_a_safe_name_and_always_the_same(rest):
    topic = "images/" + rest.encode(errors="replace").decode()

    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", PLAIN.camera(topic))
    assert PLAIN.camera(topic) == PLAIN.camera(topic)


@pytest.mark.parametrize(
    ("filter_", "topic", "name"),
    [
        ("images/#", "images/desk1", "desk1"),
        ("$share/posture/images/#", "images/desk1", "desk1"),
        ("images/+", "images/desk1", "desk1"),
        ("+/desk1", "berlin/desk1", "berlin"),
        ("cameras/+/image", "cameras/desk1/image", "desk1"),
        ("cameras/desk1", "cameras/desk1", "desk1"),
        ("esp32-cam", "esp32-cam", "esp32-cam"),
        ("#", "esp32-cam", "esp32-cam"),
    ],
)
def test_what_the_wildcards_match_names_the_camera(filter_, topic, name):
    topics = PictureTopics(filter_, None)

    assert topics.camera(topic) == name
    assert topics.of(name) == topic


def test_a_name_of_before_stays_for_the_plain_topics():
    assert PLAIN.camera("images/Küche") == "K_che-3mbtkt4_"
    assert PLAIN.camera("images/floor1/desk2") == "floor1_desk2-tvzoryn_"


@given(
    st.sampled_from(["images/#", "+/desk1", "+/+", "#", "+/x/#", "a/+/+/b"]),
    st.lists(st.text("ab/+ .x1é", max_size=8), min_size=2, max_size=2, unique=True),
)
def test_no_two_topics_share_a_name_without_a_level(filter_, rest):
    fill = filter_.replace("#", "+")
    one, other = (re.sub(r"\+", each.replace("\\", ""), fill) for each in rest)
    topics = PictureTopics(filter_, None)
    if one != other:
        assert topics.camera(one) != topics.camera(other)


@pytest.mark.parametrize(
    ("filter_", "level", "topic", "name"),
    [
        ("frigate/+/+/snapshot", 2, "frigate/front_door/person/snapshot", "front_door"),
        ("frigate/+/+/snapshot", 2, "frigate/front_door/dog/snapshot", "front_door"),
        ("+/+", 1, "berlin/desk1", "berlin"),
        ("images/#", 3, "images/floor1/desk2", "desk2"),
    ],
)
def test_a_level_names_the_camera(filter_, level, topic, name):
    topics = PictureTopics(filter_, level)
    topics.check()

    assert topics.camera(topic) == name
    assert topics.camera(topics.of(name)) == name


def test_a_level_that_a_topic_does_not_have_makes_no_name_of_another():
    topics = PictureTopics("images/#", 3)

    assert topics.camera("images/a") != topics.camera("images/b")
    assert topics.camera("images/a") != topics.camera("images/x/a")


@pytest.mark.parametrize(("filter_", "level"), [("images/#", 1), ("a/+/c", 4)])
def test_a_level_that_is_the_same_for_all_is_refused(filter_, level):
    with pytest.raises(SettingsError, match="all cameras would have one name"):
        PictureTopics(filter_, level).check()


@pytest.mark.parametrize(
    ("filter_", "level"), [("+/+", None), ("cameras/desk2", None), ("+/+", 3)]
)
def test_a_name_that_says_no_topic_is_told(filter_, level):
    with pytest.raises(SettingsError, match="does not say to which topic"):
        PictureTopics(filter_, level).of("desk1")


def test_a_topic_of_another_filter_shares_no_name_with_one_of_this():
    topics = PictureTopics("+/desk1", None)

    assert topics.camera("images/berlin") != topics.camera("berlin/desk1")


def test_a_name_that_was_changed_is_known_as_such():
    assert is_safe(safe_name("Büro"))
    assert not is_safe("../x")
    assert not is_safe("Büro")
