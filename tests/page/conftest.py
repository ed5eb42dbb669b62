"""The page in a browser: screenshots of failures and of what to look at are kept."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.axe import AXE
from tests.fixtures.chromium import running_chromium
from tests.fixtures.page import ForkedPage, Rows

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", "local/screenshots"))
# All rules are tried; of what is in order, only the rules are brought here. No style
# sheet is loaded anew: one rule reads them, an experimental one that is never tried.
_AXE_OPTIONS = "{resultTypes: ['violations'], preload: {assets: ['media']}}"


@pytest.fixture(scope="package")
def chromium():
    with running_chromium() as browser:
        yield browser


@contextmanager
def _pages(folder, database):
    """What starts pages, which are ended afterwards."""
    pages = []

    def start(*flags, ready=True, script=None, **environ):
        settings = database().environ | environ
        page = ForkedPage(folder(), settings, *flags, script=script)
        pages.append(page)
        if ready:
            page.wait_ready()
        return page

    yield start
    for page in pages:
        page.stop()
        print(page.log)  # shown with a test that fails
        assert "Traceback" not in page.log


@pytest.fixture
def start_page(tmp_path, request):
    """Starts pages on the test's database; ends them."""

    def database():
        own = "own_postgres" in request.fixturenames
        return request.getfixturevalue("own_postgres" if own else "postgres")

    with _pages(lambda: tmp_path, database) as start:
        yield start


@pytest.fixture(scope="module")
def start_lasting(tmp_path_factory, _postgres):
    """Starts pages that all tests of a file look at, on the shared database.

    The table is emptied before each test that adds to it, and the tiles of such a page
    follow seconds later: it is for what is looked up with each question.
    """

    def database():
        _postgres.execute("TRUNCATE posture_log RESTART IDENTITY")
        return _postgres

    with _pages(lambda: tmp_path_factory.mktemp("page"), database) as start:
        yield start


@pytest.fixture(scope="module")
def standing(start_lasting):
    """A page with the usual settings, for all tests of a file."""
    return start_lasting()


@pytest.fixture
def rows(request, tmp_path):
    own = "own_postgres" in request.fixturenames
    database = request.getfixturevalue("own_postgres" if own else "postgres")
    return Rows(database, tmp_path / "analyzed_images")


class Tab:
    """A tab that has noted what should not happen in it."""

    def __init__(self, tab):
        self.tab = tab
        self.complaints = []
        self.requests = []
        tab.on("console", lambda said: self._note(said))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", lambda request: self.requests.append(request.url))

    def _note(self, said):
        # A picture that is not there is no mistake of the page.
        if said.type == "error" and "Failed to load resource" not in said.text:
            self.complaints.append(said.text)

    def check_accessible(self):
        """axe-core finds nothing serious."""
        if not self.tab.evaluate("'axe' in window"):
            self.tab.evaluate(AXE.read_text())
        found = self.tab.evaluate(f"axe.run({_AXE_OPTIONS})")
        assert found["passes"]
        serious = [
            (each["id"], [node["html"] for node in each["nodes"]])
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious

    def __getattr__(self, name):
        return getattr(self.tab, name)

    def keep(self, name):
        """A screenshot to look at, as a JPEG: it takes half of a PNG's time."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.tab.wait_for_timeout(300)  # pictures and transitions come to rest
        path = SCREENSHOTS / f"{name}.jpg"
        self.tab.screenshot(path=path, type="jpeg", quality=85, full_page=True)


@pytest.fixture
def open_tab(chromium):
    """Opens tabs; at the end none may have complained or asked another host."""
    contexts, tabs = [], []

    def open_tab(page, path="/cameras", **options):
        options = {"viewport": {"width": 1200, "height": 800}} | options
        contexts.append(chromium.new_context(**options))
        tab = Tab(contexts[-1].new_page())
        tabs.append(tab)
        tab.goto(page.address + path)
        return tab

    yield open_tab
    for each in contexts:
        each.close()
    for tab in tabs:
        assert not tab.complaints
        assert {url.split("/")[2].split(":")[0] for url in tab.requests} <= {
            "127.0.0.1",
            "",
        }
