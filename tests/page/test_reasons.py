"""Why pictures of a camera are not judged, and what to do, where its owner looks."""

import csv
import io

import pytest
from playwright.sync_api import expect


@pytest.fixture
def front(reasons, rows):
    """A camera in front of a person."""
    for number in range(8):
        rows.add(
            *("desk3", "Partial_Landmarks_Detected", None, None),
            ago=10 - number,
            reason="not_from_the_side",
            view="front",
            yaw=30,
        )


def test_tile_day_and_table_say_why_and_the_day_what_to_do(front, start_page, open_tab):
    page = start_page()
    tab = open_tab(page)
    expect(tab.locator("[data-pi=desk3] .angles")).to_have_text(
        "Not seen from the side"
    )

    tab.goto(f"{page.address}/camera?pi=desk3")
    expect(tab.locator(".advice")).to_contain_text("by about 60 degrees")
    expect(tab.locator(".reasons")).to_contain_text("Not seen from the side 8")
    tab.check_accessible()

    tab.goto(f"{page.address}/table")
    row = tab.locator("tbody tr").first
    expect(row).to_contain_text("Not seen from the side")
    expect(row).to_contain_text("front 30°")
    _, _, text = page.get("/table.csv")
    first = next(csv.DictReader(io.StringIO(text)))
    assert (first["reason"], first["view"], first["yaw"]) == (
        *("not_from_the_side", "front", "30"),
    )


def test_the_view_of_a_camera_can_be_checked(front, rows, start_page, open_tab):
    page = start_page()
    tab = open_tab(page, "/camera?pi=desk3")
    tab.get_by_role("link", name="Check the camera's view").click()
    expect(tab.locator(".advice")).to_contain_text("0 of the last 8 pictures")
    expect(tab.locator(".advice")).to_contain_text("by about 60 degrees")
    tab.check_accessible()

    rows.add("desk3")
    tab.get_by_role("button", name="look again").click()
    expect(tab.locator(".advice")).to_contain_text("1 of the last 9 pictures")
    tab.keep("view")


def test_a_table_without_the_columns_is_shown_and_its_view_says_how_to_get_them(
    rows, start_page, open_tab
):
    rows.add("desk3", "Partial_Landmarks_Detected", None, None)
    page = start_page()
    tab = open_tab(page)
    expect(tab.locator("[data-pi=desk3] .angles")).to_have_text("No angles")
    tab.goto(f"{page.address}/view?pi=desk3")
    expect(tab.locator(".advice").first).to_contain_text("posture_log_reasons.sql")
    tab.goto(f"{page.address}/camera?pi=desk3")
    expect(tab.locator(".advice")).to_have_count(0)
