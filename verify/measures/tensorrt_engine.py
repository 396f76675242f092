"""A module as a TensorRT engine: exported to ONNX, built in the module's own precision, output checked."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from verify.measures.forward import check_module, copy_with, tensor_of
from verify.measures.onnx_export import export_onnx
from verify.unmeasured import Unavailable

if TYPE_CHECKING:
    import tensorrt as trt

TOLERANCES = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""How far, by type, an engine's output may be from the module's, as a part of the largest magnitude."""


@dataclass(frozen=True, slots=True, eq=False)
class TensorRTEngine:
    """An engine for inputs of one shape: `engine(x)` is the output, on the GPU. For one thread at a time."""

    input_shape: tuple[int, ...]
    """The only shape that it takes, batch first."""
    output_shape: tuple[int, ...]
    """The shape of what it gives, batch first."""
    dtype: torch.dtype
    """The type of input, weights and output: the precision in which it computes."""
    device: torch.device
    """The GPU for which it was built."""
    context: trt.IExecutionContext = field(repr=False)
    """TensorRT's own object; it keeps the engine alive."""
    stream: torch.cuda.Stream = field(repr=False)
    """Where it runs if the caller is on the default stream, in which TensorRT would synchronise each call."""
    errors: list[str] = field(repr=False)
    """What TensorRT logged as errors so far."""
    plan: bytes = field(default=b"", repr=False)
    """The engine as a file: for this GPU model and this version of TensorRT alone."""
    seconds: float = 0.0
    """How long the build took, in seconds."""
    timing_cache: bytes = field(default=b"", repr=False)
    """What TensorRT measured while it built; a later build that is given it is quicker."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the engine's layers, after fusion, as its inspector lists them."""
        import tensorrt as trt

        engine: trt.ICudaEngine = self.context.engine
        inspector: trt.EngineInspector = engine.create_engine_inspector()
        found = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))["Layers"]
        return tuple(each if isinstance(each, str) else each["Name"] for each in found)

    @property
    def memory(self) -> int:
        """Bytes on the GPU that the engine needs for activations."""
        engine: trt.ICudaEngine = self.context.engine
        return int(engine.device_memory_size_v2)

    def __reduce__(self) -> tuple[Any, ...]:
        return load_engine, (self.plan, self.device, self.seconds, self.timing_cache)

    def __call__(self, x: Tensor) -> Tensor:
        """The module's output for `x`, a contiguous tensor of `input_shape` and `dtype` on `device`.

        A new tensor of `output_shape`, ordered on the current stream like any torch operation, and as
        asynchronous: who times it has to synchronise.

        Raises ValueError for another shape, type or place; RuntimeError when TensorRT refuses.
        """
        if x.device != self.device or x.dtype != self.dtype or tuple(x.shape) != self.input_shape:
            raise ValueError(
                f"the engine takes {self.dtype} of shape {self.input_shape} on {self.device}; "
                f"got {x.dtype} of shape {tuple(x.shape)} on {x.device}"
            )
        if not x.is_contiguous() or x.data_ptr() % 256:  # what TensorRT asks of an address
            raise ValueError("the engine takes a contiguous, aligned tensor: use x.contiguous().clone()")
        with torch.cuda.device(self.device):
            output = torch.empty(self.output_shape, dtype=self.dtype, device=self.device)
            current = torch.cuda.current_stream()
            stream = current if current.cuda_stream else self.stream
            if stream is not current:
                stream.wait_stream(current)
            accepted = (
                self.context.set_tensor_address("input", x.data_ptr())
                and self.context.set_tensor_address("output", output.data_ptr())
                and self.context.execute_async_v3(stream.cuda_stream)
            )
            if stream is not current:
                current.wait_stream(stream)
        if not accepted:
            raise RuntimeError(_because("TensorRT could not run the engine", self.errors))
        return output


