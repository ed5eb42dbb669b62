"""One's own desk by a signed link: what it shows, does, and whom it lets in."""

import io
import json
import queue
import zipfile
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

import live_page
from common.broker_answers import Callbacks
from common.mqtt import RETAINED_ALWAYS, Connection
from common.pause import paused_until
from page.desk_links import DeskLinks
from page.desk_settings import DeskSettings
from tests.fixtures.broker import broker_settings
from tests.fixtures.net import PATIENCE
from tests.fixtures.scripts import run_here, run_script
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT

SECRET = "x" * 20 + "0123456789 signs the links"
PASSWORD = "deletes, and reads no angle"


@pytest.fixture
def environ(tmp_path, postgres, broker):
    """Settings of a page whose database roles have the least rights that do."""
    for role in ("page_role", "keeper"):
        name = {"page_role": "posture_page", "keeper": "posture_keeper"}[role]
        file = {"page_role": "posture_page_role.sql", "keeper": "posture_keeper.sql"}
        postgres.execute((ROOT / "deploy" / file[role]).read_text())
        postgres.execute(f"ALTER ROLE {name} PASSWORD '{PASSWORD}'")
    return broker.environ | {
        "SUPABASE_USER": "posture_page",
        "SUPABASE_PASSWORD": PASSWORD,
        "PAGE_KEEPER_USER": "posture_keeper",
        "PAGE_KEEPER_PASSWORD": PASSWORD,
        "PAGE_DESK_SECRET": SECRET,
        "PAGE_DESKS_FILE": str(tmp_path / "desks.json"),
        "AUDIT_LOG": str(tmp_path / "audit.log"),
        "ROW_DAYS": "365",
        "PICTURE_DAYS": "30",
    }


def _of(environ, page):
    return environ | ({"PAGE_ADDRESS": page.address} if page else {})


def command(environ, *arguments, page=None):
    """The script, as a process of its own."""
    settings = _of(environ, page)
    return run_script("live_page.py", *arguments, folder=ROOT, **settings)


def here(environ, *arguments, page=None):
    """The script, in this process."""
    settings = _of(environ, page)
    return run_here(live_page.main, *arguments, folder=ROOT, **settings)


def link(environ, page, run=here):
    done = run(environ, "desk-link", "desk3", page=page)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Visitor:
    """A browser without a browser: cookies and the token of forms."""

    def __init__(self, page, address=None):
        self.page = page
        cookie, self.token = page.visitor()
        self.cookies = [cookie]
        if address:
            self.entered = self.post("/desk/enter", link=address.partition("#")[2])
            if self.entered[0] == 204:
                self.cookies.append(self.entered[1]["set-cookie"].partition(";")[0])

    def get(self, path):
        return self.page.get(path, Cookie="; ".join(self.cookies))

    def post(self, path, **fields):
        body = urlencode({"token": self.token} | fields).encode()
        return self.page.ask("POST", path, body, Cookie="; ".join(self.cookies))


def test_a_person_sees_their_desk_pauses_it_and_deletes_what_is_kept(
    start_page, rows, environ, open_tab, broker, postgres, tmp_path
):
    names = [f"desk3_{n:032x}.jpg" for n in range(2)]
    folder = tmp_path / "analyzed_images" / "analyzed_images_from_desk3"
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"\xff\xd8" + bytes(600_000))
        rows.add("desk3", filename=name, ago=3600 * number)
    rows.add("desk4")
    page = start_page(**environ)
    address = link(environ, page, run=command)
    tab = open_tab(page, address.removeprefix(page.address))
    clicks = 0
    expect(tab.locator("h1")).to_have_text("Your desk: desk3")
    assert "#" not in tab.url
    main = tab.locator("main")
    expect(main).to_contain_text("2 rows: a time, two angles, a status.")
    expect(tab.locator("footer")).to_contain_text("or use the link of your desk")
    expect(main).to_contain_text("2 pictures, 1.1 MB.")
    expect(main).to_contain_text("Rows are deleted after 365 days.")
    expect(main).to_contain_text("Pictures are deleted after 30 days.")
    tab.check_accessible()
    tab.keep("desk")

    tab.get_by_role("button", name="Pause for an hour").click()
    clicks += 1
    expect(main).to_contain_text("The camera was asked to pause until")
    tab.get_by_role("button", name="No nudges today").click()
    clicks += 1
    expect(main).to_contain_text("Asked for: no nudges until")
    now = datetime.now(UTC)
    said = retained(broker, "posture/desk3/#")
    pause = paused_until(said["posture/desk3/pause"], now)
    assert timedelta(minutes=58) < pause - now <= timedelta(hours=1)
    suspended = paused_until(said["posture/desk3/nudge/suspend"], now)
    assert now < suspended <= now + timedelta(days=1)
    assert (suspended.hour, suspended.minute) == (0, 0)  # PAGE_TIMEZONE is UTC

    with tab.tab.expect_download() as waiting:
        tab.get_by_role("link", name="Download mine").click()
        clicks += 1
    archive = zipfile.ZipFile(waiting.value.path())
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == [
        *[f"pictures/{name}" for name in names],
        "posture_log.csv",
    ]
    lines = archive.read("posture_log.csv").decode().splitlines()
    assert len(lines) == 3
    assert all(",desk3," in line for line in lines[1:])

    tab.get_by_role("link", name="Delete mine").click()
    clicks += 1
    expect(tab.locator("h1")).to_have_text("Delete all of this?")
    tab.check_accessible()
    tab.get_by_role("button", name="Yes, delete all").click()
    clicks += 1
    expect(tab.locator("main")).to_contain_text("Deleted: 2 pictures", timeout=60_000)
    tab.check_accessible()
    tab.keep("desk-deleted")
    assert clicks == 5  # one each, and deleting asks first
    assert [row["pi_id"] for row in postgres.rows()] == ["desk4"]
    assert list(folder.iterdir()) == []
    (line,) = (tmp_path / "audit.log").read_text().splitlines()
    told = json.loads(line)
    assert (told["pi"], told["by"]) == ("desk3", "desk link")
    assert "2 pictures" in told["result"]
    assert "2 rows" in told["result"]


