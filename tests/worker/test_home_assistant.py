"""Cameras in a real Home Assistant, which finds them by itself."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from posture.results import home_assistant
from posture.results.publish import Results, forget_results
from posture.results.settings import ResultSettings
from posture.store.row import Row
from tests.conftest import IMAGES
from tests.fixtures.broker import broker_settings
from tests.fixtures.home_assistant import ENVIRONMENT, running_home_assistant
from tests.fixtures.listener import kept, listening
from tests.fixtures.net import PATIENCE, wait_until
from tests.fixtures.scripts import running_script
from tests.fixtures.settings import read_settings
from tests.fixtures.worker import ROOT
from tests.worker.conftest import GOOD, WORKING, payload

ENTITIES = {
    "sensor.posture_pi1_posture",
    "sensor.posture_pi1_neck",
    "sensor.posture_pi1_body",
    "binary_sensor.posture_pi1_bad_posture",
    "sensor.posture_pi1_reason",
    "sensor.posture_pi1_last_picture",
}
INSERT = "INSERT INTO posture_log (pi_id, received_time, posture_status) VALUES"
PERISHABLE = ENTITIES - {"sensor.posture_pi1_last_picture"}


def settings(expire: int = 300) -> ResultSettings:
    return read_settings(
        ResultSettings,
        publish="true",
        pictures="true",
        discovery="homeassistant",
        expire_after=str(expire),
    )


@pytest.fixture
def publish(broker):
    """Publishes a row as a worker does, from a worker that ends at once."""

    def run(status="Bad", neck=50, body=9, ago=0, expire=300):
        received = (datetime.now(UTC) - timedelta(seconds=ago)).replace(tzinfo=None)
        row = Row("pi1", "a.jpg", received, received, neck, body, status, True, "node")
        results = Results(broker_settings(broker.port), settings(expire), "worker")
        results.start(WORKING)
        results.offer([row])
        results.finish(20)

    return run


def test_a_camera_appears_with_its_first_picture(
    tmp_path, broker, postgres, start_worker
):
    with running_home_assistant(tmp_path / "home", broker.port) as home:
        start_worker("--publish-results", HOME_ASSISTANT_DISCOVERY="homeassistant")
        broker.publish("images/pi1", payload(GOOD))
        home.wait_for("sensor.posture_pi1_posture", "Good")
        (row,) = postgres.rows()
        home.wait_for("sensor.posture_pi1_neck", str(row["neck_angle"]))
        home.wait_for("sensor.posture_pi1_body", str(row["body_angle"]))
        home.wait_for("binary_sensor.posture_pi1_bad_posture", "off")
        received = datetime.fromisoformat(f"{row['received_time']}+00:00")
        home.wait_for(
            "sensor.posture_pi1_last_picture",
            received.replace(microsecond=0).isoformat(),
        )
        status = home.states["sensor.posture_pi1_posture"]["attributes"]
        assert status["friendly_name"] == "Posture pi1 Posture"
        assert home.states["sensor.posture_pi1_neck"]["attributes"] == {
            "state_class": "measurement",
            "unit_of_measurement": "°",
            "friendly_name": "Posture pi1 Neck",
        }
        assert home.complaints == []


def test_what_was_not_measured_is_unknown(tmp_path, broker, publish):
    with running_home_assistant(tmp_path / "home", broker.port) as home:
        publish("Bad")
        home.wait_for("binary_sensor.posture_pi1_bad_posture", "on")
        publish("No_Landmarks_Detected", None, None)
        home.wait_for("sensor.posture_pi1_posture", "No_Landmarks_Detected")
        home.wait_for("binary_sensor.posture_pi1_bad_posture", "unknown")
        home.wait_for("sensor.posture_pi1_neck", "unknown")
        home.wait_for("sensor.posture_pi1_body", "unknown")
        assert home.complaints == []


def test_values_of_a_silent_camera_become_unavailable(tmp_path, broker, publish):
    with running_home_assistant(tmp_path / "home", broker.port) as home:
        bad = "binary_sensor.posture_pi1_bad_posture"
        # What it hears when it has just begun may be five seconds old already.
        wait_until(
            lambda: publish("Bad", expire=5) or home.state(bad) == "on",
            f"{bad} is on",
            60,
            step=1,
        )
        for entity in PERISHABLE:
            home.wait_for(entity, "unavailable")
        assert home.state("sensor.posture_pi1_last_picture") not in (
            "unavailable",
            "unknown",
        )


def test_a_home_assistant_that_starts_takes_no_old_value_for_a_new_one(
    tmp_path, broker, publish
):
    publish("Bad", ago=3600)
    with running_home_assistant(tmp_path / "home", broker.port) as home:
        home.wait_for("sensor.posture_pi1_last_picture", _last(broker))
        wait_until(lambda: home.states.keys() >= ENTITIES, "all that it describes")
        states = {state for entity, state in home.history if entity in PERISHABLE}
        assert states == {"unavailable"}


def _last(broker) -> str:
    (document,) = kept(broker.port, "posture/+/status").values()
    received = datetime.fromisoformat(json.loads(document)["received_time"])
    return received.replace(microsecond=0).isoformat()


def test_a_forgotten_camera_is_gone(tmp_path, broker, publish):
    with running_home_assistant(tmp_path / "home", broker.port) as home:
        publish("Bad")
        home.wait_for("binary_sensor.posture_pi1_bad_posture", "on")
        forget_results(broker_settings(broker.port), settings(), "pi1")
        for entity in ENTITIES:
            home.wait_for(entity, None)


def test_cameras_are_described_once_and_again_at_a_birth(broker):
    topic = home_assistant.topics(settings(), "pi1")[0]
    results = Results(broker_settings(broker.port), settings(), "worker")
    with listening(broker.port, topic, "posture/pi1/status") as listener:
        results.start(WORKING)
        for second in range(3):
            now = datetime.now(UTC).replace(tzinfo=None)
            row = Row("pi1", f"{second}", now, now, 9, 9, "Good", True, "node")
            results.offer([row])
            listener.wait_for("posture/pi1/status", second + 1)
        assert len(listener.documents(topic)) == 1
        broker.publish("homeassistant/status", b"online")
        listener.wait_for(topic, 2)
        results.finish(5)
        assert len(listener.documents(topic)) == 2


CHECK = """
import asyncio, json, sys
from homeassistant import core
from homeassistant.components.mqtt import (
    binary_sensor, discovery, image, sensor, switch
)
schemas = {
    "image": (image.PLATFORM_SCHEMA_BASE, image.DISCOVERY_SCHEMA),
    "switch": (switch.PLATFORM_SCHEMA_MODERN, switch.DISCOVERY_SCHEMA),
    "sensor": (sensor._PLATFORM_SCHEMA_BASE, sensor.DISCOVERY_SCHEMA),
    "binary_sensor": (
        binary_sensor.PLATFORM_SCHEMA_MODERN, binary_sensor.DISCOVERY_SCHEMA
    ),
}
async def check(topic, payload):
    home = core.HomeAssistant("/")  # templates are checked in a running one only
    match = discovery.TOPIC_MATCHER.match(topic.removeprefix("homeassistant/"))
    known, schema = schemas[match["component"]]
    # The schema itself drops what it does not know; releases before 2024.10 do not
    # know the options of a sensor.
    strange = payload.keys() - {str(key) for key in known.schema} - {"options"}
    assert not strange, strange
    schema(payload)
