"""How many pictures are analyzed at a time, by what, and which need not be."""

from dataclasses import dataclass
from typing import Literal

from common.options import decimal, integer, one_of, option
from posture.vision.cpu_affinity import available_cores


def _threads(text: str) -> int:
    return available_cores() if text == "cores" else integer(1, 256)(text)


@dataclass(frozen=True)
class AnalysisSettings:
    """What costs and what saves time; verdicts are the same but where it is said."""

    delegate: Literal["cpu", "gpu", "auto"] = option(
        "DELEGATE",
        "--delegate",
        "what finds the landmarks: cpu, gpu, or auto (tried at the start: the gpu "
        "where it gives the same landmarks sooner)",
        default="cpu",
        parse=one_of("cpu", "gpu", "auto"),
    )
    track: int = option(
        "TRACK",
        "--track",
        "cameras whose person is followed from picture to picture: half of the time "
        "for one who sits still, 60 MB a camera (full); 0: each picture by itself",
        default="0",
        parse=integer(0, 256),
    )
    unchanged: float = option(
        "UNCHANGED",
        "--unchanged",
        "seconds for which a camera's verdict stands while its pictures are equal but "
        "for noise; 0: every picture is looked at",
        default="0",
        parse=decimal(0, 3600),
    )
    threads: int = option(
        "THREADS",
        "--threads",
        "pictures analyzed at the same time",
        default="cores",
        parse=_threads,
    )
