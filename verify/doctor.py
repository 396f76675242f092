"""What this machine can measure, what would bring the rest, and which notes wait for it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any, Literal

from generator.errors import CardError, StateError, UsageError
from generator.notes import UNASKED
from verify.claims import Task
from verify.environment import Machine, processor, this_machine

State = Literal["ok", "missing", "broken"]

PATIENCE = 60.0
"""Seconds that one look may take; a fresh import of torch on a busy machine takes some."""

GPU = "a machine with an NVIDIA GPU"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the machine."""

    name: str
    """What was looked at."""
    state: State
    """Whether it is there and works."""
    detail: str
    """Version and kind, or what is wrong."""
    bring: str = ""
    """What would bring it: a command, or a machine."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Notes that wait for something that this machine lacks."""

    need: str
    """What they need: `cuda`, `tensorrt`, or a runtime's name."""
    notes: tuple[str, ...]
    """Their ids."""
    bring: str
    """What would bring it, and the command to run there."""


def examine(machine: Machine) -> list[Finding]:
    """Look at everything, side by side, each in a process of its own; never raises, whatever is broken."""
    names = ["torch", "compiler", "onnxruntime", "nvml", "namespaces", "tensorrt", _RTX]
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = dict(zip(names, pool.map(look, names), strict=True))
    extra = _gpu_extra(machine, found["onnxruntime"])
    return [
        _cpu(machine),
        _torch(found["torch"]),
        *map(_library, _LIBRARIES),
        _compiler(found["compiler"]),
        _onnxruntime(found["onnxruntime"], "gpu" if machine.has_gpu else "verify"),
        _gpu(machine, found["torch"]),
        _nvml(found["nvml"]),
        _provider("ort-cuda", "CUDAExecutionProvider", found["onnxruntime"], extra),
        _tensorrt(found["tensorrt"], extra),
        _rtx(found[_RTX]),
        _namespaces(found["namespaces"]),
    ]


def look(name: str, patience: float = PATIENCE) -> dict[str, Any]:
    """What one probe found: `found`, `missing` or `broken` with what there is to say."""
    reading, writing = os.pipe()
    # The answer has a pipe of its own, the third: libraries print what they like when they are imported.
    code = f"import os, runpy, sys; os.dup2({writing}, 3); sys.argv = ['probe', {name!r}]; "
    code += f"sys.path[:] = {sys.path!r}; runpy.run_module('verify.probe', run_name='__main__')"
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=[writing],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        os.close(reading)
        return {"broken": f"no process could be started: {error}"}
    finally:
        os.close(writing)
    try:
        status = process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        os.close(reading)
        return {"broken": f"gave no answer within {patience:g} s"}
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    try:
        answer = json.loads(text)
    except ValueError:
        what = f"was killed by signal {-status}" if status < 0 else f"ended with code {status}"
        return {"broken": f"the process that imported it {what}"}
    return answer if isinstance(answer, dict) else {"broken": "gave no answer"}


def waiting(tasks: Sequence[Task], findings: Iterable[Finding]) -> list[Waiting]:
    """The notes whose texts still ask `?`, by what this machine lacks for them."""
    lacking = {
        _NEEDS[each.name]: each.bring for each in findings if each.state != "ok" and each.name in _NEEDS
    }
    if "cuda" in lacking:  # without a GPU, nothing else would help
        lacking |= {need: f"{GPU}, and there: {bring}" for need, bring in lacking.items() if need != "cuda"}
    notes: dict[str, dict[str, None]] = {}
    for task in tasks:
        asking = [claim for claim in task.claims if claim.text.lstrip().startswith(UNASKED)]
        for need in _needs_of(task):
            if asking and need in lacking:
                notes.setdefault(need, {}).update(
                    dict.fromkeys(claim.note or task.job.owner for claim in asking)
                )
    return [Waiting(need, tuple(ids), lacking[need]) for need, ids in notes.items()]


def as_json(machine: Machine, findings: Sequence[Finding], waits: Sequence[Waiting]) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "machine": asdict(machine),
        "findings": [asdict(each) for each in findings],
        "waiting": [asdict(each) for each in waits],
    }


def lines(findings: Sequence[Finding], waits: Sequence[Waiting]) -> list[str]:
    """What is said of it on the screen."""
    wide = max(len(each.name) for each in findings)
    said = []
    for each in findings:
        said.append(f"{each.state:<8} {each.name:<{wide}}  {each.detail}")
        if each.state != "ok" and each.bring:
            said.append(f"{'':<8} {'':<{wide}}  brings it: {each.bring}")
    if waits:
        said.append("")
    for wait in waits:
        count = f"{len(wait.notes)} note{'s' * (len(wait.notes) != 1)}"
        said.append(f"held back for {wait.need}: {count} ({', '.join(wait.notes)})")
        option = f" --needs {wait.need}" if wait.need in ("cuda", "tensorrt") else ""
        said.append(f"    {wait.bring}; then: verify run{option} --update")
    return said


_LIBRARIES = ("sympy", "scipy", "scikit-learn", "matplotlib", "transformers", "onnx", "onnxscript")
_RTX = "onnxruntime_ep_nv_tensorrt_rtx"
_NEEDS = {"GPU": "cuda", "TensorRT": "tensorrt", "ORT on CUDA": "ort-cuda", "TensorRT-RTX": "tensorrt-rtx"}
_RUNTIMES = ("ort-cuda", "tensorrt-rtx")


def _needs_of(task: Task) -> list[str]:
    """What a task needs: what its blocks say, and the runtimes that its code names."""
    code = "\n".join(source.code for source in task.job.sources)
    named = [name for name in _RUNTIMES if f'"{name}"' in code or f"'{name}'" in code]
    return [*task.job.needs, *named]


