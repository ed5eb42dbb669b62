"""Rows that no worker writes, and a table that is not the one it was."""

import asyncio
import csv
import io
import json

import pytest

from page.board import Board
from page.live import Feed
from page.telemetry import Telemetry
from tests.fixtures.feeds import EmptyRows, run_aside
from tests.fixtures.net import wait_until

TIMES = ["99999-01-01", "0044-03-15 BC", "infinity", "-infinity", "9999-12-31 23:59:59"]


def add(postgres, pi, time, node="jetson1"):
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO posture_log (pi_id, received_time, analyzed_time, filename, "
            "posture_status, processed_by) VALUES (%s, %s, %s, 'x.jpg', 'Good', %s)",
            (pi, time, time, node),
        )
    connection.close()


def shows(page, pi):
    return f'data-pi="{pi}"' in page.get("/cameras")[2]


PATHS = (
    "/cameras",
    "/office",
    "/table",
    "/table.csv",
    "/camera?pi=odd",
    "/metrics",
    "/healthz",
)


def test_a_row_of_an_odd_time_ends_no_news(start_page, rows, postgres):
    page = start_page()
    rows.add("before")
    wait_until(lambda: shows(page, "before"), "the first row")
    for number, time in enumerate(TIMES):
        add(postgres, "odd", time)
        rows.add(f"after{number}")
        wait_until(lambda n=number: shows(page, f"after{n}"), f"the row after {time}")
        assert {path: page.get(path)[0] for path in PATHS} == dict.fromkeys(PATHS, 200)


def test_a_page_begins_with_rows_of_odd_times(start_page, rows, postgres):
    for number, time in enumerate(TIMES):
        add(postgres, f"odd{number}", time)
    rows.add("after")
    page = start_page()
    wait_until(lambda: shows(page, "after"), "a page that begins with them")
    assert page.get("/healthz")[0] == 200


def test_a_restored_table_whose_ids_begin_lower_is_shown_as_it_is(
    start_page, rows, postgres
):
    for _ in range(5):
        rows.add("gone")
    page = start_page()
    wait_until(lambda: shows(page, "gone"), "the old table")
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE posture_log RESTART IDENTITY")
    connection.close()
    rows.add("restored")
    wait_until(
        lambda: shows(page, "restored") and not shows(page, "gone"),
        "the restored table, and nothing of the old one",
    )


class BrokenRows(EmptyRows):
    """A table of which nobody has thought."""

    def __init__(self):
        self.looks = 0

    def after(self, number, limit):
        self.looks += 1
        if self.looks < 3:
            raise KeyError("nobody has thought of this")
        return []


def test_an_error_that_nobody_has_thought_of_is_said_and_looked_at_anew(caplog):
    async def follow():
        table = BrokenRows()
        feed = Feed(table, Board(), str, str, str, Telemetry())
        following = asyncio.create_task(feed.follow())
        async with asyncio.timeout(60):
            while "KeyError" not in (feed.trouble or ""):
                await asyncio.sleep(0.01)
            while feed.trouble:
                await asyncio.sleep(0.01)
        following.cancel()

    run_aside(follow())
    assert "unexpected error with the table" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        f"/picture/{'9' * 5000}.jpg",
        f"/picture/{'9' * 19}.jpg",
        "/picture/-1.jpg",
        "/picture/x.jpg",
        "/picture/%D9%A3.jpg",
        f"/table?before=2026-01-01~{'9' * 30}",
        f"/table?before=2026-01-01~{'9' * 5000}",
        "/table?before=0001-01-01~1",
        "/table?before=9999-12-31T23:59:59-14:00~1",
        "/table?before=~",
        "/table?before=2026-01-01~-1",
        "/table?since=0001-01-01T00:00%2B14:00",
        "/table?until=9999-12-31T23:59:59-14:00",
        "/camera?pi=x&day=0001-01-01",
        "/camera?pi=x&day=9999-12-31",
        "/camera?pi=x&day=0001-01-02",
        "/camera?pi=x&day=9999-12-30",
        "/table?pi=%00",
        "/cameras?from=%00",
        "/live2",
    ],
)
def test_no_address_is_too_odd_for_an_answer(standing, path):
    assert standing.get(path)[0] in (200, 400, 404), path


def test_a_logout_that_is_too_long_is_refused(standing):
    assert standing.ask("POST", "/logout", b"x" * 20_000)[0] == 413


FORMULAS = [
    "=1+1",
    "\n=1+1",
    "\r\n=1+1",
    " =1+1",
    "\uff1d1+1",
    "\u200b=1+1",
    "\ufeff@x",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_is_never_a_formula(standing, postgres, text):
    add(postgres, text, "2026-11-25", text)
    cells = next(csv.DictReader(io.StringIO(standing.get("/table.csv")[2], newline="")))
    assert cells["pi_id"] == cells["processed_by"] == f"'{text}"


def test_a_row_shows_no_picture_of_another_camera(start_page, rows):
    rows.add("other")
    odd = "x/../analyzed_images_from_other"
    number = rows.add(odd, filename="0.jpg")
    page = start_page()
    (page.pictures / "analyzed_images_from_x").mkdir()
    wait_until(
        lambda: page.get("/cameras")[2].count('<li class="tile') == 2, "both rows"
    )
    assert page.get(f"/picture/{number}.jpg")[0] == 404


def test_of_many_cameras_a_page_shows_a_part(start_page, postgres):
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, "
            "posture_status) SELECT 'pi' || to_char(n, 'FM00000'), 'x.jpg', now(), "
            "now(), 'Good' FROM generate_series(1, 20000) AS n"
        )
    connection.close()
    page = start_page()
    wait_until(lambda: shows(page, "pi00001"), "the cameras")
    first = page.get("/cameras")[2]
    assert first.count('<li class="tile') == 200
    assert 'href="?from=pi19801"' in first
    assert page.get("/cameras?from=pi19801")[2].count('data-pi="pi198') == 99
    answer = page.pool.request(
        "GET", f"{page.address}/live?from=pi19801", preload_content=False
    )
    news = json.loads(answer.readline() and answer.readline()[6:])
    answer.close()
    assert len(news["tiles"]) == 200
    assert "20000" in news["numbers"]
    assert len(page.get("/table")[2]) < 200_000
