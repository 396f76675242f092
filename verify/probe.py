"""One look at one part of this machine, in a process of its own: `python -m verify.probe torch` prints JSON.

A broken install may raise anything, or crash: whoever asks loses this process and nothing else.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

_NAMESPACES = {"user": 0x10000000, "net": 0x40000000, "pid": 0x20000000, "ipc": 0x08000000}


def torch() -> dict[str, Any]:
    """Its version, and what of CUDA it was built with and sees."""
    import torch

    cudnn: Any = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    found: dict[str, Any] = {
        "version": torch.__version__,
        "cuda": torch.version.cuda or "",
        "cudnn": str(cudnn or ""),
        "gpus": [],
    }
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            memory = f"{properties.total_memory / 2**30:.0f} GiB"
            capability = f"sm_{properties.major}{properties.minor}"
            found["gpus"].append(f"{properties.name}, {memory}, {capability}")
    return found


def compiler() -> dict[str, Any]:
    """What `torch.compile` calls for CPU code."""
    path = next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), "")
    return {"path": path}


def onnxruntime() -> dict[str, Any]:
    """Its version and the providers that it was built with."""
    import onnxruntime

    return {"version": onnxruntime.__version__, "providers": onnxruntime.get_available_providers()}


def nvml() -> dict[str, Any]:
    """What the driver says of the first GPU."""
    from verify.measures.nvml import Gpu

    gpu = Gpu()
    state = gpu.state()
    return {
        "driver": gpu.driver(),
        "clocks": f"{state.sm_mhz} MHz, memory {state.memory_mhz} MHz",
        "power": f"{state.watts:.0f} W, {state.celsius} °C",
        "throttled": list(state.throttled),
        "processes": state.processes,
    }


def namespaces() -> dict[str, Any]:
    """Which namespaces a process may make for itself."""
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    found = {}
    for name, flag in _NAMESPACES.items():
        child = os.fork()
        if child == 0:
            flags = flag | _NAMESPACES["user"]
            os._exit(unshare is None or (unshare(flag) != 0 and unshare(flags) != 0))
        found[name] = os.waitpid(child, 0)[1] == 0
    return found


def package(name: str) -> dict[str, Any]:
    """The version of a package that can be imported."""
    from importlib import metadata
    from importlib.util import find_spec

    module = import_module(name)
    version = getattr(module, "__version__", "")
    if not version and find_spec(name) is not None:
        version = metadata.version(name.replace("_", "-"))
    return {"version": str(version)}


PROBES: dict[str, Callable[[], dict[str, Any]]] = {
    "torch": torch,
    "compiler": compiler,
    "onnxruntime": onnxruntime,
    "nvml": nvml,
    "namespaces": namespaces,
}


def main(name: str) -> None:
    """Print what a probe finds, or why it found nothing."""
    try:
        found = PROBES[name]() if name in PROBES else package(name)
        answer: dict[str, Any] = {"found": found}
    except ModuleNotFoundError as error:
        answer = {"missing": str(error)}
    except BaseException as error:
        answer = {"broken": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    sys.stdout.flush()
    os.write(3, json.dumps(answer).encode())
    os._exit(0)  # destructors of half-loaded libraries have nothing to add


if __name__ == "__main__":
    main(sys.argv[1])
