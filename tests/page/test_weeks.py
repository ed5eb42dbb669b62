"""A place's week in a browser: from rows in the table to what a person reads."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.fixtures import believable
from tests.fixtures.net import wait_until
from tests.fixtures.worker import ROOT

BERLIN = ZoneInfo("Europe/Berlin")
INSERT = (
    "INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, "
    "neck_angle, body_angle, posture_status, landmarks_detected, processed_by) "
    "SELECT %s, 'x.jpg', t, t, 20, 5, CASE WHEN n < %s THEN 'Bad' ELSE 'Good' END, "
    "true, 'jetson1' FROM generate_series(0, 59) AS n, "
    "LATERAL (SELECT %s + n * interval '1 minute' AS t) AS m"
)


@pytest.fixture
def sit(postgres):
    """Adds an hour of pictures of which the first `leaning` minutes are Bad."""

    def run(begin, leaning, pi="desk3"):
        utc = begin.astimezone(UTC).replace(tzinfo=None)
        with postgres.connect() as connection, connection.cursor() as cursor:
            cursor.execute(INSERT, (pi, leaning, utc))

    return run


@pytest.fixture(scope="module")
def in_berlin(start_lasting):
    """A page in Berlin's time, for all tests that look at weeks alone."""
    return start_lasting(PAGE_TIMEZONE="Europe/Berlin")


def monday(weeks_ago):
    today = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday() + 7 * weeks_ago)


@pytest.fixture
def two_weeks(sit):
    """A whole week with a third leaning, after one with half."""
    for ago, shares in ((1, (18, 12, 24)), (2, (30, 36, 24))):
        for day in range(5):
            for hour, leaning in zip((9, 10, 14), shares, strict=True):
                sit(monday(ago) + timedelta(days=day, hours=hour), leaning)
    sit(monday(1) + timedelta(days=2, hours=13), 60)
    return monday(1).date()


def test_a_week_is_two_clicks_away_and_says_whether_it_was_better(
    start_page, rows, two_weeks, open_tab
):
    rows.add("desk3")
    tab = open_tab(start_page(PAGE_TIMEZONE="Europe/Berlin"))
    tab.locator("[data-pi=desk3] h2 a").click()
    tab.get_by_role("link", name="The week").click()
    tab.get_by_role("link", name="Week before").click()
    expect(tab.locator(".say")).to_contain_text("Less leaning than")
    expect(tab.locator(".say")).to_contain_text("Mostly Wednesday 13 to 14.")
    expect(tab.locator(".head")).to_contain_text("16 h 0 min judged · 34 % leaning")
    expect(tab.locator(".head")).to_contain_text("(50 % in the same days")
    wednesday = tab.locator(".week").first.locator("tbody tr").nth(2)
    expect(wednesday.locator("td")).to_have_text(
        ["·not enough seen", "30", "20", *["·not enough seen"] * 2, "100", "40"]
        + ["·not enough seen"] * 3
    )
    tab.check_accessible()
    tab.keep("week")


@pytest.mark.parametrize("look", ["dark", "phone"])
def test_a_week_is_readable_in_the_dark_and_on_a_phone(
    in_berlin, two_weeks, open_tab, look
):
    options = {
        "dark": {"color_scheme": "dark"},
        "phone": {"viewport": {"width": 320, "height": 640}},
    }[look]
    tab = open_tab(in_berlin, f"/week?pi=desk3&week={two_weeks}", **options)
    expect(tab.locator(".lean-10")).to_have_text("100")
    tab.check_accessible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.keep(f"week-{look}")


def test_a_week_in_which_nobody_was_seen_says_so(start_page, rows, open_tab):
    rows.add("desk3", "No_Landmarks_Detected", None, None, ago=86400 * 30)
    page = start_page()
    known = "the page has looked for cameras that have been silent for long"
    wait_until(lambda: page.get("/week?pi=desk3")[0] == 200, known)
    tab = open_tab(page, "/week?pi=desk3")
    expect(tab.locator(".say")).to_contain_text("Too little was seen in this week")
    expect(tab.get_by_text("Nobody was seen in this week")).to_be_visible()


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_with_a_change_of_clocks_has_its_hours(in_berlin, sit, day, hours):
    begin = datetime.fromisoformat(day).replace(tzinfo=BERLIN).astimezone(UTC)
    for hour in range(hours):
        sit(begin + timedelta(hours=hour), 30)
    status, _, text = in_berlin.get(f"/week?pi=desk3&week={day}")
    assert status == 200
    assert f"{hours} h 0 min judged" in text
    assert "50 %" in text


AT = """
import sys
from datetime import UTC, datetime
sys.path.insert(0, {root!r})
import page.weeks

class At(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 11, 25, 15, tzinfo=UTC).astimezone(tz)

page.weeks.datetime = At
import live_page
raise SystemExit(live_page.main())
"""


def test_whether_the_week_is_better_is_two_clicks_from_the_office(
    start_page, rows, postgres, open_tab, tmp_path
):
    """On a Wednesday at four in the afternoon."""
    believable.fill(postgres, datetime(2026, 11, 23, tzinfo=BERLIN))
    rows.add("desk3")
    script = tmp_path / "at.py"
    script.write_text(AT.format(root=str(ROOT)))
    tab = open_tab(start_page(script=script, PAGE_TIMEZONE="Europe/Berlin"), "/")
    tab.get_by_role("link", name="Cameras", exact=True).click()
    tab.get_by_role("link", name="Week desk3").click()
    expect(tab.locator(".head")).to_contain_text("30 % leaning")
    expect(tab.locator(".head")).to_contain_text("(52 % in the same days of the week")
    expect(tab.locator(".say")).to_contain_text("Less leaning than in the same days")
    expect(tab.locator(".say")).to_contain_text(
        "Mostly Wednesday 13 to 15, Tuesday 10 to 11, Monday 9 to 10."
    )
    tab.check_accessible()
    tab.keep("desk3-week")


def test_what_is_no_week_is_said(in_berlin):
    status, _, text = in_berlin.get("/week?pi=desk3&week=soon")
    assert status == 400
    assert "is no week" in text
