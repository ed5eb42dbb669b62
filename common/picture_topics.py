"""Which topics bring pictures, and what in a topic names its camera."""

import base64
import hashlib
import re
from dataclasses import dataclass

from common.broker_settings import WorkloadSettings
from common.options import SettingsError, integer, option, same

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 64
_MARKED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,54}-[a-z2-7]{7}_")
_MOST_LEVELS = 100


@dataclass(frozen=True)
class PictureTopics:
    """The topic filter of the pictures, and the level that names the camera."""

    topic: str = same(WorkloadSettings, "topic")
    level: int | None = option(
        "CAMERA_LEVEL",
        "--camera-level",
        "which level of a picture's topic names its camera, counted from 1 (default: "
        "what MQTT_TOPIC has wildcards for)",
        default=None,
        parse=integer(1, _MOST_LEVELS),
    )

    def check(self) -> None:
        """Make sure that the level can tell one camera from another.

        Raises:
            SettingsError: it is the same for all.
        """
        levels = self._wanted
        if self.level is None or not _wild(levels):
            return
        named = levels[self.level - 1 :][:1]
        if (named and named[0] not in "+#") or (not named and levels[-1] != "#"):
            raise SettingsError(
                [
                    f"CAMERA_LEVEL (--camera-level) is {self.level}: expected a level "
                    f"for which MQTT_TOPIC ({self.topic}) has a wildcard, or all "
                    "cameras would have one name"
                ]
            )

    def camera(self, topic: str) -> str:
        """The name of a picture's camera, a word that is safe as a folder's name.

        Without a level it is what the wildcards match, so no two topics share a name.
        See `safe_name` for what cannot stay as it is.
        """
        if self.level is None:
            return self._by_wildcards(topic)
        levels = topic.split("/")
        if self.level > len(levels):
            return _marked(topic, topic)
        return safe_name(levels[self.level - 1])

    def of(self, camera: str) -> str:
        """The topic that a camera of this name publishes to.

        Raises:
            SettingsError: no topic names it, or several do.
        """
        plain = camera if safe_name(camera) == camera else "plain"
        made = self._filled(plain)
        matched = _matched(self._wanted, made.split("/"))
        if matched is None or self.camera(made) != plain:
            raise SettingsError(
                [
                    f"MQTT_TOPIC (--topic) is {self.topic}: it does not say to which "
                    f"topic a camera called {camera!r} publishes; name a filter with "
                    "one wildcard, such as images/#, or set CAMERA_LEVEL"
                ]
            )
        return self._filled(camera)

    def _filled(self, camera: str) -> str:
        levels = [camera if each in "+#" else each for each in self._wanted]
        missing = (self.level or 0) - len(levels)
        return "/".join(levels + [camera] * missing)

    def _by_wildcards(self, topic: str) -> str:
        matched = _matched(self._wanted, topic.split("/"))
        if matched is None:  # from before the filter was changed
            return _marked(topic, topic)
        if not _wild(self._wanted):
            return safe_name(topic.partition("/")[2] or topic, topic)
        return safe_name("/".join(matched), topic)

    @property
    def _wanted(self) -> list[str]:
        levels = self.topic.split("/")
        return levels[2:] if levels[0] == "$share" else levels


def safe_name(wanted: str, whole: str | None = None) -> str:
    """A name as a word that is safe as a folder's name and as a topic's level.

    Letters, digits, `.`, `_` and `-` stay. Whatever had to be changed gets a short hash
    of `whole`, by default of `images/<wanted>`, and ends with `_`, as no name does that
    stays as it is: so two names never become one.
    """
    safe = _UNSAFE.sub("_", wanted).strip("._-")[:_LONGEST_NAME]
    if safe == wanted and safe:
        return safe
    return _marked(wanted, f"images/{wanted}" if whole is None else whole)


def is_safe(name: str) -> bool:
    """Whether `safe_name` may have given this name."""
    return safe_name(name) == name or is_marked(name)


def is_marked(name: str) -> bool:
    """Whether this is a name that `safe_name` has changed."""
    return _MARKED.fullmatch(name) is not None


def _marked(wanted: str, whole: str) -> str:
    safe = _UNSAFE.sub("_", wanted).strip("._-")[: _LONGEST_NAME - 9]
    digest = hashlib.sha256(whole.encode()).digest()
    mark = base64.b32encode(digest)[:7].decode().lower()
    return f"{safe or 'unnamed'}-{mark}_"


def _wild(levels: list[str]) -> bool:
    return "#" in levels or "+" in levels


def _matched(wanted: list[str], levels: list[str]) -> list[str] | None:
    """What a filter's wildcards match, level by level; None if it does not match."""
    found: list[str] = []
    for number, each in enumerate(wanted):
        if each == "#":
            return found + levels[number:]
        if number >= len(levels) or each not in ("+", levels[number]):
            return None
        if each == "+":
            found.append(levels[number])
    return found if len(wanted) == len(levels) else None
