"""What the metadata of a ScaledJob's trigger asks for.

KEDA sends the whole metadata with every call, and it can be read by everyone who may
read the ScaledJob: no place for secrets.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from options import decimal
from placement.errors import PlacementError

METRIC = "gpu_trigger"

# KEDA's own keys, for the connection to us.
_KEDA_KEYS = frozenset({"scalerAddress", "enableTLS", "unsafeSsl", "tlsCertFile"})
_SECRET = re.compile(
    r"pass(word|wd|phrase)?|secret|token|bearer|credential|api_?key|tlsclientkey|"
    r"private_?key|cacert|tlsclientcert|customheaders|auth(orization|modes)",
    re.IGNORECASE,
)
_SHOWN = 60  # characters of a wrong value in a message


class TriggerError(PlacementError):
    """The metadata of the trigger is wrong: which key, which value."""


@dataclass(frozen=True)
class Trigger:
    """What one ScaledJob asks for.

    `threshold` is the GPU load in percent below which a node is free, `staleness` the
    age in seconds above which a reading is none.
    """

    threshold: float
    staleness: float


_VALUES: dict[str, Callable[[str], float]] = {
    "threshold": decimal(0, 100),
    "staleness": decimal(1, 3600),
}


def read_trigger(metadata: Mapping[str, str], defaults: Trigger) -> Trigger:
    """The trigger that `metadata` describes; what it leaves out is in `defaults`.

    Raises:
        TriggerError: a key is unknown or a secret, or a value is wrong.
    """
    asked = {"threshold": defaults.threshold, "staleness": defaults.staleness}
    for key, text in metadata.items():
        if key in _VALUES:
            asked[key] = _number(key, text)
        elif key not in _KEDA_KEYS:
            _check_other(key, text)
    return Trigger(**asked)


def _number(key: str, text: str) -> float:
    try:
        return _VALUES[key](text)
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
    known = ", ".join(sorted({*_VALUES, "metricName", *_KEDA_KEYS}))
    raise TriggerError(
        f"trigger metadata {_shown(key)} is {_shown(text)}: an unknown key; known are "
        f"{known}"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
