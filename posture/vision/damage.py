"""Whether a JPEG is all there: decoders fill in grey what is missing.

Other formats need no check of their own: OpenCV gives no picture of those cut short.
"""

import struct
from collections import defaultdict

import simplejpeg

from posture.errors import RefusedError

_END = b"\xff\xd9"
_SCAN = 0xDA
_PROGRESSIVE_FRAMES = (0xC2, 0xC6)
_WHOLE_BLOCK = set(range(64))  # coefficients
# Said of a kind that the strict decoder cannot do; all else that it says is damage.
_UNKNOWN = ("ubsampling", "olorspace", "color conversion")


def whole_jpeg(file: bytes) -> bytes:
    """The file, with its end marker if only that was missing.

    What comes behind the end does not matter.

    Raises:
        RefusedError: a part of it is missing or damaged.
    """
    reason = ""
    for candidate in (file, file + _END):
        try:
            # An eighth of the size: all of the file is read, and little computed.
            simplejpeg.decode_jpeg(candidate, "GRAY", min_height=1, min_width=1)
        except ValueError as error:
            reason = str(error)
            if any(each in reason for each in _UNKNOWN) and _END in file[-1024:]:
                return file
        else:
            if candidate is file or _has_all_scans(file):
                return candidate
            reason = "the last scans are missing"
    raise RefusedError(
        f"JPEG image of {len(file)} bytes cannot be decoded: cut off or damaged "
        f"({reason})"
    )


def _has_all_scans(file: bytes) -> bool:
    """Whether a JPEG without its end has all of its scans: a progressive one has many.

    Each brings some coefficients of some components; the last of them, all bits
    (ITU-T T.81, G.1.1.1.1).
    """
    done: defaultdict[int, set[int]] = defaultdict(set)
    components, at = 0, 2
    while (at := file.find(b"\xff", at)) >= 0 and at + 10 < len(file):
        marker = file[at + 1]
        at += 2
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker not in _PROGRESSIVE_FRAMES:
                return True
            components = file[at + 7]
        elif marker == _SCAN:
            _note_scan(file, at, done)
        if marker >= 0xC0 and not 0xD0 <= marker <= 0xD9 and marker != 0xFF:
            at += struct.unpack_from(">H", file, at)[0]
    whole = sum(found >= _WHOLE_BLOCK for found in done.values())
    return 0 < components <= whole


def _note_scan(file: bytes, at: int, done: defaultdict[int, set[int]]) -> None:
    count = file[at + 2]
    first, last, bits = file[at + 3 + 2 * count : at + 6 + 2 * count]
    if bits & 0x0F == 0:
        for number in range(count):
            done[file[at + 3 + 2 * number]].update(range(first, last + 1))
