"""PyTorch as a runtime: eager, compiled by Inductor, and eager captured in a CUDA graph."""

from __future__ import annotations

import os
import shutil
import time
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from verify.measures.forward import tensor_of
from verify.measures.runtime_session import TYPES, Built, Precision, RuntimeSession, in_precision
from verify.unmeasured import Unavailable


class EagerSession(RuntimeSession):
    """The module as it is, called from Python."""

    runtime = "eager"

    def __init__(self, module: nn.Module, example: Tensor, precision: Precision) -> None:
        began = time.perf_counter()
        self.precision = precision
        self._recipe = (module, example, precision)
        self._module: Any = in_precision(module, precision, example.device)
        dtype = TYPES[precision] if example.is_floating_point() else example.dtype
        self.input = example.detach().to(dtype, copy=True)
        self._prepare()
        self.built = Built(time.perf_counter() - began)

    def _prepare(self) -> None:
        """What a kind of session does once before it is run."""

    def run(self) -> Tensor:
        """The module's output, or the first tensor of it."""
        return tensor_of(self._module(self.input))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._recipe


class CompiledSession(EagerSession):
    """The module compiled by `torch.compile` with its default backend, Inductor, for one shape.

    Source: PyTorch documentation, torch.compile.
    """

    runtime = "compile"

    def _prepare(self) -> None:
        lacking = lacks_compiler(self.input.device.type)
        if lacking is not None:
            raise lacking
        self._module = torch.compile(self._module, dynamic=False)
        with self.running():
            for _ in range(3):
                self.run()


class GraphSession(EagerSession):
    """The module's kernels captured once in a CUDA graph and launched together.

    Source: PyTorch documentation, torch.cuda.CUDAGraph.
    """

    runtime = "cuda-graph"
    capturable = False

    def _prepare(self) -> None:
        if self.input.device.type != "cuda":
            raise Unavailable("a CUDA graph needs a GPU", "give an example on an NVIDIA GPU: x.cuda()")
        with self.running():  # on the example's GPU, which need not be the current one
            side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    super().run()
            torch.cuda.current_stream().wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._output = super().run()

    def run(self) -> Tensor:
        """Replay what was captured."""
        self._graph.replay()
        return self._output


def lacks_compiler(device: str) -> Unavailable | None:
    """What `torch.compile` needs on a device and does not find; None where it finds it."""
    if device == "cuda":
        if find_spec("triton") is None:
            return Unavailable("torch.compile needs Triton on a GPU", "pip install triton")
        if not os.environ.get("CC") and not any(map(shutil.which, ("gcc", "clang"))):
            return Unavailable("Triton needs a C compiler, which builds its launcher", "apt-get install gcc")
        return None
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        return Unavailable("torch.compile needs a C++ compiler", "apt-get install g++")
    return None
