"""The door to NVIDIA's management library, for GPUs that sysfs says nothing of.

That is Jetson Thor and every card in a PC. The package nvidia-ml-py is only imported
where the driver's library is there: it takes more memory than the rest of the agent.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

from node_agent.errors import ReadingError

_LIBRARY = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class NvmlGpu:
    """One GPU that the driver's library knows."""

    library: Any
    """The module pynvml, initialized."""

    handle: Any
    name: str

    def read(self) -> float:
        """The share of the last sample period in which it computed, in percent.

        Raises:
            ReadingError: the driver does not say.
        """
        try:
            rates = self.library.nvmlDeviceGetUtilizationRates(self.handle)
        except self.library.NVMLError as error:
            raise ReadingError(f"NVML: {error}") from error
        if not 0 <= rates.gpu <= 100:
            raise ReadingError("NVML: not 0 to 100 percent")
        return float(rates.gpu)


def nvml_gpus() -> list[NvmlGpu]:
    """Every GPU of the driver's library, in its order.

    Raises:
        ReadingError: there is no such library, or it cannot be used; says why.
    """
    library = _library()
    try:
        library.nvmlInit()
        handles = [
            library.nvmlDeviceGetHandleByIndex(index)
            for index in range(library.nvmlDeviceGetCount())
        ]
    except library.NVMLError as error:
        raise ReadingError(f"NVML: {error}") from error
    return [NvmlGpu(library, each, f"nvml{i}") for i, each in enumerate(handles)]


def _library() -> Any:  # noqa: ANN401 - a module without types
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise ReadingError(f"no {_LIBRARY}") from error
    try:
        import pynvml
    except ImportError as error:
        raise ReadingError("NVML: the package nvidia-ml-py is not installed") from error
    return pynvml
