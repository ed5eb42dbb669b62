"""Questions to a real database, with and without the optional indexes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from common.errors import OperatorError
from page import history
from page.history import Wish
from page.rows import DatabaseAwayError, Rows
from page.timeline import Bin, curve
from posture.settings import DatabaseSettings
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT

SQL = ROOT / "deploy" / "posture_log_page.sql"


@pytest.fixture
def database(postgres):
    return Rows(settings_from(DatabaseSettings, postgres.environ))


def test_the_newest_of_each_camera_is_the_same_with_and_without_indexes(
    own_postgres, rows
):
    database = Rows(settings_from(DatabaseSettings, own_postgres.environ))
    for pi in ("b", "a", "b", "c", "a"):
        rows.add(pi)
    newest = sorted(row.id for row in database.newest_of_each())
    assert newest == [3, 4, 5]
    for _ in range(2):  # running it again changes nothing
        own_postgres.execute(SQL.read_text())
    assert sorted(row.id for row in database.newest_of_each()) == newest


def test_the_page_cannot_change_anything(database, postgres):
    with pytest.raises(DatabaseAwayError, match="read-only"):
        database.ask("INSERT INTO posture_log DEFAULT VALUES RETURNING id")


def test_the_password_is_not_in_a_message(postgres):
    environ = postgres.environ | {"SUPABASE_PASSWORD": "pass phrase"}
    with pytest.raises(DatabaseAwayError) as caught:
        Rows(settings_from(DatabaseSettings, environ)).newest_id()
    assert "pass phrase" not in str(caught.value)


def test_what_a_filter_says_is_a_value_and_no_sql(database, rows):
    rows.add("desk")
    for evil in ("' OR 1=1 --", "\0", "%s", "\N{PILE OF POO}"):
        assert history.find(database, Wish(pi=evil, status=evil)) == []
    assert len(history.find(database, Wish(pi="desk", status="Good"))) == 1


def test_a_day_is_as_long_as_the_zone_says():
    begin, end = history.read_day("2026-10-25", ZoneInfo("Europe/Berlin"), None)
    assert (end - begin).total_seconds() == 25 * 3600
    assert begin == datetime(2026, 10, 24, 22, tzinfo=UTC)


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "9999-12-31", "0001-01-01"])
def test_what_is_no_day_is_refused(day):
    with pytest.raises(OperatorError, match="is no day"):
        history.read_day(day, ZoneInfo("Asia/Tokyo"), None)


def test_a_time_or_place_that_is_none_is_refused():
    for query in ({"since": "noon"}, {"before": "x"}, {"before": "x~y"}):
        with pytest.raises(OperatorError):
            history.read_wish(query, UTC)


def test_a_curve_has_a_gap_where_nothing_was_measured():
    bins = [Bin(0), Bin(1), Bin(2), Bin(4)]
    for number in (0, 1, 3):
        bins[number].add("Good", 1, 45, 9, 1)
    bins[2].add("No_Landmarks_Detected", 1, 0, 0, 0)
    assert curve(bins, "neck") == "M0 50.0H4V50.0H8M16 50.0H20"
