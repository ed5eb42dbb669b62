"""From an MQTT message's payload to the pixels of an image.

The payload's first bytes show which format it is, so that nothing is ever guessed. What
cameras send is decoded by libjpeg-turbo itself: the same pixels as by OpenCV, in half
of the time. OpenCV decodes the rest.
"""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from posture.errors import RefusedError
from posture.vision import exif, header
from posture.vision.damage import whole_jpeg
from posture.vision.header import Header
from posture.vision.wrapping import field_of, from_base64, without_blanks

Image = NDArray[np.uint8]

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"RIFF": "WebP",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}


def decode_payload(payload: bytes, limit: int, field: str | None = None) -> bytes:
    """The bytes of the image file that a payload holds.

    The file, or Base64 of it in what cameras wrap it in; in a JSON object the field of
    that name has it.

    Raises:
        RefusedError: empty, longer than `limit`, or no image in any of these forms.
    """
    if len(payload) > limit:
        raise RefusedError(
            f"message of {len(payload)} bytes, more than {limit} allowed"
        )
    if _format(payload):
        return payload
    text = without_blanks(payload)
    if not text:
        raise RefusedError("message is empty")
    if _format(text):
        return text
    file = from_base64(field_of(payload, field))
    if not _format(file):
        raise RefusedError(
            f"payload is Base64, but no image: begins with {file[:8].hex(' ')}"
        )
    return file


def _format(file: bytes) -> str | None:
    return next(
        (name for magic, name in _MAGIC.items() if file.startswith(magic)), None
    )


def check_header(file: bytes) -> Header:
    """What the image file says of itself.

    Raises:
        RefusedError: it asks for more than a picture may.
    """
    return header.check(_format(file) or "", file)


def decode_image(file: bytes) -> Image:
    """The pixels of an image file, height x width x 3, blue-green-red, 8 bit.

    Raises:
        RefusedError: broken, too large, or of a kind that OpenCV does not read.
    """
    check_header(file)
    return decode_checked(file)


def decode_checked(file: bytes) -> Image:
    """What `decode_image` gives, of a file whose header `check_header` has passed."""
    jpeg = _format(file) == "JPEG"
    image = _decode_plain_jpeg(file) if jpeg else None
    if image is None:
        image = _imdecode(whole_jpeg(file) if jpeg else file)
    if image is None:
        raise RefusedError(
            f"{_format(file)} image of {len(file)} bytes cannot be decoded: broken"
        )
    return image


def _decode_plain_jpeg(file: bytes) -> Image | None:
    """None for a JPEG that takes more: broken, or with Exif that is not plain."""
    held = exif.orientation(file)
    if held is None:
        return None
    try:
        image: Image = simplejpeg.decode_jpeg(file, "BGR")
    except ValueError:
        return None
    return exif.upright(image, held)


def _imdecode(file: bytes) -> Image | None:
    try:
        return cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]
    except cv2.error:
        return None
