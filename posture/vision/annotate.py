"""Draws a verdict on its picture: the measured side, both angles, the status."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from posture.vision import advice
from posture.vision.landmark import POINTS, Landmark
from posture.vision.payload import Image
from posture.vision.reason import Reason
from posture.vision.verdict import Status, Verdict

Colour = tuple[int, int, int]

# Blue, green, red. The status is always written out too, never colour alone.
_COLOURS: dict[Status, Colour] = {
    Status.GOOD: (96, 200, 64),
    Status.BAD: (64, 64, 240),
    Status.PARTIAL: (48, 176, 255),
    Status.NONE: (200, 200, 200),
}
_WHITE: Colour = (255, 255, 255)
_OUTLINE: Colour = (24, 24, 24)
_WORDS = {
    Status.GOOD: "Good",
    Status.BAD: "Bad",
    Status.PARTIAL: "Partial landmarks",
    Status.NONE: "No landmarks",
}
_VERTICAL_SHARE = (
    0.12  # of the picture's height: the dashed lines that angles start from
)
_SHADE = 3  # bits of brightness taken from the picture under the words
_WEIGHT = 600  # semibold
_SMALLEST = 8  # pixels of a letter


def annotate(image: Image, landmarks: Sequence[Landmark], verdict: Verdict) -> None:
    """Draw on `image` itself (height x width x 3, blue-green-red).

    Lines and letters grow with the picture and have a dark outline or ground, so that
    they can be read on dark and bright pictures alike.
    """
    height, width = image.shape[:2]
    scale = max(0.35, min(height, width) / 720)
    colour = _COLOURS[verdict.status]
    if landmarks and verdict.side:
        chain = _pixels(landmarks, verdict, width, height)
        _draw_side(image, chain, verdict, colour, scale)
    _draw_panel(image, verdict, colour, scale)


def _pixels(
    landmarks: Sequence[Landmark], verdict: Verdict, width: int, height: int
) -> list[tuple[int, int]]:
    """Ear, shoulder and hip of the measured side, as far as they are in the picture."""
    side = verdict.side or "left"
    return [
        (round(landmarks[i].x * width), round(landmarks[i].y * height))
        for i in POINTS[side]
        if 0 <= landmarks[i].x <= 1 and 0 <= landmarks[i].y <= 1
    ]


def _draw_side(
    image: Image,
    chain: list[tuple[int, int]],
    verdict: Verdict,
    colour: Colour,
    scale: float,
) -> None:
    thick = max(1, round(4 * scale))
    if verdict.measured:
        for start in chain[1:]:  # shoulder and hip: where the angles are measured
            top = (start[0], start[1] - round(image.shape[0] * _VERTICAL_SHARE))
            _line(image, start, top, _WHITE, max(1, thick // 2))
    for one, other in pairwise(chain):
        _line(image, one, other, colour, thick)
    for point in chain:
        cv2.circle(image, point, thick * 2 + 2, _OUTLINE, -1, cv2.LINE_AA)
        cv2.circle(image, point, thick * 2, colour, -1, cv2.LINE_AA)


def _line(
    image: Image,
    one: tuple[int, int],
    other: tuple[int, int],
    colour: Colour,
    thick: int,
) -> None:
    cv2.line(image, one, other, _OUTLINE, thick + 4, cv2.LINE_AA)
    cv2.line(image, one, other, colour, thick, cv2.LINE_AA)


def _draw_panel(image: Image, verdict: Verdict, colour: Colour, scale: float) -> None:
    """The status and the angles, on a darkened ground in the upper left corner."""
    font = cv2.FontFace("sans")
    lines = [(_WORDS[verdict.status], colour)]
    if words := _second_line(verdict):
        lines.append((words, _WHITE))
    size, margin = max(12, round(38 * scale)), round(18 * scale)
    widest = max(_text_width(image, text, font, size) for text, _ in lines)
    if widest + margin >= image.shape[1]:  # rather small than cut off
        size = max(_SMALLEST, size * (image.shape[1] - margin) // (widest + 1))
        widest = max(_text_width(image, text, font, size) for text, _ in lines)
    step = round(size * 1.35)
    ground = image[: step * len(lines) + margin, : widest + 2 * margin]
    np.right_shift(ground, _SHADE, out=ground)
    for number, (text, ink) in enumerate(lines, 1):
        place = (margin, step * number)
        cv2.putText(image, text, place, ink, font, size, _WEIGHT)


def _second_line(verdict: Verdict) -> str:
    """The angles, or the reason why there are none; empty when nobody is there."""
    if verdict.measured and verdict.baseline:
        neck, body = verdict.baseline.limits
        return f"Neck {verdict.neck}° of {neck}°   Body {verdict.body}° of {body}°"
    if verdict.measured:
        return f"Neck {verdict.neck}°   Body {verdict.body}°"
    if verdict.reason in (None, Reason.NOBODY):
        return ""
    words = advice.short(verdict.reason)
    if verdict.rotate is not None:
        return f"{words}: ROTATE={verdict.rotate}"
    if verdict.reason == Reason.NOT_FROM_THE_SIDE:
        return f"{words}: {verdict.view}, {verdict.yaw}°"
    return words


def _text_width(image: Image, text: str, font: cv2.FontFace, size: int) -> int:
    room = (image.shape[1], image.shape[0])
    return int(cv2.getTextSize(room, text, (0, 0), font, size, _WEIGHT)[2])
