"""The page over https by itself, without a proxy."""

import re
import socket
import ssl

import pytest
import urllib3
from playwright.sync_api import expect

from page.login import make_hash
from tests.fixtures.tls import Authority

PASSWORD = "sit up straight"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def https(certificate, key):
    """The settings of a page with these files."""
    return {
        "PAGE_PASSWORD_HASH": make_hash(PASSWORD),
        "PAGE_CERT_FILE": str(certificate),
        "PAGE_KEY_FILE": str(key),
    }


@pytest.fixture(scope="module")
def served(start_lasting, authority):
    return start_lasting(**https(*authority.issue("server")))


@pytest.fixture
def page(served, authority):
    served.pool = urllib3.PoolManager(ca_certs=str(authority.certificate))
    return served


def test_who_knows_the_authority_gets_the_page_and_a_cookie_for_https_only(page):
    assert f"ready: https://127.0.0.1:{page.port}/" in page.log
    status, headers, _ = page.get("/login")
    assert status == 200
    assert "Secure" in headers["set-cookie"]
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_who_does_not_know_it_is_warned(page, tmp_path):
    page.pool = urllib3.PoolManager(ca_certs=str(Authority(tmp_path).certificate))
    with pytest.raises(urllib3.exceptions.MaxRetryError, match="verify failed"):
        page.pool.request("GET", page.address, retries=0)


def test_plain_http_is_not_answered(page):
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", f"http://127.0.0.1:{page.port}/", retries=False)


def test_old_tls_is_not_spoken(page, authority):
    context = ssl.create_default_context(cafile=authority.certificate)
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", page.port), 10) as line,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(line, server_hostname="localhost")


def test_a_browser_logs_in_gets_news_and_may_use_its_camera(page, rows, open_tab):
    # Chromium knows our authority as little as any visitor's: it is told to go on.
    tab = open_tab(page, ignore_https_errors=True)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()
    expect(tab.locator("h1")).to_have_text("Cameras")
    rows.add("desk")
    expect(tab.locator("[data-pi=desk] .status")).to_have_text("Upright")
    assert tab.evaluate("isSecureContext && !!navigator.mediaDevices")


@pytest.mark.parametrize("wrong", ["no file", "key of another"])
def test_files_that_cannot_be_used_are_named(start_page, authority, tmp_path, wrong):
    certificate, _ = authority.issue("server")
    key = tmp_path / "missing.key"
    if wrong == "key of another":
        _, key = authority.issue("other")
    page = start_page(ready=False, **https(certificate, key))
    assert page.process.wait(30) == 1
    assert re.search(rf"the certificate {certificate}.* cannot be used: ", page.log)


def test_a_key_alone_is_refused(start_page, authority):
    _, key = authority.issue("server")
    page = start_page(PAGE_KEY_FILE=str(key), ready=False)
    assert page.process.wait(30) == 1
    assert "PAGE_CERT_FILE is not" in page.log
