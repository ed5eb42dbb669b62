"""Who connects and says nothing, or says it slowly, keeps nobody else waiting."""

import socket
import threading
from contextlib import ExitStack

import pytest
import urllib3

from tests.conftest import IMAGES
from tests.fixtures import images
from tests.fixtures.net import free_port, wait_until

GOOD = (IMAGES / "good_1280_000.jpg").read_bytes()


@pytest.fixture
def connect():
    """Opens connections; closes them at the end."""
    with ExitStack() as opened:

        def connect(page, said=b""):
            line = opened.enter_context(
                socket.create_connection(("127.0.0.1", page.port))
            )
            line.sendall(said)
            return line

        yield connect


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_silent_connections_keep_nobody_out(start_page, rows, connect, said):
    rows.add("desk")
    page = start_page()
    wait_until(lambda: page.get("/healthz")[0] == 200, "it has its database")
    for _ in range(800):
        connect(page, said)
    for path in ("/livez", "/healthz", "/", "/table"):
        assert page.get(path)[0] == 200, path


def test_a_question_that_never_ends_is_not_waited_for(start_page, connect):
    page = start_page()
    line = connect(page, b"GET / HTTP/1.1\r\n")
    line.settimeout(0.5)

    def is_closed():
        try:
            line.sendall(b"X: y\r\n")  # a byte now and then buys no time
            return line.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    wait_until(is_closed, "the connection is closed")


def test_probes_are_answered_on_a_port_of_their_own(start_page):
    port = free_port()
    page = start_page(PAGE_PROBE_PORT=str(port))
    wait_until(lambda: page.get("/healthz")[0] == 200, "it has its database")
    for path, status in (("/livez", 200), ("/healthz", 200), ("/", 404)):
        answer = urllib3.request("GET", f"http://127.0.0.1:{port}{path}", retries=False)
        assert answer.status == status


# Pictures from browsers


@pytest.fixture
def page(start_page, broker):
    return start_page(**broker.environ)


def head(page, length):
    """The head of an upload; its body is never sent."""
    cookie, token = page.visitor()
    return (
        f"POST /send?camera=x HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        f"X-Token: {token}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def post(page, body):
    cookie, token = page.visitor()
    status, _, text = page.ask(
        "POST", "/send?camera=x", body, **{"Cookie": cookie, "X-Token": token}
    )
    return status, text


def test_uploads_that_never_end_hold_few_places_and_the_others_are_told(page, connect):
    unfinished = [connect(page, head(page, 20 << 20)) for _ in range(60)]
    for each in unfinished:
        each.settimeout(20)
    # Those that got no place are told; of the few that have one nothing comes.
    told = [each for each in unfinished[3:] if b" 503 " in each.recv(100)]
    assert len(told) == 57
    assert page.get("/table")[0] == 200
    for each in unfinished:
        each.close()
    wait_until(lambda: post(page, GOOD)[0] == 200, "there is a place again")


def test_pictures_that_take_long_keep_no_other_question_waiting(page, rows):
    rows.add("desk")
    bomb = images.png(8000, 6250, bits=8, colour=2)
    answers = []
    senders = [
        threading.Thread(target=lambda: answers.append(post(page, bomb)))
        for _ in range(45)
    ]
    for each in senders:
        each.start()
    wait_until(lambda: answers, "the first is answered")
    for path in ("/table", "/system", "/"):
        page.get(path)
    assert len(answers) < len(senders)
    for each in senders:
        each.join()
    assert {status for status, _ in answers} == {200, 503}
    assert any("busy" in text for _, text in answers)