def _cpu(machine: Machine) -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError):
        memory = ""
    return Finding("CPU", "ok", f"{processor()}, {cores} cores{memory}; records go to {machine.name}.json")


def _absent(name: str, answer: Mapping[str, Any], install: str) -> Finding | None:
    if "missing" in answer:
        return Finding(name, "missing", "not installed", install)
    if "broken" in answer:
        return Finding(name, "broken", str(answer["broken"]), f"{install} (again)")
    return None


def _torch(answer: Mapping[str, Any]) -> Finding:
    found = answer.get("found", {})
    built = f"for CUDA {found.get('cuda')}, cuDNN {found.get('cudnn')}" if found.get("cuda") else "for CPU"
    return _absent("torch", answer, "pip install torch") or Finding(
        "torch", "ok", f"{found['version']}, {built}"
    )


def _library(name: str) -> Finding:
    # By what is installed: to import them all would take longer than the rest.
    try:
        return Finding(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", "not installed", f"pip install {name}")


def _compiler(answer: Mapping[str, Any]) -> Finding:
    path = answer.get("found", {}).get("path", "")
    if path:
        return Finding("torch.compile", "ok", f"compiles for the CPU with {path}")
    return Finding("torch.compile", "missing", "no C++ compiler", "apt-get install g++")


def _onnxruntime(answer: Mapping[str, Any], extra: str) -> Finding:
    lacking = _absent("ONNX Runtime", answer, f"pip install '.[{extra}]'")
    if lacking:
        return lacking
    found = answer["found"]
    providers = ", ".join(name.removesuffix("ExecutionProvider") for name in found["providers"])
    return Finding("ONNX Runtime", "ok", f"{found['version']}, built with {providers}")


def _gpu(machine: Machine, answer: Mapping[str, Any]) -> Finding:
    gpus = answer.get("found", {}).get("gpus", [])
    if gpus:
        return Finding("GPU", "ok", f"{'; '.join(gpus)}; driver {machine.driver or 'unknown'}")
    if machine.has_gpu:
        install = "the command that pytorch.org names for this driver's CUDA"
        return Finding("GPU", "broken", f"{machine.device} is here, and torch does not see it", install)
    return Finding("GPU", "missing", "no NVIDIA driver answers", GPU)


def _nvml(answer: Mapping[str, Any]) -> Finding:
    if "found" not in answer:
        return Finding(
            "NVML", "missing", "clocks, power and throttling stay unknown", f"{GPU} and its driver"
        )
    found = answer["found"]
    held = f", held back by {', '.join(found['throttled'])}" if found["throttled"] else ""
    return Finding("NVML", "ok", f"driver {found['driver']}, {found['clocks']}, {found['power']}{held}")


def _provider(runtime: str, provider: str, answer: Mapping[str, Any], extra: str) -> Finding:
    if provider in answer.get("found", {}).get("providers", []):
        return Finding("ORT on CUDA", "ok", f"the {runtime} runtime can be tried: {provider} is built in")
    install = f"{extra} (instead of TensorRT-RTX)"
    return Finding("ORT on CUDA", "missing", f"no {provider} in this ONNX Runtime", install)


def _gpu_extra(machine: Machine, answer: Mapping[str, Any]) -> str:
    """What installs onnxruntime-gpu and tensorrt: on this machine, or on another one if it has no GPU."""
    providers = answer.get("found", {}).get("providers", [])
    # Both of its packages write into the same folder, and the one that came last would not be whole.
    in_the_way = machine.has_gpu and providers and "CUDAExecutionProvider" not in providers
    first = "pip uninstall onnxruntime; " if in_the_way else ""
    return f"{first}pip install '.[gpu]'"


def _tensorrt(answer: Mapping[str, Any], extra: str) -> Finding:
    return _absent("TensorRT", answer, extra) or Finding("TensorRT", "ok", answer["found"]["version"])


def _rtx(answer: Mapping[str, Any]) -> Finding:
    install = "pip install '.[verify]' onnxruntime-ep-nv-tensorrt-rtx"
    install += " (instead of ORT on CUDA: in a virtual environment of its own)"
    lacking = _absent("TensorRT-RTX", answer, install)
    return lacking or Finding("TensorRT-RTX", "ok", answer["found"]["version"])


def _namespaces(answer: Mapping[str, Any]) -> Finding:
    found = answer.get("found", {})
    missing = [name for name, there in found.items() if not there]
    if found and not missing:
        return Finding("walls", "ok", "claims get user, net, pid and ipc namespaces of their own")
    what = f"no namespaces of {', '.join(missing)}" if missing else str(answer.get("broken", "unknown"))
    bring = "sysctl kernel.unprivileged_userns_clone=1, or a container that may make user namespaces"
    return Finding("walls", "missing", f"{what}: claims run with fewer walls", bring)


def doctor(options: argparse.Namespace) -> int:
    """Run `verify doctor`: it tells what it finds, and finding nothing is no error.

    Args:
        options: the parsed command line.

    Returns:
        The exit code, 0.
    """
    machine = this_machine(options.machine)
    findings = examine(machine)
    waits: list[Waiting] = []
    try:
        from verify.opening import open_session

        with open_session(options) as session:
            waits = waiting(session.tasks, findings)
    except (
        ModuleNotFoundError
    ) as error:  # the machine is what matters; jobs that were carried here need no notes
        print(f"verify: the notes were not read: {error.name} is not installed", file=sys.stderr)
    except CardError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
    except (UsageError, StateError) as error:
        if options.paths:
            print(f"verify: {error}", file=sys.stderr)
    if options.json:
        print(json.dumps(as_json(machine, findings, waits), ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines(findings, waits)))
    return 0
