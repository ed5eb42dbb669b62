import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posture.vision.geometry import Point, inclination

ORIGIN = Point(100, 100)
coordinates = st.floats(-1e4, 1e4)
points = st.builds(Point, coordinates, coordinates)


@pytest.mark.parametrize(
    ("upper", "degrees"),
    [
        pytest.param(Point(100, 50), 0, id="upright"),
        pytest.param(Point(150, 50), 45, id="leaning right"),
        pytest.param(Point(50, 50), 45, id="leaning left"),
        pytest.param(Point(150, 100), 90, id="horizontal"),
        pytest.param(Point(100, 150), 180, id="upside down"),
        pytest.param(Point(130, 100 - 30 * math.sqrt(3)), 30, id="thirty"),
    ],
)
def test_inclination_is_measured_from_the_vertical(upper, degrees):
    assert inclination(ORIGIN, upper) == pytest.approx(degrees)


def test_points_that_coincide_have_no_inclination():
    assert inclination(ORIGIN, ORIGIN) is None


@given(lower=points, upper=points)
def test_the_direction_of_the_lean_does_not_count(lower, upper):
    mirrored = inclination(Point(-lower.x, lower.y), Point(-upper.x, upper.y))

    assert inclination(lower, upper) == mirrored


@given(lower=points, upper=points)
def test_every_inclination_is_from_0_to_180(lower, upper):
    degrees = inclination(lower, upper)

    assert degrees is None or 0 <= degrees <= 180
