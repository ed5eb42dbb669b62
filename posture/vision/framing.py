"""What of a picture the model sees: turned upright, cut to a region, shrunk.

The model looks at 224 and 256 pixels a side whatever it is given; of pictures with 12
megapixels it loses people that it finds in the same picture shrunk.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from posture.vision.camera_settings import WHOLE, Region
from posture.vision.landmark import Landmark
from posture.vision.payload import Image

_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def turned(image: Image, degrees: int) -> Image:
    """The picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return image if degrees == 0 else cv2.rotate(image, _TURNS[degrees])  # type: ignore[return-value]


def cut(image: Image, region: Region) -> Image:
    """A part of the picture, without copying it; at least one pixel."""
    if region == WHOLE:
        return image
    height, width = image.shape[:2]
    left, top = int(region.x * width), int(region.y * height)
    right = max(left + 1, round((region.x + region.width) * width))
    bottom = max(top + 1, round((region.y + region.height) * height))
    return image[top:bottom, left:right]


def shrunk(image: Image, most: int) -> Image:
    """The picture divided by the smallest whole number that leaves at most `most`."""
    height, width = image.shape[:2]
    factor = divisor(width, height, most)
    return np.ascontiguousarray(image) if factor == 1 else _divided(image, factor)


def _divided(image: Image, factor: int) -> Image:
    """The picture with sides of one `factor`th, which is 2 or more.

    Each new pixel is a mean of old ones. By 2 it is that of a block of four, which
    OpenCV does in a tenth of the time that other blocks take. So what is more comes
    first, by straight lines between pixels: 16 of them, of a block of up to 5 x 5.
    """
    height, width = image.shape[:2]
    steps = 2 << max(0, math.ceil(math.log2(factor / _SPARED)))
    size = (max(1, width // factor) * steps, max(1, height // factor) * steps)
    if size != (width, height):
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    while steps > 1:
        steps //= 2
        size = size[0] // 2, size[1] // 2
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return image


_SPARED = 5  # factor up to which 16 pixels stand for a block


def narrowed(image: Image, most: int | None) -> Image:
    """The picture no wider than `most` pixels, if given: to be kept, not judged.

    By a whole number first, as above; what is left, less than 2, by straight lines
    between pixels, which takes a tenth of the time of exact means.
    """
    height, width = image.shape[:2]
    if most is None or width <= most:
        return image
    if (factor := width // most) > 1:
        image = _divided(image, factor)
    size = (most, max(1, round(height * most / width)))
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def divisor(width: int, height: int, most: int) -> int:
    """The smallest whole number by which the longer side becomes at most `most`."""
    return math.ceil(max(width, height) / most)


def in_whole(landmarks: Sequence[Landmark], region: Region) -> list[Landmark]:
    """Landmarks found in a region, as places in the whole picture."""
    if region == WHOLE:
        return list(landmarks)
    return [
        each._replace(
            x=region.x + each.x * region.width,
            y=region.y + each.y * region.height,
            z=each.z * region.width,
        )
        for each in landmarks
    ]
