"""How a camera is described to Home Assistant, so that it finds it by itself.

One message for each entity, which every version with MQTT discovery understands. See
https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery.
"""

import hashlib
import json
import re
from typing import Any

from posture.results.payload import SCHEMA, status_topic
from posture.results.settings import ResultSettings
from posture.vision.reason import Reason
from posture.vision.verdict import Status

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_BAD = (
    f"{{{{ {{'{Status.BAD}': 'ON', '{Status.GOOD}': 'OFF'}}"
    ".get(value_json.status, 'None') }}"
)
_ANGLE = {"unit_of_measurement": "°", "state_class": "measurement"}

# Platform, what makes its id, and what it is.
_ENTITIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
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
    camera = _id(f"{settings.prefix}_{pi}")
    return [
        f"{settings.discovery}/{platform}/{camera}/{name}/config"
        for platform, name, _ in _ENTITIES
        if settings.discovery
    ]


def descriptions(settings: ResultSettings, pi: str) -> list[tuple[str, bytes]]:
    """The retained messages that describe a camera: topics and payloads."""
    camera = _id(f"{settings.prefix}_{pi}")
    topic = status_topic(settings.prefix, pi)
    shared = {
        "state_topic": topic,
        "device": {
            "identifiers": [camera],
            "name": f"Posture {pi}",
            "model": "Posture camera",
        },
        "origin": {"name": "posture-analyzer", "sw_version": f"schema {SCHEMA}"},
    }
    fresh = _freshness(topic, settings.expire_after)
    payloads = [
        shared
        | what
        | {"unique_id": f"{camera}_{name}"}
        | (fresh if name != "last" else {})  # the time of a picture never gets old
        for _, name, what in _ENTITIES
    ]
    return [
        (topic, json.dumps(payload).encode())
        for topic, payload in zip(topics(settings, pi), payloads, strict=True)
    ]


def _freshness(topic: str, seconds: int) -> dict[str, Any]:
    """What makes a value unavailable when it is old.

    `expire_after` counts from when Home Assistant heard of the value. After its restart
    it hears of the retained one again, so that one must be young itself.
    """
    age = "(now() - as_datetime(value_json.received_time)).total_seconds()"
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
