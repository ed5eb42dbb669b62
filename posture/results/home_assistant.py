"""How a camera is described to Home Assistant, so that it finds it by itself.

One message for each entity, which every version with MQTT discovery understands. See
https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery.
"""

import hashlib
import json
import re
from typing import Any

from posture.results.payload import SCHEMA, picture_topic, status_topic, today_topic
from posture.results.settings import ResultSettings
from posture.vision.reason import Reason
from posture.vision.verdict import Status

TODAY_EXPIRES = 900
"""Seconds after which nobody knows any more how the day is."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_BAD = (
    f"{{{{ {{'{Status.BAD}': 'ON', '{Status.GOOD}': 'OFF'}}"
    ".get(value_json.status, 'None') }}"
)
_ANGLE = {"unit_of_measurement": "°", "state_class": "measurement"}

Entity = tuple[str, str, dict[str, Any]]
"""Platform, what makes its id, and what it is."""

_ENTITIES: tuple[Entity, ...] = (
    (
        "sensor",
        "status",
        {
            "name": "Posture",
            "value_template": "{{ value_json.status }}",
            "device_class": "enum",
            "options": [each.value for each in Status],
            "icon": "mdi:human-handsdown",
        },
    ),
    (
        "sensor",
        "neck",
        {"name": "Neck", "value_template": "{{ value_json.neck_angle }}", **_ANGLE},
    ),
    (
        "sensor",
        "body",
        {"name": "Body", "value_template": "{{ value_json.body_angle }}", **_ANGLE},
    ),
    (
        "binary_sensor",
        "bad",
        {"name": "Bad posture", "value_template": _BAD, "device_class": "problem"},
    ),
    (
        "sensor",
        "reason",
        {
            "name": "Reason",
            "value_template": "{{ value_json.reason | default('none', true) }}",
            "device_class": "enum",
            "options": ["none", *(each.value for each in Reason)],
            "icon": "mdi:cctv",
        },
    ),
    (
        "sensor",
        "last",
        {
            "name": "Last picture",
            "value_template": "{{ value_json.received_time }}",
            "device_class": "timestamp",
        },
    ),
)


def birth_topic(settings: ResultSettings) -> str | None:
    """Where Home Assistant says `online` when it has started."""
    return f"{settings.discovery}/status" if settings.discovery else None


def topics(settings: ResultSettings, pi: str) -> list[str]:
    """The topics of a camera's descriptions; none without a discovery prefix."""
    if not settings.discovery:
        return []
    entities = [*_entities(settings, pi), _today(settings, pi)]
    return [_topic(settings, pi, each) for each in entities]


def descriptions(
    settings: ResultSettings, pi: str, *, retained: bool = True
) -> list[tuple[str, bytes]]:
    """The messages that describe a camera: topics and payloads.

    An empty one takes away what is not offered. `retained`: whether the broker keeps
    what Home Assistant has switched.
    """
    return [
        (_topic(settings, pi, each), _payload(settings, pi, each))
        for each in _entities(settings, pi, retained=retained)
    ]


def description_of_today(settings: ResultSettings, pi: str) -> tuple[str, bytes]:
    """The message that describes how much somebody has leaned today."""
    entity = _today(settings, pi)
    return _topic(settings, pi, entity), _payload(settings, pi, entity)


def _entities(
    settings: ResultSettings, pi: str, *, retained: bool = True
) -> list[Entity]:
    topic = status_topic(settings.prefix, pi)
    fresh = _freshness(topic, "received_time", settings.expire_after)
    values = [
        # The time of a picture never gets old.
        (
            platform,
            name,
            {"state_topic": topic} | what | (fresh if name != "last" else {}),
        )
        for platform, name, what in _ENTITIES
    ]
    return [*values, _picture(settings, pi), _pause(settings, pi, retained=retained)]


def _picture(settings: ResultSettings, pi: str) -> Entity:
    what = {
        "name": "Picture",
        "image_topic": picture_topic(settings.prefix, pi),
        "content_type": "image/jpeg",
    }
    return "image", "picture", what if settings.pictures else {}


def _pause(settings: ResultSettings, pi: str, *, retained: bool) -> Entity:
    """The switch of `camera.py`; any other camera says nothing, and has none."""
    state = f"{settings.prefix}/{pi}/camera"
    what = {
        "name": "Pause",
        "icon": "mdi:camera-off",
        "command_topic": f"{settings.prefix}/{pi}/pause",
        "payload_on": "on",
        "payload_off": "off",
        "retain": retained,
        "qos": 1,
        "state_topic": state,
        "value_template": "{{ 'on' if value_json.state == 'paused' else 'off' }}",
        "state_on": "on",
        "state_off": "off",
        "availability_topic": state,
        "availability_template": (
            "{{ 'offline' if value_json.state == 'offline' else 'online' }}"
        ),
    }
    return "switch", "pause", what


def _today(settings: ResultSettings, pi: str) -> Entity:
    topic = today_topic(settings.prefix, pi)
    what = {
        "name": "Leaning today",
        "icon": "mdi:human-handsdown",
        "state_topic": topic,
        "value_template": "{{ value_json.leaning_percent }}",
        "unit_of_measurement": "%",
        "state_class": "measurement",
    }
    return "sensor", "today", what | _freshness(topic, "time", TODAY_EXPIRES)


def _topic(settings: ResultSettings, pi: str, entity: Entity) -> str:
    platform, name, _ = entity
    return f"{settings.discovery}/{platform}/{_camera(settings, pi)}/{name}/config"


def _payload(settings: ResultSettings, pi: str, entity: Entity) -> bytes:
    _, name, what = entity
    if not what:
        return b""
    camera = _camera(settings, pi)
    shared = {
        "unique_id": f"{camera}_{name}",
        "device": {
            "identifiers": [camera],
            "name": f"Posture {pi}",
            "model": "Posture camera",
        },
        "origin": {"name": "posture-analyzer", "sw_version": f"schema {SCHEMA}"},
    }
    return json.dumps(shared | what).encode()


def _camera(settings: ResultSettings, pi: str) -> str:
    return _id(f"{settings.prefix}_{pi}")


def _freshness(topic: str, time: str, seconds: int) -> dict[str, Any]:
    """What makes a value unavailable when it is old, by the field `time`.

    `expire_after` counts from when Home Assistant heard of the value. After its restart
    it hears of the retained one again, so that one must be young itself.
    """
    age = f"(now() - as_datetime(value_json.{time})).total_seconds()"
    return {
        "expire_after": seconds,
        "availability_topic": topic,
        "availability_template": (
            f"{{{{ 'online' if {age} < {seconds} else 'offline' }}}}"
        ),
    }


def _id(name: str) -> str:
    """The name as Home Assistant takes it in a topic; no two names become one."""
    safe = _UNSAFE.sub("_", name)
    if safe == name:
        return name
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