def tensorrt_engine(
    module: nn.Module, example: Tensor, *, tf32: bool = False, timing_cache: bytes = b"", level: int = 3
) -> TensorRTEngine:
    """The module built by TensorRT for inputs of `example`'s shape, type and GPU; `engine(x)` runs it.

    `example` is a contiguous FP32, FP16 or BF16 tensor on a GPU, batch first; the module's weights have the
    same type (and may be on the CPU). That type is the precision; `tf32=True` lets FP32 products round their
    inputs to TF32, as torch's convolutions do by default. The module is copied, in eval mode; of what it
    gives, the first tensor, `logits` or `last_hidden_state` is the output. That of `example` must agree with
    a float64 copy of the module within 1e-3 (FP32), 1e-2 (TF32), 2e-2 (FP16), 1e-1 (BF16) of the largest
    magnitude. Builds differ in speed: TensorRT picks kernels by timing them, and remembers the times in
    `timing_cache`, if it gets one; `level` is its builder optimisation level, 0 to 5.

    Source: NVIDIA TensorRT documentation, Python API (https://docs.nvidia.com/deeplearning/tensorrt).

    Raises TypeError for what is no module, ValueError for an example or weights that do not fit, Unavailable
    without TensorRT 10 or newer, RuntimeError when the module does not export, TensorRT does not build it, or
    the engine's output is wrong.
    """
    _check_example(module, example)
    lacking = lacks_tensorrt()
    if lacking is not None:
        raise lacking
    with torch.cuda.device(example.device), torch.no_grad():
        model = export_onnx(module, example)
        engine = engine_of_onnx(model, example, tf32=tf32, timing_cache=timing_cache, level=level)
        exact = tensor_of(_copy(module, example.device, torch.float64)(example.double()))
        tolerance = max(TOLERANCES[example.dtype], 1e-2 if tf32 else 0)
        _check_output(exact, engine(example), tolerance)
    return engine


def _copy(module: nn.Module, device: torch.device, dtype: torch.dtype | None = None) -> nn.Module:
    return copy_with(module, lambda _, t: t.detach().to(device, dtype if t.is_floating_point() else t.dtype))


def _check_example(module: nn.Module, example: Tensor) -> None:
    if example.dtype not in TOLERANCES:
        raise ValueError(f"example is float32, float16 or bfloat16, not {example.dtype}")
    if example.device.type != "cuda":
        raise ValueError(f"example has to be on the GPU that will run the engine, not on {example.device}")
    if not example.numel() or not example.is_contiguous():
        raise ValueError(f"example has to be contiguous and not empty; its shape is {tuple(example.shape)}")
    for tensor in (*check_module(module).parameters(), *module.buffers()):
        if tensor.is_floating_point() and tensor.dtype != example.dtype:
            raise ValueError(f"the module has {tensor.dtype}, example is {example.dtype}: bring both to one")


def lacks_tensorrt() -> Unavailable | None:
    """What is missing to build engines, with the line that installs it; None where nothing is."""
    install = "pip install '.[gpu]'"
    try:
        import tensorrt as trt
    except (ImportError, OSError) as error:  # OSError: the package without its libraries
        return Unavailable(f"TensorRT cannot be imported ({error})", install)
    if int(trt.__version__.partition(".")[0]) < 10:
        return Unavailable(f"TensorRT 10 or newer is needed, not {trt.__version__}", install)
    return None


def _check_output(exact: Tensor, found: Tensor, tolerance: float) -> None:
    if exact.shape != found.shape:
        raise RuntimeError(f"the engine gives shape {tuple(found.shape)}, the module {tuple(exact.shape)}")
    gap = float((exact - found).abs().max() / exact.abs().max().clamp_min(1e-30))
    if not gap <= tolerance:  # NaN too
        where = f"by {gap:.2g} of the largest magnitude, more than {tolerance:g}"
        raise RuntimeError(f"the engine's output is wrong: it differs from the module's {where}")


