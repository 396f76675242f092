"""The walls around one claim's process: what it sees, what it may use up, what it can reach.

Walls against accident, not against an attacker: claims are code, and whoever runs a collection trusts it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import math
import os
import random
import resource
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO, cast

from verify.jobs import Job

KEPT = frozenset(
    {"PATH", "LANG", "LANGUAGE", "TZ", "VIRTUAL_ENV"}
    | {"LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "CC", "CXX", "CUDA_HOME", "CUDA_PATH"}
    | {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"}
)
"""The only variables (beside `LC_…`) that claims inherit: a list of what is wanted cannot forget a secret."""

FIXED = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    # Asks the driver for its devices without initialising CUDA, which would not survive a fork.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    # Without it cuBLAS is not reproducible.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "MPLBACKEND": "Agg",
    "HF_HUB_OFFLINE": "1",
}
"""Set for every claim."""

FILE_SIZE = 1 << 30
"""Bytes that one file may grow to, printed output included."""

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def environment(parent: Mapping[str, str], home: Path) -> dict[str, str]:
    """The variables of the server that claims are forked from, given those of the parent.

    Args:
        parent: the variables to choose from.
        home: a folder that lives as long as the run; matplotlib's list of fonts is shared through it.
    """
    kept = {name: value for name, value in parent.items() if name in KEPT or name.startswith("LC_")}
    return kept | FIXED | {"HOME": str(home), "TMPDIR": str(home), "MPLCONFIGDIR": str(home / "matplotlib")}


def settle(scratch: Path, output: Path) -> None:
    """Make `scratch` the process's folder, home and place for temporary files; print to the file `output`."""
    os.chdir(scratch)
    os.environ |= {"HOME": str(scratch), "TMPDIR": str(scratch), "PWD": str(scratch)}
    tempfile.tempdir = None  # the server's answer would outlive its variable
    nothing = os.open(os.devnull, os.O_RDONLY)
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (printed, 1), (printed, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(printed)
    sys.stdin = _stream(0, "r")
    sys.stdout, sys.stderr = _stream(1, "w"), _stream(2, "w")


def _stream(descriptor: int, mode: str) -> TextIO:
    # By lines, so that a crash does not take along what was printed before it.
    stream = open(  # noqa: SIM115 -- open as long as the process
        descriptor, mode, buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    return cast(TextIO, stream)


def limit(job: Job, memory: int) -> None:
    """Bound what the process may use up: `memory` bytes beyond what the server had mapped, time, files."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, FILE_SIZE)
    # A second wall, for what escaped the first. Threads count together, so it allows for every core.
    _lower(resource.RLIMIT_CPU, math.ceil(job.timeout) * (os.cpu_count() or 1) + 10)
    if "cuda" not in job.needs:  # CUDA reserves address ranges far beyond any memory
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
    with contextlib.suppress(OSError):  # when the machine itself runs out, the claim goes first
        Path("/proc/self/oom_score_adj").write_text("500")


def _lower(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


def unplug() -> None:
    """Leave the network, keeping the loopback device, where the system allows it; else do nothing."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "unshare"):
        return
    user, group = os.getuid(), os.getgid()
    if library.unshare(_CLONE_NEWNET) != 0:  # that takes root's rights, which anybody has in a user namespace
        if library.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return
        with contextlib.suppress(OSError):
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that happens."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ended, so that none can hide."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def seed(job: Job) -> None:
    """Set every generator that is loaded to 0, and torch to one thread and its reproducible algorithms."""
    random.seed(0)
    if "numpy" in sys.modules:
        import numpy

        numpy.random.seed(0)
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)
        # What is timed is what people use: reproducible algorithms can be slower. (The better known
        # `use_deterministic_algorithms` says the same, and imports the compiler first: 0.8 s.)
        torch.set_deterministic_debug_mode("default" if job.alone else "warn")
