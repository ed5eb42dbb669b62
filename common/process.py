"""What Linux is told of this process; elsewhere nothing is done."""

import ctypes
import os
import signal
import sys

_DEATH_SIGNAL, _DUMPABLE = 1, 4  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE in <linux/prctl.h>


def keep_memory_private() -> None:
    """Let no other process of this user read our memory and environment.

    Core files are left out, too, and debuggers of the same user.
    """
    _tell(_DUMPABLE, 0)


def end_with_parent(parent: int) -> None:
    """Be killed when the thread ends that started this process, whatever we are doing.

    `parent` is its process; when that has ended already, so does this one.
    """
    _tell(_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


def _tell(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
