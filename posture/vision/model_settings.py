"""Which pose model, and where it is."""

from dataclasses import dataclass
from pathlib import Path

from common.options import one_of, option

MODELS = ("lite", "full", "heavy")


@dataclass(frozen=True)
class ModelSettings:
    """Which pose model, and where it is."""

    model: str = option(
        "MODEL",
        "--model",
        f"pose model: {', '.join(MODELS)}",
        default="full",
        parse=one_of(*MODELS),
    )
    models_folder: Path = option(
        "MODELS_FOLDER",
        "--models-folder",
        "folder with the pose models",
        default="models",
        parse=Path,
    )
