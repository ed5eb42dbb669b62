"""The worker's settings: each with its flag, environment variable and default."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from common import options
from common.broker_settings import MOST_WORKERS, WorkloadSettings
from common.broker_settings import BrokerSettings as BrokerSettings
from common.database_settings import DatabaseSettings as DatabaseSettings
from common.hosts import Host, own_node
from common.options import boolean, decimal, integer, one_of, option, same, section
from common.picture_topics import PictureTopics
from posture.analysis_settings import AnalysisSettings
from posture.mqtt.shards import Slot
from posture.results.settings import ResultSettings
from posture.store.settings import FolderSettings, QuarantineSettings
from posture.vision.camera_settings import CameraSettings
from posture.vision.cpu_affinity import available_cores as available_cores
from posture.vision.model_settings import MODELS as MODELS
from posture.vision.model_settings import ModelSettings as ModelSettings
from posture.vision.verdict import PRESETS, Preset

Store = Literal["none", "skeleton", "blurred", "full"]
STORES: tuple[Store, ...] = get_args(Store)


@dataclass(frozen=True)
class SessionSettings:
    """The durable session in which the broker keeps pictures for the worker."""

    broker: BrokerSettings = section(BrokerSettings)
    topic: str = same(WorkloadSettings, "topic")
    client_id: str = option(
        "MQTT_CLIENT_ID",
        "--client-id",
        "the durable session's name at the broker; one live worker each",
        default="posture-analyzer",
    )
    workers: int = same(WorkloadSettings, "workers")
    log_level: str = options.log_level()


@dataclass(frozen=True)
class ReplaySettings(SessionSettings, QuarantineSettings):
    """How to put back what could not be analyzed."""


@dataclass(frozen=True)
class AuditSettings:
    """Where it is written down what was deleted, and for whom."""

    audit_log: Path | None = option(
        "AUDIT_LOG",
        "--audit-log",
        "file that gets a line for each time that somebody's data was deleted",
        default=None,
        parse=Path,
    )


@dataclass(frozen=True)
class ForgetSettings(FolderSettings, AuditSettings):
    """Where everything is that is kept of a camera."""

    database: DatabaseSettings = section(DatabaseSettings)
    broker: BrokerSettings = section(BrokerSettings)
    results: ResultSettings = section(ResultSettings)
    log_level: str = options.log_level()


@dataclass(frozen=True)
class WorkerSettings(ReplaySettings, FolderSettings, ModelSettings, AnalysisSettings):
    """Everything the worker is told."""

    database: DatabaseSettings = section(DatabaseSettings)
    results: ResultSettings = section(ResultSettings)
    cameras: CameraSettings = section(CameraSettings)
    camera_level: int | None = same(PictureTopics, "level")
    preset: Preset = option(
        "PRESET",
        "--preset",
        "rule for Good and Bad: nearest (side nearest to the camera) or legacy",
        default="nearest",
        parse=one_of(*PRESETS),
    )
    store: Store = option(
        "STORE",
        "--store",
        "what is kept of a picture: none (no file), skeleton (lines on a plain "
        "ground), blurred (the body without head and surroundings) or full",
        default="full",
        parse=one_of(*STORES),
    )
    picture_width: int | None = option(
        "PICTURE_WIDTH",
        "--picture-width",
        "pixels of the width of the annotated picture, at most; what is judged does "
        "not change (default: as wide as the camera's)",
        default=None,
        parse=integer(64, 16384),
    )
    quarantine_payloads: bool | None = option(
        "QUARANTINE_PAYLOADS",
        "--quarantine-payloads",
        "keep refused messages themselves, which may be pictures, and not the notes "
        "about them alone (default: only if the store is full)",
        default=None,
        parse=boolean,
    )
    quarantine_mb: int = option(
        "QUARANTINE_MB",
        "--quarantine-mb",
        "megabytes kept in quarantine; the oldest go first",
        default="100",
        parse=integer(0, 1_000_000),
    )
    node: str = own_node()
    max_picture_mb: int = option(
        "MAX_PICTURE_MB",
        "--max-picture-mb",
        "megabytes of a message above which it is refused",
        default="20",
        parse=integer(1, 256),
    )
    payload_field: str | None = option(
        "PAYLOAD_FIELD",
        "--payload-field",
        "field with the picture, where cameras send JSON objects: image, or data.image",
        default=None,
    )
    picture_deadline: float = option(
        "PICTURE_DEADLINE",
        "--picture-deadline",
        "seconds after which the analysis of one picture counts as hung",
        default="60",
        parse=decimal(1, 3600),
    )
    memory_mb: int = option(
        "MEMORY_MB",
        "--memory-mb",
        "megabytes of waiting messages above which the worker stops taking more, and "
        "of annotated pictures that wait for disk or database",
        default="64",
        parse=integer(1, 65536),
    )
    exit_when_idle: float | None = option(
        "EXIT_WHEN_IDLE",
        "--exit-when-idle",
        "seconds without a picture after which the worker ends",
        default=None,
        parse=decimal(0.1, 86400),
    )
    slot: int | None = option(
        "JOB_COMPLETION_INDEX",
        "--slot",
        "which of several workers this is, from 0; Kubernetes sets it in Indexed Jobs",
        default=None,
        parse=integer(0, MOST_WORKERS - 1),
    )
    grace: float = option(
        "STOP_GRACE",
        "--stop-grace",
        "seconds that a stop may take to finish what is in hand",
        default="25",
        parse=decimal(1, 3600),
    )
    metrics_port: int = option(
        "METRICS_PORT",
        "--metrics-port",
        "port of /metrics; 0 for none",
        default="0",
        parse=integer(0, 65535),
    )
    metrics_address: str = option(
        "METRICS_ADDRESS",
        "--metrics-address",
        "address that the port of /metrics is opened on",
        default="127.0.0.1",
        parse=Host("METRICS_ADDRESS", "METRICS_PORT"),
    )

    def __post_init__(self) -> None:
        """Check what depends on two settings.

        Raises:
            SettingsError: no slot among several workers, or one that does not exist;
                results that would be taken for pictures; or one name for all cameras.
        """
        self.results.check(self.topic)
        self.picture_topics.check()
        if self.workers > 1 and self.slot not in range(self.workers):
            given = "not set" if self.slot is None else self.slot
            raise options.SettingsError(
                [
                    f"JOB_COMPLETION_INDEX (--slot) is {given}: expected a number from "
                    f"0 to {self.workers - 1}, another one for each of the "
                    f"{self.workers} workers"
                ]
            )

    @property
    def picture_topics(self) -> PictureTopics:
        """Which topics bring pictures, and what names their camera."""
        return PictureTopics(self.topic, self.camera_level)

    @property
    def share(self) -> Slot:
        """What of the pictures is this worker's."""
        return Slot(self.slot or 0 if self.workers > 1 else 0, self.workers)

    @property
    def keeps_payloads(self) -> bool:
        """Whether the quarantine keeps what was sent, which may be a picture."""
        given = self.quarantine_payloads
        return self.store == "full" if given is None else given

    @property
    def session_id(self) -> str:
        """The client id of this worker's durable session."""
        return self.share.client_id(self.client_id)
