"""Logins, and whatever else may answer in the place of Prometheus."""

import json
import subprocess
import time

import pytest

from common.options import SettingsError
from kube.nodes import Node
from placement.errors import MetricsError
from placement.loads.prometheus import Prometheus
from placement.settings import LoadSettings, PrometheusSettings
from tests.fixtures.http_answers import answering
from tests.fixtures.net import free_port
from tests.fixtures.prometheus import PrometheusServer
from tests.fixtures.settings import read_settings

LOADS = read_settings(LoadSettings, metrics="load")
HASH = "$2b$04$nljcZWs.7lUTga7cec80uulanNqa1w.k8jBOrMhuNWaH/d7ajbJpu"  # opensesame
OTHERS = {
    "pässwört": "$2b$04$nljcZWs.7lUTga7cec80uu/I3UyQB2D7U1S2NLiYrlR0OM7EBuKrG",
    "p€ss": "$2b$04$nljcZWs.7lUTga7cec80uu5eM4tewg9QyXSFeY1EW/Ee0nk7BsTUq",
}


@pytest.fixture
def answers():
    with answering() as server:
        yield server


def door(port, **texts):
    url = texts.pop("url", f"http://127.0.0.1:{port}")
    return Prometheus(read_settings(PrometheusSettings, url=url, **texts))


def survey(port, **texts):
    return door(port, **texts).survey([Node("n", "n")], LOADS)


def vector(*rows):
    return json.dumps(
        {"status": "success", "data": {"resultType": "vector", "result": list(rows)}}
    ).encode()


def row(value, **labels):
    return {"metric": {"posture_part": "load 0", "node": "n"} | labels, "value": value}


AGE = {"metric": {"posture_part": "age 0", "node": "n"}, "value": [1, "3"]}
MATRIX = {"status": "success", "data": {"resultType": "matrix", "result": []}}
REFUSED = {"status": "error", "errorType": "bad_data", "error": "parse error at 1"}

ANSWERS = {
    "400": ("400 Bad Request", json.dumps(REFUSED).encode(), "bad_data: parse error"),
    "422": ("422 Unprocessable Entity", json.dumps(REFUSED).encode(), "422"),
    "503": ("503 Service Unavailable", b"no backend", "503.*no backend"),
    "a proxy's page": ("200 OK", b"<html>please log in</html>", "no JSON.*log in"),
    "a redirect to a login": ("302 Found", b"", "302"),
    "nothing": ("200 OK", b"", "no JSON but nothing"),
    "a matrix": ("200 OK", json.dumps(MATRIX).encode(), "a matrix"),
    "another JSON": ("200 OK", b'{"a": 1}', "no answer to a query"),
    "a list": ("200 OK", b"[]", "no answer to a query"),
    "null": ("200 OK", b"null", "no answer|no JSON"),
    "rows without labels": ("200 OK", vector({"value": [1, "2"]}), "rows that are not"),
    "rows that are numbers": ("200 OK", vector(1), "rows that are not"),
    "rows without part": ("200 OK", vector({"metric": {}}), "rows that are not"),
    "a part that nobody asked for": (
        "200 OK",
        vector(row([1, "2"], posture_part="load 7")),
        "rows that are not",
    ),
}


