"""One picture, from payload to annotated file: the path that every picture takes."""

from collections.abc import Callable
from dataclasses import dataclass

from posture.drawing import annotate
from posture.messages import Image, decode_image, decode_payload
from posture.pictures import encode
from posture.verdict import Landmark, Preset, Verdict, judge

Find = Callable[[Image], list[Landmark]]


@dataclass(frozen=True)
class Analysis:
    """What came out: the verdict, and the annotated picture as a JPEG file."""

    verdict: Verdict
    picture: bytes


def analyze(payload: bytes, find: Find, preset: Preset, limit: int) -> Analysis:
    """Analyze one message's payload of at most `limit` bytes; `find` finds landmarks.

    Raises:
        RefusedError: it holds no picture that can be analyzed.
    """
    image = decode_image(decode_payload(payload, limit))
    landmarks = find(image)
    height, width = image.shape[:2]
    verdict = judge(landmarks, width, height, preset)
    annotate(image, landmarks, verdict)
    return Analysis(verdict, encode(image))