def retained(broker, topic):
    """What the broker keeps, by topic."""
    heard = queue.SimpleQueue()
    connection = None
    callbacks = Callbacks(
        connected=lambda _: connection.subscribe(topic, retained=RETAINED_ALWAYS),
        message=lambda each: heard.put((each.topic, each.payload.decode())),
    )
    connection = Connection(broker_settings(broker.port), "test-retained", callbacks)
    connection.start()
    found = {}
    try:
        while len(found) < 2:
            name, text = heard.get(timeout=10 * PATIENCE)
            found[name] = text
    finally:
        connection.stop()
    return found


def test_the_page_s_own_role_can_delete_nothing_and_the_keeper_reads_no_angle(
    environ, postgres
):
    import psycopg2

    def ask(user, statement):
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=postgres.port,
            dbname="posture",
            user=user,
            password=PASSWORD,
        )
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask("posture_page", "DELETE FROM posture_log")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask("posture_keeper", "SELECT neck_angle FROM posture_log")


@pytest.fixture
def calibrated(environ, postgres):
    """A baseline of desk3; the shipped script gives the roles what they need."""
    postgres.execute((ROOT / "deploy" / "posture_baseline.sql").read_text())
    postgres.execute(
        "INSERT INTO posture_baseline VALUES ('desk3', 31, 9, 9, '2026-11-20')"
    )
    yield postgres
    postgres.execute("DROP TABLE posture_baseline")


def test_a_baseline_is_shown_taken_home_and_deleted_with_the_rest(
    start_page, rows, environ, calibrated
):
    rows.add("desk3")
    page = start_page(**environ)
    one = Visitor(page, link(environ, page))
    assert "sitting well, you read 31° and 9°" in one.get("/desk")[2]
    cookie = {"Cookie": "; ".join(one.cookies)}
    answer = page.pool.request(
        "GET", f"{page.address}/desk/download", headers=cookie, timeout=30 * PATIENCE
    )
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    told = json.loads(archive.read("baseline.json"))
    assert (told["neck"], told["body"]) == (31, 9)
    assert told["calibrated_time"] == "2026-11-20T00:00:00Z"

    assert "1 baseline" in one.post("/desk/delete", pi="desk3")[2]
    assert calibrated.execute("SELECT * FROM posture_baseline") == []


def test_a_link_opens_its_own_desk_and_no_other(start_page, rows, environ):
    rows.add("desk3")
    rows.add("desk4")
    page = start_page(**environ)
    one = Visitor(page, link(environ, page))
    assert one.entered[0] == 204
    assert one.get("/desk")[0] == 200
    assert one.get("/desk?pi=desk3")[0] == 200
    for path in ("/desk", "/desk/download", "/desk/delete"):
        assert one.get(f"{path}?pi=desk4")[0] == 403
    for path in ("/desk/do", "/desk/delete", "/desk/leave"):
        assert one.post(path, pi="desk4", do="pause")[0] == 403
    assert "desk4" not in one.get("/desk")[2]


def test_behind_a_login_the_link_opens_nothing_else(start_page, rows, environ):
    from page.login import make_hash

    rows.add("desk3")
    page = start_page(
        **environ,
        PAGE_LISTEN="0.0.0.0",  # noqa: S104
        PAGE_PASSWORD_HASH=make_hash("sit up straight"),
    )
    one = Visitor(page, link(environ, page))
    assert one.get("/desk")[0] == 200
    for path in ("/", "/table", "/week?pi=desk4", "/system", "/table.csv"):
        assert one.get(path)[0] == 303  # to the login


