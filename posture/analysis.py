"""One picture, from payload to annotated file: the path that every picture takes."""

from dataclasses import dataclass

from posture.drawing import annotate
from posture.landmarks import Landmarker
from posture.messages import decode_image, decode_payload
from posture.pictures import encode
from posture.verdict import Preset, Verdict, judge


@dataclass(frozen=True)
class Analysis:
    """What came out: the verdict, and the annotated picture as a JPEG file."""

    verdict: Verdict
    picture: bytes


def analyze(
    payload: bytes, landmarker: Landmarker, preset: Preset, limit: int
) -> Analysis:
    """Analyze one message's payload of at most `limit` bytes.

    Raises:
        RefusedError: it holds no picture that can be analyzed.
    """
    image = decode_image(decode_payload(payload, limit))
    landmarks = landmarker.find(image)
    height, width = image.shape[:2]
    verdict = judge(landmarks, width, height, preset)
    annotate(image, landmarks, verdict)
    return Analysis(verdict, encode(image))
