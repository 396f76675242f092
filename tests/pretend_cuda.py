"""A stand-in for `torch.cuda` where there is no GPU: it works on the CPU and says what was asked of it.

It shows the order of calls, and that the way through all processes is there; what a GPU makes of it, it
cannot show.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch

said: list[str] = []
"""What was asked of it, in order."""


class Event:
    """Takes the host's time."""

    def __init__(self, enable_timing: bool = False) -> None:
        assert enable_timing
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()
        said.append("record")

    def elapsed_time(self, other: Event) -> float:
        return (other.at - self.at) * 1e3


class Stream:
    """Has a name and waits for others."""

    cuda_stream = 4711

    def __init__(self, device: object = None) -> None:
        said.append(f"Stream({device or ''})")

    def wait_stream(self, other: Stream) -> None:
        said.append("wait_stream")


class Graph:
    """Replays what ran while it was captured."""

    captured: Callable[[], object] | None = None

    def replay(self) -> None:
        said.append("replay")


@contextmanager
def _inside(name: str, *_: object) -> Iterator[None]:
    said.append(f"{name} {{")
    yield
    said.append(f"}} {name}")


_current = Stream.__new__(Stream)

INSTEAD: dict[str, Any] = {
    "is_initialized": lambda: True,
    "is_available": lambda: True,
    "synchronize": lambda: said.append("synchronize"),
    "current_device": lambda: 0,
    "get_device_properties": lambda index: SimpleNamespace(uuid="1234", L2_cache_size=1 << 20),
    "mem_get_info": lambda: (130 << 30, 140 << 30),
    "current_stream": lambda: _current,
    "Event": Event,
    "Stream": Stream,
    "CUDAGraph": Graph,
    "stream": lambda stream: _inside("stream"),
    "graph": lambda graph: _inside("capture"),
    "device": lambda device: _inside(f"device {device}"),
}


@contextmanager
def pretended() -> Iterator[list[str]]:
    """`torch.cuda` of this module inside; gives what was asked of it."""
    said.clear()
    with patch.multiple(torch.cuda, **INSTEAD):
        yield said


class Loop:
    """A candidate whose work is proportional to `count`; where it is loaded, `torch.cuda` is ours."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __setstate__(self, state: dict[str, int]) -> None:
        self.__dict__ |= state
        patch.multiple(torch.cuda, **INSTEAD).start()

    def __call__(self) -> torch.Tensor:
        said.append("run")
        sum(range(self.count))
        return torch.ones(2)
