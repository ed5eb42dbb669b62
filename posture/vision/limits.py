"""What a picture must show to be judged: limits, with the defaults that were measured.

Each one is explained, with what it was measured on, in docs/science.md.
"""

import argparse
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

from common import options
from common.options import decimal, integer, option

# What a model must be certain of a hip to be believed, chosen on one half of the
# photographs and confirmed on the other: `lite` is less certain of hips in sight.
_HIP_CERTAINTY = {"lite": 0.9, "full": 0.96, "heavy": 0.96}


@dataclass(frozen=True)
class Limits:
    """When a person can be judged; the preset `legacy` asks for none of it."""

    apart: ClassVar = True

    yaw: int = option(
        "MIN_YAW",
        "--min-yaw",
        "degrees from front or back (90: from the side) below which nobody is judged",
        default="40",
        parse=integer(0, 90),
    )
    body: int = option(
        "MAX_BODY",
        "--max-body",
        "degrees of the body above which the picture counts as turned",
        default="60",
        parse=integer(20, 180),
    )
    neck: int = option(
        "MAX_NECK",
        "--max-neck",
        "degrees of the neck above which the head counts as not in sight",
        default="90",
        parse=integer(40, 180),
    )
    hip: float | None = option(
        "MIN_HIP_CERTAINTY",
        "--min-hip-certainty",
        "visibility and presence of the hip below which it counts as not in sight; "
        "without it 0.9 with MODEL=lite, else 0.96",
        default=None,
        parse=decimal(0, 1),
    )
    thigh: int = option(
        "MIN_THIGH",
        "--min-thigh",
        "degrees of the thigh from straight up below which the hip counts as made up",
        default="60",
        parse=integer(0, 180),
    )
    lean: int = option(
        "MAX_SIDEWAYS",
        "--max-sideways",
        "degrees of a lean to the left or right above which the hip counts as made up",
        default="30",
        parse=integer(0, 90),
    )
    head: float = option(
        "MAX_HEAD",
        "--max-head",
        "length from shoulder to ear as a share of an upright trunk's, above which "
        "the hip counts as made up",
        default="0.7",
        parse=decimal(0, 100),
    )
    trunk: int = option(
        "MIN_TRUNK",
        "--min-trunk",
        "pixels from hip to shoulder in the picture that the model sees, below which "
        "a person counts as too small",
        default="16",
        parse=integer(0, 10_000),
    )
    far: float = option(
        "FAR_SHARE",
        "--far-share",
        "share of the far side of the body in the points that are measured",
        default="0.25",
        parse=decimal(0, 0.5),
    )

    @property
    def hip_certainty(self) -> float:
        """What is asked of a hip, from 0 to 1: of `full` where no model was told."""
        return _HIP_CERTAINTY["full"] if self.hip is None else self.hip

    def for_model(self, model: str) -> "Limits":
        """These limits, where not set those of this model: lite, full or heavy."""
        return replace(self, hip=_HIP_CERTAINTY[model]) if self.hip is None else self


@cache
def measured_limits() -> Limits:
    """The defaults."""
    return options.read(Limits, argparse.Namespace(), {})
