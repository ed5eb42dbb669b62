"""The settings of nudges, each with its flag, environment variable and default."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from common import options
from common.broker_settings import results_prefix
from common.options import boolean, decimal, integer, option, same, section
from common.times import QuietHours, quiet_hours, zone
from nudge.patience import Rule
from posture.results.settings import ResultSettings
from posture.settings import BrokerSettings, DatabaseSettings, WorkerSettings


def scheme_of(url: str) -> str:
    """What may be shown of an address, which has a key in it."""
    return f"{url.partition('://')[0]}://"


def _addresses(text: str) -> tuple[tuple[str | None, str], ...]:
    return tuple(_address(each) for each in text.split())


def _address(text: str) -> tuple[str | None, str]:
    """`json://host` for every camera, `desk1=json://host` for that camera."""
    camera, separator, url = text.partition("=")
    if separator and "://" in url and "://" not in camera:
        return camera, url
    if "://" not in text:
        raise ValueError("Apprise addresses with blanks between them")
    return None, text


@dataclass(frozen=True)
class NudgeSettings:
    """Everything that nudges are told."""

    database: DatabaseSettings = section(DatabaseSettings)
    broker: BrokerSettings = section(BrokerSettings)
    minutes: int = option(
        "NUDGE_MINUTES",
        "--minutes",
        "minutes that somebody must have sat there before a nudge",
        default="30",
        parse=integer(2, 480),
    )
    share: float = option(
        "NUDGE_SHARE",
        "--share",
        "share of these minutes that must have been bad",
        default="0.6",
        parse=decimal(0.1, 1),
    )
    away: int = option(
        "NUDGE_AWAY",
        "--away",
        "minutes in which nobody is seen after which counting begins anew",
        default="5",
        parse=integer(1, 120),
    )
    period: int = option(
        "NUDGE_PERIOD",
        "--period",
        "minutes in which a camera gets one nudge at most",
        default="60",
        parse=integer(1, 10080),
    )
    quiet: QuietHours | None = option(
        "NUDGE_QUIET",
        "--quiet",
        "hours without nudges, such as 18:00-08:00",
        default=None,
        parse=quiet_hours,
    )
    zone: ZoneInfo | None = option(
        "NUDGE_TIMEZONE",
        "--timezone",
        "time zone of the quiet hours; local: this machine's",
        default="local",
        parse=zone,
    )
    urls: tuple[tuple[str | None, str], ...] = option(
        "NUDGE_URLS",
        "--urls",
        "Apprise addresses to tell, with blanks between, each as camera=address",
        default="",
        parse=_addresses,
        secret=True,
    )
    all: bool = option(
        "NUDGE_ALL",
        "--all",
        "take addresses without a camera too: they are told of every camera",
        default="false",
        parse=boolean,
    )
    mqtt: bool = option(
        "NUDGE_MQTT",
        "--mqtt",
        "publish nudges as <prefix>/<pi>/nudge",
        default="false",
        parse=boolean,
    )
    today: bool = option(
        "NUDGE_TODAY",
        "--today",
        "publish in <prefix>/<pi>/today how much somebody has leaned today",
        default="false",
        parse=boolean,
    )
    discovery: str | None = same(ResultSettings, "discovery")
    prefix: str = results_prefix()
    suspend: bool = option(
        "NUDGE_SUSPEND",
        "--suspend",
        "hear at the broker, in <prefix>/<pi>/nudge/suspend, who wants no nudges now",
        default="true",
        parse=boolean,
    )
    state: Path = option(
        "NUDGE_STATE",
        "--state",
        "file that remembers the last nudge of each camera, and its suspension",
        default="nudges.json",
        parse=Path,
    )
    interval: float = option(
        "NUDGE_INTERVAL",
        "--interval",
        "seconds between two looks",
        default="60",
        parse=decimal(0.1, 3600),
    )
    metrics_port: int = same(WorkerSettings, "metrics_port")
    metrics_address: str = same(WorkerSettings, "metrics_address")
    log_level: str = options.log_level()

    def __post_init__(self) -> None:
        """Check what depends on two settings.

        Raises:
            SettingsError: an address would be told how everybody sits.
        """
        open_to_all = [
            f"NUDGE_URLS: address {number}, which begins with {scheme_of(url)}, names "
            "no camera, so it would be told how everybody sits: write it as desk1=..., "
            "or set NUDGE_ALL=true (--all)"
            for number, (camera, url) in enumerate(self.urls, start=1)
            if camera is None and not self.all
        ]
        if open_to_all:
            raise options.SettingsError(open_to_all)

    @property
    def rule(self) -> Rule:
        """What is worth a nudge."""
        period = timedelta(minutes=self.period)
        return Rule(self.minutes, self.share, self.away, period)

    def is_quiet(self, now: datetime) -> bool:
        """Whether nobody wants a nudge at this time."""
        return self.quiet is not None and self.quiet.cover(now.astimezone(self.zone))
