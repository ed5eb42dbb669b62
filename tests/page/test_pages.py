"""Days, table, export and system, as a browser shows them; and how they look."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.fixtures.net import free_port
from tests.fixtures.page import ForkedPage, Rows
from tests.fixtures.postgres import running_postgres

PHONE = {"width": 320, "height": 640}
GROUNDS = {"light": "rgb(245, 246, 244)", "dark": "rgb(17, 22, 20)"}
# A day that stays the same should midnight come in the middle of the tests.
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


def fill(postgres, rows):
    """A few cameras and a day of rows."""
    postgres.execute(
        "INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, "  # noqa: S608
        "neck_angle, body_angle, posture_status, landmarks_detected, processed_by) "
        "SELECT 'desk', n || '.jpg', t, t + interval '45 ms', "
        "CASE WHEN here THEN neck END, CASE WHEN here THEN neck / 3 END, "
        "CASE WHEN NOT here THEN 'No_Landmarks_Detected' "
        "WHEN neck < 40 THEN 'Good' ELSE 'Bad' END, here, 'jetson1' FROM "
        f"(SELECT n, '{YESTERDAY}'::date + n * interval "
        "'1 min' AS t, (25 + 20 * sin(n / 40.0) + n % 7)::int AS neck, "
        "n % 240 > 25 AS here FROM generate_series(480, 1080) AS n) AS day"
    )
    rows.add("desk")
    rows.add("kitchen", "Bad", 44, 31, image="slouch_1280_002")
    rows.add("hall", "No_Landmarks_Detected", None, None, image="empty_1280_006")
    rows.add("lab", "Partial_Landmarks_Detected", None, None, image="cropped_1280_007")


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A page with a few cameras and a day of rows, in a database of its own."""
    folder = tmp_path_factory.mktemp("busy")
    with running_postgres() as postgres:
        fill(postgres, Rows(postgres, folder / "analyzed_images"))
        page = ForkedPage(folder, postgres.environ)
        page.wait_ready()
        refuse(page)
        yield page
        page.stop()
        print(page.log)  # shown with a test that fails
        assert "Traceback" not in page.log


def refuse(page):
    """A message in quarantine."""
    page.quarantine.mkdir()
    note = {
        "topic": "images/<b>evil</b>",
        "reason": "message is empty",
        "bytes": 0,
        "refused_time": "2026-11-25T08:00:00+00:00",
    }
    (page.quarantine / "one.json").write_text(json.dumps(note))


@pytest.mark.parametrize(
    "name", ["office", "cameras", "camera", "table", "send", "system"]
)
def test_every_page_can_be_used_by_everybody(busy, open_tab, name):
    paths = {"office": "/", "camera": f"/camera?pi=desk&day={YESTERDAY}"}
    tab = open_tab(busy, paths.get(name, f"/{name}"), color_scheme="light")
    if name in ("cameras", "camera"):
        expect(tab.locator("[data-pi=desk] time")).not_to_be_empty()
    if name == "camera":
        tab.get_by_text("The same by the hour").click()
    for scheme, ground in GROUNDS.items():
        tab.emulate_media(color_scheme=scheme)
        shown = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert shown == ground
        tab.check_accessible()
        tab.keep(f"{name}-{scheme}")
    tab.set_viewport_size(PHONE)
    too_wide = "document.documentElement.scrollWidth > innerWidth"
    assert not tab.evaluate(too_wide)
    tab.keep(f"{name}-phone")


def test_the_keyboard_reaches_a_camera(busy, open_tab):
    tab = open_tab(busy)
    expect(tab.locator(".tile")).to_have_count(4)
    for _ in range(7):  # the skip link, five pages, the first camera
        tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("desk")


def test_a_day_shows_what_was_seen(busy, open_tab):
    tab = open_tab(busy, f"/camera?pi=desk&day={YESTERDAY}")
    legend = tab.locator(".legend").first
    expect(legend).to_contain_text("Upright")
    # When nobody was there is not shown: that would be a record of presence.
    expect(legend).not_to_contain_text("No person found")
    expect(tab.locator("svg.strip rect.none")).to_have_count(0)
    assert "M" in tab.locator("path.neck:not(.limit)").get_attribute("d")
    tab.get_by_text("Day before").click()
    expect(tab.get_by_text("There is nothing to show of this day")).to_be_visible()


def test_a_day_that_is_none_is_said(busy, open_tab):
    status, _, text = busy.get("/camera?pi=desk&day=tomorrow")
    assert status == 400
    assert "tomorrow is no day" in text


def test_filters_narrow_the_table(busy, open_tab):
    tab = open_tab(busy, "/table")
    expect(tab.locator("tbody tr")).to_have_count(50)
    tab.get_by_label("Camera").fill("kitchen")
    tab.get_by_role("button", name="Filter").click()
    expect(tab.locator("tbody tr")).to_have_count(1)
    expect(tab.locator("tbody")).to_contain_text("44°")
    tab.get_by_role("link", name="Clear").click()
    tab.get_by_label("Status").select_option("Cannot tell")
    tab.get_by_role("button", name="Filter").click()
    expect(tab.locator("tbody tr td:nth-child(2)")).to_have_text(["lab"])


def test_filters_by_time_and_goes_on_to_older_rows(busy, open_tab):
    span = f"since={YESTERDAY}T08:00&until={YESTERDAY}T09:30"
    tab = open_tab(busy, f"/table?pi=desk&{span}")
    expect(tab.locator("tbody tr").first).to_contain_text("09:29:00")
    tab.get_by_role("link", name="Older").click()
    expect(tab.locator("tbody tr")).to_have_count(40)
    expect(tab.locator("tbody tr").last).to_contain_text("08:00:00")
    expect(tab.get_by_role("link", name="Older")).to_have_count(0)


def test_the_export_holds_what_the_filters_let_through(
    start_page, postgres, rows, open_tab
):
    fill(postgres, rows)
    rows.add("=cmd()", "Bad", 50, 30, filename="+1.jpg")
    tab = open_tab(start_page(), "/table?status=Bad")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Export as CSV").click()
    text = Path(download.value.path()).read_text()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["posture_status"] for line in lines} == {"Bad"}
    assert len(lines) > 100
    first = lines[0]
    assert first["pi_id"] == "'=cmd()"  # no formula
    assert first["filename"] == "'+1.jpg"
    assert first["neck_angle"] == "50"
    assert first["received_time"].endswith("+00:00")


def test_the_export_of_many_rows_is_whole(start_page, postgres, rows):
    fill(postgres, rows)
    postgres.execute(
        "INSERT INTO posture_log (pi_id, received_time) "
        "SELECT 'many', now() AT TIME ZONE 'utc' FROM generate_series(1, 12001)"
    )
    _, _, text = start_page().get("/table.csv?pi=many")
    numbers = [line.split(",")[0] for line in text.splitlines()[1:]]
    assert len(numbers) == len(set(numbers)) == 12001


def test_refused_messages_are_listed_as_text(busy, open_tab):
    tab = open_tab(busy, "/system")
    expect(tab.locator("main")).to_contain_text("images/<b>evil</b>")
    expect(tab.locator("main")).to_contain_text("message is empty")


def test_a_watcher_that_is_away_is_said(start_page, open_tab):
    url = f"http://127.0.0.1:{free_port()}/metrics"
    tab = open_tab(start_page(PAGE_PLACEMENT_URL=url), "/system")
    expect(tab.locator("main")).to_contain_text(f"{url} does not answer")
