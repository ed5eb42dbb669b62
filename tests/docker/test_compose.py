"""One box: docker-compose.yml, read and run by a real Docker engine."""

import re
import subprocess
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import IMAGES
from tests.docker.compose import PAGE, Compose, documented
from tests.fixtures.engine import docker
from tests.fixtures.net import wait_until
from tests.fixtures.scripts import run_script

OLD, YOUNG = "400 days", "300 days"


@pytest.mark.parametrize("profile", ["", "demo", "monitoring"])
@pytest.mark.parametrize("env", ["/dev/null", ".env.example"])
def test_compose_reads_it_with_and_without_settings(engine, profile, env):
    flags = ("--profile", profile) if profile else ()
    docker("compose", *flags, "--env-file", env, "config", "--quiet")


def test_a_bare_debian_is_at_most_five_commands_from_the_login():
    _, _, rest = PAGE.read_text().partition("## From a bare Debian to the login")
    block = re.search(r"(?:^    .*\n)+", rest, re.MULTILINE)
    assert block
    commands = block[0].replace("\\\n", " ").strip().splitlines()
    assert sum(len(line.split(" && ")) for line in commands) <= 5


@pytest.fixture(scope="module")
def compose(engine, tmp_path_factory):
    made = Compose(tmp_path_factory.mktemp("box"))
    try:
        made.run("down", "--volumes")  # of a run that was cut off
        made.run("build")  # what an earlier run has built may be older
        made.shell(documented("docker compose --profile demo up"), made.folder)
        made.wait_until_all_is_up()
    except (AssertionError, subprocess.TimeoutExpired):
        print(made.run("ps", "--all", check=False))
        print(made.run("logs", check=False))
        made.run("down", "--volumes", check=False)
        raise
    yield made
    made.run("down", "--volumes", "--timeout", "30")


@pytest.fixture(scope="module")
def password(compose):
    """The page's, as its reader finds it."""
    said = compose.shell(documented("docker compose logs setup"), compose.folder)
    found = re.search(r"shown this once: (\S+)", said)
    assert found, said
    assert f"http://127.0.0.1:{compose.page_port}/" in said
    return found[1]


def test_the_page_lets_in_who_has_the_password(compose, password):
    assert compose.login("sit up straight") == 303
    assert compose.login(password) == 200


def test_pictures_become_rows_and_annotated_pictures(compose, tmp_path):
    wait_until(lambda: compose.rows("camera-1") >= 3, "three rows", 60, 0.5)
    compose.run("cp", "worker:/app/analyzed_images", str(tmp_path))
    kept = tmp_path / "analyzed_images" / "analyzed_images_from_camera-1"
    assert len(list(kept.glob("*.jpg"))) >= 3
    assert compose.sql("SELECT DISTINCT processed_by FROM posture_log") == ["posture"]


def test_no_password_is_in_the_environment_of_a_service(compose, password):
    inspected = "".join(
        docker("inspect", container)
        for container in compose.run("ps", "--all", "--quiet").splitlines()
    )
    assert "SUPABASE_PASSWORD_FILE" in inspected
    secrets = compose.secrets()
    assert len({*secrets, password}) == 5
    assert not [each for each in (*secrets, password) if each in inspected]


def test_the_page_and_the_deletion_have_logins_that_can_do_no_more(compose):
    rights = "SELECT has_table_privilege('{}', 'posture_log', '{}')"
    assert compose.sql(rights.format("posture_page", "SELECT")) == ["t"]
    assert compose.sql(rights.format("posture_page", "INSERT, DELETE")) == ["f"]
    assert compose.sql(rights.format("posture_keeper", "SELECT")) == ["f"]
    baselines = rights.replace("posture_log", "posture_baseline")
    assert compose.sql(baselines.format("posture_page", "SELECT")) == ["t"]
    assert compose.sql(baselines.format("posture_page", "UPDATE")) == ["f"]
    assert compose.sql(baselines.format("posture_keeper", "DELETE")) == ["t"]


def test_the_page_has_its_indexes(compose):
    found = compose.sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    assert {"posture_log_by_pi", "posture_log_by_time"} <= {*found}


def test_a_row_older_than_row_days_is_deleted(compose):
    for pi, age in (("old", OLD), ("young", YOUNG)):
        row = f"('{pi}', 'x.jpg', now() - interval '{age}')"
        columns = "pi_id, filename, received_time"
        compose.sql(f"INSERT INTO posture_log ({columns}) VALUES {row}")  # noqa: S608
    # Its next night may be hours away; a start deletes as well.
    compose.run("restart", "retention")
    wait_until(lambda: compose.rows("old") == 0, "the old row is gone", 60, 0.5)
    assert compose.rows("young") == 1
    wait_until(lambda: "03:17" in compose.run("logs", "retention"), "the next time")


def test_a_backup_brings_the_rows_back(compose):
    compose.run("stop", "--timeout", "30", "worker")
    before = compose.sql("SELECT * FROM posture_log ORDER BY id")
    compose.shell(documented("docker compose exec -T database pg_dump"), compose.folder)
    compose.sql("DROP TABLE posture_log")
    restore = documented("docker compose exec -T database pg_restore")
    compose.shell(restore, compose.folder)
    assert compose.sql("SELECT * FROM posture_log ORDER BY id") == before
    compose.run("up", "--detach")
    compose.wait_until_all_is_up()
    count = compose.rows("camera-1")
    wait_until(lambda: compose.rows("camera-1") > count, "new rows", 60, 0.5)