def engine_of_onnx(
    model: bytes, example: Tensor, *, tf32: bool = False, timing_cache: bytes = b"", level: int = 3
) -> TensorRTEngine:
    """An ONNX model built by TensorRT, strongly typed: the model's own types decide the precision.

    Args:
        model: with one `input` and one `output` of fixed shapes, both of `example`'s type.
        example: an input on the GPU that will run it.
        tf32: let FP32 products round their inputs to TF32.
        timing_cache: of an earlier build; empty for a new one.
        level: the builder's optimisation level, 0 to 5.

    Raises RuntimeError when TensorRT does not take the model or does not build it.
    """
    import tensorrt as trt

    began = time.perf_counter()
    errors: list[str] = []
    logger = _logger(errors)
    builder: trt.Builder = trt.Builder(logger)
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)  # 11 is always so, and ignores it
    network: trt.INetworkDefinition = builder.create_network(typed)
    parser: trt.OnnxParser = trt.OnnxParser(network, logger)
    if not parser.parse(model):
        found: list[trt.ParserError] = [parser.get_error(index) for index in range(parser.num_errors)]
        reasons = [f"{one.node_operator()} {one.node_name()}: {one.desc()}" for one in found]
        raise RuntimeError(_because("TensorRT does not take the ONNX model", reasons or errors))
    config: trt.IBuilderConfig = builder.create_builder_config()
    if not tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.builder_optimization_level = level
    cache: trt.ITimingCache = config.create_timing_cache(timing_cache)
    if not config.set_timing_cache(cache, ignore_mismatch=False):
        raise RuntimeError(_because("TensorRT does not take the timing cache", errors))
    plan: trt.IHostMemory = builder.build_serialized_network(network, config)
    if plan is None:
        raise RuntimeError(_because("TensorRT could not build the engine", errors))
    measured: trt.ITimingCache = config.get_timing_cache()
    seconds = time.perf_counter() - began
    engine = load_engine(bytes(plan), example.device, seconds, bytes(measured.serialize()))
    if engine.dtype != example.dtype or engine.input_shape != tuple(example.shape):
        raise RuntimeError(f"the engine takes {engine.dtype} of shape {engine.input_shape}, not the example")
    return engine


def load_engine(plan: bytes, device: torch.device, seconds: float, timing_cache: bytes) -> TensorRTEngine:
    """An engine that was built before, ready to run on `device`.

    Raises RuntimeError when TensorRT refuses it: another GPU model, or another version.
    """
    import tensorrt as trt

    errors: list[str] = []
    with torch.cuda.device(device):
        runtime: trt.Runtime = trt.Runtime(_logger(errors))
        engine: trt.ICudaEngine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise RuntimeError(_because("TensorRT could not load the engine", errors))
        context: trt.IExecutionContext = engine.create_execution_context()
        if context is None:
            raise RuntimeError(_because("TensorRT could not set the engine up", errors))
        types = {
            trt.DataType.FLOAT: torch.float32,
            trt.DataType.HALF: torch.float16,
            trt.DataType.BF16: torch.bfloat16,
        }
        taken, given = engine.get_tensor_dtype("input"), engine.get_tensor_dtype("output")
        if taken != given or taken not in types:
            raise RuntimeError(f"the engine takes {taken} and gives {given}, wanted is one type for both")
        shape, gives = tuple(engine.get_tensor_shape("input")), tuple(engine.get_tensor_shape("output"))
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    return TensorRTEngine(
        shape, gives, types[taken], device, context, stream, errors, plan, seconds, timing_cache
    )


def _logger(errors: list[str]) -> trt.ILogger:
    import tensorrt as trt

    class Collect(trt.ILogger):  # type: ignore[misc]
        def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
            if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                errors.append(msg)

    return Collect()


def _because(what: str, errors: list[str]) -> str:
    return f"{what}: {'; '.join(errors[-5:]) or 'it gave no reason'}"
