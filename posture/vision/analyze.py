"""One picture, from payload to annotated file: the path that every picture takes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2

from posture.errors import RefusedError
from posture.settings import Store, WorkerSettings
from posture.vision import camera_settings, framing
from posture.vision.annotate import annotate
from posture.vision.anonymize import disguise
from posture.vision.baseline import Baseline
from posture.vision.camera_settings import CameraSettings, measured_settings
from posture.vision.landmark import Landmark
from posture.vision.payload import (
    Image,
    check_header,
    decode_checked,
    decode_payload,
)
from posture.vision.people import SeveralPeopleError
from posture.vision.reason import Reason
from posture.vision.verdict import Preset, Status, Verdict, judge

Find = Callable[[Image], list[Landmark]]
_QUALITY = 85  # of 100: the usual trade between size and traces of compression


@dataclass(frozen=True)
class Analysis:
    """What came out: the verdict, and the annotated picture as a JPEG file.

    The picture is empty when none is to be kept.
    """

    verdict: Verdict
    picture: bytes


@dataclass(frozen=True)
class Rules:
    """How pictures are analyzed."""

    preset: Preset = "nearest"
    store: Store = "full"
    """What of the picture may be in the annotated one."""
    limit: int = 20 << 20
    """Bytes of a payload, at most."""
    cameras: CameraSettings = field(default_factory=measured_settings)
    payload_field: str | None = None
    """Which field of a JSON object has the picture."""
    picture_width: int | None = None
    """Pixels of the annotated picture's width, at most."""

    @classmethod
    def of(cls, settings: WorkerSettings) -> "Rules":
        """Those that the worker's settings give."""
        return cls(
            settings.preset,
            settings.store,
            settings.max_picture_mb << 20,
            settings.cameras.for_model(settings.model),
            settings.payload_field,
            settings.picture_width,
        )

    def as_json(self) -> str:
        """The rules as a text, for another process."""
        return json.dumps(
            vars(self) | {"cameras": camera_settings.as_data(self.cameras)}
        )

    @classmethod
    def from_json(cls, text: str) -> "Rules":
        """The rules of which this is the text."""
        data: Mapping[str, Any] = json.loads(text)
        cameras = camera_settings.from_data(data["cameras"])
        return cls(**{**data, "cameras": cameras})


def analyze(
    payload: bytes,
    find: Find,
    rules: Rules,
    pi: str = "",
    baseline: Baseline | None = None,
) -> Analysis:
    """Analyze one message's payload from the camera `pi`; `find` finds landmarks.

    With the `baseline` of the camera the verdict is by that.

    Raises:
        RefusedError: it holds no picture that can be analyzed.
    """
    file = decode_payload(payload, rules.limit, rules.payload_field)
    check_header(file)
    return analyze_file(file, find, rules, pi, baseline)


def analyze_file(
    file: bytes,
    find: Find,
    rules: Rules,
    pi: str = "",
    baseline: Baseline | None = None,
) -> Analysis:
    """Analyze a file whose header `check_header` has passed, as `analyze` a payload."""
    cameras, preset = rules.cameras, rules.preset
    image = framing.turned(decode_checked(file), cameras.rotate.of(pi))
    region = cameras.region.of(pi)
    seen = framing.shrunk(framing.cut(image, region), cameras.inference_size)
    height, width = seen.shape[:2]
    try:
        landmarks = find(seen)
        verdict = judge(landmarks, width, height, preset, cameras.limits, baseline)
    except SeveralPeopleError:
        landmarks = []
        verdict = Verdict(Status.PARTIAL, reason=Reason.SEVERAL)
    shown = framing.in_whole(landmarks, region)
    return Analysis(verdict, picture_of(image, shown, verdict, rules))


def picture_of(
    image: Image, landmarks: list[Landmark], verdict: Verdict, rules: Rules
) -> bytes:
    """The annotated picture as a JPEG file, empty for `none`; `image` is drawn on."""
    if rules.store == "none":
        return b""
    shown = framing.narrowed(image, rules.picture_width)
    shown = disguise(shown, landmarks, verdict, rules.store)
    annotate(shown, landmarks, verdict)
    return encode(shown)


def encode(image: Image) -> bytes:
    """The JPEG file of an image."""
    done, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise RefusedError(f"image of {image.shape} cannot be written as JPEG")
    return file.tobytes()
