"""A camera's day in a browser, and the small things around it."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.fixtures.scripts import ROOT

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def sat(postgres):
    """Adds a picture of desk3 at a time of yesterday."""

    def run(clock, status="Bad", neck=44):
        postgres.execute(
            "INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, "  # noqa: S608
            "neck_angle, body_angle, posture_status, landmarks_detected) SELECT "
            f"'desk3', 'x.jpg', t, t, {neck}, 5, '{status}', true "
            f"FROM (SELECT '{YESTERDAY} {clock}'::timestamp AS t) AS m"
        )

    return run


def test_a_day_shows_the_working_hours_unless_all_are_wanted(start_page, sat, open_tab):
    sat("09:02")
    sat("22:30", "Good")
    tab = open_tab(start_page(), f"/camera?pi=desk3&day={YESTERDAY}")
    expect(tab.locator("svg.strip rect")).to_have_count(1)
    expect(tab.locator(".head").first).to_contain_text("Upright in 0 % of the 1")
    expect(tab.locator(".hours").first).to_contain_text("07:00")
    tab.get_by_role("link", name="All 24 hours").click()
    expect(tab.locator("svg.strip rect")).to_have_count(2)
    expect(tab.locator(".hours").first).to_contain_text("24:00")
    tab.get_by_role("link", name="Day before").click()  # it stays so
    expect(tab.get_by_text("All 24 hours.")).to_be_visible()


def test_who_works_at_night_finds_the_night(standing, sat):
    sat("22:30")
    _, _, text = standing.get(f"/camera?pi=desk3&day={YESTERDAY}")
    assert "Upright in 0 % of the 1" in text
    assert "All 24 hours." in text


def test_strip_and_curves_lead_to_their_pictures(standing, sat, open_tab):
    sat("09:02")
    sat("14:02", neck=50)
    for number in range(2):
        tab = open_tab(standing, f"/camera?pi=desk3&day={YESTERDAY}")
        tab.locator(".over").nth(number).locator("a").last.click()
        expect(tab.locator("tbody tr")).to_have_count(1)
        expect(tab.locator("tbody")).to_contain_text("50°")


def test_the_keyboard_reaches_the_pictures_of_an_hour(standing, sat, open_tab):
    sat("09:02")
    sat("14:02", neck=50)
    tab = open_tab(standing, f"/camera?pi=desk3&day={YESTERDAY}")
    tab.get_by_text("The same by the hour").focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="14:00").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("tbody")).to_contain_text("50°")


def test_the_limits_are_drawn_and_said(standing, sat, open_tab):
    sat("09:02")
    tab = open_tab(standing, f"/camera?pi=desk3&day={YESTERDAY}")
    expect(tab.locator("path.limit")).to_have_count(2)
    expect(tab.get_by_text("Neck, limit 40°")).to_be_visible()


def test_there_is_no_way_into_tomorrow(start_page, rows, open_tab):
    rows.add("desk3")
    tab = open_tab(start_page(), "/camera?pi=desk3")
    expect(tab.get_by_role("link", name="Day after")).to_have_count(0)
    tab.get_by_role("link", name="Day before").click()
    expect(tab.get_by_role("link", name="Day after")).to_be_visible()


def test_a_day_tells_no_absence(standing, rows):
    rows.add("desk3", "No_Landmarks_Detected", None, None)
    _, _, text = standing.get("/camera?pi=desk3&hours=all")
    day = text.partition('<ul class="legend">')[2].partition("<h2>Now")[0]
    assert "No person found" not in day
    assert "Nobody" not in day


@pytest.mark.parametrize("path", ["/camera", "/week", "/view"])
def test_an_unknown_camera_is_not_found_and_the_way_on_is_shown(standing, path):
    status, _, text = standing.get(f"{path}?pi=desk33")
    assert status == 404
    assert "There is no camera called" in text
    assert 'href="/cameras"' in text


def test_a_page_that_is_none_shows_the_way_to_the_others(standing, open_tab):
    assert standing.get("/nothing/here")[0] == 404
    tab = open_tab(standing, "/nothing/here")
    expect(tab.get_by_text("There is no page at /nothing/here")).to_be_visible()
    tab.check_accessible()
    tab.get_by_role("link", name="Table").click()
    expect(tab.locator("h1")).to_have_text("Table")


def test_the_filter_does_not_mind_case_and_blanks(start_page, rows, open_tab):
    rows.add("Desk 3")
    rows.add("desk 4")
    tab = open_tab(start_page(), "/table")
    tab.get_by_label("Camera").fill(" desk 3")
    tab.get_by_role("button", name="Filter").click()
    expect(tab.locator("tbody tr td:nth-child(2)")).to_have_text(["Desk 3"])
    expect(tab.get_by_label("Camera")).to_have_value("Desk 3")


def test_a_name_with_blanks_leads_to_its_own_day_and_week(start_page, rows, open_tab):
    rows.add("desk  3")
    rows.add(" desk")
    page = start_page()
    for name in ("desk  3", " desk"):
        tab = open_tab(page)
        tab.locator(f"[data-pi='{name}'] h2 a").click()
        assert tab.locator("h1").text_content() == name
        tab.get_by_role("link", name="The week").click()
        assert tab.locator("h1").text_content() == name


def test_a_phone_shows_the_verdict_in_the_table(standing, rows, open_tab):
    rows.add("desk3", "Bad", 44, 31)
    tab = open_tab(standing, "/table", viewport={"width": 320, "height": 640})
    box = tab.locator("tbody .status").bounding_box()
    assert box["x"] + box["width"] <= 320


def test_every_page_says_what_is_kept_and_in_which_zone_times_are(
    start_page, rows, open_tab
):
    rows.add("desk3")
    page = start_page(STORE="blurred", PICTURE_DAYS="30", PAGE_TIMEZONE="Europe/Berlin")
    for path in ("/", "/cameras", "/camera?pi=desk3", "/week?pi=desk3", "/table"):
        text = page.get(path)[2]
        assert "pictures without faces, kept 30 days" in text
        assert "figures kept until somebody deletes them" in text
        assert "times: Europe/Berlin" in text
    assert "no pictures are kept" in start_page(STORE="none").get("/")[2]


def test_a_screen_on_a_wall_has_nothing_to_press(start_page, rows, open_tab):
    rows.add("desk3")
    tab = open_tab(start_page(), "/cameras?kiosk")
    expect(tab.locator("[data-pi=desk3]")).to_be_visible()
    expect(tab.locator("header")).to_be_hidden()
    expect(tab.locator(".notice")).to_be_visible()
    tab.check_accessible()
    tab.keep("kiosk")


def test_a_day_is_printed_without_what_can_be_pressed(standing, sat, open_tab):
    sat("09:02")
    tab = open_tab(standing, f"/camera?pi=desk3&day={YESTERDAY}", color_scheme="dark")
    tab.emulate_media(media="print")
    expect(tab.locator("header")).to_be_hidden()
    expect(tab.locator("svg.strip")).to_be_visible()
    tab.keep("print")


def test_zoomed_to_double_nothing_is_wider_than_the_screen(start_page, sat, open_tab):
    sat("09:02")
    page = start_page()
    # 200 % of 1280 x 800 is 640 x 400 with twice as many pixels.
    options = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
    paths = {
        "office": "/office",
        "cameras": "/cameras",
        "camera": f"/camera?pi=desk3&day={YESTERDAY}",
        "week": "/week?pi=desk3",
        "table": "/table",
        "send": "/send",
        "system": "/system",
    }
    tab = open_tab(page, **options)  # one for all: axe is compiled once
    for name, path in paths.items():
        tab.goto(page.address + path)
        tab.check_accessible()
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        tab.keep(f"{name}-zoomed")


def test_a_calibrated_camera_shows_its_own_limits_and_where_they_come_from(
    postgres, rows, start_page, open_tab
):
    for pi in ("desk3", "desk4"):
        rows.add(pi)
    postgres.execute((ROOT / "deploy" / "posture_baseline.sql").read_text())
    try:
        postgres.execute("GRANT SELECT ON posture_baseline TO analyzer")
        postgres.execute(
            "INSERT INTO posture_baseline VALUES ('desk3', 31, 9, 9, '2026-11-20')"
        )
        page = start_page()
        tab = open_tab(page, "/camera?pi=desk3")
        expect(tab.locator(".legend .neck")).to_have_text("Neck, limit 51°")
        expect(tab.locator(".legend .body")).to_have_text("Body, limit 24°")
        expect(tab.locator(".calibrated")).to_contain_text("Fri 20 Nov 2026")
        tab.check_accessible()
        tab.goto(f"{page.address}/camera?pi=desk4")
        expect(tab.locator(".legend .neck")).to_have_text("Neck, limit 40°")
        expect(tab.locator(".calibrated")).to_have_count(0)
    finally:
        postgres.execute("DROP TABLE posture_baseline")
