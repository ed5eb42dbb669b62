"""The tiles, as a browser shows them."""

import asyncio
import threading

from playwright.sync_api import expect

from page.board import Board
from page.live import Feed
from page.rows import StoredRow
from page.telemetry import Telemetry
from tests.fixtures.feeds import EmptyRows, run_aside
from tests.fixtures.net import wait_until


def test_a_row_and_its_picture_are_seen_without_a_reload(start_page, rows, open_tab):
    rows.add("desk")
    tab = open_tab(start_page())
    desk = tab.locator("li[data-pi=desk]")
    expect(desk.locator(".status")).to_have_text("Upright")
    number = rows.add("desk", "Bad", 44, 31, image="slouch_1280_002")
    expect(desk.locator(".status")).to_have_text("Leaning")
    expect(desk.locator(".angles")).to_have_text("Neck 44° Body 31°")
    expect(desk.locator(f"img[src='/picture/{number}.jpg']")).to_be_visible()
    shown = desk.locator("img").evaluate("image => image.naturalWidth")
    assert shown == 1280


def test_a_row_without_a_picture_does_not_leave_the_last_one_in_its_place(
    start_page, rows, open_tab
):
    rows.add("desk")
    tab = open_tab(start_page())
    image = tab.locator("li[data-pi=desk] img")
    expect(image).to_have_js_property("naturalWidth", 1280)
    number = rows.add("desk", "Bad", 44, 31, image=None)
    expect(tab.locator("li[data-pi=desk] .status")).to_have_text("Leaning")
    expect(image).to_have_attribute("src", f"/picture/{number}.jpg")
    expect(image).to_have_js_property("naturalWidth", 0)


def test_a_camera_that_is_new_takes_its_place_by_name(start_page, rows, open_tab):
    rows.add("a")
    rows.add("c")
    tab = open_tab(start_page())
    expect(tab.locator(".tile")).to_have_count(2)
    rows.add("b", "No_Landmarks_Detected", None, None, image="empty_1280_006")
    expect(tab.locator(".tile h2")).to_have_text(["a", "b", "c"])
    expect(tab.locator("[data-pi=b] .angles")).to_have_text("No angles")
    expect(tab.locator(".numbers")).to_contain_text("3 cameras")


def test_names_and_statuses_are_text_whatever_they_hold(start_page, rows, open_tab):
    evil = "<img src=x onerror=alert(1)>"
    rows.add(evil, "<script>alert(2)</script>")
    tab = open_tab(start_page())
    expect(tab.locator(".tile h2")).to_have_text(evil)
    rows.add(evil, "\"><b onclick='alert(3)'>")
    expect(tab.locator(".tile .status")).to_have_text("\"><b onclick='alert(3)'>")
    assert tab.locator(".tile img").count() == 1
    assert tab.locator(".tile b[onclick]").count() == 0


def test_a_silent_camera_stands_apart_and_counts_in_nothing(start_page, rows, open_tab):
    rows.add("desk", ago=3 * 3600)
    rows.add("hall", ago=-600)
    tab = open_tab(start_page())
    expect(tab.locator("[data-silent] li")).to_contain_text("desk silent since")
    expect(tab.locator(".tile h2")).to_have_text(["hall"])
    expect(tab.locator("[data-pi=hall] time")).to_contain_text("clock")
    expect(tab.locator(".numbers")).to_contain_text("1 camera")
    expect(tab.locator(".numbers")).to_contain_text("1 of 1 upright now")
    rows.add("desk")
    expect(tab.locator(".tile h2")).to_have_text(["desk", "hall"])
    expect(tab.locator("[data-silent]")).to_be_hidden()


def started(start_page):
    """A page that has looked at its table: a camera of the night before is known."""
    page = start_page()
    wait_until(lambda: page.get("/healthz")[0] == 200, "it has its table")
    return page


