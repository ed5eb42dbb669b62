"""Nodes and Jobs as watcher and scaler themselves tell them."""

import math
from contextlib import closing

import pytest
from playwright.sync_api import expect
from prometheus_client import Gauge

from common.errors import OperatorError
from common.status_port import StatusPort
from page.demand import Demand, demand_of
from page.metrics import look
from page.nodes import Node, Placement, placement_of
from page.scrape import ask
from placement.decision import Candidate, Decision, Memory, Reason
from placement.metrics import Report
from scaler.metrics import ScalerTelemetry
from tests.fixtures.net import free_port

NO_LABEL = "no label gpu-node"


@pytest.fixture
def watcher():
    """The address of a watcher's port, and what it finds wrong."""
    report = Report()
    nodes = (
        Candidate("jetson1", "jetson1", 63.5, 7.0, 1, None),
        Candidate("jetson2", "jetson2", 12.0, 4.0, 0, None),
        Candidate("<b>master</b>", "master", None, None, 0, Reason(NO_LABEL)),
    )
    report.decision = Decision(
        "jetson2", "jetson2", 12.0, Reason("the least load"), nodes, Memory(), 0.0
    )
    report.errors.labels("look").inc(3)
    trouble = []
    with closing(
        StatusPort("127.0.0.1", 0, report.registry, lambda: " ".join(trouble) or None)
    ) as port:
        yield f"http://127.0.0.1:{port.port}", trouble


@pytest.fixture
def scaler():
    telemetry = ScalerTelemetry()
    with closing(StatusPort("127.0.0.1", 0, telemetry.registry, lambda: None)) as port:
        yield f"http://127.0.0.1:{port.port}/metrics", telemetry


def test_the_choice_comes_first_with_its_reason_and_why_not_the_others(watcher):
    told = placement_of(ask(f"{watcher[0]}/metrics"))
    assert told == Placement(
        [
            Node("jetson2", 12.0, 4.0, eligible=True, chosen=True, refusal=""),
            Node("jetson1", 63.5, 7.0, eligible=True, chosen=False, refusal=""),
            Node(
                "<b>master</b>",
                None,
                None,
                eligible=False,
                chosen=False,
                refusal=NO_LABEL,
            ),
        ],
        "the least load",
        errors=3,
    )


def test_what_the_scaler_wants_is_told_in_words(scaler):
    url, telemetry = scaler
    assert demand_of(ask(url)) == Demand(None, "KEDA has not asked yet", None, 0)
    telemetry.answered(1, "waiting")
    telemetry.watch_backlog(lambda: 412.0)
    told = demand_of(ask(url))
    assert (told.jobs, told.backlog) == (1, 412)
    assert "pictures may be waiting" in told.reason
    telemetry.unknown()
    for no_number in (math.nan, math.inf):
        telemetry.watch_backlog(lambda told=no_number: told)
        assert demand_of(ask(url)) == Demand(
            None, "what it needs to know is too old", None, 0
        )


def test_nodes_and_jobs_are_shown(watcher, scaler, start_page, open_tab):
    scaler[1].answered(1, "waiting")
    scaler[1].watch_backlog(lambda: 412.0)
    page = start_page(
        PAGE_PLACEMENT_URL=f"{watcher[0]}/metrics", PAGE_SCALER_URL=scaler[0]
    )
    tab = open_tab(page, "/system")
    main = tab.locator("main")
    lines = tab.locator("tbody").first.locator("tr")
    expect(main).to_contain_text("The next Job goes to jetson2: the least load.")
    expect(lines.nth(0)).to_contain_text("Chosen for the next Job")
    expect(lines.nth(2)).to_contain_text("<b>master</b>")
    expect(lines.nth(2)).to_contain_text("unknown")
    expect(lines.nth(2)).to_contain_text(f"Cannot be chosen: {NO_LABEL}")
    expect(main).to_contain_text("Waiting at the broker412")
    expect(main).to_contain_text("1 wanted: pictures may be waiting")
    expect(main).to_contain_text("3 looks or steps of the watcher failed")
    tab.check_accessible()
    tab.keep("system-nodes")
    tab.set_viewport_size({"width": 390, "height": 844})
    assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")
    tab.keep("system-nodes-phone")


def test_a_watcher_in_trouble_is_quoted(watcher, start_page, open_tab):
    watcher[1].append("Prometheus at http://x: it does not answer in time <i>")
    page = start_page(PAGE_PLACEMENT_URL=f"{watcher[0]}/metrics")
    tab = open_tab(page, "/system")
    expect(tab.locator("main")).to_contain_text("does not answer in time <i>")
    expect(tab.locator("tbody").first.locator("tr")).to_have_count(3)


def test_a_port_without_health_is_enough(watcher):
    url = f"{watcher[0]}/metrics?of=watcher"
    assert look(url, placement_of).trouble == ""


def test_what_is_no_watcher_is_said(watcher):
    with pytest.raises(OperatorError, match="answers 404"):
        ask(f"{watcher[0]}/elsewhere")
    with pytest.raises(OperatorError, match="does not answer"):
        ask(f"http://127.0.0.1:{free_port()}/metrics")


def test_what_is_no_metric_is_said():
    telemetry = ScalerTelemetry()
    Gauge("of_somebody_else", "", ["node"], registry=telemetry.registry).labels("x")
    with closing(StatusPort("127.0.0.1", 0, telemetry.registry, lambda: None)) as port:
        told = placement_of(ask(f"http://127.0.0.1:{port.port}/metrics"))
        assert told.nodes == []
        with pytest.raises(OperatorError, match="answers no metrics"):
            ask(f"http://127.0.0.1:{port.port}/healthz")
