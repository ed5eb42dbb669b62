"""Settings of single cameras: ROTATE and REGION."""

import json

import pytest

from common.options import SettingsError
from posture.vision.camera_settings import CameraSettings, Region, as_data, from_data
from tests.fixtures.settings import settings_from


def read(**environ):
    return settings_from(CameraSettings, environ)


def test_a_value_without_a_name_is_for_all_other_cameras():
    settings = read(ROTATE="90;desk3=180; desk4=0")

    assert [settings.rotate.of(pi) for pi in ("desk1", "desk3", "desk4")] == [
        90,
        180,
        0,
    ]


def test_a_camera_without_settings_is_looked_at_as_it_is():
    settings = read(ROTATE="desk3=180", REGION="desk3=0.2,0,0.5,1")

    assert settings.rotate.of("desk1") == 0
    assert settings.region.of("desk1") == Region(0, 0, 1, 1)
    assert settings.region.of("desk3") == Region(0.2, 0, 0.5, 1)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ROTATE", "45", "0, 90, 180 or 270"),
        ("ROTATE", "desk3=upside down", "0, 90, 180 or 270"),
        ("ROTATE", "-90", "0, 90, 180 or 270"),
        ("REGION", "desk3=0,0,2,1", "x,y,width,height from 0 to 1"),
        ("REGION", "0.5,0.5,0,0.1", "x,y,width,height from 0 to 1"),
        ("REGION", "0,0,1", "x,y,width,height from 0 to 1"),
        ("REGION", "nan,0,1,1", "x,y,width,height from 0 to 1"),
    ],
)
def test_a_value_that_is_none_is_refused_in_words(name, text, expected):
    with pytest.raises(SettingsError, match=expected):
        read(**{name: text})


def test_settings_come_through_json_as_they_were():
    settings = read(ROTATE="90;desk3=180", REGION="desk3=0.2,0,0.5,1", MIN_YAW="35")

    assert from_data(json.loads(json.dumps(as_data(settings)))) == settings
