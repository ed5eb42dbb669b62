"""How each camera's picture is looked at: turned, cut, shrunk, and judged.

A setting for each camera is a list such as `180`, `desk3=180` or `90;desk3=0`: a value
without a name is for all cameras that have none of their own.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from common import options
from common.options import integer, one_of, option, section
from posture.vision.limits import Limits
from posture.vision.people import PEOPLE, People

_T = TypeVar("_T")
ROTATIONS = (0, 90, 180, 270)


class Region(NamedTuple):
    """A part of a picture: its upper left corner and its size, in shares of it."""

    x: float
    y: float
    width: float
    height: float


WHOLE = Region(0, 0, 1, 1)


@dataclass(frozen=True)
class PerCamera(Generic[_T]):
    """A value for each camera: its own, or that for all."""

    default: _T
    own: Mapping[str, _T] = field(default_factory=dict)

    def of(self, pi: str) -> _T:
        """The value for this camera."""
        return self.own.get(pi, self.default)


def rotation(text: str) -> int:
    """Read degrees clockwise.

    Raises:
        ValueError: none of 0, 90, 180 and 270.
    """
    if text not in map(str, ROTATIONS):
        raise ValueError(text)
    return int(text)


def region(text: str) -> Region:
    """Read `x,y,width,height`.

    Raises:
        ValueError: not four shares, or not inside the picture.
    """
    x, y, width, height = (float(part) for part in text.split(","))
    inside = 0 <= x < x + width <= 1.000001 and 0 <= y < y + height <= 1.000001
    if not inside or min(width, height) < _SMALLEST:
        raise ValueError(text)
    return Region(x, y, width, height)


_SMALLEST = 0.05  # of the picture: nothing can be found in less


def per_camera(
    parse: Callable[[str], _T], default: _T, expected: str
) -> Callable[[str], PerCamera[_T]]:
    """A reader of such a list."""

    def read(text: str) -> PerCamera[_T]:
        for_all, own = default, {}
        for entry in filter(None, (part.strip() for part in text.split(";"))):
            pi, named, value = entry.rpartition("=")
            try:
                parsed = parse(value.strip())
            except ValueError:
                raise ValueError(expected) from None
            if named:
                own[pi.strip()] = parsed
            else:
                for_all = parsed
        return PerCamera(for_all, own)

    return read


@dataclass(frozen=True)
class CameraSettings:
    """What is done to pictures before and after the model looks at them."""

    apart: ClassVar = True

    limits: Limits = section(Limits)
    rotate: PerCamera[int] = option(
        "ROTATE",
        "--rotate",
        "degrees clockwise by which pictures are turned upright: 0, 90, 180 or 270; "
        "for some cameras as desk3=180;desk4=90",
        default="0",
        parse=per_camera(rotation, 0, "0, 90, 180 or 270, for one camera as desk3=180"),
    )
    region: PerCamera[Region] = option(
        "REGION",
        "--region",
        "part of the picture in which the person sits, as x,y,width,height in shares "
        "of the upright picture; for some cameras as desk3=0.2,0,0.5,1",
        default="0,0,1,1",
        parse=per_camera(
            region,
            WHOLE,
            "x,y,width,height from 0 to 1 inside the picture, such as "
            "desk3=0.2,0,0.5,1",
        ),
    )
    people: People = option(
        "PEOPLE",
        "--people",
        "who is measured where several are in sight: any (whom the model is surest "
        "of), nearest (the larger of two) or alone (nobody while there are two)",
        default="any",
        parse=one_of(*PEOPLE),
    )
    inference_size: int = option(
        "INFERENCE_SIZE",
        "--inference-size",
        "pixels of the longer side of the picture that the model sees, at most; the "
        "annotated picture keeps its size",
        default="960",
        parse=integer(256, 10_000),
    )

    def for_model(self, model: str) -> "CameraSettings":
        """The same with the limits of this model (lite, full, heavy)."""
        return replace(self, limits=self.limits.for_model(model))


@cache
def measured_settings() -> CameraSettings:
    """The defaults."""
    return options.read(CameraSettings, argparse.Namespace(), {})


def as_data(settings: CameraSettings) -> dict[str, Any]:
    """The settings as plain data, for another process."""
    return {
        "limits": vars(settings.limits),
        "rotate": [settings.rotate.default, dict(settings.rotate.own)],
        "region": [settings.region.default, dict(settings.region.own)],
        "people": settings.people,
        "inference_size": settings.inference_size,
    }


def from_data(data: Mapping[str, Any]) -> CameraSettings:
    """The settings that `as_data` made, also after a way through JSON."""
    turn, turns = data["rotate"]
    part, parts = data["region"]
    return CameraSettings(
        limits=Limits(**data["limits"]),
        rotate=PerCamera(turn, turns),
        region=PerCamera(Region(*part), {pi: Region(*r) for pi, r in parts.items()}),
        people=data["people"],
        inference_size=data["inference_size"],
    )