for topic, payload in json.load(sys.stdin):
    try:
        asyncio.run(check(topic, payload))
    except Exception as error:
        raise SystemExit(f"{topic}: {error!r}")
print("valid")
"""


def test_descriptions_keep_to_home_assistant_s_own_schema():
    found = []
    for pi in ("pi1", "desk.2", "-", "unnamed-12345678"):
        described = [
            *home_assistant.descriptions(settings(), pi),
            home_assistant.description_of_today(settings(), pi),
        ]
        topics = home_assistant.topics(settings(), pi)
        assert [topic for topic, _ in described] == topics, pi
        found += [(topic, json.loads(text)) for topic, text in described]
    done = subprocess.run(
        [ENVIRONMENT / "bin" / "python", "-c", CHECK],
        input=json.dumps(found),
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    assert done.stdout == "valid\n", done.stderr


def test_the_automations_of_the_documentation_run(tmp_path, broker, publish):
    text = (ROOT / "docs" / "home-assistant.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text.replace("desk1", "pi1"), re.DOTALL)
    automations = yaml.safe_load(block)
    automations[1]["trigger"][0]["for"] = "00:00:01"
    with running_home_assistant(tmp_path / "home", broker.port, automations) as home:

        def runs(name):
            state = home.states.get(f"automation.{name}", {})
            return state.get("attributes", {}).get("last_triggered")

        for name in ("nudge_at_desk_1", "bad_for_a_quarter_of_an_hour"):
            home.wait_for(f"automation.{name}", "on")
            assert not runs(name)
        nudge = ("posture/pi1/nudge", b'{"title": "Up!", "text": "You"}')
        # It subscribes some time after its start, and nobody keeps an event.
        wait_until(
            lambda: broker.publish(*nudge) or runs("nudge_at_desk_1"),
            "the nudge is told",
            step=0.5,
        )
        publish("Bad")
        wait_until(lambda: runs("bad_for_a_quarter_of_an_hour"), "and long badness")
        assert home.complaints == []


@pytest.mark.parametrize("retained", [True, False])
def test_what_is_switched_is_retained_where_the_broker_does_that(retained):
    found = dict(home_assistant.descriptions(settings(), "pi1", retained=retained))
    switch = json.loads(found["homeassistant/switch/posture_pi1/pause/config"])
    assert switch["retain"] is retained


@pytest.fixture
def folder(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes((IMAGES / "good_1280_000.jpg").read_bytes())
    return pictures


def on_message(topic, service, **data):
    """An automation by which a test acts as somebody in the house."""
    return {
        "alias": topic,
        "trigger": [{"platform": "mqtt", "topic": topic}],
        "action": [{"service": service, **data}],
    }


def until(broker, topic, condition, what):
    """Do what somebody in the house does until it is so: it subscribes late."""
    wait_until(
        lambda: condition() or (broker.publish(topic, b"x"), condition())[1],
        what,
        60,
        step=1,
    )


PAUSE = "switch.posture_pi1_pause"


def test_the_switch_stops_a_camera_and_follows_it(tmp_path, broker, publish, folder):
    acts = [
        on_message(f"test/{to}", f"switch.turn_{to}", target={"entity_id": PAUSE})
        for to in ("on", "off")
    ]
    camera = broker.environ | {
        "CAMERA_SOURCE": str(folder),
        "CAMERA_NAME": "pi1",
        "CAMERA_INTERVAL": "0.2",
    }
    with (
        running_home_assistant(tmp_path / "home", broker.port, acts) as home,
        listening(broker.port, "images/pi1", "posture/pi1/camera") as listener,
    ):
        publish("Bad")
        # Nothing that could be paused has been seen yet.
        home.wait_for(PAUSE, "unavailable")
        with running_script("camera.py", folder=tmp_path, **camera) as script:
            home.wait_for(PAUSE, "off")

            def state():
                return listener.documents("posture/pi1/camera")[-1]["state"]

            until(broker, "test/on", lambda: state() == "paused", "the camera pauses")
            home.wait_for(PAUSE, "on")
            assert kept(broker.port, "posture/pi1/pause") == {
                "posture/pi1/pause": b"on"
            }
            listener.wait_for_silence("images/pi1")
            until(broker, "test/off", lambda: state() == "online", "it goes on")
            home.wait_for(PAUSE, "off")
            broker.publish("posture/pi1/pause", b"60", retain=True)
            home.wait_for(PAUSE, "on")
            assert script.stop() == 0
            home.wait_for(PAUSE, "unavailable")
        assert home.complaints == []


IMAGE = "image.posture_pi1_picture"


def test_the_picture_is_shown_as_it_is_stored(tmp_path, broker, postgres, start_worker):
    with running_home_assistant(tmp_path / "home", broker.port) as home:
        worker = start_worker(
            "--publish-results",
            "--publish-pictures",
            HOME_ASSISTANT_DISCOVERY="homeassistant",
        )
        # The first one comes while Home Assistant makes the entity.
        home_has = []

        def shown():
            broker.publish("images/pi1", payload(GOOD))
            home_has[:] = [home.state(IMAGE)]
            return home_has[0] not in (None, "unknown")

        wait_until(shown, "a picture", 60, step=1)
        files = {path.read_bytes() for path in worker.pictures.glob("*/*.jpg")}
        assert home.shown(IMAGE) in files
        # It would outlive its file, and whoever deletes it.
        assert kept(broker.port, "posture/pi1/picture") == {}
        assert home.complaints == []


def test_without_stored_pictures_none_is_published(broker, start_worker):
    with listening(broker.port, "posture/pi1/#") as listener:
        start_worker("--publish-results", "--publish-pictures", STORE="none")
        broker.publish("images/pi1", payload(GOOD))
        listener.wait_for("posture/pi1/status")
        assert not listener.payloads("posture/pi1/picture")


def test_no_picture_entity_is_described_unless_pictures_are_published():
    off = replace(settings(), pictures=False)
    found = dict(home_assistant.descriptions(off, "pi1"))
    assert found["homeassistant/image/posture_pi1/picture/config"] == b""


def test_leaning_today_is_a_share_of_the_judged_minutes(tmp_path, broker, postgres):
    now = datetime.now(UTC)
    for ago, status in enumerate(["Bad", "Good", "Good", "Partial_Landmarks_Detected"]):
        then = now - timedelta(minutes=ago)
        row = f"('pi1', '{then:%F %T}', '{status}')"
        postgres.execute(f"{INSERT} {row}")
    environ = broker.environ | postgres.environ
    environ |= {"HOME_ASSISTANT_DISCOVERY": "homeassistant", "NUDGE_SUSPEND": "false"}
    # Where the day is not hours old it may have begun a minute ago.
    environ |= {"NUDGE_TIMEZONE": f"Etc/GMT{'+' if now.hour > 12 else '-'}6"}
    with running_home_assistant(tmp_path / "home", broker.port) as home:
        flags = ("--mqtt", "--today")
        with running_script("posture_nudge.py", *flags, folder=tmp_path, **environ):
            home.wait_for("sensor.posture_pi1_leaning_today", "33")
        attributes = home.attributes("sensor.posture_pi1_leaning_today")
        assert attributes["unit_of_measurement"] == "%"
        assert home.complaints == []


BLUEPRINT = ROOT / "deploy" / "home-assistant" / "posture_nudge.yaml"


def test_the_blueprint_tells_and_its_button_suspends(tmp_path, broker, folder):
    blueprints = tmp_path / "home" / "blueprints" / "automation" / "posture"
    blueprints.mkdir(parents=True)
    shutil.copy(BLUEPRINT, blueprints)
    inputs = {"camera": "pi1", "notify": "script.phone", "minutes": 45}
    automations = [
        {
            "alias": "Nudge",
            "use_blueprint": {"path": "posture/posture_nudge.yaml", "input": inputs},
        },
        {
            # Somebody presses the button of the message.
            "alias": "Press",
            "trigger": [{"platform": "mqtt", "topic": "test/press"}],
            "action": [
                {
                    "event": "mobile_app_notification_action",
                    "event_data": {"action": "posture_snooze_pi1"},
                }
            ],
        },
    ]
    phone = {
        "mode": "queued",
        "sequence": [
            {
                "service": "mqtt.publish",
                "data": {
                    "topic": "test/phone",
                    "payload": "{{ title }} {{ message }}",
                },
            }
        ],
    }
    suspend = "posture/pi1/nudge/suspend"
    with (
        running_home_assistant(
            tmp_path / "home", broker.port, automations, script={"phone": phone}
        ) as home,
        listening(broker.port, "test/phone") as listener,
    ):
        home.wait_for("automation.nudge", "on")
        nudge = ("posture/pi1/nudge", b'{"title": "Up!", "text": "You lean"}')
        wait_until(
            lambda: broker.publish(*nudge) or listener.payloads("test/phone"),
            "the phone is told",
            60,
            step=1,
        )
        assert listener.payloads("test/phone")[0] == b"Up! You lean"
        until(
            broker, "test/press", lambda: kept(broker.port, suspend), "it is suspended"
        )
        assert kept(broker.port, suspend) == {suspend: b"45"}
        assert home.complaints == []
