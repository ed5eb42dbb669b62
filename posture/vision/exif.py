"""How a camera was held, by what its JPEG file says (Exif 2.3, tag Orientation).

Only what can be read in one way is believed here; OpenCV reads the rest.
"""

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_MARK = b"Exif\0\0"
_REACH = 1 << 16  # bytes in which Exif begins, if there is any
_APP1 = 0xE1
_BEFORE = {0xE0, _APP1, 0xE2, 0xFE}  # segments that may come first: APP0 to 2, comment
_ORIENTATION, _SHORT = 0x0112, 3
UPRIGHT = 1


def orientation(file: bytes) -> int | None:
    """From 1 to 8, 1 where nothing is said; None where that is not certain."""
    at = file.find(_MARK, 0, _REACH)
    if at < 0:
        return UPRIGHT
    start = _segment(file)
    if start != at or file.find(_MARK, at + 1, _REACH) >= 0:
        return None
    (length,) = struct.unpack_from(">H", file, at - 2)
    try:
        return _tag(file[at + len(_MARK) : at - 2 + length])
    except struct.error:
        return None


def _segment(file: bytes) -> int:
    """Where the first segment APP1 has its content; 0 if another one comes first."""
    at = 2
    while at + 4 < len(file) and file[at] == 0xFF and file[at + 1] in _BEFORE:
        if file[at + 1] == _APP1:
            return at + 4
        at += 2 + int(struct.unpack_from(">H", file, at + 2)[0])
    return 0


def _tag(tiff: bytes) -> int | None:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return None
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    found = []
    for place in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", tiff, place)
        if tag == _ORIENTATION:
            found.append(value if (kind, values) == (_SHORT, 1) else 0)
    if not found:
        return UPRIGHT
    return found[0] if len(found) == 1 and 1 <= found[0] <= 8 else None


def upright(image: Image, orientation: int) -> Image:
    """The picture as it was seen, from the one in the file (height x width x 3)."""
    if orientation >= 5:
        image = cv2.transpose(image)  # type: ignore[assignment]
    if (flip := _FLIPS.get(orientation)) is not None:
        image = cv2.flip(image, flip)  # type: ignore[assignment]
    return image


# 1 mirrors left and right, 0 top and bottom, -1 both; from 5 on after a transposition.
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
