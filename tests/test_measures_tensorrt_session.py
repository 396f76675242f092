"""From a module to TensorRT's output, in every precision, with a stand-in that runs the ONNX model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests import pretend_tensorrt
from tests.pretend_cuda import pretended
from verify.measures import runtimes
from verify.measures.onnx_export import export_onnx
from verify.measures.runtime_session import TYPES, RuntimeSession, check_parity
from verify.measures.tensorrt_engine import load_engine
from verify.measures.tensorrt_session import TensorRTSession


@pytest.fixture(autouse=True)
def tensorrt(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """TensorRT and CUDA of our own; gives what was asked of CUDA."""
    pytest.importorskip("ml_dtypes")
    monkeypatch.setitem(sys.modules, "tensorrt", pretend_tensorrt)
    monkeypatch.setattr(runtimes, "lacks", lambda runtime: None)
    pretend_tensorrt.asked.clear()
    with pretended() as said:
        yield said


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 5),
    ).eval()  # fmt: skip


def images(seed: int = 1) -> Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def built(precision: Any, module: nn.Module | bytes | None = None, **options: Any) -> TensorRTSession:
    """What `session(module, x, "tensorrt", precision)` builds, on a GPU that is the CPU."""
    settings = {"calibration": [images(seed) for seed in range(4)], "timing_cache": b"", "builder_level": 3}
    given = {**settings, **options}
    made: RuntimeSession = runtimes._build(
        network() if module is None else module, images(), "tensorrt", precision,
        given["calibration"], "all", 1, given["timing_cache"], given["builder_level"],
    )  # fmt: skip
    assert isinstance(made, TensorRTSession)
    return made


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "bf16", "int8"])
def test_an_fp32_module_and_example_become_an_engine_in_every_precision(precision: Any) -> None:
    made = built(precision)
    assert made.input.dtype == made.engine.dtype == TYPES[precision]
    gap = check_parity(made, network(), images(), None)
    assert gap > 0 or precision in ("fp32", "tf32")
    with torch.no_grad():
        expected = network()(images(2))
    assert (made(images(2)).float() - expected).abs().max() < 0.1 * expected.abs().max()


def test_tf32_is_cleared_unless_it_is_the_precision() -> None:
    for precision in ("fp32", "tf32", "fp16", "int8"):
        built(precision)
    flags = [pretend_tensorrt.BuilderFlag.TF32 in config.flags for config in pretend_tensorrt.asked]
    assert flags == [False, True, False, False]


def test_an_engine_is_built_and_loaded_on_the_gpu_of_its_example_and_run_on_its_own_stream(
    tensorrt: list[str],
) -> None:
    made = built("fp32")
    place = made.input.device
    assert tensorrt == [f"device {place} {{", f"device {place} {{", "Stream()", *[f"}} device {place}"] * 2]
    tensorrt.clear()
    made(images())
    assert tensorrt == ["wait_stream", "stream {", "wait_stream", "} stream"]


def test_an_engine_that_is_called_on_the_default_stream_runs_on_its_own(
    tensorrt: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = built("fp32").engine
    memory = torch.empty(images().numel() + 64)
    x = memory[(-memory.data_ptr() // 4) % 64 :][: images().numel()].view(images().shape).copy_(images())
    waits = SimpleNamespace(cuda_stream=0, wait_stream=lambda stream: tensorrt.append("default waits"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: waits)
    tensorrt.clear()
    with torch.no_grad():
        assert torch.allclose(engine(x), network()(x), atol=1e-5)
    assert tensorrt[1:-1] == ["wait_stream", "default waits"]


def test_times_of_kernels_go_in_and_come_out_and_layers_and_sizes_are_told() -> None:
    made = built("fp16", timing_cache=b"earlier, ", builder_level=5)
    assert made.engine.timing_cache == b"earlier, timed"
    assert pretend_tensorrt.asked[-1].builder_optimization_level == 5
    assert made.layers[0] == "Conv" and made.layers[-1] == "Gemm"
    assert made.built.file_bytes == len(made.engine.plan) > 1000 and made.engine.memory == 4096


def test_a_model_that_is_exported_already_keeps_its_own_type() -> None:
    module, x = network().half(), images().half()
    with pytest.raises(RuntimeError, match=r"the engine takes torch\.float16 .*, not the example"):
        built("fp32", export_onnx(module, x))
    again = TensorRTSession.build(export_onnx(module, x), x, "fp32", b"", 3)
    assert again(x).dtype == torch.float16


def test_a_fresh_process_gets_the_engine_that_was_built_and_builds_none() -> None:
    made = built("bf16")
    make, (engine, x, precision) = made.__reduce__()
    load, recipe = engine.__reduce__()
    again = make(load(*recipe), x, precision)
    assert len(pretend_tensorrt.asked) == 1
    assert torch.equal(again(images(3)), made(images(3)))


def test_what_tensorrt_refuses_is_said_in_its_own_words() -> None:
    class Largest(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.topk(2).values

    with pytest.raises(RuntimeError, match=r"does not take the ONNX model: TopK /TopK: not supported"):
        built("fp32", Largest())
    with pytest.raises(RuntimeError, match="TensorRT could not build the engine: no such level"):
        built("fp32", builder_level=6)
    with pytest.raises(RuntimeError, match="TensorRT does not take the timing cache: it gave no reason"):
        built("fp32", timing_cache=b"of another version")
    with pytest.raises(RuntimeError, match="TensorRT could not load the engine: the plan is empty"):
        load_engine(b"", torch.device("cpu"), 0.0, b"")
