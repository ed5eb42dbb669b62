"""What an image file says of itself, read before native code takes its word for it.

A file of a few hundred bytes can ask for gigabytes, minutes, or a side at which
MediaPipe ends the process; so size, depth and scans are compared with limits here, in
code that cannot be made to crash. Where a file can be read in two ways, the reading
that costs more counts.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from posture import MOST_PIXELS, MOST_SIDE
from posture.errors import RefusedError

MOST_BYTES = 3 * MOST_PIXELS
"""Bytes of one picture while it is decoded: the most pixels, of three bytes each."""

_MOST_SCANS = 100
_MOST_PIXELS_SCANNED = 20 * MOST_PIXELS  # pixels x scans; at 50 megapixels one is 5 ms

# JPEG markers (ITU-T T.81, table B.1).
_SCAN = b"\xff\xda"
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, *range(0xC9, 0xD0)} - {0xCC}
_PROGRESSIVE = 0xC2
_ARITHMETIC = 0xC9  # from here on
_ALONE = {0x01, *range(0xD0, 0xD9)}  # without a length

_TIFF_JPEG = (6, 7)  # values of TIFF's tag Compression
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES = 256, 257, 258, 259, 277
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_TIFF_TAGS = {
    *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES),
    *(_TILE_WIDTH, _TILE_HEIGHT),
}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_FRAMES_OF_APNG = 3  # in memory while one is put together


@dataclass(frozen=True)
class Header:
    """Width and height in pixels, and what the decoder needs for each of them."""

    width: int
    height: int
    depth: float = 3.0
    """Bytes of a pixel while the file is decoded, beside the result's three."""
    scans: int = 1
    """How often the pixels are gone through."""

    @property
    def weight(self) -> int:
        """Bytes that stand for the memory it takes, decoded or being decoded."""
        return int(self.width * self.height * max(3.0, self.depth))


def check(kind: str, file: bytes) -> Header:
    """The header of a file of this kind: JPEG, PNG, WebP, BMP or TIFF.

    Raises:
        RefusedError: it cannot be read, or asks for more than a picture may.
    """
    try:
        header = _READERS[kind](file)
    except (struct.error, ValueError, IndexError, KeyError, ZeroDivisionError):
        raise _refused(kind, file, "its header is broken") from None
    width, height = header.width, header.height
    if width * height > MOST_PIXELS:
        what = f"more than {MOST_PIXELS // 1_000_000} million pixels"
    elif max(width, height) > MOST_SIDE:
        what = f"a side of more than {MOST_SIDE} pixels"
    elif header.weight > MOST_BYTES:
        what = f"more than {MOST_BYTES // 1_000_000} MB while it is decoded"
    elif (
        header.scans > _MOST_SCANS
        or header.scans * width * height > _MOST_PIXELS_SCANNED
    ):
        what = f"{header.scans} scans, more than its size may have"
    else:
        return header
    raise _refused(kind, file, f"{width} x {height}, {what}")


def _refused(kind: str, file: bytes, why: str) -> RefusedError:
    return RefusedError(f"{kind} image of {len(file)} bytes cannot be decoded: {why}")


def _jpeg(file: bytes) -> Header:
    marker, at = _frame(file)
    if marker >= _ARITHMETIC:
        raise _refused("JPEG", file, "arithmetic coding, which no camera uses")
    height, width, count = struct.unpack_from(">HHB", file, at + 1)
    factors = [divmod(file[at + 7 + 3 * n], 16) for n in range(count)]
    widest, highest = (max(each) for each in zip(*factors, strict=True))
    samples = sum(h * v for h, v in factors) / (widest * highest)
    scans = file.count(_SCAN)  # within compressed data there are none
    # What comes in several scans is kept as coefficients of two bytes until the last.
    several = scans > 1 or marker == _PROGRESSIVE
    return Header(width, height, samples * 2 if several else samples, scans)


def _frame(file: bytes) -> tuple[int, int]:
    """The marker of the frame and where its content begins, found as libjpeg does."""
    at = 2
    while True:
        at = file.index(0xFF, at)
        while file[at] == 0xFF:
            at += 1
        marker, at = file[at], at + 1
        if marker in _FRAMES:
            return marker, at + 2
        if marker and marker not in _ALONE:
            at += struct.unpack_from(">H", file, at)[0]


def _png(file: bytes) -> Header:
    if file[12:16] != b"IHDR":
        raise KeyError(file[12:16])
    width, height, bits, colour = struct.unpack_from(">IIBB", file, 16)
    depth = _PNG_CHANNELS[colour] * bits / 8
    if b"acTL" in _png_chunks(file):
        depth *= _FRAMES_OF_APNG
    return Header(width, height, depth)


def _png_chunks(file: bytes) -> Iterator[bytes]:
    at = 8
    while at + 8 <= len(file):
        length, kind = struct.unpack_from(">I4s", file, at)
        yield kind
        at += 12 + length


def _webp(file: bytes) -> Header:
    # RFC 9649, sections 2.5 to 2.7; its numbers begin with the lowest byte.
    match file[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", file, 26)
            return Header(width & 0x3FFF, height & 0x3FFF)
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", file, 21)
            return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 4)
        case b"VP8X":
            sides = file[24:27], file[27:30]
            width, height = (int.from_bytes(each, "little") + 1 for each in sides)
            return Header(width, height, 4)
    raise KeyError(file[12:16])


def _bmp(file: bytes) -> Header:
    (size,) = struct.unpack_from("<I", file, 14)
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", file, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", file, 18)
    return Header(abs(width), abs(height), bits / 8)


def _tiff(file: bytes) -> Header:
    tags = dict(_tiff_tags(file))
    depth = tags.get(_SAMPLES, 1) * tags.get(_BITS, 1) / 8
    # A tile is decoded whole, however small the picture in it.
    width = max(tags[_WIDTH], tags.get(_TILE_WIDTH, 0))
    height = max(tags[_HEIGHT], tags.get(_TILE_HEIGHT, 0))
    jpeg = tags.get(_COMPRESSION) in _TIFF_JPEG
    return Header(width, height, depth, file.count(_SCAN) if jpeg else 1)


def _tiff_tags(file: bytes) -> Iterator[tuple[int, int]]:
    """The first value of the tags of the first picture that are read here."""
    order = "<" if file.startswith(b"II") else ">"
    (at,) = struct.unpack_from(f"{order}I", file, 4)
    (count,) = struct.unpack_from(f"{order}H", file, at)
    # Backwards, for of two equal tags libtiff takes the first.
    for place in range(at + 12 * count - 10, at, -12):
        tag, kind, values = struct.unpack_from(f"{order}HHI", file, place)
        if tag in _TIFF_TAGS:
            size, letter = _TIFF_SIZES[kind]
            start = place + 8
            if size * values > 4:
                (start,) = struct.unpack_from(f"{order}I", file, start)
            yield tag, struct.unpack_from(f"{order}{letter}", file, start)[0]


_TIFF_SIZES = {1: (1, "B"), 3: (2, "H"), 4: (4, "I")}  # by type: byte, short, long
_READERS: dict[str, Callable[[bytes], Header]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WebP": _webp,
    "BMP": _bmp,
    "TIFF": _tiff,
}
