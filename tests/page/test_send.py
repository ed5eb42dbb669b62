"""Pictures from the browser, through a real broker and worker."""

import pytest
from playwright.sync_api import expect

from tests.conftest import IMAGES
from tests.fixtures import images
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.page import ForkedPage
from tests.fixtures.postgres import running_postgres
from tests.fixtures.worker import ForkedWorker

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page and a worker, with a broker and a database of their own."""
    folder = tmp_path_factory.mktemp("send")
    with running_mosquitto(folder / "broker") as broker, running_postgres() as postgres:
        environ = broker.environ | postgres.environ
        pictures = {"PICTURES_FOLDER": str(folder / "analyzed_images")}
        worker = ForkedWorker(folder / "worker", environ | pictures)
        page = ForkedPage(folder, environ)
        try:
            page.wait_ready()
            worker.wait_ready()
            yield page
        finally:
            page.stop()
            worker.end()
        print(worker.log, page.log)  # shown with a test that fails
        assert "Traceback" not in page.log


def test_a_chosen_picture_is_analyzed_and_shown(page, open_tab):
    tab = open_tab(page, "/send")
    tab.get_by_label("Picture", exact=True).set_input_files(
        IMAGES / "slouch_1280_002.jpg"
    )
    expect(tab.locator("#said")).to_have_text("Sent as a picture of browser.")
    tile = tab.locator("[data-pi=browser]")
    expect(tile.locator(".status")).to_have_text("Leaning", timeout=30_000)
    expect(tile.locator("img")).to_have_js_property("naturalWidth", 1280)
    tab.check_accessible()
    tab.keep("send-sent")


def test_a_picture_can_be_dropped(page, open_tab):
    tab = open_tab(page, "/send")
    file = (IMAGES / "good_1280_000.jpg").read_bytes()
    data = tab.evaluate_handle(
        "bytes => { const data = new DataTransfer(); data.items.add(new File("
        "[new Uint8Array(bytes)], 'me.jpg', {type: 'image/jpeg'})); return data; }",
        list(file),
    )
    tab.dispatch_event(".drop", "drop", {"dataTransfer": data})
    expect(tab.locator("[data-pi=browser] .status")).to_have_text(
        "Upright", timeout=30_000
    )


def test_the_computers_camera_is_sent_like_any_other(page, open_tab):
    tab = open_tab(page, "/send", permissions=["camera"])
    tab.get_by_label("Shown as the camera").fill("laptop")
    tab.get_by_role("button", name="Start the camera").click()
    expect(tab.locator("[data-pi=laptop] .status")).to_have_text(
        "No person found", timeout=30_000
    )
    tab.get_by_role("button", name="Stop the camera").click()
    expect(tab.locator("video")).to_be_hidden()


def poster(page):
    """What sends a picture as a browser does; gives status and text."""
    cookie, token = page.visitor()

    def post(body, camera="browser"):
        headers = {"Cookie": cookie, "X-Token": token}
        status, _, text = page.ask("POST", f"/send?camera={camera}", body, **headers)
        return status, text

    return post


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (SVG, "Not a picture that can be analyzed"),
        (b"", "message is empty"),
        (images.png_bomb, "more than 50 million pixels"),
        (images.jpeg_bomb, "more than 50 million pixels"),
        (bytes(21 << 20), "Too large: more than 20 MB"),
    ],
    ids=["SVG", "nothing", "PNG bomb", "JPEG bomb", "too large"],
)
def test_what_is_no_picture_is_refused_in_words(page, file, words):
    status, text = poster(page)(file() if callable(file) else file)
    assert status == 422
    assert words in text


def test_a_name_that_is_none_is_refused(page):
    status, text = poster(page)(b"x", camera="../etc")
    assert status == 422
    assert "letters, digits" in text


def test_a_browser_says_itself_that_100_mb_are_too_much(page, open_tab, tmp_path):
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(100 << 20)
    tab = open_tab(page, "/send")
    tab.get_by_label("Picture", exact=True).set_input_files(large)
    expect(tab.locator("#said")).to_contain_text("Too large: more than 20 MB")


def test_a_broker_that_is_away_is_said_and_found_again(start_page, broker):
    post = poster(start_page(**broker.environ))
    file = (IMAGES / "good_1280_000.jpg").read_bytes()
    assert post(file)[0] == 200
    broker.stop()
    status, text = post(file)  # after ten seconds of silence
    assert status == 422
    assert "The picture was not sent" in text
    broker.start()
    assert post(file)[0] == 200


def test_a_post_without_the_pages_token_is_refused(page):
    assert page.ask("POST", "/send?camera=x", b"x")[0] == 403
