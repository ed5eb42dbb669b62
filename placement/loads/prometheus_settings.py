"""How to reach Prometheus: each setting with its flag, variable and default."""

import re
from dataclasses import dataclass
from typing import ClassVar

from common.hosts import http_url
from common.options import decimal, option


def _url(text: str) -> str:
    read = http_url("PROMETHEUS_USER and PROMETHEUS_PASSWORD")
    return read(text).rstrip("/")


def _user(text: str) -> str:
    if ":" in text:
        raise ValueError("a name without a colon; the password has its own setting")
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("visible ASCII characters alone, without blanks")
    return text


def _tenant(text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals:
        name = "X-Scope-OrgID"
    if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[!-~]+", value):
        raise ValueError("a name in ASCII, or HEADER=name")
    return name, value


@dataclass(frozen=True)
class PrometheusSettings:
    """How to reach Prometheus."""

    apart: ClassVar = True

    url: str = option(
        "PROMETHEUS_URL",
        "--prometheus-url",
        "address of Prometheus, with its path prefix if it has one",
        default="http://127.0.0.1:9090",
        parse=_url,
    )
    user: str | None = option(
        "PROMETHEUS_USER",
        "--prometheus-user",
        "user for basic auth",
        default=None,
        parse=_user,
    )
    password: str | None = option(
        "PROMETHEUS_PASSWORD",
        "--prometheus-password",
        "password for basic auth",
        default=None,
        secret=True,
    )
    token: str | None = option(
        "PROMETHEUS_TOKEN",
        "--prometheus-token",
        "bearer token",
        default=None,
        parse=_token,
        secret=True,
    )
    tenant: tuple[str, str] | None = option(
        "PROMETHEUS_TENANT",
        "--prometheus-tenant",
        "tenant of Mimir or Cortex, sent as X-Scope-OrgID; HEADER=name elsewhere, such "
        "as THANOS-TENANT=team",
        default=None,
        parse=_tenant,
    )
    ca_file: str | None = option(
        "PROMETHEUS_CA_FILE",
        "--prometheus-ca-file",
        "PEM file with the CA of Prometheus, if not a public one",
        default=None,
    )
    cert_file: str | None = option(
        "PROMETHEUS_CERT_FILE",
        "--prometheus-cert-file",
        "PEM file with the client certificate",
        default=None,
    )
    key_file: str | None = option(
        "PROMETHEUS_KEY_FILE",
        "--prometheus-key-file",
        "PEM file with the client certificate's key",
        default=None,
    )
    deadline: float = option(
        "PROMETHEUS_DEADLINE",
        "--prometheus-deadline",
        "seconds after which an answer is not waited for any more",
        default="5",
        parse=decimal(0.1, 300),
    )
