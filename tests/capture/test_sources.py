"""Sources of pictures, each asked for real: a folder, HTTP and RTSP servers."""

import base64
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2
import numpy as np
import pytest

from capture.errors import SourceError
from capture.settings import SourceSettings
from capture.sources.opened import open_source
from tests.conftest import IMAGES
from tests.fixtures.http_answers import answering
from tests.fixtures.net import wait_until
from tests.fixtures.rtsp_server import is_here, serving_rtsp

PICTURE = (IMAGES / "good_1280_000.jpg").read_bytes()
needs_rtsp = pytest.mark.skipif(
    not is_here(), reason="GStreamer's RTSP server is not installed"
)


def source(where, user=None, password=None, token=None, patience=5.0):
    named = (user, password, token)
    return open_source(SourceSettings(str(where), *named, 640, patience))


@contextmanager
def serving(answer):
    """An HTTP server; `answer(handler)` writes each answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/snapshot.jpg?token=secret-token"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(body, kind="image/jpeg", status=200):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_folder_gives_its_pictures_in_turn_and_new_ones_too(tmp_path):
    for name in ("a.jpg", "b.png", "note.txt"):
        (tmp_path / name).write_bytes(PICTURE + name.encode())
    folder = source(tmp_path)
    assert folder.picture().endswith(b"a.jpg")
    (tmp_path / "c.jpg").write_bytes(PICTURE + b"c.jpg")
    assert [folder.picture()[-5:] for _ in range(3)] == [b"b.png", b"c.jpg", b"a.jpg"]


def test_a_folder_without_a_picture_says_so(tmp_path):
    folder = source(tmp_path)
    with pytest.raises(SourceError, match="has no picture"):
        folder.picture()
    (tmp_path / "a.jpg").write_bytes(b"garbage")
    with pytest.raises(SourceError, match=r"a\.jpg is no picture"):
        folder.picture()


def test_a_snapshot_is_sent_as_it_is():
    with serving(reply(PICTURE)) as address:
        assert source(address).picture() == PICTURE


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(b"", status=404), r"answers 404 .*the camera's manual"),
        (reply(b"<html>", "text/html"), "answers no picture but text/html"),
        (reply(b"--x", "multipart/x-mixed-replace"), "is a stream: name the address"),
        (reply(b"", status=401), "answers 401 .*set CAMERA_USER"),
    ],
)
def test_what_is_no_picture_is_said_without_the_token(answer, said):
    with serving(answer) as address:
        with pytest.raises(SourceError, match=said) as error:
            source(address).picture()
        assert "secret-token" not in str(error.value)


def test_a_camera_that_is_away_is_said_without_the_token():
    with pytest.raises(SourceError, match="no connection") as error:
        source("http://127.0.0.1:1/snapshot.jpg?token=secret-token").picture()
    assert "secret-token" not in str(error.value)


def test_a_picture_that_drips_or_is_too_large_ends_in_time():
    with answering() as server:
        server.drip(PICTURE, 0.1)
        with pytest.raises(SourceError, match=r"takes longer than 2 s"):
            source(f"http://127.0.0.1:{server.port}/", patience=2).picture()
    with answering() as server:
        server.say("200 OK", PICTURE + bytes(11_000_000))
        with pytest.raises(SourceError, match="more than 10 MB"):
            source(f"http://127.0.0.1:{server.port}/").picture()


def test_logins_and_tokens_are_understood():
    login = base64.b64encode("jörg:pässword".encode()).decode()

    def asking(challenge, right):
        def answer(handler):
            if right in (handler.headers.get("Authorization") or ""):
                return reply(PICTURE)(handler)
            handler.send_response(401)
            handler.send_header("WWW-Authenticate", challenge)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return None

        return answer

    with serving(asking('Basic realm="camera"', f"Basic {login}")) as address:
        assert source(address, "jörg", "pässword").picture() == PICTURE
    with serving(asking("Bearer", "Bearer a-token")) as address:
        assert source(address, token="a-token").picture() == PICTURE
    digest = 'Digest realm="camera", nonce="abc", qop="auth"'
    with serving(asking(digest, 'username="admin"')) as address:
        assert source(address, "admin", "pw").picture() == PICTURE


@needs_rtsp
@pytest.mark.parametrize("login", [("", ""), ("admin", "p@ss/w:rd")])
def test_an_rtsp_stream_gives_pictures_of_now(login):
    with serving_rtsp(IMAGES / "good_1280_000.jpg", *login) as (address, _):
        camera = source(address, *login, patience=20)
        try:
            file = camera.picture()
        finally:
            camera.close()
    image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (360, 640, 3)


@needs_rtsp
def test_a_stream_that_ends_is_said_without_the_password(capfd):
    login = ("admin", "secret-pw")
    with serving_rtsp(IMAGES / "good_1280_000.jpg", *login) as (address, server):
        camera = source(address, *login, patience=20)
        assert camera.picture()
        server.kill()
        trouble = []

        def is_said():
            try:
                camera.picture()
            except SourceError as error:
                trouble.append(str(error))
            return trouble

        wait_until(is_said, "the stream's end")
        camera.close()
    assert "no picture from rtsp://127.0.0.1" in trouble[0]
    assert "secret-pw" not in trouble[0] + "".join(capfd.readouterr())


def test_a_usb_camera_that_is_not_plugged_in_is_said():
    camera = source("/dev/video99", patience=0.5)
    with pytest.raises(SourceError, match=r"no picture from /dev/video99.*plugged in"):
        camera.picture()
    camera.close()


def test_a_raspberry_pi_camera_is_asked_by_its_program(tmp_path, monkeypatch):
    # No such camera is here: a program of the same name that answers as it does.
    program = tmp_path / "rpicam-jpeg"
    picture = IMAGES / "good_1280_000.jpg"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat {picture}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert source("rpicam").picture() == PICTURE
    assert "--width 640 --output -" in (tmp_path / "asked").read_text()
    program.write_text("#!/bin/sh\necho 'ERROR: no cameras available' >&2\nexit 255\n")
    with pytest.raises(SourceError, match="no cameras available"):
        source("rpicam").picture()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SourceError, match="apt-get install rpicam-apps"):
        source("rpicam").picture()
