"""Who may see the page when others can reach it, and what is refused."""

import re
import subprocess
import sys
from urllib.parse import urlencode

import pytest
import urllib3
from playwright.sync_api import expect

from common.errors import OperatorError
from page.limits import Limit
from page.login import Login, make_hash
from tests.fixtures.net import PATIENCE
from tests.fixtures.worker import ROOT

PASSWORD = "sit up straight"


@pytest.fixture(scope="module")
def hashed():
    return make_hash(PASSWORD)


LOCKED = {"PAGE_LISTEN": "0.0.0.0"}  # noqa: S104


@pytest.fixture
def locked(start_page, hashed):
    """A page of the test's own, for five passwords a minute may be tried."""
    return start_page(PAGE_PASSWORD_HASH=hashed, **LOCKED)


@pytest.fixture(scope="module")
def closed(start_lasting, hashed):
    """A page for all tests that log in once at most."""
    return start_lasting(PAGE_PASSWORD_HASH=hashed, **LOCKED)


def log_in(page, password=PASSWORD, **changed):
    cookie, token = page.visitor()
    fields = {"token": token, "password": password, "to": "/"} | changed
    body = urlencode(fields).encode()
    return page.ask("POST", "/login", body, Cookie=cookie)


def test_others_are_not_let_in_without_a_password(start_page):
    page = start_page(PAGE_LISTEN="0.0.0.0", ready=False)  # noqa: S104
    assert page.process.wait(30) == 1
    assert "set PAGE_PASSWORD_HASH" in page.log


def test_the_command_makes_a_hash_that_the_page_takes(start_page, rows, open_tab):
    made = subprocess.run(
        [sys.executable, str(ROOT / "live_page.py"), "--make-hash"],
        input=PASSWORD + "\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert made.startswith("$argon2id$")
    rows.add("desk")
    tab = open_tab(start_page(PAGE_PASSWORD_HASH=made), "/table?pi=desk")
    expect(tab.get_by_role("heading", name="Log in")).to_be_visible()
    tab.check_accessible()
    tab.get_by_label("Password").fill("slouch slouch")
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_role("alert")).to_have_text("This is not the password.")
    tab.keep("login-wrong")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()
    expect(tab.locator("h1")).to_have_text("Table")
    expect(tab.locator("tbody tr")).to_have_count(1)
    tab.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("heading", name="Log in")).to_be_visible()
    tab.goto(tab.url.partition("/login")[0] + "/table")
    expect(tab.get_by_role("heading", name="Log in")).to_be_visible()


def test_nothing_is_shown_before_the_login(closed, rows):
    rows.add("secret")
    for path in ("/", "/live", "/picture/1.jpg", "/table.csv", "/send", "/system"):
        status, headers, text = closed.get(path)
        assert (path, status, text) == (path, 303, "")
        assert headers["location"].startswith("/login?to=")


def test_the_live_news_end_with_the_login(locked, rows):
    _, headers, _ = log_in(locked)
    cookie = headers["set-cookie"].partition(";")[0]
    news = urllib3.request(
        "GET",
        locked.address + "/live",
        headers={"Cookie": cookie},
        preload_content=False,
        timeout=30 * PATIENCE,
    )
    token = re.search(r'content="(\w{64})"', locked.get("/", Cookie=cookie)[2])[1]
    body = urlencode({"token": token}).encode()
    assert locked.ask("POST", "/logout", body, Cookie=cookie)[0] == 303
    rows.add("secret")
    said = b"".join(news.stream())  # ends
    assert b"secret" not in said


def test_a_picture_is_not_taken_before_the_login(closed):
    cookie, token = closed.visitor()
    status, _, text = closed.ask(
        "POST", "/send", b"x", **{"Cookie": cookie, "X-Token": token}
    )
    assert (status, text) == (401, "Please log in again.")


def test_endless_guessing_is_stopped(locked):
    answers = [log_in(locked, f"guess {n}")[0] for n in range(6)]
    assert answers == [401] * 5 + [429]
    assert log_in(locked)[0] == 429  # not even the right one, for a minute


