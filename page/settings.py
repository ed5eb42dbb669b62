"""The live page's settings, each with its flag, environment variable and default."""

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

from common import options
from common.broker_settings import results_prefix
from common.hosts import Host, http_url
from common.options import boolean, integer, one_of, option, same, section
from common.picture_topics import PictureTopics
from common.times import zone
from page.desk_settings import DeskSettings
from page.words import LANGUAGES
from posture.settings import (
    AuditSettings,
    BrokerSettings,
    DatabaseSettings,
    WorkerSettings,
)
from posture.store.settings import (
    FolderSettings,
    QuarantineSettings,
    RetentionSettings,
)

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_BROWSER = "browser"  # the language that it asks for
_SHORTEST_TOKEN = 16  # characters, so that guessing is hopeless without a limit on it


def _token(text: str) -> str:
    if len(text) < _SHORTEST_TOKEN or not text.isascii():
        raise ValueError(f"{_SHORTEST_TOKEN} ASCII characters or more")
    return text


def _hosts(text: str) -> tuple[str, ...]:
    given = filter(None, (each.strip() for each in text.split(",")))
    return tuple(map(Host("PAGE_HOSTS"), given))


def _networks(text: str) -> tuple[str, ...]:
    try:
        given = filter(None, (each.strip() for each in text.split(",")))
        return tuple(str(ip_network(each)) for each in given)
    except ValueError:
        raise ValueError("addresses or networks by comma, as 10.42.0.0/16") from None


def _language(text: str) -> str | None:
    if text != _BROWSER and text not in LANGUAGES:
        raise ValueError(f"{', '.join(LANGUAGES)} or {_BROWSER}")
    return None if text == _BROWSER else text


@dataclass(frozen=True)
class PageSettings:
    """Everything the live page is told."""

    broker: BrokerSettings = section(BrokerSettings)
    topics: PictureTopics = section(PictureTopics)
    database: DatabaseSettings = section(DatabaseSettings)
    listen: str = option(
        "PAGE_LISTEN",
        "--listen",
        "address of the page; any but loopback requires a login",
        default="127.0.0.1",
        parse=Host("PAGE_LISTEN", "PAGE_PORT"),
    )
    port: int = option(
        "PAGE_PORT",
        "--page-port",
        "port of the page",
        default="8090",
        parse=options.port,
        old_flag="--port",
    )
    password_hash: str | None = option(
        "PAGE_PASSWORD_HASH",
        "--password-hash",
        "argon2 hash of the password, made by `python live_page.py --make-hash`",
        default=None,
        secret=True,
    )
    hosts: tuple[str, ...] = option(
        "PAGE_HOSTS",
        "--hosts",
        "names the page is asked for under, such as posture.example.org, by comma; "
        "on loopback its own names are enough, elsewhere any is taken if none is given",
        default="",
        parse=_hosts,
    )
    cert_file: Path | None = option(
        "PAGE_CERT_FILE",
        "--cert-file",
        "PEM file with the page's certificate, for https",
        default=None,
        parse=Path,
    )
    key_file: Path | None = option(
        "PAGE_KEY_FILE",
        "--key-file",
        "PEM file with the key of the page's certificate",
        default=None,
        parse=Path,
    )
    behind_https: bool = option(
        "PAGE_BEHIND_HTTPS",
        "--behind-https",
        "a proxy in front of the page talks https with the browsers",
        default="false",
        parse=boolean,
    )
    proxies: tuple[str, ...] = option(
        "PAGE_TRUSTED_PROXIES",
        "--trusted-proxies",
        "addresses or networks of the proxies in front of the page, by comma: what "
        "they say of a visitor's address (X-Forwarded-For) is believed",
        default="",
        parse=_networks,
    )
    probe_port: int = option(
        "PAGE_PROBE_PORT",
        "--probe-port",
        "port of /livez and /healthz alone, for Kubernetes; 0 for none",
        default="0",
        parse=integer(0, 65535),
    )
    pictures: Path = same(FolderSettings, "pictures")
    picture_days: int | None = same(FolderSettings, "picture_days")
    row_days: int | None = same(RetentionSettings, "row_days")
    audit_log: Path | None = same(AuditSettings, "audit_log")
    prefix: str = results_prefix()
    desk: DeskSettings = section(DeskSettings)
    quarantine: Path = same(QuarantineSettings, "quarantine")
    max_picture_mb: int = same(WorkerSettings, "max_picture_mb")
    store: str = same(WorkerSettings, "store")
    placement_url: str | None = option(
        "PAGE_PLACEMENT_URL",
        "--placement-url",
        "metrics of gpu_affinity_watcher.py, for nodes and the choice",
        default=None,
        parse=http_url(),
    )
    scaler_url: str | None = option(
        "PAGE_SCALER_URL",
        "--scaler-url",
        "metrics of cpu_monitor_and_offload.py, for what waits and the Jobs wanted",
        default=None,
        parse=http_url(),
    )
    metrics_token: str | None = option(
        "PAGE_METRICS_TOKEN",
        "--metrics-token",
        "word that Prometheus gives for the page's /metrics, as bearer token; "
        "16 characters or more",
        default=None,
        parse=_token,
        secret=True,
    )
    zone: ZoneInfo | None = option(
        "PAGE_TIMEZONE",
        "--timezone",
        "time zone that days and times are shown in; local: this machine's",
        default="local",
        parse=zone,
    )

    home: str = option(
        "PAGE_HOME",
        "--home",
        "what the page begins with: the week of the room, or for who runs it cameras",
        default="office",
        parse=one_of("office", "cameras"),
    )
    language: str | None = option(
        "PAGE_LANGUAGE",
        "--language",
        "language for whoever has chosen none on the page; browser: as it asks",
        default="browser",
        parse=_language,
    )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.listen in LOOPBACK

    @property
    def secure(self) -> bool:
        """Whether browsers talk https with the page."""
        return self.cert_file is not None or self.behind_https
