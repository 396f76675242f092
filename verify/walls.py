"""The walls around one claim's process: what it sees, what it may use up, what it can reach.

Walls against accident, not against an attacker: claims are code, and whoever runs a collection trusts it.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import resource
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TextIO, cast

from verify import namespaces
from verify.cells import Cell
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

PROCESSES = 256 + 8 * (os.cpu_count() or 1)
"""Processes and threads that a claim may have at the same time; compilers start one for each core."""

MORE_ON_A_GPU = 4
"""So many times as many for a claim that needs a GPU."""


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
    os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)  # and so would Inductor's, which it keeps here
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


def limit(job: Job, memory: int, in_cell: bool) -> None:
    """Bound what the process may use up: `memory` bytes beyond what the server had mapped, time, files.

    Args:
        job: what it is going to run.
        memory: bytes.
        in_cell: True in a user namespace of its own, where nobody else's processes count.
    """
    # Processes that load their work side by side may each start a compiler's workers, one for each core.
    most = PROCESSES * (MORE_ON_A_GPU if job.needs else 1)
    _lower(resource.RLIMIT_NPROC, most + (0 if in_cell else others()))
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, FILE_SIZE)
    # A second wall, for what escaped the first. Threads count together, so it allows for every core.
    _lower(resource.RLIMIT_CPU, math.ceil(job.timeout) * (os.cpu_count() or 1) + 10)
    if not job.needs:  # CUDA, also under TensorRT, reserves address ranges far beyond any memory
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
    with contextlib.suppress(OSError):  # when the machine itself runs out, the claim goes first
        Path("/proc/self/oom_score_adj").write_text("500")


def _lower(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


@cache
def others() -> int:
    """The processes and threads that this user has already; asked once, in the server."""
    found = 0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError):
            if folder.name.isdigit() and folder.stat().st_uid == os.getuid():
                found += int((folder / "stat").read_text().rpartition(")")[2].split()[17])
    return found


def unplug() -> None:
    """Leave the network, keeping the loopback device, where the system allows it; else do nothing."""
    user, group = os.getuid(), os.getgid()
    try:
        namespaces.unshare(namespaces.NET)  # takes root's rights, which anybody has in a user namespace
    except OSError:
        with contextlib.suppress(OSError):
            namespaces.unshare(namespaces.USER | namespaces.NET)
            namespaces.stay_oneself(user, group)
    namespaces.start_loopback()


def hand_over(folder: Path) -> None:
    """As root: give a folder and all in it to the user that claims become, who else could not write there."""
    if os.getuid() == 0:
        for name, _, files in os.walk(folder):
            for path in (name, *(os.path.join(name, file) for file in files)):  # noqa: PTH118
                with contextlib.suppress(FileNotFoundError):
                    os.chown(path, namespaces.NOBODY, -1)


def shut(cell: Cell, own: Path) -> None:
    """Move into a cell and give up every right; as root, become nobody, who can write into `own` alone.

    Raises:
        OSError: the system does not allow it.
    """
    hand_over(own)
    cell.enter()
    namespaces.give_up_rights()


def seed() -> None:
    """Set the generators of numpy and torch to 0, and torch to one thread and its reproducible algorithms.

    Done once in the server, since forks have the same state; Python's own generator forgets it in a fork.
    """
    if "numpy" in sys.modules:
        import numpy

        numpy.random.seed(0)
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)
        # The better known `use_deterministic_algorithms` imports the compiler first: 0.8 s.
        torch.set_deterministic_debug_mode("warn")


def seed_fork(job: Job) -> None:
    """What `seed` leaves to each fork: Python's generator, and for timings the algorithms that people use."""
    random.seed(0)
    if job.alone and "torch" in sys.modules:
        import torch

        torch.set_deterministic_debug_mode("default")
