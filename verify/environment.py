"""The machine that a number belongs to, and the versions that it was measured with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

NAME_VARIABLE = "GROUNDTRUTH_MACHINE"
"""Environment variable that sets the machine's name."""

_DISTRIBUTIONS = {
    "sklearn": ("scikit-learn",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "PIL": ("pillow",),
}


_OFF_THE_PATH = "/usr/local/nvidia/bin:/usr/lib/wsl/lib"
"""Where the driver's programs lie in containers and under Windows, often not on the path."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, as records and cards name it."""

    name: str
    """A name for files: `nvidia-h200`, `cpu-amd-epyc`; the same after a reboot."""
    device: str
    """What a card says: `NVIDIA H200`, `AMD EPYC`."""
    driver: str
    """The GPU driver's version; empty without a GPU."""
    system: str
    """Operating system and processor architecture."""
    processor: str = ""
    """What tells it from others of that device, `family 25 model 17`; empty where the device's name does."""
    gpus: tuple[str, ...] = ()
    """Its GPUs of that kind, as `CUDA_VISIBLE_DEVICES` names them; empty where nobody could tell."""

    @property
    def has_gpu(self) -> bool:
        """Whether an NVIDIA GPU answers here."""
        return bool(self.driver)


def this_machine(name: str | None = None) -> Machine:
    """The machine that this runs on.

    Args:
        name: sets its name; otherwise the environment variable GROUNDTRUTH_MACHINE does, otherwise its
            device.
    """
    gpu, driver, gpus = _gpu()
    device = gpu or processor()
    # "AMD EPYC" is what many virtual machines say, of many processors.
    vague = not gpu and not re.search(r"\d", device.removeprefix(platform.machine()))
    # Always a plain word: the name becomes a file's, and must not lead to another folder.
    asked = _slug(name or os.environ.get(NAME_VARIABLE, ""))
    return Machine(
        asked or _slug(device if gpu else f"cpu {device}"),
        device,
        driver,
        f"{platform.system()} {platform.machine()}",
        "" if asked or not vague else _identity(),
        _visible(gpus),
    )


def told_apart(machine: Machine, folder: Path) -> Machine:
    """The machine under a longer name, where records of the short one come from another processor.

    Args:
        machine: the machine.
        folder: where records lie, `decks/measured`.
    """
    file = folder / f"{machine.name}.json"
    if not machine.processor or not file.is_file():
        return machine
    with file.open(encoding="utf-8", errors="replace") as stream:
        found = re.search(r'^  "processor": "([^"]*)"', stream.read(1000), re.MULTILINE)
    if found is None or found[1] == machine.processor:
        return machine
    name, device = _slug(f"{machine.name} {machine.processor}"), f"{machine.device} {machine.processor}"
    return replace(machine, name=name, device=device)


def missing(needs: Iterable[str], machine: Machine, command: str = "") -> str:
    """What this machine lacks to run a claim, and what would bring it; empty when it lacks nothing.

    Args:
        needs: what the claim needs.
        machine: this one.
        command: what to run on a machine that has it; by default `verify run`, which needs the notes.
    """
    for need in needs:
        if not machine.has_gpu:
            where = "an NVIDIA GPU" + (" and TensorRT" if need == "tensorrt" else "")
            told = command or f"verify run --needs {need} --update"
            return f"needs {need}: run `{told}` on a machine with {where}"
        if need == "tensorrt" and find_spec("tensorrt") is None:
            return "needs tensorrt: pip install '.[gpu]'"
    return ""


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of the installed ones of these packages, and of Python; its own modules have none."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for package in packages:
        for distribution in _DISTRIBUTIONS.get(package, (package,)):
            version = _version(distribution)
            if version:
                found[distribution] = version
    return found


def environment(packages: Iterable[str], needs: Iterable[str], machine: Machine) -> dict[str, str]:
    """The versions that a claim's result depends on: of Python, of packages, and of the driver on a GPU.

    Args:
        packages: what its code imports.
        needs: what it needs of the machine.
        machine: this one.
    """
    found = versions(packages)
    return {**found, "driver": machine.driver} if any(needs) else found


@cache
def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


@cache
def _gpu() -> tuple[str, str, tuple[str, ...]]:
    """Name and driver of the first GPU, and all of its kind, without touching CUDA in this process."""
    program = shutil.which("nvidia-smi") or shutil.which("nvidia-smi", path=_OFF_THE_PATH)
    if program is None:
        return "", "", ()
    query = [program, "--query-gpu=name,driver_version,uuid", "--format=csv,noheader"]
    try:
        lines = subprocess.run(
            query, capture_output=True, text=True, timeout=20, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return "", "", ()
    rows = [[*(part.strip() for part in line.split(",")), "", "", ""][:3] for line in lines or [""]]
    name, driver, _ = rows[0]
    # A number that was measured on another kind of GPU must not go under this one's name.
    return name, driver, tuple(identity for other, _, identity in rows if other == name and identity)


def _visible(gpus: tuple[str, ...]) -> tuple[str, ...]:
    """The GPUs that this process may use: those that `CUDA_VISIBLE_DEVICES` names, or all."""
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    return gpus if asked is None else tuple(filter(None, (part.strip() for part in asked.split(","))))


@cache
def processor() -> str:
    """The processor's model, as its maker writes it, without marks and clock."""
    text = _cpuinfo("model name") or platform.processor() or platform.machine()
    return " ".join(
        re.sub(r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|@.*", " ", text, flags=re.IGNORECASE).split()
    )


def _identity() -> str:
    """What it says of itself beside its name: `family 25 model 17`, `implementer 0x41 part 0xd40`."""
    keys = ("cpu family", "model") if _cpuinfo("cpu family") else ("CPU implementer", "CPU part")
    found = [f"{key.split()[-1]} {_cpuinfo(key)}" for key in keys if _cpuinfo(key)]
    return " ".join(found)


def _cpuinfo(key: str) -> str:
    """What Linux says of the first processor; empty where it says nothing."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return ""
    text = info.read_text(encoding="utf-8", errors="replace")
    found = re.search(rf"^{re.escape(key)}\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