@pytest.mark.parametrize(("status", "body", "words"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_none_is_an_error_that_says_so(answers, status, body, words):
    answers.say(status, body)
    with pytest.raises(MetricsError, match=words):
        survey(answers.port)


@pytest.mark.parametrize("text", ["abc", "", None, "1e400", "0x10"])
def test_a_value_that_is_no_number_makes_the_load_unknown(answers, text):
    answers.say("200 OK", vector(row([1, text]), AGE))
    reading = survey(answers.port).readings["n"]
    assert reading.load is None
    assert "its value is" in str(reading.problem)


def test_an_empty_vector_means_that_no_load_is_known(answers):
    answers.say("200 OK", vector())
    assert survey(answers.port).readings == {}


def test_half_a_body_is_an_error(answers):
    answers.say("200 OK", vector(row([1, "2"]), AGE)[:-20], more=20)
    with pytest.raises(MetricsError, match=r"(?i)incomplete|broken|no JSON"):
        survey(answers.port)


@pytest.mark.parametrize("how", ["silent", "drip", "late"])
def test_a_slow_answer_is_given_up_at_the_deadline(answers, how):
    good = vector(row([1, "2"]), AGE)
    if how == "drip":
        answers.drip(good, 0.1)
    elif how == "late":
        answers.say("200 OK", good)
        answers.pieces = [(5, answers.pieces[0][1])]
    else:
        answers.pieces = [(60, b"")]
    begun = time.monotonic()
    with pytest.raises(MetricsError, match=r"in time|whole answer"):
        survey(answers.port, deadline="0.5")
    assert time.monotonic() - begun < 4


def test_nobody_there_is_an_error_that_names_the_address():
    port = free_port()
    with pytest.raises(MetricsError, match=f"http://127.0.0.1:{port}: .*refused"):
        survey(port)


def test_a_hanging_prometheus_is_given_up_at_the_deadline(tmp_path):
    server = PrometheusServer(tmp_path)
    server.start()
    try:
        server.signal(19)  # SIGSTOP
        with pytest.raises(MetricsError, match="in time"):
            survey(server.port, deadline="0.5")
    finally:
        server.stop()


def test_a_bearer_token_is_sent_and_never_told(answers):
    answers.say("503 Busy", b"you said Bearer s3cret-token")
    with pytest.raises(MetricsError) as caught:
        survey(answers.port, token="s3cret-token")
    assert b"Authorization: Bearer s3cret-token\r\n" in answers.requests[0]
    assert "s3cret-token" not in str(caught.value)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A Prometheus with a login, TLS and a path prefix."""
    folder = tmp_path_factory.mktemp("guarded")
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    web = {
        "tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"},
        "basic_auth_users": {"viewer": HASH} | OTHERS,
    }
    prefix = "--web.external-url=https://localhost/prom"
    server = PrometheusServer(folder, prefix, web=web)
    server.start()
    yield server
    server.stop()


def open_guarded(server, **changes):
    texts = {
        "url": f"https://localhost:{server.port}/prom",
        "user": "viewer",
        "password": "opensesame",
        "ca_file": str(server.folder / "cert.pem"),
    }
    texts |= changes
    return survey(server.port, **{key: text for key, text in texts.items() if text})


def test_a_login_tls_and_a_path_prefix_are_enough(guarded):
    assert open_guarded(guarded).readings == {}


@pytest.mark.parametrize("password", OTHERS)
def test_a_login_beyond_latin_1_is_enough(guarded, password):
    found = open_guarded(guarded, user=password, password=password)
    assert found.readings == {}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("user", "me:s3cret", "without a colon"),
        ("token", "tök€n", "ASCII"),
        ("token", "two words", "without blanks"),
        ("tenant", "a team", "HEADER=name"),
        ("tenant", "X Y=team", "HEADER=name"),
    ],
)
def test_a_login_that_no_header_can_carry_is_refused_at_the_start(name, text, words):
    with pytest.raises(SettingsError, match=words):
        read_settings(PrometheusSettings, **{name: text})


@pytest.mark.parametrize(
    ("tenant", "header"),
    [
        ("lab", b"X-Scope-OrgID: lab\r\n"),
        ("THANOS-TENANT=lab", b"THANOS-TENANT: lab\r\n"),
    ],
)
def test_a_tenant_is_sent(answers, tenant, header):
    answers.say("200 OK", vector())
    survey(answers.port, tenant=tenant)
    assert header in answers.requests[0]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (
            "https://metrics.example/prom/api/v1/query?token=s3cret",
            "302, a redirect to https://metrics.example/prom/api/v1/query "
            "(set PROMETHEUS_URL=https://metrics.example/prom)",
        ),
        ("/login?next=s3cret", "/login (a login page, or another service"),
        ("//me:s3cret@sso.example/x", "a redirect to http://***@sso.example/x"),
    ],
)
def test_a_redirect_is_told_with_where_it_leads_to(answers, location, words):
    answers.say("302 Found", b"", head=f"Location: {location}")
    with pytest.raises(MetricsError) as caught:
        survey(answers.port)
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wrong"}, "401.*PROMETHEUS_PASSWORD"),
        ({"user": None}, "401"),
        ({"ca_file": None}, "CERTIFICATE_VERIFY_FAILED|certificate"),
        ({"url": "https://localhost:PORT/other"}, "404.*path prefix"),
        ({"url": "http://localhost:PORT/prom"}, "400|reset"),
    ],
)
def test_a_wrong_login_certificate_or_prefix_is_an_error_with_the_remedy(
    guarded, changes, words
):
    if "url" in changes:
        changes = {"url": changes["url"].replace("PORT", str(guarded.port))}
    with pytest.raises(MetricsError, match=words) as caught:
        open_guarded(guarded, **changes)
    assert "opensesame" not in str(caught.value)


def test_certificate_files_that_cannot_be_used_are_named(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(MetricsError, match=r"ca\.pem"):
        door(1, ca_file=str(tmp_path / "ca.pem"))


def test_the_password_is_in_no_repr():
    texts = {"user": "u", "password": "opensesame", "token": "s3cret"}
    settings = repr(read_settings(PrometheusSettings, **texts))
    assert "opensesame" not in settings
    assert "s3cret" not in settings
