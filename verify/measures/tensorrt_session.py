"""TensorRT behind the interface of all runtimes: an engine with its buffers in place, on its own stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from verify.measures.runtime_session import Built, Precision, RuntimeSession
from verify.measures.tensorrt_engine import TensorRTEngine, engine_of_onnx

if TYPE_CHECKING:
    import tensorrt as trt


class TensorRTSession(RuntimeSession):
    """An engine for inputs of one shape; fresh processes get the engine that was built once.

    Building picks kernels by timing them, so that two builds differ: a statement about TensorRT rests on
    three builds.
    """

    runtime = "tensorrt"

    def __init__(self, engine: TensorRTEngine, example: Tensor, precision: Precision) -> None:
        self.precision, self.engine = precision, engine
        self.built = Built(engine.seconds, len(engine.plan))
        self.stream: Any = engine.stream
        self.input = example.detach().to(engine.dtype, copy=True).contiguous()
        self._output = torch.empty(engine.output_shape, dtype=engine.dtype, device=engine.device)
        context: trt.IExecutionContext = engine.context
        self._context = context
        for name, tensor in (("input", self.input), ("output", self._output)):
            if not context.set_tensor_address(name, tensor.data_ptr()):
                raise RuntimeError(f"TensorRT does not take the {name}'s address: {engine.errors[-5:]}")

    @classmethod
    def build(
        cls, model: bytes, example: Tensor, precision: Precision, timing_cache: bytes, level: int
    ) -> TensorRTSession:
        """Build the engine of an ONNX model, on the GPU of `example`, which has its type.

        See `engine_of_onnx`.
        """
        tf32 = precision == "tf32"
        with torch.cuda.device(example.device):
            engine = engine_of_onnx(model, example, tf32=tf32, timing_cache=timing_cache, level=level)
        return cls(engine, example, precision)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the engine's layers, as its inspector lists them."""
        return self.engine.layers

    def run(self) -> Tensor:
        """Queue the engine on the current stream, which is its own inside `running`."""
        context: trt.IExecutionContext = self._context
        if not context.execute_async_v3(torch.cuda.current_stream().cuda_stream):
            raise RuntimeError(f"TensorRT could not run the engine: {'; '.join(self.engine.errors[-5:])}")
        return self._output

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.engine, self.input, self.precision)
