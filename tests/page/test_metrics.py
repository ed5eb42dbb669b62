"""What the page tells Prometheus of the cameras, and whom it tells."""

import time
from datetime import UTC, datetime

import pytest

from page.login import make_hash
from page.rows import StoredRow
from page.telemetry import Telemetry
from tests.fixtures.scrape import scrape, wait_told

C = "posture_camera_"
TOKEN = "a long word for Prometheus"
PASSWORD = "correct horse battery"


def test_pictures_angles_and_times_are_told_by_camera(start_page, rows):
    rows.add("desk", "Bad", 40, 30, ago=3600)
    page = start_page()
    metrics = f"{page.address}/metrics"
    told = wait_told(metrics, {"posture_page_database_up": 1})
    # What was there before is no news.
    assert told[f'{C}pictures_total{{pi="desk",status="Bad"}}'] == 0
    assert told[f'{C}status{{pi="desk",status="Bad"}}'] == 1
    assert f'{C}neck_angle_degrees_count{{pi="desk"}}' not in told
    last = f'{C}last_picture_time_seconds{{pi="desk"}}'
    assert told[last] == pytest.approx(time.time() - 3600, abs=60)

    rows.add("desk", "Good", 12, 4)
    rows.add("desk", "Good", 14, 5)
    rows.add("door", "No_Landmarks_Detected", None, None)
    told = wait_told(
        metrics,
        {
            f'{C}pictures_total{{pi="desk",status="Good"}}': 2,
            f'{C}pictures_total{{pi="desk",status="Bad"}}': 0,
            f'{C}pictures_total{{pi="door",status="No_Landmarks_Detected"}}': 1,
            f'{C}status{{pi="desk",status="Good"}}': 1,
            f'{C}status{{pi="desk",status="Bad"}}': 0,
            f'{C}neck_angle_degrees_sum{{pi="desk"}}': 26,
            f'{C}neck_angle_degrees_count{{pi="desk"}}': 2,
            f'{C}body_angle_degrees_sum{{pi="desk"}}': 9,
            f'{C}delay_seconds_count{{pi="door"}}': 1,
        },
    )
    assert told[last] == pytest.approx(time.time(), abs=60)
    assert f'{C}neck_angle_degrees_count{{pi="door"}}' not in told


def test_a_camera_of_any_name_and_status_makes_one_bounded_set_of_series(
    start_page, rows
):
    evil = 'x"} 1\nposture_evil{y="'
    rows.add(evil, "<script>")
    told = wait_told(f"{start_page().address}/metrics", {"posture_page_database_up": 1})
    assert told[f'{C}status{{pi="{evil}",status="other"}}'] == 1
    assert not any(name.startswith("posture_evil") for name in told)


def row(pi, number=1):
    now = datetime.now(UTC)
    return StoredRow(number, pi, "a.jpg", now, now, 1, 2, "Good", "jetson1")


def test_thousands_of_names_are_no_thousands_of_series():
    telemetry = Telemetry()
    telemetry.add(row(f"{number}" + "x" * 5000) for number in range(3000))
    series = [
        sample.labels["pi"]
        for family in telemetry.registry.collect()
        for sample in family.samples
        if "pi" in sample.labels
    ]
    assert len(series) == 500 * 17
    assert len(set(series)) == 500
    assert max(map(len, series)) == 100
    value = telemetry.registry.get_sample_value(f"{C}untold_pictures_total")
    assert value == 2500


def test_the_quarantine_is_counted_where_there_is_one(start_page):
    page = start_page()
    metrics = f"{page.address}/metrics"
    value = scrape(metrics)["posture_page_quarantine_messages"]
    assert value != value  # NaN: not known, which is not 0
    page.quarantine.mkdir()
    for name in "ab":
        (page.quarantine / f"{name}.json").write_text("{}")
        (page.quarantine / f"{name}.payload").touch()
    assert scrape(metrics)["posture_page_quarantine_messages"] == 2


def test_a_database_that_is_away_is_told(start_page, own_postgres):
    metrics = f"{start_page().address}/metrics"
    wait_told(metrics, {"posture_page_database_up": 1})
    own_postgres.stop("immediate")
    wait_told(metrics, {"posture_page_database_up": 0})


def test_behind_a_login_only_the_token_opens_it(start_page):
    page = start_page(
        PAGE_PASSWORD_HASH=make_hash(PASSWORD),
        PAGE_METRICS_TOKEN=TOKEN,
        PAGE_HOSTS="posture.example.org",
    )

    def status(token=None, path="/metrics", **headers):
        given = {"Authorization": token} if token else {}
        return page.get(path, **given, **headers)[0]

    assert status() == 401
    assert status("Bearer a wrong word for Prometheus") == 401
    assert status(TOKEN) == 401
    assert status("Bearer None") == 401
    assert status(f"Bearer {TOKEN}") == 200
    # By the address of its pod, as Prometheus finds it, which is no name of the page.
    assert status(f"Bearer {TOKEN}", Host="10.42.0.7:8090") == 200
    assert status(Host="10.42.0.7:8090") == 421
    # It opens nothing else.
    assert status(f"Bearer {TOKEN}", "/table") == 303
    _, headers, _ = page.get("/metrics", Authorization=f"Bearer {TOKEN}")
    assert "set-cookie" not in headers
    assert TOKEN not in page.log


def test_behind_a_login_without_a_token_nobody_is_told(start_page):
    page = start_page(PAGE_PASSWORD_HASH=make_hash(PASSWORD))
    assert page.get("/metrics", Authorization="Bearer None")[0] == 401
    assert page.get("/metrics", Authorization="Bearer ")[0] == 401


def test_a_token_that_can_be_guessed_is_not_taken(start_page):
    page = start_page(ready=False, PAGE_METRICS_TOKEN="short")
    assert page.process.wait(30) == 2
    assert "PAGE_METRICS_TOKEN (--metrics-token-file) is wrong" in page.log
    assert "short" not in page.log
