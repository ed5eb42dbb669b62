"""Where files with people on them are, and how long they and their rows are kept."""

from dataclasses import dataclass
from pathlib import Path

from common import options
from common.options import integer, option

_MOST_DAYS = 36_500


@dataclass(frozen=True)
class QuarantineSettings:
    """Where the messages are that could not be analyzed."""

    quarantine: Path = option(
        "QUARANTINE_FOLDER",
        "--quarantine-folder",
        "folder for messages that could not be analyzed",
        default="quarantine",
        parse=Path,
    )


@dataclass(frozen=True)
class FolderSettings(QuarantineSettings):
    """Where files with people on them are, and for how long."""

    pictures: Path = option(
        "PICTURES_FOLDER",
        "--pictures-folder",
        "folder for annotated pictures",
        default="analyzed_images",
        parse=Path,
    )
    picture_days: int | None = option(
        "PICTURE_DAYS",
        "--picture-days",
        "days after which pictures, and what is in quarantine, are deleted",
        default=None,
        parse=integer(1, _MOST_DAYS),
    )
    pictures_mb: int | None = option(
        "PICTURES_MB",
        "--pictures-mb",
        "megabytes of pictures kept; the oldest go first",
        default=None,
        parse=integer(1, 1_000_000_000),
    )


@dataclass(frozen=True)
class RetentionSettings(FolderSettings):
    """What is deleted once it is old enough."""

    row_days: int | None = option(
        "ROW_DAYS",
        "--row-days",
        "days after which rows are deleted; needs the database",
        default=None,
        parse=integer(1, _MOST_DAYS),
    )
    log_level: str = options.log_level()
