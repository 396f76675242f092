"""Two clocks for a block of calls: the host's, and a CUDA device's events checked against it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from verify.measures.modes import Modes

Run = Callable[[], object]

SLACK_SECONDS, SLACK_SHARE = 5e-4, 0.02
"""How much longer than CUDA's events the host may have taken: to launch, to wait, to be told."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some calls of one candidate."""

    calls: tuple[float, ...]
    """Seconds of each call where each was timed, else one entry: their mean."""
    doubt: str = ""
    """Why the clocks cannot be believed; empty where they agree."""

    @property
    def seconds(self) -> float:
        """Seconds per call, the mean."""
        return sum(self.calls) / len(self.calls)


class Timer(Protocol):
    """Times blocks."""

    def block(self, run: Run, count: int) -> Block:
        """Time `count` calls as one, synchronised at both ends."""

    def each(self, run: Run, count: int) -> Block:
        """Time each of `count` calls by itself."""


class HostTimer:
    """The wall clock.

    Args:
        synchronise: waits until the device has finished; nothing on a CPU.
        flush: overwrites the cache before each call; None leaves it as it is.
        now: nanoseconds, always growing.
    """

    def __init__(
        self,
        synchronise: Callable[[], object] = lambda: None,
        flush: Run | None = None,
        now: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._synchronise, self._flush, self._now = synchronise, flush, now

    def block(self, run: Run, count: int) -> Block:
        """Time `count` calls as one; with a flush between them, one by one."""
        if self._flush is not None:
            return self.each(run, count)
        self._synchronise()
        start = self._now()
        for _ in range(count):
            run()
        self._synchronise()
        return Block(((self._now() - start) / count / 1e9,))

    def each(self, run: Run, count: int) -> Block:
        """Time each call from its start until the device has finished it: what one request waits for."""
        times = []
        for _ in range(count):
            if self._flush is not None:
                self._flush()
            self._synchronise()
            start = self._now()
            run()
            self._synchronise()
            times.append((self._now() - start) / 1e9)
        return Block(tuple(times))


class CudaTimer:
    """CUDA events on the current stream, held against the host's clock.

    Args:
        flush: queues a write over the cache; None leaves it as it is.
        cuda: `torch.cuda`, or what stands in for it.
        now: nanoseconds of the host's clock.
    """

    def __init__(
        self, flush: Run | None = None, cuda: Any = torch.cuda, now: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._flush, self._cuda, self._now = flush, cuda, now

    def block(self, run: Run, count: int) -> Block:
        """Time `count` calls as one by a pair of events; with a flush between them, one by one."""
        if self._flush is not None:
            return self.each(run, count)
        first, last = self._event(), self._event()
        self._cuda.synchronize()
        start = self._now()
        first.record()
        for _ in range(count):
            run()
        last.record()
        self._cuda.synchronize()
        host = (self._now() - start) / 1e9
        device = first.elapsed_time(last) / 1e3
        return Block((device / count,), _doubt(device, host))

    def each(self, run: Run, count: int) -> Block:
        """Time each call by its own pair of events; nothing waits between the calls."""
        pairs = [(self._event(), self._event()) for _ in range(count)]
        self._cuda.synchronize()
        start = self._now()
        for before, after in pairs:
            if self._flush is not None:
                self._flush()
            before.record()
            run()
            after.record()
        self._cuda.synchronize()
        host = (self._now() - start) / 1e9
        times = tuple(before.elapsed_time(after) / 1e3 for before, after in pairs)
        return Block(times, _doubt(sum(times), host, gaps=True))

    def _event(self) -> Any:
        return self._cuda.Event(enable_timing=True)


def _doubt(device: float, host: float, gaps: bool = False) -> str:
    """What is wrong between two clocks; with gaps, the device may have timed less than all of the host's."""
    low = 0.0 if gaps else host * (1 - SLACK_SHARE) - SLACK_SECONDS
    if low <= device <= host * (1 + SLACK_SHARE) + SLACK_SECONDS:
        return ""
    return f"CUDA events say {device:.4g} s where the host's clock says {host:.4g} s"


def timer_for(modes: Modes) -> Timer:
    """The clock that these modes name, on this machine."""
    flush = _flush(modes) if modes.cache == "flushed" else None
    if modes.clock == "device":
        return CudaTimer(flush)
    if modes.clock == "process":
        return HostTimer(flush=flush, now=time.process_time_ns)
    return HostTimer(torch.cuda.synchronize if modes.device == "cuda" else lambda: None, flush)


def _flush(modes: Modes) -> Run:
    if modes.device == "cuda":
        properties: Any = torch.cuda.get_device_properties(torch.cuda.current_device())
        size = max(64 << 20, 4 * int(getattr(properties, "L2_cache_size", 0)))
        buffer = torch.empty(size, dtype=torch.int8, device="cuda")
        return buffer.zero_
    largest = 0
    with suppress(ValueError, OSError):
        largest = os.sysconf("SC_LEVEL3_CACHE_SIZE")
    array = np.zeros(max(64 << 20, 2 * largest), dtype=np.int8)
    return lambda: array.__iadd__(1)
