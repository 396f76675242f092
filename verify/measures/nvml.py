"""What the driver says of a GPU while it is measured: clocks, power, heat, what held it back, who shared it.

Spoken to through the C library that every NVIDIA driver installs, so that no package is needed. Nothing here
changes a device's settings.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LIBRARY = "libnvidia-ml.so.1"

POWER_CAP = "power cap"

THROTTLES = {
    0x4: POWER_CAP,
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
"""The reasons for lower clocks that spoil a measurement, by their bit (nvml.h, nvmlClocksEventReason…)."""

_SM, _MEMORY, _CELSIUS = 1, 2, 0
_TOO_SMALL = 7


class _Process(ctypes.Structure):
    _fields_ = [
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


@dataclass(frozen=True, slots=True)
class GpuState:
    """A GPU at one moment; -1 stands for what the driver does not tell."""

    sm_mhz: int
    """Clock of the multiprocessors, in MHz."""
    memory_mhz: int
    """Clock of the memory, in MHz."""
    watts: float
    """Power drawn, in W."""
    celsius: int
    """Temperature, in °C."""
    throttled: tuple[str, ...]
    """What holds the clocks back, of `THROTTLES`."""
    processes: int
    """How many processes have a context on the GPU, this one among them."""


class Gpu:
    """A GPU as NVML knows it.

    Args:
        uuid: its UUID, as `GPU-…`; empty for the first one.
        library: where NVML is.

    Raises:
        OSError: there is no NVML, or it does not know that GPU.
    """

    def __init__(self, uuid: str = "", library: str = LIBRARY) -> None:
        self._nvml = ctypes.CDLL(library)
        self._device = ctypes.c_void_p()
        self._ask("nvmlInit_v2")
        if uuid:
            self._ask("nvmlDeviceGetHandleByUUID", uuid.encode(), ctypes.byref(self._device))
        else:
            self._ask("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(0), ctypes.byref(self._device))

    def _ask(self, name: str, *arguments: Any) -> None:
        function = getattr(self._nvml, name, None)
        code = function(*arguments) if function is not None else -1
        if code:
            raise OSError(f"{name} answered {code}")

    def _number(self, name: str, *arguments: Any, kind: Any = ctypes.c_uint) -> int:
        found = kind(0)
        try:
            self._ask(name, self._device, *arguments, ctypes.byref(found))
        except OSError:
            return -1
        return int(found.value)

    def driver(self) -> str:
        """The driver's version; empty where it does not say."""
        text = ctypes.create_string_buffer(96)
        with suppress(OSError):
            self._ask("nvmlSystemGetDriverVersion", text, ctypes.c_uint(len(text)))
        return text.value.decode(errors="replace")

    def state(self) -> GpuState:
        """The GPU now; takes about a millisecond."""
        bits = self._number("nvmlDeviceGetCurrentClocksEventReasons", kind=ctypes.c_ulonglong)
        if bits < 0:  # the name until driver 535
            bits = self._number("nvmlDeviceGetCurrentClocksThrottleReasons", kind=ctypes.c_ulonglong)
        milliwatts = self._number("nvmlDeviceGetPowerUsage")
        return GpuState(
            self._number("nvmlDeviceGetClockInfo", ctypes.c_uint(_SM)),
            self._number("nvmlDeviceGetClockInfo", ctypes.c_uint(_MEMORY)),
            milliwatts / 1000 if milliwatts >= 0 else -1.0,
            self._number("nvmlDeviceGetTemperature", ctypes.c_uint(_CELSIUS)),
            tuple(name for bit, name in THROTTLES.items() if bits > 0 and bits & bit),
            self._processes(),
        )

    def _processes(self) -> int:
        room = (_Process * 64)()
        count = ctypes.c_uint(len(room))
        function = getattr(self._nvml, "nvmlDeviceGetComputeRunningProcesses_v3", None)
        code = function(self._device, ctypes.byref(count), room) if function is not None else -1
        return int(count.value) if code in (0, _TOO_SMALL) else -1


def gpu_of_torch() -> Gpu | None:
    """NVML's view of torch's current GPU; None where NVML does not answer. Initialises CUDA."""
    import torch

    try:
        uuid = str(getattr(torch.cuda.get_device_properties(torch.cuda.current_device()), "uuid", ""))
        return Gpu(f"GPU-{uuid}" if uuid and not uuid.startswith(("GPU-", "MIG-")) else uuid)
    except OSError:
        return None
