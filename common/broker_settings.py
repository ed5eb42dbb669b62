"""How to reach the MQTT broker, for everything that talks to it."""

import ssl
from dataclasses import dataclass
from typing import ClassVar

from common import options
from common.hosts import Host
from common.options import boolean, integer, one_of, option
from common.tls import client_context

MOST_WORKERS = 64  # each one is sent every picture


def topic_filter(text: str) -> str:
    """Read a topic filter."""
    levels = text.split("/")
    if "#" in levels[:-1] or any(
        len(each) > 1 and ("#" in each or "+" in each) for each in levels
    ):
        raise ValueError("an MQTT topic filter such as images/#")
    return text


def plain_topic(text: str) -> str:
    """Read a topic, without wildcards."""
    if "#" in text or "+" in text:
        raise ValueError("a topic without # or +")
    return text


def topic_prefix(text: str) -> str:
    """Read the first part of topics."""
    plain_topic(text)
    if text.startswith("$") or "" in text.split("/"):
        raise ValueError("a topic such as posture, or home/posture")
    return text


def websocket_path(text: str) -> str:
    """Read the path of an address."""
    if not text.startswith("/") or any(each in text for each in " ?#"):
        raise ValueError("a path such as /mqtt")
    return text


def results_prefix() -> str:
    """A dataclass field for the topic below which results are."""
    made: str = option(
        "RESULTS_PREFIX",
        "--results-prefix",
        "topic below which results are published, as <prefix>/<pi>/status",
        default="posture",
        parse=topic_prefix,
    )
    return made


@dataclass(frozen=True)
class WorkloadSettings:
    """What worker, scaler and session have to agree on."""

    topic: str = option(
        "MQTT_TOPIC",
        "--topic",
        "topic filter of the pictures",
        default="images/#",
        parse=topic_filter,
    )
    workers: int = option(
        "WORKERS",
        "--workers",
        "workers that share the pictures, and Jobs wanted while some wait (at most the "
        "ScaledJob's maxReplicaCount); declare them before the first one starts",
        default="1",
        parse=integer(1, MOST_WORKERS),
    )


@dataclass(frozen=True)
class BrokerSettings:
    """How to reach the MQTT broker."""

    apart: ClassVar = True

    host: str = option(
        "MQTT_HOST",
        "--broker-host",
        "host of the MQTT broker",
        default="192.168.1.79",
        parse=Host(
            "MQTT_HOST",
            "MQTT_PORT",
            "MQTT_USER and MQTT_PASSWORD",
            schemes=dict.fromkeys(("mqtts", "ssl", "tls"), "MQTT_TLS=true")
            | {
                "ws": "its path in MQTT_WEBSOCKET_PATH",
                "wss": "MQTT_TLS=true, its path in MQTT_WEBSOCKET_PATH",
            },
        ),
    )
    port: int = option(
        "MQTT_PORT",
        "--broker-port",
        "port of the MQTT broker",
        default="1883",
        parse=options.port,
    )
    user: str | None = option(
        "MQTT_USER", "--broker-user", "user name at the broker", default=None
    )
    password: str | None = option(
        "MQTT_PASSWORD",
        "--broker-password",
        "password at the broker",
        default=None,
        secret=True,
    )
    tls: bool = option(
        "MQTT_TLS",
        "--broker-tls",
        "talk TLS with the broker",
        default="false",
        parse=boolean,
    )
    ca_file: str | None = option(
        "MQTT_CA_FILE",
        "--broker-ca-file",
        "PEM file with the broker's CA, if not a public one",
        default=None,
    )
    cert_file: str | None = option(
        "MQTT_CERT_FILE",
        "--broker-cert-file",
        "PEM file with the client certificate",
        default=None,
    )
    key_file: str | None = option(
        "MQTT_KEY_FILE",
        "--broker-key-file",
        "PEM file with the client certificate's key",
        default=None,
    )
    version: str = option(
        "MQTT_VERSION",
        "--broker-version",
        "MQTT version that the broker speaks, 5 or 3.1.1",
        default="5",
        parse=one_of("5", "3.1.1"),
    )
    websocket_path: str | None = option(
        "MQTT_WEBSOCKET_PATH",
        "--broker-websocket-path",
        "talk MQTT over WebSockets with the broker, under this path, such as /mqtt",
        default=None,
        parse=websocket_path,
    )
    keepalive: int = option(
        "MQTT_KEEPALIVE",
        "--broker-keepalive",
        "seconds after which a silent connection is given up",
        default="30",
        parse=integer(5, 3600),
    )


def tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    """What a TLS connection to the broker needs.

    Raises:
        ValueError: a certificate file cannot be used; names the files.
    """
    return client_context(
        "MQTT_TLS", settings.ca_file, settings.cert_file, settings.key_file
    )
