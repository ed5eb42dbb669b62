"""Nodes as the watcher itself tells them."""

from contextlib import closing

import pytest
from playwright.sync_api import expect

from page.errors import PageError
from page.nodes import Node, read_nodes
from placement.exposition import StatusPort
from placement.policy import Candidate, Decision, Memory
from placement.report import Report
from tests.fixtures.net import free_port


@pytest.fixture
def watcher():
    report = Report()
    nodes = (
        Candidate("jetson1", "jetson1", 63.5, 7.0, 1, None),
        Candidate("jetson2", "jetson2", 12.0, 4.0, 0, None),
        Candidate("<b>master</b>", "master", None, None, 0, "no label gpu-node"),
    )
    report.decision = Decision(
        "jetson2", "jetson2", 12.0, "least loaded", nodes, Memory(), 0.0
    )
    with closing(StatusPort("127.0.0.1", 0, report.registry, lambda: None)) as port:
        yield f"http://127.0.0.1:{port.port}"


def test_the_chosen_node_comes_first_and_an_unknown_load_stays_unknown(watcher):
    assert read_nodes(f"{watcher}/metrics") == [
        Node("jetson2", 12.0, 4.0, eligible=True, chosen=True),
        Node("jetson1", 63.5, 7.0, eligible=True, chosen=False),
        Node("<b>master</b>", None, None, eligible=False, chosen=False),
    ]


def test_nodes_are_shown(watcher, start_page, open_tab):
    page = start_page(PAGE_PLACEMENT_URL=f"{watcher}/metrics")
    tab = open_tab(page, "/system")
    lines = tab.locator("tbody").first.locator("tr")
    expect(lines.nth(0)).to_contain_text("jetson2")
    expect(lines.nth(0)).to_contain_text("Chosen for the next Job")
    expect(lines.nth(2)).to_contain_text("<b>master</b>")
    expect(lines.nth(2)).to_contain_text("unknown")
    tab.check_accessible()
    tab.keep("system-nodes")


def test_what_is_no_watcher_is_said(watcher):
    with pytest.raises(PageError, match="answers 404"):
        read_nodes(f"{watcher}/elsewhere")
    with pytest.raises(PageError, match="does not answer"):
        read_nodes(f"http://127.0.0.1:{free_port()}/metrics")
