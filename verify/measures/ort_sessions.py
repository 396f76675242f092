"""ONNX Runtime: a model on one execution provider, bound to memory that is already there."""

from __future__ import annotations

import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from verify.measures.runtime_session import Built, Precision, RuntimeSession
from verify.unmeasured import Unavailable

Level = Literal["off", "basic", "extended", "all"]

PROVIDERS = {
    "ort-cpu": "CPUExecutionProvider",
    "ort-cuda": "CUDAExecutionProvider",
    "ort-tensorrt": "TensorrtExecutionProvider",
}
"""The execution provider behind each runtime's name."""

RTX = "onnxruntime_ep_nv_tensorrt_rtx"

INSTALL = {
    "ort-cpu": "pip install onnxruntime",
    "ort-cuda": "pip uninstall onnxruntime; pip install onnxruntime-gpu",
    "ort-tensorrt": "pip uninstall onnxruntime; pip install onnxruntime-gpu 'tensorrt>=10,<11'",
    "tensorrt-rtx": "pip uninstall onnxruntime-gpu; pip install onnxruntime onnxruntime-ep-nv-tensorrt-rtx",
}
"""What brings each runtime."""

_LEVELS = {"off": "DISABLE_ALL", "basic": "ENABLE_BASIC", "extended": "ENABLE_EXTENDED", "all": "ENABLE_ALL"}
_TYPES = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(bfloat16)": torch.bfloat16,
    "tensor(int64)": torch.int64,
}
_ONNX = {torch.float32: 1, torch.int64: 7, torch.float16: 10, torch.bfloat16: 16}
"""onnx.TensorProto.DataType, by torch's types."""

COMPILED = ("ort-tensorrt", "tensorrt-rtx")
"""Runtimes whose provider turns subgraphs into engines, which ONNX Runtime cannot list or write down."""


