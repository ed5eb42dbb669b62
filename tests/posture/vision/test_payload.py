import base64
import json
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from posture.errors import RefusedError
from posture.vision.payload import decode_image, decode_payload
from tests.conftest import IMAGES
from tests.fixtures import images

LIMIT = 1 << 20
JPEG = images.file_of(images.plain(), ".jpg")
PNG = images.file_of(images.plain(), ".png")
BASE64 = base64.b64encode(JPEG)


def encoded_text(file):
    return base64.b64encode(file).decode()


# Its Base64 ends in padding, whatever OpenCV's version writes.
PADDED = JPEG + bytes(-len(JPEG) % 3 + 1)


@pytest.mark.parametrize(
    ("payload", "file"),
    [
        pytest.param(BASE64, JPEG, id="base64"),
        pytest.param(base64.b64encode(PNG), PNG, id="base64 of a PNG"),
        pytest.param(JPEG, JPEG, id="raw JPEG"),
        pytest.param(PNG, PNG, id="raw PNG"),
        pytest.param(b"data:image/jpeg;base64," + BASE64, JPEG, id="data URL"),
        pytest.param(b"DATA:;base64," + BASE64, JPEG, id="data URL in capitals"),
        pytest.param(base64.encodebytes(JPEG), JPEG, id="MIME line breaks"),
        pytest.param(
            base64.encodebytes(JPEG).replace(b"\n", b"\r\n"), JPEG, id="CRLF breaks"
        ),
        pytest.param(b" \t" + BASE64 + b" \n", JPEG, id="spaces around"),
        pytest.param(
            base64.b64encode(PADDED).rstrip(b"="), PADDED, id="padding left out"
        ),
    ],
)
def test_every_form_that_cameras_send_is_understood(payload, file):
    assert decode_payload(payload, LIMIT) == file


def blocks(file, size):
    """Base64 of each block by itself, as an encoder that works in pieces makes it."""
    return b"".join(
        base64.b64encode(file[at : at + size]) for at in range(0, len(file), size)
    )


URL = b"data:image/jpeg;base64,"
MARK = b"\xef\xbb\xbf"
OTHERS = bytes(range(256)) * 3  # has both characters in which the alphabets differ
DENSE = JPEG + OTHERS


@pytest.mark.parametrize(
    ("payload", "file"),
    [
        pytest.param(base64.urlsafe_b64encode(DENSE), DENSE, id="URL-safe alphabet"),
        pytest.param(
            URL + base64.urlsafe_b64encode(DENSE), DENSE, id="URL-safe data URL"
        ),
        pytest.param(BASE64 + b"\0", JPEG, id="NUL at the end"),
        pytest.param(b"\0\0" + BASE64 + b"\0\0\n", JPEG, id="NULs around"),
        pytest.param(str(BASE64).encode(), JPEG, id="Python's bytes"),
        pytest.param(str([BASE64])[1:-1].encode(), JPEG, id="Python's bytes in a list"),
        pytest.param(json.dumps(BASE64.decode()).encode(), JPEG, id="JSON string"),
        pytest.param(
            json.dumps(encoded_text(DENSE)).replace("/", "\\/").encode(),
            DENSE,
            id="JSON string with escaped slashes",
        ),
        pytest.param(
            json.dumps(encoded_text(PADDED)).replace("=", "\\u003d").encode(),
            PADDED,
            id="JSON string with escaped padding",
        ),
        pytest.param(b"'" + BASE64 + b"'", JPEG, id="quotes"),
        pytest.param(b"\n" + URL + BASE64, JPEG, id="line break before a data URL"),
        pytest.param(b'"' + URL + BASE64 + b'"', JPEG, id="quoted data URL"),
        pytest.param(b' " ' + URL + BASE64 + b' "\r\n', JPEG, id="blanks and quotes"),
        pytest.param(MARK + BASE64, JPEG, id="byte order mark"),
        pytest.param(MARK + b" " + URL + BASE64, JPEG, id="mark before a data URL"),
        pytest.param(blocks(PADDED, 1000), PADDED, id="blocks of 1000"),
        pytest.param(blocks(PADDED, 400), PADDED, id="blocks of 400"),
        pytest.param(b"\r\n" + JPEG, JPEG, id="line break before a JPEG"),
        pytest.param(MARK + PNG, PNG, id="mark before a PNG"),
        pytest.param(
            json.dumps({"device": "desk1", "image": encoded_text(JPEG)}).encode(),
            JPEG,
            id="JSON object",
        ),
        pytest.param(
            json.dumps({"image": (URL + BASE64).decode()}, indent=1).encode(),
            JPEG,
            id="JSON object with a data URL",
        ),
    ],
)
def test_harmless_wrappings_are_taken_off(payload, file):
    assert decode_payload(payload, LIMIT, "image") == file


def test_a_field_may_be_deep_in_a_json_object():
    payload = json.dumps({"data": {"image": encoded_text(JPEG)}}).encode()
    assert decode_payload(payload, LIMIT, "data.image") == JPEG


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (None, "PAYLOAD_FIELD; it has device, image"),
        ("picture", "without PAYLOAD_FIELD=picture; it has device, image"),
        ("device", "PAYLOAD_FIELD=device is no text"),
        ("device.image", "without PAYLOAD_FIELD=device.image"),
    ],
)
def test_a_json_object_whose_field_is_not_known_is_told(field, words):
    payload = json.dumps({"device": 7, "image": encoded_text(JPEG)}).encode()
    with pytest.raises(RefusedError, match=re.escape(words)):
        decode_payload(payload, LIMIT, field)


