"""Whatever comes in, the answer is a result or a refusal in words, in time.

Hypothesis makes the inputs up; what it ever found stands below as an example.
"""

import base64
import contextlib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import options
from common.picture_topics import PictureTopics
from posture.errors import RefusedError
from posture.mqtt.shards import slots
from posture.settings import WorkerSettings
from posture.vision.payload import decode_image, decode_payload
from tests.conftest import IMAGES
from tests.fixtures.settings import settings_from

PLAIN = PictureTopics("images/#", None)
QUICK = settings(max_examples=200)
JPEG = (IMAGES / "good_1280_000.jpg").read_bytes()
PREFIXES = st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"BM"])
FILES = st.builds(bytes.__add__, PREFIXES, st.binary(max_size=300))


def damaged(at: int, piece: bytes) -> bytes:
    """A real picture with some bytes replaced."""
    at %= len(JPEG)
    return JPEG[:at] + piece + JPEG[at + len(piece) :]


@QUICK
@given(st.one_of(FILES, FILES.map(base64.b64encode), st.text().map(str.encode)))
@example(b"data:,")
@example(b"=")
@example(b"\xff")
def test_any_payload_is_decoded_or_refused(payload):
    with contextlib.suppress(RefusedError):
        image = decode_image(decode_payload(payload, 1 << 20))
        assert image.ndim == 3


@settings(QUICK, max_examples=60)
@given(st.builds(damaged, st.integers(0, 1 << 20), st.binary(min_size=1, max_size=8)))
def test_any_damaged_picture_is_decoded_or_refused(file):
    with contextlib.suppress(RefusedError):
        assert decode_image(decode_payload(file, 1 << 24)).dtype == "uint8"


@QUICK
@given(st.binary(max_size=200))
def test_an_image_comes_out_of_base64_as_it_went_in(tail):
    file = b"\xff\xd8\xff" + tail
    assert decode_payload(base64.b64encode(file), 1 << 20) == file


@QUICK
@given(st.text(max_size=400))
@example("images/..")
@example("images/\0")
@example("images/.hidden")
def test_any_topic_gives_a_safe_folder_name(topic):
    name = PLAIN.camera(topic)
    assert name.isascii()
    assert 0 < len(name) <= 64
    assert not name.startswith((".", "-"))
    assert not set(name) & set("/\\\0 \n")


@QUICK
@given(st.text(max_size=30), st.text(max_size=30))
def test_two_topics_of_pictures_never_share_a_folder(one, other):
    if one != other:
        assert PLAIN.camera(f"images/{one}") != PLAIN.camera(f"images/{other}")


@QUICK
@given(st.text(max_size=50), st.binary(max_size=200), st.integers(1, 64))
def test_any_message_has_exactly_one_owner(topic, payload, workers):
    assert sum(each.owns(topic, payload) for each in slots(workers)) == 1


NAMES = [each.env for each in options.options_of(WorkerSettings)]
TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=30)


@QUICK
@given(st.dictionaries(st.sampled_from(NAMES), TEXTS))
@example({"MQTT_PORT": "²"})
@example({"EXIT_WHEN_IDLE": "nan"})
@example({"WORKERS": "1_0"})
def test_any_settings_are_read_or_named(environ):
    try:
        settings_from(WorkerSettings, environ)
    except options.SettingsError as error:
        assert error.problems
        assert all(any(name in each for name in NAMES) for each in error.problems)