def test_a_form_of_another_site_is_refused(closed):
    assert log_in(closed, token="0" * 64)[0] == 403
    _, token = closed.visitor()
    body = urlencode({"token": token, "password": PASSWORD}).encode()
    assert closed.ask("POST", "/login", body)[0] == 403  # without its cookie
    assert log_in(closed)[0] == 303


def test_the_login_leads_to_no_other_site(locked):
    for to in ("//evil.example/", "https://evil.example/", "/\\evil", "/\t/evil"):
        status, headers, _ = log_in(locked, to=to)
        assert (to, status, headers["location"]) == (to, 303, "/")
    assert log_in(locked, to="/table?pi=a")[1]["location"] == "/table?pi=a"


def test_a_new_session_begins_with_the_login(closed):
    before, _ = closed.visitor()
    _, headers, _ = log_in(closed)
    cookie = headers["set-cookie"]
    assert cookie.partition(";")[0] != before
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert closed.get("/", Cookie=cookie.partition(";")[0])[0] == 200


def test_answers_carry_the_headers_that_keep_browsers_from_harm(start_page):
    page = start_page(PAGE_BEHIND_HTTPS="true")
    for path in ("/", "/static/page.js", "/picture/7.jpg", "/login"):
        _, headers, _ = page.get(path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["strict-transport-security"]
    assert "Secure" in page.get("/")[1]["set-cookie"]


def test_another_name_for_this_machine_is_refused(start_page):
    page = start_page()
    status, _, text = page.get("/", Host="evil.example")
    assert status == 421
    assert "see PAGE_HOSTS" in text


def test_sessions_end():
    now = [0.0]
    login = Login(make_hash(PASSWORD), lambda: now[0])
    session = login.enter(PASSWORD)
    assert login.knows(session)
    now[0] = 13 * 3600
    assert not login.knows(session)


def test_a_short_password_and_a_wrong_hash_are_refused():
    with pytest.raises(OperatorError, match="8 characters"):
        make_hash("short")
    with pytest.raises(OperatorError, match="--make-hash"):
        Login("secret")


def test_a_limit_is_for_each_key_and_ends():
    now = [0.0]
    limit = Limit(2, 60, lambda: now[0])
    assert [limit.allows("a") for _ in range(3)] == [True, True, False]
    assert limit.allows("b")
    now[0] = 60
    assert limit.allows("a")


def test_behind_a_trusted_proxy_wrong_tries_hold_up_only_who_makes_them(
    start_page, hashed
):
    page = start_page(
        PAGE_PASSWORD_HASH=hashed, PAGE_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8"
    )

    def enter(address, password):
        cookie, token = page.visitor()
        body = urlencode({"token": token, "password": password, "to": "/"}).encode()
        headers = {"Cookie": cookie, "X-Forwarded-For": address}
        return page.ask("POST", "/login", body, **headers)[0]

    tries = [enter("203.0.113.5", "wrong guess") for _ in range(6)]
    assert tries == [401] * 5 + [429]
    # What a visitor says of itself, in front of what the proxy says, does not count.
    assert enter("198.51.100.1, 203.0.113.5", "wrong guess") == 429
    assert enter("203.0.113.6", PASSWORD) == 303


def test_who_is_no_trusted_proxy_is_not_believed(start_page, hashed):
    page = start_page(PAGE_PASSWORD_HASH=hashed)
    cookie, token = page.visitor()
    body = urlencode({"token": token, "password": "wrong guess", "to": "/"}).encode()
    tries = [
        page.ask(
            "POST",
            "/login",
            body,
            **{"Cookie": cookie, "X-Forwarded-For": f"1.1.1.{n}"},
        )[0]
        for n in range(6)
    ]
    assert tries == [401] * 5 + [429]


def test_who_has_been_in_is_not_held_up_by_the_tries_of_others(hashed):
    login = Login(hashed, clock=lambda: 0.0)
    assert login.may_try("desk")
    assert login.enter(PASSWORD, "desk")
    for number in range(100):
        login.may_try(f"stranger {number}")
    assert not login.may_try("somebody new")
    assert login.may_try("desk")
