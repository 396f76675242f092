"""The runtimes by name: a module in, a session out, its output checked; and what is missing for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from verify.measures.forward import check_module
from verify.measures.onnx_export import export_onnx, quantize_onnx
from verify.measures.ort_sessions import Level, OrtSession, lacks_provider
from verify.measures.runtime_session import (
    TYPES,
    Precision,
    RuntimeSession,
    check_parity,
    check_precision,
    in_precision,
)
from verify.measures.tensorrt_engine import lacks_tensorrt
from verify.measures.torch_sessions import CompiledSession, EagerSession, GraphSession, lacks_compiler
from verify.unmeasured import Unavailable

Runtime = Literal[
    "eager", "compile", "cuda-graph", "ort-cpu", "ort-cuda", "ort-tensorrt", "tensorrt", "tensorrt-rtx"
]

PRECISIONS: dict[str, tuple[str, ...]] = {
    "eager": ("fp32", "tf32", "fp16", "bf16"),
    "compile": ("fp32", "tf32", "fp16", "bf16"),
    "cuda-graph": ("fp32", "tf32", "fp16", "bf16"),
    "ort-cpu": ("fp32", "fp16", "int8"),
    "ort-cuda": ("fp32", "tf32", "fp16", "bf16", "int8"),
    "ort-tensorrt": ("tf32", "fp16", "bf16", "int8"),
    "tensorrt": ("fp32", "tf32", "fp16", "bf16", "int8"),
    "tensorrt-rtx": ("tf32", "fp16", "bf16", "int8"),
}
"""The precisions of each runtime. TensorRT's builder lets FP32 round to TF32 unless it is told not to, and
neither of ONNX Runtime's TensorRT providers has an option that tells it (onnxruntime issue 26029)."""


def session(
    module: nn.Module | bytes,
    example: Tensor,
    runtime: Runtime = "eager",
    precision: Precision = "fp32",
    *,
    calibration: Sequence[Tensor] = (),
    level: Level = "all",
    threads: int = 1,
    timing_cache: bytes = b"",
    builder_level: int = 3,
    tolerance: float | None = None,
) -> RuntimeSession:
    """The module in a runtime, for inputs of `example`'s shape on its device; its output is checked.

    `session(...)(x)` is the output; `compare`, `latency` and `throughput` take sessions as they are. The
    module is copied, in eval mode, into the precision; of what it gives, the first tensor, `logits` or
    `last_hidden_state` is the output. ONNX Runtime and TensorRT get it exported to ONNX. A GPU runtime never
    falls back to the CPU: what it does not take is an error.

    Args:
        module: in FP32; or an ONNX model, which ONNX Runtime and TensorRT run as it is, unchecked.
        example: an input, batch first, on the device that shall run it; the output for it is compared.
        runtime: `eager`, `compile`, `cuda-graph` (torch); `ort-cpu`, `ort-cuda`, `ort-tensorrt` (ONNX
            Runtime's providers); `tensorrt`; `tensorrt-rtx`.
        precision: `fp32` (without TF32), `tf32`, `fp16`, `bf16`, or `int8`: explicit Q/DQ around
            convolutions and products, the rest FP32. `ort-tensorrt` and `tensorrt-rtx` cannot do without
            TF32, so they have no `fp32`.
        calibration: for `int8`, inputs of the example's shape that decide the ranges.
        level: of ONNX Runtime's graph optimisation: `off`, `basic`, `extended` or `all`.
        threads: of ONNX Runtime on the CPU.
        timing_cache: TensorRT's, from an earlier session (`.engine.timing_cache`).
        builder_level: TensorRT's builder optimisation level, 0 to 5.
        tolerance: how far the output may be from the module's in FP32, over the largest magnitude; by
            default 1e-3 (FP32), 1e-2 (TF32), 2e-2 (FP16), 1e-1 (BF16), 0.25 (INT8).

    Raises Unavailable with the line that installs what is missing; ValueError for a precision that the
    runtime does not have or without calibration data; RuntimeError when the module does not export, does not
    run there in whole, or computes something else.
    """
    if runtime not in PRECISIONS:
        raise ValueError(f"the runtimes are {', '.join(PRECISIONS)}, not {runtime!r}")
    check_precision(precision, runtime, PRECISIONS[runtime])
    if isinstance(module, bytes):
        _check_model(runtime, precision)
    else:
        check_module(module)
    needs_gpu = runtime not in ("eager", "compile", "ort-cpu")
    if needs_gpu and example.device.type != "cuda":
        lacking = lacks(runtime)
        raise lacking or ValueError(f"{runtime} wants its example on a GPU: x.cuda()")
    built = _build(
        module, example, runtime, precision, calibration, level, threads, timing_cache, builder_level
    )
    if not isinstance(module, bytes):
        check_parity(built, module, example, tolerance)
    return built