def test_nothing_is_done_by_a_form_that_the_page_has_not_shown(
    start_page, rows, environ, postgres
):
    rows.add("desk3")
    page = start_page(**environ)
    one = Visitor(page, link(environ, page))
    for path in ("/desk/do", "/desk/delete"):
        assert one.post(path, pi="desk3", do="pause", token="stolen")[0] == 403
    assert one.get("/desk/delete")[0] == 200  # only asks
    assert len(postgres.rows()) == 1
    assert one.post("/desk/do", pi="desk3", do="dance")[0] == 400


def test_a_revoked_link_ends_at_once_and_stays_so_over_a_restart(
    start_page, rows, environ
):
    rows.add("desk3")
    page = start_page(**environ)
    first = link(environ, page)
    one = Visitor(page, first)
    assert one.get("/desk")[0] == 200
    assert here(environ, "desk-revoke", "desk3", page=page).returncode == 0
    assert one.get("/desk")[0] == 403
    assert Visitor(page, first).entered[0] == 403
    page.stop()
    again = start_page(**environ)
    assert Visitor(again, first).entered[0] == 403
    assert Visitor(again, link(environ, again)).entered[0] == 204


def test_tokens_that_are_not_ours_are_refused_and_guessing_is_slow(start_page, environ):
    page = start_page(**environ)
    good = link(environ, page).partition("#")[2]
    said, _, signature = good.rpartition(".")
    one = Visitor(page)
    for bad in ("", "x", ".", good[:-2] + "AA", f"{said}x.{signature}", "ä" * 500):
        assert one.post("/desk/enter", link=bad)[0] == 403
    for _ in range(20):
        status = one.post("/desk/enter", link="x")[0]
    assert status == 429


def test_no_token_and_no_password_is_in_any_log(start_page, rows, environ):
    rows.add("desk3")
    page = start_page(**environ)
    address = link(environ, page)
    one = Visitor(page, address)
    one.get("/desk")
    one.post("/desk/delete", pi="desk3")
    token = address.partition("#")[2]
    for word in (token, token.rpartition(".")[2], SECRET, PASSWORD):
        assert word not in page.log
    assert one.get("/desk")[1]["referrer-policy"] == "no-referrer"
    cookie = one.entered[1]["set-cookie"].lower()
    assert "httponly" in cookie
    assert "path=/desk" in cookie


def test_what_cannot_be_deleted_is_said_without_the_database_s_words(
    start_page, rows, environ
):
    rows.add("desk3")
    page = start_page(**environ | {"PAGE_KEEPER_PASSWORD": "wrong"})
    one = Visitor(page, link(environ, page))
    status, _, text = one.post("/desk/delete", pi="desk3")
    assert status == 400
    assert "Not all was deleted" in text
    assert "password authentication" not in text
    assert "password authentication" in page.log


def test_without_a_keeper_nothing_can_be_deleted_and_the_page_says_so(
    start_page, rows, environ
):
    rows.add("desk3")
    page = start_page(**environ | {"PAGE_KEEPER_USER": ""})
    one = Visitor(page, link(environ, page))
    assert "This page may delete nothing" in one.get("/desk")[2]
    assert one.post("/desk/delete", pi="desk3")[0] == 403


def test_a_link_needs_a_secret_and_a_name_that_a_camera_can_have(environ):
    done = command(environ | {"PAGE_DESK_SECRET": ""}, "desk-link", "desk3")
    assert done.returncode == 1
    assert "PAGE_DESK_SECRET" in done.stderr
    done = here(environ | {"PAGE_DESK_SECRET": "short"}, "desk-link", "desk3")
    assert done.returncode == 2
    assert "short" not in done.stderr
    assert here(environ, "desk-link", "a/b").returncode == 1
    assert here(environ, "desk-link").returncode == 2
    assert here(environ, "desk-revoke", "nobody").returncode == 1


def test_a_link_ends(tmp_path):
    environ = {
        "PAGE_DESK_SECRET": SECRET,
        "PAGE_DESK_DAYS": "7",
        "PAGE_DESKS_FILE": str(tmp_path / "desks.json"),
    }
    links = DeskLinks(settings_from(DeskSettings, environ))
    now = datetime.now(UTC)
    token = links.make("desk3", now).partition("#")[2]
    assert links.desk(token, now + timedelta(days=6)).pi == "desk3"
    assert links.desk(token, now + timedelta(days=8)) is None
    (tmp_path / "desks.json").write_text("{broken")
    assert links.desk(token, now) is None  # nobody is let in by mistake
    (tmp_path / "desks.json").unlink()
    assert links.desk(token, now) is None