def test_what_one_camera_has_sent_can_be_deleted(compose):
    forget = documented("docker compose run --rm --no-deps").replace(
        "camera-1", "young"
    )
    said = compose.shell(forget, compose.folder)
    assert "1 rows" in said
    assert compose.rows("young") == 0


def test_a_service_that_does_not_answer_is_told_from_one_that_does(compose):
    healthy = compose.check("page")
    assert "200 OK" in healthy
    elsewhere = compose.check("page", PAGE_PROBE_PORT="9")
    assert "refused" in elsewhere


@pytest.fixture
def camera(compose, tmp_path):
    """Sends one picture with what add-camera prints."""
    add = documented("docker compose exec broker add-camera desk3")
    add = add.replace("exec ", "exec -T ")
    told = dict(each.split("=") for each in compose.shell(add, tmp_path).splitlines())
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes((IMAGES / "good_1280_000.jpg").read_bytes())

    def send(**other):
        environ = told | {"CAMERA_SOURCE": str(pictures)} | other
        return run_script("camera.py", "--once", folder=tmp_path, **environ)

    return send


def test_a_camera_is_let_in_by_name_and_only_as_itself(compose, camera):
    def sent():
        # The broker reads its users a moment after it was told to.
        done = camera()
        return done.returncode == 0 or "refused" not in done.stderr

    wait_until(sent, "the camera is let in", 30, 0.5)
    wait_until(lambda: compose.rows("desk3") >= 1, "its row", 60, 0.5)
    assert camera(CAMERA_NAME="desk4").returncode == 1
    assert compose.rows("desk4") == 0


def test_a_camera_of_another_box_is_refused_and_says_so(compose, camera):
    done = camera(MQTT_PASSWORD="that-of-the-other-box")
    assert done.returncode == 1
    assert "refused the connection" in done.stderr


@pytest.mark.parametrize("name", ["../desk", "", "desk 3", "homeassistant"])
def test_a_name_that_is_none_is_refused(compose, name):
    said = compose.run("exec", "-T", "broker", "add-camera", name, check=False)
    assert "expected a name of letters" in said or "cannot have the name" in said


def test_home_assistant_may_pause_and_sees_no_camera(compose, tmp_path):
    add = ["exec", "-T", "broker", "add-camera", "--home-assistant"]
    told = dict(each.split("=") for each in compose.run(*add).splitlines())
    assert "CAMERA_NAME" not in told
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(told["MQTT_USER"], told["MQTT_PASSWORD"])
    topics = []
    client.on_message = lambda _client, _data, message: topics.append(message.topic)
    wait_until(lambda: _connected(client, told), "it is let in", 30, 0.5)
    client.subscribe([("posture/#", 1), ("images/#", 1)])
    client.publish("posture/desk9/pause", b"60", qos=1, retain=True)
    client.publish("posture/desk9/camera", b"{}", qos=1, retain=True)
    count = compose.rows("camera-1")
    wait_until(lambda: compose.rows("camera-1") > count + 1, "pictures", 60, 0.5)
    client.disconnect()
    client.loop_stop()
    assert set(topics) == {"posture/desk9/pause"}


def _connected(client, told):
    client.connect(told["MQTT_HOST"], int(told["MQTT_PORT"]))
    client.loop_start()
    time.sleep(0.5)
    if not client.is_connected():
        client.loop_stop()
    return client.is_connected()


def test_a_test_of_the_nudges_says_that_nobody_listens(compose):
    line = documented("docker compose exec nudge").replace("exec ", "exec -T ")
    said = compose.run(*line.split()[2:], check=False)
    assert "nobody has subscribed to posture/desk3/nudge" in said


def test_beyond_this_machine_the_page_speaks_https(compose, password, tmp_path):
    compose.set(BOX_ADDRESS="127.0.0.1")
    compose.run("up", "--detach")
    compose.wait_until_all_is_up()
    assert compose.login(password, "https") == 200
    shown = documented("docker compose exec page openssl").replace("exec ", "exec -T ")
    assert "Fingerprint=" in compose.shell(shown, tmp_path)


def test_another_password_counts_after_a_restart_of_the_page(compose, password):
    said = compose.run("run", "--rm", "setup", "new-password")
    new = said.rpartition(" ")[2]
    compose.run("restart", "page")
    compose.wait_until_all_is_up()
    assert compose.login(password, "https") == 303
    assert compose.login(new, "https") == 200


def test_after_a_power_cut_all_is_back(engine, compose):
    if engine is None:
        pytest.skip("this engine is not ours to stop")
    count = compose.rows("camera-1")
    engine.reboot()
    compose.wait_until_all_is_up()
    wait_until(lambda: compose.rows("camera-1") > count, "new rows", 120, 1)


def test_a_worker_of_compose_ends_gently(compose):
    compose.run("stop", "--timeout", "30", "worker")
    listed = compose.run("ps", "--all", "--format", "{{.Service}} {{.ExitCode}}")
    assert "worker 0" in listed.splitlines()
