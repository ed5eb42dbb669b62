"""Where sysfs tells the load of a Tegra's GPU: found by walking, not by one path.

NVIDIA's kernels tell it per mille in a file `load` of the GPU's device. Where that
device stands differs by board and JetPack, and JetPack 7 makes the file late.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node_agent.errors import ReadingError
from node_agent.files import number_of, text_of

_KNOWN = ("devices/platform/gpu.0/load", "devices/gpu.0/load")
# The GPU by its role or by its chip (gm20b, gp10b, gv11b, ga10b, gb10b), beside other
# devices with a frequency of their own: memory, video, vision.
_GPU = re.compile(r"(^|[.-])(gpu|g[a-z]\d\d?b)($|[.-])")


@dataclass(frozen=True)
class LoadFile:
    """One file that tells the load of a GPU, per mille."""

    path: Path
    name: str
    """The device's name, such as 17000000.ga10b."""

    def read(self) -> float:
        """The load now, in percent.

        Raises:
            ReadingError: unreadable, no number, or not 0 to 1000.
        """
        value = number_of(self.path)
        if not 0 <= value <= 1000:
            raise ReadingError(f"{self.path}: not 0 to 1000 per mille")
        return value / 10


def load_files(sys: Path) -> list[LoadFile]:
    """The load files of all GPUs under a node's /sys; each device once."""
    found: dict[Path, LoadFile] = {}
    for path in _candidates(sys):
        device = path.parent.resolve()
        if path.exists():
            found.setdefault(device, LoadFile(path, device.name))
    return list(found.values())


def _candidates(sys: Path) -> Iterator[Path]:
    for entry in sorted((sys / "class/devfreq").glob("*")):
        if _GPU.search(entry.name) or _GPU.search(_tree_name(entry)):
            yield entry / "device/load"
    for path in _KNOWN:
        yield sys / path


def _tree_name(entry: Path) -> str:
    try:
        return text_of(entry / "device/of_node/name")
    except ReadingError:
        return ""