def _check_model(runtime: str, precision: str) -> None:
    if runtime in ("eager", "compile", "cuda-graph"):
        raise ValueError(f"{runtime} takes a module, not an ONNX model")
    if precision not in ("fp32", "tf32"):
        raise ValueError(
            "an ONNX model computes in the types that it was exported with: leave precision out, or say tf32"
        )


def _build(
    module: nn.Module | bytes,
    example: Tensor,
    runtime: Runtime,
    precision: Precision,
    calibration: Sequence[Tensor],
    level: Level,
    threads: int,
    timing_cache: bytes,
    builder_level: int,
) -> RuntimeSession:
    of_torch = {"eager": EagerSession, "compile": CompiledSession, "cuda-graph": GraphSession}
    if runtime in of_torch and not isinstance(module, bytes):
        return of_torch[runtime](module, example, precision)
    lacking = lacks(runtime)
    if lacking is not None:
        raise lacking
    if isinstance(module, bytes):
        model = module
    else:
        # Where Q and DQ have to stand differs between ONNX Runtime's own kernels and TensorRT's.
        model = onnx_in(module, example, precision, calibration, engine="tensorrt" in runtime)
    if runtime == "tensorrt":
        from verify.measures.tensorrt_session import TensorRTSession

        if not isinstance(module, bytes) and example.is_floating_point():
            example = example.to(TYPES[precision])  # the type that the model was exported with
        return TensorRTSession.build(model, example, precision, timing_cache, builder_level)
    return OrtSession(model, example, precision, runtime, level, threads)


def onnx_in(
    module: nn.Module,
    example: Tensor,
    precision: Precision,
    calibration: Sequence[Tensor] = (),
    engine: bool = False,
) -> bytes:
    """The module as an ONNX model that computes in a precision, for `example`'s shape.

    `engine`: for TensorRT, which wants Q and DQ at other places than ONNX Runtime does.
    """
    ready = in_precision(module, precision, example.device)
    model = export_onnx(ready, example.to(TYPES[precision]) if example.is_floating_point() else example)
    if precision != "int8":
        return model
    return quantize_onnx(model, calibration, bias=not engine, outputs=not engine)


def lacks(runtime: Runtime) -> Unavailable | None:
    """What this machine lacks for a runtime, with the line that installs it; None where it lacks nothing."""
    if runtime == "eager":
        return None
    if runtime == "compile":
        return lacks_compiler("cpu")
    if runtime != "ort-cpu" and not torch.cuda.is_available():
        return Unavailable(
            f"{runtime} needs an NVIDIA GPU", f"run it on a machine with an NVIDIA GPU{_brings(runtime)}"
        )
    if runtime == "cuda-graph":
        return None
    return lacks_tensorrt() if runtime == "tensorrt" else lacks_provider(runtime)


def _brings(runtime: str) -> str:
    from verify.measures.ort_sessions import INSTALL

    known = {**INSTALL, "tensorrt": "pip install tensorrt"}
    return f", and there: {known[runtime]}" if runtime in known else ""
