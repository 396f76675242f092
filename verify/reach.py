"""Whether claims reach the GPU from behind their walls: what only a try before the first of them can tell.

Device files may be open to root alone, or be made by the first program of root that wants them; and drivers
under a sandbox's kernel do not know every namespace. A claim that is walled off from the GPU would fail, and
its author could do nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from verify.jobs import Job, Outcome, Source

DEVICES = ("/dev/nvidiactl", "/dev/dxg")
"""One of these is there where an NVIDIA driver is: on Linux, and on Linux under Windows."""

TRY = "import torch\nassert torch.ones(3, device='cuda').sum().item() == 3\n"
"""The least that every claim on a GPU does."""

SECONDS = 120.0
"""What it may take: the first use of CUDA after a machine's start loads libraries from a cold disk."""

Run = Callable[[Job, bool], Outcome]
"""Runs a job, behind walls or without."""

_known: dict[tuple[str, ...], str] = {}


def walled_off(run: Run, gpus: Sequence[str]) -> str:
    """Why the GPU is reached without walls and not from behind them; empty where walls make no difference.

    Asked once; nothing is tried where there is no driver.

    Args:
        run: runs one job.
        gpus: the GPUs in question, as `CUDA_VISIBLE_DEVICES` names them.
    """
    key = tuple(gpus)
    if key not in _known:
        _known[key] = _tried(run) if any(Path(device).exists() for device in DEVICES) else ""
    return _known[key]


def _tried(run: Run) -> str:
    job = Job("the GPU", (Source(TRY, "the GPU", 1),), (), needs=("cuda",), timeout=SECONDS)
    behind = run(job, True)
    if behind.state == "done" or run(job, False).state != "done":
        return ""  # where neither works, the claims' own errors say what is wrong
    # Without walls root's driver may just have made the device files that were missing.
    return "" if run(job, True).state == "done" else behind.what
