"""What the metadata of a ScaledJob's trigger asks for.

KEDA sends the whole metadata with every call, and it can be read by everyone who may
read the ScaledJob: no place for secrets.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from common.errors import OperatorError
from common.options import decimal
from placement.loads.expressions import Load, parse_loads

METRIC = "gpu_trigger"

# KEDA's own keys, for the connection to us.
_KEDA_KEYS = frozenset({"scalerAddress", "enableTLS", "unsafeSsl", "tlsCertFile"})
_SECRET = re.compile(
    r"pass(word|wd|phrase)?|secret|token|bearer|credential|api_?key|tlsclientkey|"
    r"private_?key|cacert|tlsclientcert|customheaders|auth(orization|modes)",
    re.IGNORECASE,
)
_SHOWN = 60  # characters of a wrong value in a message


# Keys of KEDA's Prometheus scaler that have no meaning here, and why.
_ELSEWHERE = {
    "serverAddress": "the scaler's own PROMETHEUS_URL says which one is asked",
    "ignoreNullValues": "a missing value never counts as an idle GPU",
    "activationThreshold": "a ScaledJob has none",
    "namespace": "the scaler's own PROMETHEUS_URL says what is asked",
}


class TriggerError(OperatorError):
    """The metadata of the trigger is wrong: which key, which value."""


@dataclass(frozen=True)
class Trigger:
    """What one ScaledJob asks for.

    `threshold` is the GPU load in percent below which a node is free, `staleness` the
    age in seconds above which a reading is none, `loads` the metrics that tell the
    loads, if not the scaler's own.
    """

    threshold: float
    staleness: float
    loads: tuple[Load, ...] | None = None


# The metadata's key: the field, and how its text is read.
_VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "threshold": ("threshold", decimal(0, 100)),
    "staleness": ("staleness", decimal(1, 3600)),
    "query": ("loads", parse_loads),
}


def read_trigger(metadata: Mapping[str, str], defaults: Trigger) -> Trigger:
    """The trigger that `metadata` describes; what it leaves out is in `defaults`.

    Raises:
        TriggerError: a key is unknown or a secret, or a value is wrong.
    """
    asked = {}
    for key, text in metadata.items():
        if key in _VALUES:
            field, parse = _VALUES[key]
            asked[field] = _value(key, text, parse)
        elif key not in _KEDA_KEYS:
            _check_other(key, text)
    return replace(defaults, **asked) if asked else defaults


def _value(key: str, text: str, parse: Callable[[str], Any]) -> Any:  # noqa: ANN401
    try:
        return parse(text)
    except ValueError as expected:
        raise TriggerError(
            f"trigger metadata {key} is {_shown(text)}: expected {expected}"
        ) from None


def _check_other(key: str, text: str) -> None:
    if _SECRET.search(key):
        raise TriggerError(
            f"trigger metadata {_shown(key)}: no secrets or certificates here, anyone "
            "who can read the ScaledJob can read them; use a TriggerAuthentication for "
            "KEDA's TLS files, and the scaler's own settings for everything else"
        )
    if key == "metricName":
        if text != METRIC:
            raise TriggerError(
                f"trigger metadata metricName is {_shown(text)}: expected {METRIC}"
            )
        return
    if key in _ELSEWHERE:
        raise TriggerError(f"trigger metadata {key}: leave it out, {_ELSEWHERE[key]}")
    known = ", ".join(sorted({*_VALUES, "metricName", *_KEDA_KEYS}))
    raise TriggerError(
        f"trigger metadata {_shown(key)} is {_shown(text)}: an unknown key; known are "
        f"{known}"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
