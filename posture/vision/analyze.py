"""One picture, from payload to annotated file: the path that every picture takes."""

from collections.abc import Callable
from dataclasses import dataclass

from posture.settings import Store
from posture.store.pictures import encode
from posture.vision.annotate import annotate
from posture.vision.anonymize import disguise
from posture.vision.payload import Image, decode_image, decode_payload
from posture.vision.verdict import Landmark, Preset, Verdict, judge

Find = Callable[[Image], list[Landmark]]


@dataclass(frozen=True)
class Analysis:
    """What came out: the verdict, and the annotated picture as a JPEG file.

    The picture is empty when none is to be kept.
    """

    verdict: Verdict
    picture: bytes


def analyze(
    payload: bytes, find: Find, preset: Preset, store: Store, limit: int
) -> Analysis:
    """Analyze one message's payload of at most `limit` bytes; `find` finds landmarks.

    `store` says what of the picture may be in the annotated one.

    Raises:
        RefusedError: it holds no picture that can be analyzed.
    """
    return analyze_file(decode_payload(payload, limit), find, preset, store)


def analyze_file(file: bytes, find: Find, preset: Preset, store: Store) -> Analysis:
    """Analyze an image file, as `analyze` does a payload."""
    image = decode_image(file)
    landmarks = find(image)
    height, width = image.shape[:2]
    verdict = judge(landmarks, width, height, preset)
    return Analysis(verdict, picture_of(image, landmarks, verdict, store))


def picture_of(
    image: Image, landmarks: list[Landmark], verdict: Verdict, store: Store
) -> bytes:
    """The annotated picture as a JPEG file, empty for `none`; `image` is drawn on."""
    if store == "none":
        return b""
    shown = disguise(image, landmarks, verdict, store)
    annotate(shown, landmarks, verdict)
    return encode(shown)