def encoded(file):
    return base64.b64encode(file)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"", "message is empty", id="empty"),
        pytest.param(b" \r\n", "message is empty", id="blank"),
        pytest.param(b"hello, world!", "neither Base64 nor an image", id="text"),
        pytest.param(b'{"a": 1}', "JSON object", id="JSON"),
        pytest.param(b'{"a": 1', "byte 0x7b at offset 0", id="half of JSON"),
        pytest.param(
            b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG,
            "byte 0x3a at offset 21",
            id="part of an MJPEG stream",
        ),
        pytest.param(
            b"data:image&#x2F;jpeg;base64," + BASE64[:40] + b"&#x2F;" + BASE64[40:],
            "byte 0x26 at offset 68",
            id="HTML",
        ),
        pytest.param(bytes(range(256)), "neither Base64 nor an image", id="binary"),
        pytest.param(
            BASE64[:-8] + b"*" + BASE64[-7:], "neither Base64", id="a wrong character"
        ),
        pytest.param(BASE64[: len(BASE64) // 4 * 4 - 3], "neither Base64", id="cut"),
        pytest.param(encoded(b"hello"), "no image: begins with 68 65", id="no image"),
        pytest.param(encoded(encoded(JPEG)), "no image", id="base64 of base64"),
        pytest.param(b"data:image/jpeg;base64,", "no image", id="empty data URL"),
        pytest.param(b"data:image/jpeg", "no image", id="data URL without data"),
        pytest.param(images.gif(), "neither Base64 nor an image", id="GIF"),
        pytest.param(encoded(images.gif()), "begins with 47 49", id="base64 of a GIF"),
        pytest.param(encoded(images.gif_bomb()), "no image", id="GIF bomb"),
        pytest.param(b"A" * (LIMIT + 1), f"more than {LIMIT} allowed", id="too long"),
    ],
)
def test_a_payload_without_an_image_is_refused_with_its_reason(payload, reason):
    with pytest.raises(RefusedError, match=re.escape(reason)):
        decode_payload(payload, LIMIT)


def test_a_payload_at_the_limit_is_taken():
    assert decode_payload(BASE64, len(BASE64)) == JPEG


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(JPEG, id="JPEG"),
        pytest.param(PNG, id="PNG"),
        pytest.param(images.file_of(images.plain(), ".webp"), id="WebP"),
        pytest.param(images.file_of(images.plain(), ".tiff"), id="TIFF"),
        pytest.param(images.file_of(images.plain(), ".bmp"), id="BMP"),
        pytest.param(images.png_of_16_bit(), id="16 bit"),
        pytest.param(images.png_with_alpha(), id="alpha"),
    ],
)
def test_every_kind_of_image_gives_the_same_pixels(file):
    image = decode_image(decode_payload(encoded(file), LIMIT))

    assert (image.dtype, image.shape) == (np.uint8, images.plain().shape)
    assert np.abs(image.astype(int) - images.plain()).max() <= 2


def test_a_cmyk_jpeg_gets_screen_colours():
    blue, green, red = decode_image(images.cmyk_jpeg())[8, 16]

    assert blue < red < green  # of 16 % cyan, no magenta, 78 % yellow


def test_a_grey_picture_gets_three_channels():
    file = images.file_of(images.plain()[:, :, 0], ".png")

    assert decode_image(file).shape == images.plain().shape


def test_a_picture_of_one_pixel_is_a_picture():
    assert decode_image(images.file_of(images.plain(1, 1), ".jpg")).shape == (1, 1, 3)


def test_a_camera_that_lies_on_its_side_is_seen_upright():
    assert decode_image(images.turned_jpeg()).shape == (32, 16, 3)


def test_a_jpeg_has_the_very_pixels_that_opencv_gives():
    for path in sorted(IMAGES.glob("*.jpg"))[::4]:
        assert (decode_image(path.read_bytes()) == cv2.imread(str(path))).all()


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(JPEG[:3], id="3 bytes of a JPEG"),
        pytest.param(JPEG[:100], id="header of a JPEG"),
        pytest.param(PNG[:-20], id="PNG cut short"),
        pytest.param(images.file_of(images.plain(), ".webp")[:30], id="WebP cut short"),
        pytest.param(images.file_of(images.plain(), ".tiff")[:90], id="TIFF cut short"),
        pytest.param(b"BM", id="2 bytes of a BMP"),
        pytest.param(b"RIFF\x24\0\0\0WAVEfmt ", id="sound"),
        pytest.param(images.jpeg_bomb(), id="JPEG bomb"),
        pytest.param(images.png_bomb, id="PNG bomb"),
        pytest.param(images.bmp_bomb(), id="BMP bomb"),
    ],
)
def test_a_broken_or_exploding_image_is_refused(file):
    file = file() if callable(file) else file  # which takes a second to make
    with pytest.raises(RefusedError, match=f"image of {len(file)} bytes cannot be"):
        decode_image(file)


@pytest.mark.parametrize(
    "first", ["vision.analyze", "vision.annotate", "vision.landmarks", "worker.worker"]
)
def test_the_bomb_is_refused_whichever_module_loads_opencv(first):
    # OpenCV reads its limit once, when it is loaded: a process of its own shows it.
    program = (
        f"import posture.{first}\n"
        "from posture import errors\n"
        "from posture.vision import payload\n"
        "import pathlib, sys\n"
        "try: payload.decode_image(sys.stdin.buffer.read())\n"
        "except errors.RefusedError: print('refused')\n"
    )
    # 60 million pixels: little enough to survive it if they are decoded.
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=images.jpeg_bomb(7746),
        capture_output=True,
        check=True,
    )

    assert done.stdout == b"refused\n"
