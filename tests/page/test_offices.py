"""The office in a browser: what a visitor sees first, and what nobody can be told."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.fixtures.net import wait_until
from tests.fixtures.worker import ROOT

FILL = (
    "INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, "
    "neck_angle, body_angle, posture_status, landmarks_detected, processed_by) "
    "SELECT 'desk' || place, 'x.jpg', t, t, 20, 5, "
    "CASE WHEN minute < 60 * (CASE WHEN %(up)s THEN place ELSE 9 - place END) / 10 "
    "THEN 'Bad' ELSE 'Good' END, true, 'jetson1' "
    "FROM generate_series(1, %(places)s) AS place, generate_series(0, 4) AS day, "
    "generate_series(9, 10) AS hour, generate_series(0, 59) AS minute, LATERAL "
    "(SELECT %(monday)s + day * interval '1 day' + hour * interval '1 hour' "
    "+ minute * interval '1 minute' AS t) AS m"
)
PAGES = ("/", "/office", "/cameras", "/table", "/system")


def monday(weeks_ago):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday() + 7 * weeks_ago)


@pytest.fixture
def sit(postgres):
    """Fills the week before with places, of which the last lean most, or least."""

    def run(places, *, up=True, weeks_ago=1):
        with postgres.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                FILL,
                {
                    "places": places,
                    "up": up,
                    "monday": monday(weeks_ago).replace(tzinfo=None),
                },
            )

    return run


def test_a_visitor_sees_the_room_and_neither_pictures_nor_names(
    start_page, sit, open_tab
):
    sit(8)
    tab = open_tab(start_page(), "/")
    expect(tab.locator("h1")).to_have_text("Office")
    tab.get_by_role("link", name="Week before").click()
    expect(tab.locator(".room").first.locator("[class^=lean]")).to_have_count(10)
    # Eight places with 10 to 80 percent: 45 on average, never in another step.
    expect(tab.locator(".room td[class^=lean]").first).to_have_text("40\u201360")
    assert "desk" not in tab.locator("main").inner_html()
    assert tab.locator("main img").count() == 0
    tab.check_accessible()
    tab.keep("office")


LOOKS = {
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 640}},
}


def test_the_office_is_readable_in_the_dark_and_on_a_phone(start_page, sit, open_tab):
    sit(8)
    page = start_page()
    for look, options in LOOKS.items():
        tab = open_tab(page, f"/office?week={monday(1).date()}", **options)
        expect(tab.locator(".room").first).to_be_visible()
        tab.check_accessible()
        fits = tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert fits, look
        tab.keep(f"office-{look}")


def test_with_four_places_it_says_why_nothing_is_shown(start_page, sit, open_tab):
    sit(4)
    tab = open_tab(start_page(), f"/office?week={monday(1).date()}")
    expect(tab.locator(".nothing").first).to_contain_text("4 places were judged")
    expect(tab.locator(".nothing").first).to_contain_text("it takes 5 at the same time")
    expect(tab.locator(".room")).to_have_count(0)
    tab.check_accessible()


def test_a_day_that_is_not_over_is_not_shown(start_page, postgres):
    postgres.execute(
        "INSERT INTO posture_log (pi_id, received_time, posture_status) "
        "SELECT 'desk' || place, t, 'Bad' FROM generate_series(1, 6) AS place, "
        "LATERAL (SELECT date_trunc('day', now() AT TIME ZONE 'utc') "
        "+ minute * interval '1 minute' AS t FROM generate_series(0, 59) AS minute) "
        "AS m"
    )
    _, _, text = start_page().get("/office")
    assert "lean-" not in text


def test_no_choice_of_places_changes_the_view(start_page, sit):
    sit(8)
    page = start_page()
    week = monday(1).date()

    def shown(query):
        text = page.get(f"/office?week={week}{query}")[2]
        return re.findall(r"lean-\d+", text)

    whole = shown("")
    assert len(whole) == 10
    narrower = ("&pi=desk1", "&until=2026-01-01", "&status=Bad", "&from=desk3")
    assert [shown(each) for each in narrower] == [whole] * len(narrower)
    # A day within the week is the week.
    text = page.get(f"/office?week={week + timedelta(days=2)}")[2]
    assert re.findall(r"lean-\d+", text) == whole


def test_a_place_that_is_deleted_changes_no_view_that_was_shown(
    start_page, sit, postgres
):
    sit(8)
    page = start_page()
    path = f"/office?week={monday(1).date()}"
    before = re.findall(r"lean-\d+", page.get(path)[2])
    postgres.execute("DELETE FROM posture_log WHERE pi_id = 'desk8'")
    assert re.findall(r"lean-\d+", page.get(path)[2]) == before


def test_who_runs_it_begins_with_the_cameras(start_page, rows, open_tab):
    rows.add("desk")
    tab = open_tab(start_page(PAGE_HOME="cameras"), "/")
    expect(tab.locator("[data-pi=desk]")).to_be_visible()
    expect(tab.locator("header nav a[aria-current]")).to_have_text("Cameras")
    tab.get_by_role("link", name="Office").click()
    expect(tab.locator("h1")).to_have_text("Office")


def test_a_place_s_week_is_two_clicks_from_the_office(start_page, sit, rows, open_tab):
    sit(3)
    rows.add("desk3")
    tab = open_tab(start_page(), "/")
    tab.locator("header").get_by_role("link", name="Cameras").click()
    tab.get_by_role("link", name="Week desk3").click()
    expect(tab.locator("h1")).to_have_text("desk3")
    expect(tab.get_by_role("heading", name="When")).to_be_visible()


def test_no_page_ranks_places_however_they_sit(start_page, sit, postgres):
    def orders():
        page = start_page()
        wait_until(lambda: "desk6" in page.get("/cameras")[2], "the cameras are known")
        paths = [*PAGES, f"/office?week={monday(1).date()}"]
        return [re.findall(r"desk\d", page.get(path)[2]) for path in paths]

    sit(6, up=True)
    up = orders()
    postgres.execute("TRUNCATE posture_log")
    sit(6, up=False)
    down = orders()
    table = PAGES.index("/table")
    del up[table], down[table]  # by time; see its own test of the order
    assert up == down
    assert all(names == sorted(names) for names in up)


def test_no_word_of_a_ranking_is_on_the_page_or_a_dashboard():
    words = re.compile(
        r"(?i)\b(rank\w*|leader\w*|top \d|best|worst|score\w*|topk|bottomk)\b"
    )
    files = [
        *(ROOT / "page").rglob("*.py"),
        *(ROOT / "page" / "templates").glob("*.html"),
        *(ROOT / "page" / "static").glob("*.js"),
        *(ROOT / "dashboards").rglob("*.json"),
    ]
    found = {
        (path.name, word)
        for path in files
        for word in words.findall(path.read_text())
        if path.name not in ("nodes.py", "words.py")  # of machines, and of languages
    }
    assert not found
