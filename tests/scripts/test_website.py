"""The documentation as a website: whole, usable by everybody, and by itself."""

import functools
import http.server
import os
import subprocess
import sys
import threading

import pytest

from tests.fixtures.chromium import running_chromium
from tests.fixtures.net import wait_until
from tests.fixtures.worker import ROOT
from tests.page.conftest import Tab
from tools.reference import TARGET, reference

PHONE = {"width": 390, "height": 844}


def test_the_reference_is_that_of_the_code():
    # Otherwise: python -m tools.reference
    assert TARGET.read_text() == reference()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def website(tmp_path_factory):
    """The address of the site, built with every doubt an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def reader(chromium):
    """A tab for all tests that load what they look at anew."""
    return chromium.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "camera-placement", "troubleshooting"])
def test_a_page_can_be_used_by_everybody_and_asks_nobody_else(
    website, chromium, name, scheme
):
    context = chromium.new_context(color_scheme=scheme)
    tab = Tab(context.new_page())
    tab.goto(f"{website}/{name}.html")
    tab.check_accessible()
    tab.keep(f"docs-{name}-{scheme}")
    tab.set_viewport_size(PHONE)
    assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")
    tab.keep(f"docs-{name}-{scheme}-phone")
    context.close()
    assert not tab.complaints
    assert {url.split("/")[2].split(":")[0] for url in tab.requests} == {"127.0.0.1"}


def test_a_file_that_a_page_points_at_is_there(website, reader):
    reader.goto(f"{website}/cluster.html")
    reader.get_by_role("link", name="deploy/mosquitto.conf").first.click()
    assert "persistence true" in reader.content()


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("max_queued_messages", "Brokers"),
        ("delete", "Privacy"),
        ("export", "Export: the data, in other programs"),
        ("webcam", "Connect a camera"),
        ("rtsp", "Connect a camera"),
        ("Raspberry Pi", "Connect a camera"),
    ],
)
def test_a_search_shows_the_page_that_is_for_it_among_the_first(
    website, reader, word, page
):
    reader.goto(f"{website}/index.html")
    reader.get_by_role("textbox", name="Search").click()
    reader.keyboard.type(word)
    shown = reader.locator(".md-search-result__item h1")
    # What is shown for the word's beginning is replaced as the word is typed.
    wait_until(
        lambda: page in [each.strip() for each in shown.all_inner_texts()[:3]],
        f"{page} among the first",
    )
