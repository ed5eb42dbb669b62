"""A personal baseline: how somebody who sits well reads at a camera.

Who is calibrated is judged by how much further than that he leans. The margins are
those that the usual limits leave to somebody who reads 20 degrees of the neck and 5 of
the body when upright, so for such a person nothing changes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from common.errors import OperatorError

NECK_MARGIN, BODY_MARGIN = 20, 15
FEWEST = 5
"""Judged pictures that a baseline needs."""

_MOST_NECK, _MOST_BODY = 50, 25  # degrees of somebody who sits upright, at most
_NECK_SPREAD, _BODY_SPREAD = 10, 7  # degrees from the median: somebody who sits still
_SHARE = 0.75  # of the pictures, that must lie so near


class Baseline(NamedTuple):
    """Whole degrees of neck and body, from 0 to 90, of somebody who sits well."""

    neck: int
    body: int

    @property
    def limits(self) -> tuple[int, int]:
        """Degrees of neck and body below which a posture is Good."""
        return self.neck + NECK_MARGIN, self.body + BODY_MARGIN


class NoBaselineError(OperatorError):
    """These pictures give no baseline; says why, and what to do."""


def baseline_of(angles: Sequence[tuple[int, int]], pictures: int) -> Baseline:
    """The baseline by the neck and body, in degrees, of judged pictures.

    `pictures` is how many there were, with those that could not be judged.

    Raises:
        NoBaselineError: too few could be judged, they disagree, or nobody sits upright.
    """
    if len(angles) < FEWEST or 2 * len(angles) < pictures:
        raise NoBaselineError(
            f"only {len(angles)} of {pictures} pictures could be judged: a baseline "
            f"needs {FEWEST}, and half of them"
        )
    necks, bodies = ([each[part] for each in angles] for part in (0, 1))
    from statistics import median  # 7 ms of every start, and only calibration asks

    found = Baseline(round(median(necks)), round(median(bodies)))
    for part, seen, middle, spread in (
        ("neck", necks, found.neck, _NECK_SPREAD),
        ("body", bodies, found.body, _BODY_SPREAD),
    ):
        near = sum(abs(each - middle) <= spread for each in seen)
        if near < _SHARE * len(seen):
            raise NoBaselineError(
                f"the pictures disagree: the {part} reads from {min(seen)} to "
                f"{max(seen)} degrees; sit still and upright, one person alone"
            )
    if found.neck > _MOST_NECK or found.body > _MOST_BODY:
        raise NoBaselineError(
            f"a neck of {found.neck} and a body of {found.body} degrees is not upright "
            f"(at most {_MOST_NECK} and {_MOST_BODY}): sit well, or see whether the "
            "camera is level and beside you"
        )
    return found
