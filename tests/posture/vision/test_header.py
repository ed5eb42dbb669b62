"""Pictures that ask for more than they weigh, refused before they are decoded."""

import struct

import pytest

from posture.errors import RefusedError
from posture.vision.payload import check_header, decode_image
from tests.conftest import IMAGES
from tests.fixtures import images

# MediaPipe aborts the process at a side of 32,767.
SIDE = 32_767


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(images.png(SIDE, 1), id="PNG, wide"),
        pytest.param(images.png(1, SIDE, bits=1, colour=0), id="PNG, high"),
        pytest.param(images.jpeg(SIDE, 1), id="JPEG"),
        pytest.param(images.jpeg(1, 65_500, progressive=True), id="JPEG, progressive"),
        pytest.param(images.tiff(SIDE, 1), id="TIFF"),
        pytest.param(images.bmp(SIDE, 1), id="BMP"),
        pytest.param(images.bmp(1, -SIDE), id="BMP, from top to bottom"),
    ],
)
def test_a_side_that_ends_mediapipe_is_refused(file):
    with pytest.raises(RefusedError, match="a side of more than 32766 pixels"):
        decode_image(file)


@pytest.mark.parametrize("sides", [(SIDE - 1, 1), (1, SIDE - 1)])
def test_the_longest_side_is_taken(sides):
    assert decode_image(images.png(*sides)).shape == (sides[1], sides[0], 3)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(images.progressive_jpeg(64, 64, 2000), id="many"),
        pytest.param(images.progressive_jpeg(64, 64, 101), id="too many"),
        pytest.param(
            images.claiming(images.progressive_jpeg(64, 64, 21), 7000, 7000),
            id="for its size",
        ),
    ],
)
def test_scans_without_end_are_refused(file):
    with pytest.raises(RefusedError, match="scans, more than its size may have"):
        decode_image(file)


def test_as_many_scans_as_cameras_and_programs_write_are_taken():
    assert decode_image(images.progressive_jpeg(64, 48, 10)).shape == (48, 64, 3)


def test_a_hundred_scans_are_not_too_many_by_themselves():
    # The made picture sends one of them again and again, which is no good JPEG either.
    with pytest.raises(RefusedError, match="Inconsistent progression"):
        decode_image(images.progressive_jpeg(64, 48, 100))


FULL_COLOUR = images.jpeg(32, 16, progressive=True, subsampling=0)
# Made when they are asked for: the largest take seconds.
HEAVY = [
    pytest.param(
        lambda: images.png(4400, 4400, 16, 6, whole=False), id="16-bit PNG with alpha"
    ),
    pytest.param(
        lambda: images.png(6200, 6200, 8, 6, whole=False), id="PNG with alpha"
    ),
    pytest.param(
        lambda: images.png(3600, 3600, 8, 6, animated=True, whole=False), id="APNG"
    ),
    pytest.param(lambda: images.claiming(FULL_COLOUR, 5100, 5100), id="JPEG"),
    pytest.param(lambda: images.webp(6200, 6200, lossless=True), id="WebP"),
    pytest.param(
        lambda: images.tiff(4400, 4400, BitsPerSample=16, SamplesPerPixel=4),
        id="16-bit TIFF",
    ),
    pytest.param(
        lambda: images.tiff(
            *(16, 16),
            TileWidth=6400,
            TileLength=6400,
            SamplesPerPixel=4,
        ),
        id="TIFF of one large tile",
    ),
]


@pytest.mark.parametrize("make", HEAVY)
def test_channels_and_depth_count_as_much_as_pixels(make):
    with pytest.raises(RefusedError, match="more than 150 MB while it is decoded"):
        decode_image(make())


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: images.png(8000, 6250, whole=False), id="PNG"),
        pytest.param(lambda: images.webp(8000, 6250), id="WebP"),
        pytest.param(
            lambda: images.claiming(images.jpeg(32, 16), 8000, 6250), id="JPEG"
        ),
        pytest.param(
            lambda: images.claiming(images.jpeg(32, 16, progressive=True), 8000, 6250),
            id="progressive JPEG",
        ),
        pytest.param(lambda: images.tiff(8000, 6250), id="TIFF"),
    ],
)
def test_fifty_million_pixels_as_cameras_write_them_are_taken(make):
    assert check_header(make()).weight == 150_000_000


def test_arithmetic_coding_is_refused():
    with pytest.raises(RefusedError, match="arithmetic coding"):
        decode_image(images.arithmetic_jpeg())


@pytest.mark.parametrize(
    ("file", "sides"),
    [
        pytest.param(images.file_of(images.plain(), suffix), (32, 16), id=suffix)
        for suffix in (".jpg", ".png", ".webp", ".bmp", ".tiff")
    ]
    + [
        pytest.param(images.webp(40, 30), (40, 30), id="lossy WebP"),
        pytest.param(images.webp(40, 30, lossless=True), (40, 30), id="lossless WebP"),
        pytest.param(images.turned_jpeg(), (32, 16), id="with Exif"),
        pytest.param(images.cmyk_jpeg(), (32, 16), id="CMYK"),
        pytest.param(images.png_of_16_bit(), (32, 16), id="16 bit"),
    ],
)
def test_the_header_says_what_is_decoded(file, sides):
    header = check_header(file)

    assert (header.width, header.height) == sides


def test_what_stands_in_front_of_a_jpegs_frame_does_not_hide_it():
    small = images.jpeg(32, 16)
    # A comment that holds the whole frame of another picture.
    frame = small[small.index(b"\xff\xc0") :][:19]
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(frame)) + frame
    large = images.jpeg(SIDE, 1)

    with pytest.raises(RefusedError, match="a side of more than"):
        decode_image(large[:2] + b"\xff\xff" + comment[1:] + large[2:])


def test_of_two_equal_tags_of_a_tiff_the_first_counts():
    file = bytearray(images.tiff(SIDE, 1))
    place = file.index(struct.pack("<HH", 258, 4))
    file[place : place + 12] = struct.pack(
        "<HHII", 256, 4, 1, 1
    )  # in place of the bits

    with pytest.raises(RefusedError, match="a side of more than"):
        decode_image(bytes(file))


@pytest.mark.parametrize("length", range(2, 37, 3))
@pytest.mark.parametrize(
    "file",
    [
        pytest.param(images.file_of(images.plain(), suffix), id=suffix)
        for suffix in (".jpg", ".png", ".webp", ".bmp", ".tiff")
    ],
)
def test_a_header_that_is_cut_short_is_refused(file, length):
    with pytest.raises(RefusedError, match="cannot be decoded"):
        decode_image(file[:length])


def test_every_sample_is_taken():
    for path in IMAGES.glob("*.jpg"):
        assert check_header(path.read_bytes()).width == 1280
