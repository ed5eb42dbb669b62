"""A camera that was held on its side: the same pixels as by OpenCV."""

import struct

import cv2
import numpy as np
import pytest

from posture.vision.exif import orientation
from posture.vision.payload import decode_image
from tests.fixtures.images import file_of

# Eight corners that differ, so that no turn and no mirror looks like another.
SCENE = cv2.resize(
    np.random.default_rng(1).integers(0, 255, (3, 5, 3), np.uint8), (80, 48)
)
PLAIN = file_of(SCENE, ".jpg")
SHORT, LONG = 3, 4


def entry(order, value, tag=0x0112, kind=SHORT, values=1):
    return struct.pack(f"{order}HHIHH", tag, kind, values, value, 0)


def tiff(*entries, order="<", count=None):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = struct.pack(f"{order}IH", 8, len(entries) if count is None else count)
    return mark + head + b"".join(entries) + bytes(4)


def segment(content, marker=0xE1):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments):
    return PLAIN[:2] + b"".join(segments) + PLAIN[2:]


def held(body):
    return jpeg(segment(b"Exif\0\0" + body))


def by_opencv(file):
    return cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("number", range(1, 9))
def test_each_way_to_hold_a_camera_is_seen_as_opencv_sees_it(number, order):
    file = held(tiff(entry(order, number), order=order))

    assert orientation(file) == number
    assert np.array_equal(decode_image(file), by_opencv(file))


def test_a_camera_that_says_nothing_of_it_was_held_upright():
    assert orientation(PLAIN) == 1
    assert orientation(held(tiff(entry("<", 42, tag=0x0110)))) == 1


TURNED = tiff(entry("<", 6))


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(held(tiff(entry("<", 0))), id="zero"),
        pytest.param(held(tiff(entry("<", 9))), id="nine"),
        pytest.param(held(tiff(entry("<", 6, kind=LONG))), id="a long number"),
        pytest.param(held(tiff(entry("<", 6, values=2))), id="two values"),
        pytest.param(held(tiff(entry("<", 6), entry("<", 8))), id="said twice"),
        pytest.param(held(tiff(entry("<", 6), count=9)), id="fewer tags than told"),
        pytest.param(held(b"II*\0" + b"\xff" * 8), id="tags outside of it"),
        pytest.param(held(b"II*\0"), id="no tags"),
        pytest.param(held(b""), id="nothing"),
        pytest.param(held(b"XX*\0" + TURNED[4:]), id="neither order of bytes"),
        pytest.param(
            jpeg(segment(b"x" + b"Exif\0\0" + TURNED, 0xFE)), id="in a comment"
        ),
        pytest.param(
            jpeg(segment(b"http://x\0"), segment(b"Exif\0\0" + TURNED)),
            id="in the second segment of its kind",
        ),
        pytest.param(jpeg(*[segment(b"Exif\0\0" + TURNED)] * 2), id="in two segments"),
    ],
)
def test_what_can_be_read_in_two_ways_opencv_decides(file):
    assert orientation(file) is None
    assert np.array_equal(decode_image(file), by_opencv(file))


def test_what_comes_before_exif_does_not_matter():
    jfif = PLAIN[2:20]
    assert jfif[:2] == b"\xff\xe0"
    file = PLAIN[:20] + segment(b"Exif\0\0" + TURNED) + PLAIN[20:]

    assert orientation(file) == 6
    assert np.array_equal(decode_image(file), by_opencv(file))