class OrtSession(RuntimeSession):
    """An ONNX model in ONNX Runtime, on one provider and no other.

    Source: ONNX Runtime documentation, Python API (InferenceSession, IOBinding), CUDA execution provider.

    Args:
        model: the serialised model, with one `input` and one `output` of fixed shapes.
        example: an input; a GPU provider wants it on the GPU.
        precision: what the model computes in; of the provider, it decides TF32.
        runtime: a key of `PROVIDERS`, or `tensorrt-rtx`.
        level: of graph optimisation.
        threads: on the CPU.

    Raises ValueError for another level or an example in the wrong place; Unavailable where ONNX Runtime has
    no such provider; RuntimeError when part of the model would fall back to the CPU.
    """

    capturable = False

    def __init__(
        self,
        model: bytes,
        example: Tensor,
        precision: Precision,
        runtime: str = "ort-cpu",
        level: Level = "all",
        threads: int = 1,
    ) -> None:
        self.runtime, self.precision = runtime, precision
        self._recipe = (model, example, precision, runtime, level, threads)
        on_cpu = runtime == "ort-cpu"
        if on_cpu != (example.device.type == "cpu"):
            raise ValueError(f"{runtime} takes an example on {'the CPU' if on_cpu else 'a GPU'}")
        if level not in _LEVELS:
            raise ValueError(f"the levels of optimisation are {', '.join(_LEVELS)}, not {level!r}")
        began = time.perf_counter()
        self.stream: Any = None if on_cpu else torch.cuda.Stream(example.device)  # type: ignore[no-untyped-call]
        self._session = self._open(None)
        self.built = Built(time.perf_counter() - began, len(model))
        [given], [gives] = self._session.get_inputs(), self._session.get_outputs()
        self.input = example.detach().to(_TYPES[given.type], copy=True).contiguous()
        self._output = torch.empty(gives.shape, dtype=_TYPES[gives.type], device=example.device)
        self._binding = self._session.io_binding()
        for bind, name, tensor in (
            (self._binding.bind_input, given.name, self.input),
            (self._binding.bind_output, gives.name, self._output),
        ):
            place = (tensor.device.type, tensor.device.index or 0)
            bind(name, *place, _ONNX[tensor.dtype], list(tensor.shape), tensor.data_ptr())
        self._options = _runtime().RunOptions()
        if (
            not on_cpu
        ):  # like torch's own kernels: queued on the stream, waited for by whoever needs the result
            self._options.add_run_config_entry("disable_synchronize_execution_providers", "1")

    def run(self) -> Tensor:
        """Run the model from its bound input to its bound output."""
        self._session.run_with_iobinding(self._binding, self._options)
        return self._output

    def fed(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The output for an array in host memory, copied both ways, as plain `InferenceSession.run` does."""
        [output] = self._session.run(None, {self._session.get_inputs()[0].name: x})
        return np.asarray(output)

    @property
    def layers(self) -> tuple[str, ...]:
        """The operators that are executed, after ONNX Runtime's own rewriting; empty for engines."""
        if self.runtime in COMPILED:
            return ()
        import onnx

        with tempfile.TemporaryDirectory(prefix="groundtruth-") as folder:
            file = Path(folder) / "optimized.onnx"
            self._open(file)
            return tuple(node.op_type for node in onnx.load(str(file)).graph.node)

    def _open(self, optimized: Path | None) -> Any:
        """A session of the model; the rewritten model is written to `optimized`."""
        model, example, precision, runtime, level, threads = self._recipe
        # By default Python's wrapper moves a session to the CPU when something fails, even in a run, and an
        # error that it meets there hides the first one.
        ort = _runtime()
        options = ort.SessionOptions()
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_{_LEVELS[level]}")
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        if optimized is not None:
            options.optimized_model_filepath = str(optimized)
        if runtime != "ort-cpu":
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        device = example.device.index or 0
        try:
            stream = str(self.stream.cuda_stream) if self.stream is not None else ""
            if runtime == "tensorrt-rtx":
                name, devices = _rtx_devices(ort)
                options.add_provider_for_devices(devices, _rtx_options(device, stream))
                session = ort.InferenceSession(model, options, enable_fallback=0)
            else:
                name = PROVIDERS[runtime]
                lacking = lacks_provider(runtime)
                if lacking is not None:
                    raise lacking
                providers = _providers(runtime, precision, device, stream)
                session = ort.InferenceSession(model, options, providers=providers, enable_fallback=0)
        except Unavailable:
            raise
        except Exception as error:
            raise RuntimeError(f"{runtime} does not take the model: {error}") from error
        check_provider(runtime, name, session.get_providers())
        return session

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._recipe


def check_provider(runtime: str, wanted: str, providers: list[str]) -> None:
    """Raises RuntimeError when a session does not run on the provider that it was made for."""
    if not providers or providers[0] != wanted:
        raise RuntimeError(f"{runtime} fell back: the session runs on {', '.join(providers) or 'nothing'}")


def lacks_provider(runtime: str) -> Unavailable | None:
    """What ONNX Runtime lacks for a runtime, and what brings it; None where nothing is missing."""
    if find_spec("onnxruntime") is None:
        return Unavailable("ONNX Runtime is not installed", INSTALL[runtime])
    if runtime == "tensorrt-rtx":
        if find_spec(RTX) is None:
            return Unavailable("the TensorRT-RTX provider is not installed", INSTALL[runtime])
        return None
    if PROVIDERS[runtime] not in _runtime().get_available_providers():
        return Unavailable(f"this ONNX Runtime has no {PROVIDERS[runtime]}", INSTALL[runtime])
    if runtime == "ort-tensorrt" and find_spec("tensorrt") is None and find_spec("tensorrt_libs") is None:
        return Unavailable("the TensorRT provider needs TensorRT 10", INSTALL[runtime])
    return None


def _runtime() -> Any:
    if find_spec("onnxruntime") is None:
        raise Unavailable("ONNX Runtime is not installed", INSTALL["ort-cpu"])
    import onnxruntime

    return onnxruntime


def _providers(runtime: str, precision: str, device: int, stream: str) -> list[Any]:
    if runtime == "ort-cpu":
        return [PROVIDERS[runtime]]
    ort = _runtime()
    if hasattr(ort, "preload_dlls"):  # CUDA and cuDNN from the packages that torch brought
        ort.preload_dlls()
    common = {"device_id": str(device), "user_compute_stream": stream}
    cuda = (PROVIDERS["ort-cuda"], {**common, "use_tf32": str(int(precision == "tf32"))})
    if runtime == "ort-cuda":
        return [cuda]
    # The provider's networks are weakly typed: it has to be allowed what the model asks for.
    allowed = {"fp16": "trt_fp16_enable", "bf16": "trt_bf16_enable", "int8": "trt_int8_enable"}
    extra = {allowed[precision]: "1"} if precision in allowed else {}
    return [(PROVIDERS[runtime], {**common, **extra}), cuda]


def _rtx_options(device: int, stream: str) -> dict[str, str]:
    """The provider works on the session's own stream: on one of its own, events would time nothing.

    Source: TensorRT RTX Execution Provider documentation, provider options.
    """
    return {"device_id": str(device), "has_user_compute_stream": "1", "user_compute_stream": stream}


def _rtx_devices(ort: Any) -> tuple[str, list[Any]]:
    """The name of the TensorRT-RTX provider and the devices that it takes."""
    lacking = lacks_provider("tensorrt-rtx")
    if lacking is not None:
        raise lacking
    from importlib import import_module

    plugin: Any = import_module(RTX)
    name = str(plugin.get_ep_name())
    if not any(device.ep_name == name for device in ort.get_ep_devices()):
        ort.register_execution_provider_library(name, plugin.get_library_path())
    devices = [device for device in ort.get_ep_devices() if device.ep_name == name]
    if not devices:
        raise Unavailable(
            "TensorRT-RTX finds no GPU that it supports", "run it on a GeForce or RTX GPU from Ampere on"
        )
    return name, devices
