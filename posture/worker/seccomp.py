"""Threads that cannot reach the network, for code that has no business there.

MediaPipe looks up play.googleapis.com from time to time, to report its use to its
maker, and has no switch for it. Its own threads inherit this from the one that loads
the model; those that talk to broker and database are left alone. It holds back what a
library does by itself, and is no prison for an attacker's code.
"""

import ctypes
import errno
import logging
import platform
import struct

log = logging.getLogger(__name__)

# Numbers of <linux/prctl.h>, <linux/seccomp.h>, <linux/audit.h> and <linux/filter.h>.
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_LOCAL, _NETLINK = 1, 16  # AF_UNIX, and the kernel's own news
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


def go_offline() -> bool:
    """Keep this thread, and what it starts from now on, from the network, for good.

    Twice is the same as once. False, and a warning, where this kernel cannot do it.
    """
    known = _SOCKET.get(platform.machine())
    trouble = _install(*known) if known else f"unknown on {platform.machine()}"
    if trouble:
        log.warning(
            "cannot keep MediaPipe from reporting its use (%s): "
            "let play.googleapis.com lead nowhere, see docs/privacy.md",
            trouble,
        )
    return not trouble


class _Program(ctypes.Structure):
    """A struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _install(architecture: int, socket_call: int) -> str:
    """Install the filter; gives the reason if the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    rules = _rules(architecture, socket_call)
    program = _Program(len(rules) // 8, rules)
    # The first is what lets an ordinary user do the second.
    done = not libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) and not libc.prctl(
        _SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0
    )
    return "" if done else f"seccomp: {errno.errorcode.get(ctypes.get_errno(), '?')}"


def _rules(architecture: int, socket_call: int) -> bytes:
    """`socket` is refused but for two families; two numbers say how many to skip."""
    rules = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, 5, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_EQUAL, 0, 3, socket_call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 1, 0, _LOCAL),
        (_IF_EQUAL, 0, 1, _NETLINK),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    )
    return b"".join(struct.pack("=HBBI", *each) for each in rules)
