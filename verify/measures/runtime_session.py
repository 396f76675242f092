"""What all runtimes share: a network with its buffers in place, which says how it was built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from verify.measures.agreement import disagreement
from verify.measures.forward import copy_with, tensor_of
from verify.measures.modes import allow_tf32

Precision = Literal["fp32", "tf32", "fp16", "bf16", "int8"]

TYPES: dict[str, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "int8": torch.float32,
}
"""The type of input and output; with `int8`, products and convolutions compute in 8 bits between."""

TOLERANCES: dict[str, float] = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 2e-2, "bf16": 1e-1, "int8": 0.25}
"""How far a session's output may be from the module's in FP32, as a part of the largest magnitude."""


@dataclass(frozen=True, slots=True)
class Built:
    """What building a session cost, and what came of it."""

    seconds: float
    """From the module (or its ONNX model) to a session that can run, in seconds."""
    file_bytes: int | None = None
    """Bytes of the file that would be shipped: ONNX model or engine; None where there is none."""


class RuntimeSession(ABC):
    """A network in a runtime, for inputs of one shape. Fit for `compare`, `latency` and `throughput`.

    Input and output lie where the network runs; `run` computes from one to the other and copies nothing.
    Sessions travel into fresh processes: a pickle holds what is needed to set them up again.
    """

    runtime: str
    """The runtime's name, as `session` takes it."""
    precision: Precision
    """In what it computes."""
    built: Built
    """What building it cost."""
    input: Tensor
    """Its input, of fixed shape, type and place; `copy_` a new one into it."""
    stream: Any = None
    """The CUDA stream that it works on, where it is not the caller's."""
    capturable: bool = True
    """Whether `run` can be captured in a CUDA graph from outside."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The operators or layers that are executed, after fusion; empty where the runtime does not say."""
        return ()

    @abstractmethod
    def run(self) -> Tensor:
        """Compute the output of `input` once; it is valid until the next run."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """What `run` needs around it: no gradients, its stream, and TF32 only where that is the precision."""
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            if self.input.device.type == "cuda":
                stack.enter_context(torch.cuda.device(self.input.device))
                stack.enter_context(allow_tf32(self.precision == "tf32"))
            before = torch.cuda.current_stream() if self.stream is not None else None
            if before is not None:
                self.stream.wait_stream(before)
                stack.enter_context(torch.cuda.stream(self.stream))
            yield
            if before is not None:
                before.wait_stream(self.stream)

    def __call__(self, x: Tensor) -> Tensor:
        """The output for an input of the session's shape, as a new tensor in the session's type and place.

        Raises ValueError for another shape.
        """
        if tuple(x.shape) != tuple(self.input.shape):
            raise ValueError(f"the session takes shape {tuple(self.input.shape)}, not {tuple(x.shape)}")
        with self.running():
            self.input.copy_(x)
            return self.run().clone()


def check_precision(precision: str, runtime: str, known: tuple[str, ...] = get_args(Precision)) -> None:
    """Raises ValueError for a precision that a runtime does not have."""
    if precision not in known:
        why = ", since it cannot be told to do without TF32" * (precision == "fp32")
        raise ValueError(f"{runtime} computes in {', '.join(known)}, not in {precision!r}{why}")


def in_precision(module: nn.Module, precision: Precision, device: torch.device) -> nn.Module:
    """A copy in eval mode on that device, its floating-point tensors in the type of the precision.

    Raises ValueError for a module on the meta device.
    """
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise ValueError('on the meta device there are no numbers to compute with: model(name, "cpu")')
    dtype = TYPES[precision]
    return copy_with(module, lambda _, t: t.detach().to(device, dtype if t.is_floating_point() else t.dtype))


def check_parity(
    session: RuntimeSession, module: nn.Module, example: Tensor, tolerance: float | None
) -> float:
    """How far the session's output is from the module's in FP32, over the largest magnitude.

    Raises RuntimeError when that is more than `tolerance` (by default that of the precision); ValueError when
    the module's output is all zeros.
    """
    exact = in_precision(module, "fp32", example.device)
    with torch.inference_mode(), allow_tf32(False):
        expected = tensor_of(exact(example.float() if example.is_floating_point() else example))
    if not expected.any():
        raise ValueError(
            "the module's output is all zeros, which says nothing of the runtime: give it weights"
        )
    gap = disagreement(expected, session(example))
    allowed = TOLERANCES[session.precision] if tolerance is None else tolerance
    if gap is None:
        raise RuntimeError(f"{session.runtime} gives no numbers to hold against the module's")
    if not gap <= allowed:
        raise RuntimeError(
            f"{session.runtime} in {session.precision} is wrong: its output differs from the module's by "
            f"{gap:.2g} of the largest magnitude, more than {allowed:g}"
        )
    return gap
