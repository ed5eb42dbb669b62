"""Where results go at the broker: the settings of what is published there."""

from dataclasses import dataclass
from typing import ClassVar

from common import options
from common.broker_settings import results_prefix, topic_prefix
from common.options import boolean, integer, option


def overlap(one: str, other: str) -> bool:
    """Whether some topic matches both of these topic filters."""
    ours, theirs = one.split("/"), other.split("/")
    for here, there in zip(ours, theirs, strict=False):
        if "#" in (here, there):
            return True
        if here != there and "+" not in (here, there):
            return False
    # images/# is for images too.
    longer = max(ours, theirs, key=len)[min(len(ours), len(theirs)) :]
    return longer in ([], ["#"])


@dataclass(frozen=True)
class ResultSettings:
    """What is published of each picture."""

    apart: ClassVar = True

    publish: bool = option(
        "PUBLISH_RESULTS",
        "--publish-results",
        "publish the newest result of each camera, retained where the broker can",
        default="false",
        parse=boolean,
    )
    prefix: str = results_prefix()
    pictures: bool = option(
        "PUBLISH_PICTURES",
        "--publish-pictures",
        "publish the newest annotated picture of each camera too, as STORE keeps it",
        default="false",
        parse=boolean,
    )
    discovery: str | None = option(
        "HOME_ASSISTANT_DISCOVERY",
        "--home-assistant-discovery",
        "discovery prefix of Home Assistant, usually homeassistant, to describe "
        "each camera there",
        default=None,
        parse=topic_prefix,
    )
    expire_after: int = option(
        "HOME_ASSISTANT_EXPIRE",
        "--home-assistant-expire",
        "seconds without a picture after which a camera's values are unavailable",
        default="300",
        parse=integer(1, 1_000_000),
    )

    def check(self, pictures: str) -> None:
        """Make sure that no result is taken for a picture.

        `pictures` is the topic filter of the pictures.

        Raises:
            SettingsError: it would be, or there is nothing to describe.
        """
        problems = []
        if self.pictures and not self.publish:
            problems.append(
                "PUBLISH_PICTURES (--publish-pictures) goes with results: set "
                "PUBLISH_RESULTS=true (--publish-results) too"
            )
        if self.discovery and not self.publish:
            problems.append(
                "HOME_ASSISTANT_DISCOVERY (--home-assistant-discovery) describes "
                "results: set PUBLISH_RESULTS=true (--publish-results) too"
            )
        if self.publish:
            problems += self._loops(pictures)
        if problems:
            raise options.SettingsError(problems)

    def _loops(self, pictures: str) -> list[str]:
        shared = pictures.startswith("$share/")
        wanted = pictures.split("/", 2)[-1] if shared else pictures
        return [
            f"MQTT_TOPIC (--topic) is {pictures!r}: the worker would take its own "
            f"results in {prefix}/# for pictures; name another one, such as images/#"
            for prefix in filter(None, (self.prefix, self.discovery))
            if overlap(wanted, f"{prefix}/#")
        ]