def test_its_own_page_shows_a_silent_camera_without_a_green_good(
    start_page, rows, open_tab
):
    rows.add("desk", ago=3 * 3600)
    tab = open_tab(started(start_page), "/camera?pi=desk")
    expect(tab.locator(".stale[data-pi=desk] time")).to_have_text("3 h ago")
    green = tab.locator(":root").evaluate(
        "e => getComputedStyle(e).getPropertyValue('--good')"
    )
    tone = tab.locator(".tile").evaluate(
        "e => getComputedStyle(e).getPropertyValue('--tone')"
    )
    assert tone != green


def test_a_silent_camera_comes_to_its_own_page_where_that_was_there_first(
    start_page, rows, open_tab
):
    rows.add("desk", ago=3 * 3600)
    rows.add("hall")
    tab = open_tab(started(start_page), "/camera?pi=desk")
    expect(tab.locator(".tile")).to_have_count(1)
    # Its list as it is on a page that was drawn before the table had been looked at.
    tab.locator("[data-only]").dispatch_event("only")
    expect(tab.locator(".stale[data-pi=desk] time")).to_have_text("3 h ago")
    expect(tab.locator(".tile")).to_have_count(1)


def test_what_is_found_late_is_news_to_the_page_of_that_camera():
    async def second_message() -> str:
        found = threading.Event()
        feed = Feed(LateRows(found), Board(), _name, _name, str, Telemetry())
        following = asyncio.create_task(feed.follow())
        messages = feed.messages(only="desk")
        while feed.trouble:
            await asyncio.sleep(0.01)
        first = await anext(messages)
        assert '"tiles": []' in first
        found.set()
        second = await anext(messages)
        following.cancel()
        return second

    assert '"tiles": ["desk"]' in run_aside(second_message())


class LateRows(EmptyRows):
    """A table that takes its time to find the camera that was heard long ago."""

    def __init__(self, found):
        self._found = found

    def remembered(self):
        self._found.wait(30)
        return [StoredRow(1, "desk", "x.jpg", None, None, 1, 1, "Good", "a")]


def _name(tile):
    return tile.row.pi_id


def test_a_camera_that_broke_weeks_ago_is_known_without_the_indexes(
    start_page, rows, postgres, open_tab
):
    rows.add("broken", ago=30 * 86400)
    rows.add("forgotten", ago=100 * 86400)
    postgres.execute(
        "INSERT INTO posture_log (pi_id, received_time, posture_status) SELECT 'desk', "
        "(now() AT TIME ZONE 'utc') - (30001 - n) * interval '1 s', 'Good' "
        "FROM generate_series(1, 30001) AS n"
    )
    tab = open_tab(start_page())
    expect(tab.locator("[data-silent] li")).to_contain_text("broken silent since")
    expect(tab.locator("[data-silent] li")).to_have_count(1)


def test_a_camera_that_never_was_is_not_found(start_page):
    status, _, text = start_page().get("/camera?pi=desk33")
    assert status == 404
    assert "There is no camera called" in text
    assert 'href="/table"' in text


def test_it_says_that_the_database_is_away_and_returns(
    start_page, own_postgres, rows, open_tab
):
    rows.add("desk")
    page = start_page()
    tab = open_tab(page)
    expect(tab.locator(".tile")).to_have_count(1)
    own_postgres.stop()
    banner = tab.locator(".trouble")
    expect(banner).to_contain_text("The database is away", timeout=30_000)
    assert page.get("/healthz")[0] == 503
    own_postgres.start()
    expect(banner).to_be_empty(timeout=30_000)
    rows.add("desk", "Bad")
    expect(tab.locator("[data-pi=desk] .status")).to_have_text(
        "Leaning", timeout=30_000
    )


def test_it_starts_without_a_database_and_finds_it_later(
    start_page, own_postgres, rows, open_tab
):
    rows.add("desk")
    own_postgres.stop()
    tab = open_tab(start_page())
    expect(tab.locator(".trouble")).to_contain_text("The database is away")
    own_postgres.start()
    expect(tab.locator(".tile h2")).to_have_text("desk", timeout=30_000)
