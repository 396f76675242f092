"""The modes of a timing: named, equal for all candidates, and kept beside the result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from verify.unmeasured import Unavailable

Device = Literal["cpu", "cuda"]
Clock = Literal["host", "process", "device"]
Cache = Literal["hot", "flushed"]
Gradients = Literal["recorded", "off", "inference"]


@dataclass(frozen=True, slots=True)
class Modes:
    """How candidates were run and on which clock they were timed."""

    device: Device
    """Where the work was done."""
    clock: Clock
    """`device`: CUDA events around the calls; `host`: the wall clock, synchronised at both ends; `process`:
    the CPU time of this process, which other programs disturb less, and which does not see waiting."""
    cache: Cache
    """`hot`: call after call; `flushed`: the last-level cache is overwritten before each call."""
    cuda_graph: bool
    """Whether each candidate was captured once and then replayed."""
    tf32: bool
    """Whether FP32 products and convolutions of torch might round their inputs to TF32."""
    threads: int
    """torch's threads on the CPU."""
    gradients: Gradients
    """Whether the calls recorded gradients, as they would have where `compare` was called."""

    def __post_init__(self) -> None:
        choices = {
            "device": ("cpu", "cuda"),
            "clock": ("host", "process", "device"),
            "cache": ("hot", "flushed"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                known = " or ".join(f'"{one}"' for one in allowed)
                raise ValueError(f"{name} is {known}, not {getattr(self, name)!r}")
        if self.device == "cpu" and (self.clock == "device" or self.cuda_graph):
            raise ValueError('clock="device" and cuda_graph=True need device="cuda"')
        if self.clock == "process" and self.device == "cuda":
            raise ValueError('clock="process" sees nothing of what a GPU does')
        if self.clock == "host" and self.device == "cuda" and self.cache == "flushed":
            raise ValueError(
                'on CUDA, a flushed cache is timed with clock="device": flushes run between calls'
            )

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Run what is inside in these modes; meant for a process that does nothing else."""
        with ExitStack() as stack:
            if self.device == "cuda":
                stack.enter_context(allow_tf32(self.tf32))
            if self.gradients == "inference":
                stack.enter_context(torch.inference_mode())
            elif self.gradients == "off":
                stack.enter_context(torch.no_grad())
            yield

    def __str__(self) -> str:
        """In a few words, for a record: `cuda, device clock, hot cache, no CUDA graph, TF32 off`."""
        words = [self.device, f"{self.clock} clock", f"{self.cache} cache"]
        if self.device == "cuda":
            words += ["CUDA graph" if self.cuda_graph else "no CUDA graph"]
            words += [f"TF32 {'on' if self.tf32 else 'off'}"]
        else:
            words += [f"{self.threads} thread{'s' * (self.threads != 1)}"]
        return ", ".join(
            [*words, f"gradients {self.gradients}" if self.gradients != "inference" else "inference"]
        )


def gradients_here() -> Gradients:
    """What the surrounding code does with gradients."""
    if torch.is_inference_mode_enabled():
        return "inference"
    return "recorded" if torch.is_grad_enabled() else "off"


def cuda_in_use() -> bool:
    """Whether this process holds a CUDA context; asking does not make one."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def modes_of(
    device: Device | None, clock: Clock | None, cache: Cache, cuda_graph: bool, tf32: bool, threads: int
) -> Modes:
    """The modes of a call, with what it left open filled in by where this process works.

    Raises Unavailable for CUDA where there is none, ValueError for modes that do not go together.
    """
    where: Device = device or ("cuda" if cuda_in_use() else "cpu")
    if where == "cuda" and not torch.cuda.is_available():
        raise Unavailable("torch sees no NVIDIA GPU to time on", "run it on a machine with an NVIDIA GPU")
    usual: Clock = "device" if where == "cuda" else "host"
    return Modes(where, clock or usual, cache, cuda_graph, tf32, threads, gradients_here())


@contextmanager
def allow_tf32(allowed: bool) -> Iterator[None]:
    """Let torch's products and convolutions in FP32 round to TF32, or not, and put the switches back.

    torch's own defaults differ between the two: products do not, convolutions do.
    Source: PyTorch documentation, CUDA semantics, TensorFloat-32 (TF32) on Ampere and later devices.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
