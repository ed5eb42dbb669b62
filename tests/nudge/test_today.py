"""How much somebody has leaned today: a share of the minutes that were judged."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nudge.settings import NudgeSettings
from nudge.today import documents, midnight
from page.minutes import Counted
from tests.fixtures.settings import settings_from

NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
LEANING, UPRIGHT, UNCLEAR = (0, 3, 0), (2, 1, 0), (0, 0, 4)


def told(*minutes):
    counted = [Counted("desk1", n, *each) for n, each in enumerate(minutes)]
    return documents(counted, NOW)["desk1"]


def test_only_judged_minutes_count():
    found = told(LEANING, UPRIGHT, UPRIGHT, UNCLEAR)
    assert found["leaning_percent"] == 33
    assert (found["leaning_minutes"], found["judged_minutes"]) == (1, 3)


def test_without_a_judged_minute_it_is_unknown_and_not_0():
    assert told(UNCLEAR)["leaning_percent"] is None
    assert told(UPRIGHT)["leaning_percent"] == 0


def test_nobody_is_told_of_a_camera_that_saw_nobody():
    assert documents([], NOW) == {}


@pytest.mark.parametrize(
    ("name", "begun"),
    [("UTC", "2026-11-25T00:00"), ("Europe/Helsinki", "2026-11-26T00:00")],
)
def test_today_begins_at_midnight_where_the_people_are(name, begun):
    database = ("HOST", "DB", "USER", "PASSWORD")
    environ = {f"SUPABASE_{each}": "x" for each in database}
    settings = settings_from(NudgeSettings, environ | {"NUDGE_TIMEZONE": name})
    wanted = datetime.fromisoformat(begun).replace(tzinfo=ZoneInfo(name))
    assert midnight(NOW, settings) == wanted
