"""Linux's namespaces and rights, as far as claims need them: the system calls that Python 3.11 lacks."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path

USER = 0x10000000
PID = 0x20000000
NET = 0x40000000
IPC = 0x08000000

NOBODY = 65534
"""The user that claims run as where the tools run as root: root's processes cannot be limited in number."""

_PDEATHSIG, _DUMPABLE, _SECUREBITS, _SUBREAPER, _AMBIENT = 1, 4, 28, 36, 47
_NO_SETUID_FIXUP = 1 << 2
_AMBIENT_RAISE = 2
_READ_EVERYTHING = 2
_CAPABILITIES_3 = 0x20080522
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

_LIBRARY = ctypes.CDLL(None, use_errno=True)


def unshare(kinds: int) -> None:
    """Move this process into new namespaces of these kinds; of `PID`, only the processes that it will start.

    Raises:
        OSError: the system does not allow it.
    """
    _call("unshare", kinds)


def enter(handle: int, kinds: int) -> None:
    """Join namespaces of the process that a descriptor stands for; of `PID`, as `unshare` does.

    Args:
        handle: from `os.pidfd_open`, or of a file `/proc/…/ns/…`.
        kinds: which ones.

    Raises:
        OSError: the system does not allow it.
    """
    _call("setns", handle, kinds)


def stay_oneself(user: int, group: int) -> None:
    """In a user namespace that was just made: be the same user and group as outside.

    Raises:
        OSError: the system does not allow it.
    """
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def admit_nobody(handle: int) -> None:
    """As root, from outside: let a process's new user namespace know root and nobody.

    Raises:
        OSError: the system does not allow it.
    """
    number = number_in_proc(handle)
    Path(f"/proc/{number}/uid_map").write_text(f"0 0 1\n{NOBODY} {NOBODY} 1")
    Path(f"/proc/{number}/gid_map").write_text("0 0 1")


def number_in_proc(handle: int) -> str:
    """A process's number where /proc was mounted: the one that we know it by may be of another namespace.

    Args:
        handle: a descriptor of the process.

    Raises:
        OSError: there is no such process any more.
    """
    lines = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Pid:"))


def start_loopback() -> None:
    """Switch the loopback device of a new network namespace on, where that is allowed."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def give_up_rights() -> None:
    """In a user namespace of its own: keep no right but, as root, that to read; root becomes nobody.

    Raises:
        OSError: the system does not allow it.
    """
    kept = 0
    if os.getuid() == 0:
        kept = 1 << _READ_EVERYTHING  # the tools and their libraries may lie where only root may look
        _call("prctl", _SECUREBITS, ctypes.c_ulong(_NO_SETUID_FIXUP), 0, 0, 0)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    header = struct.pack("=Ii", _CAPABILITIES_3, 0)
    _call("capset", header, struct.pack("=6I", kept, kept, kept, 0, 0, 0))
    if kept:
        _call("prctl", _AMBIENT, ctypes.c_ulong(_AMBIENT_RAISE), ctypes.c_ulong(_READ_EVERYTHING), 0, 0)
    # Whose rights change hides /proc/self from itself, and forgets its parent's end.
    _call("prctl", _DUMPABLE, ctypes.c_ulong(1), 0, 0, 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that happens."""
    _call("prctl", _PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ended, so that none can hide."""
    _call("prctl", _SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)


def _call(name: str, *arguments: object) -> None:
    function = getattr(_LIBRARY, name, None)
    if function is None:
        raise OSError(f"{name}: this system has no such call")
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
