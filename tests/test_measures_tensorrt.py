"""TensorRT engines: what can be held without a GPU: the export and the refusals.

What of TensorRT's API is used is held against its real bindings in `test_tensorrt_api.py`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

import verify
from verify.measures import tensorrt_engine as source
from verify.measures.onnx_export import export_onnx
from verify.measures.tensorrt_engine import TensorRTEngine, tensorrt_engine
from verify.unmeasured import Unavailable


def network(dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 8, 1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    ).to(dtype)  # fmt: skip


def on_gpu(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor that has a place, a shape and a type, and no memory."""
    with FakeTensorMode():
        return torch.empty(shape, device="cuda:0", dtype=dtype)


# The export


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float16, 2e-3)])
def test_the_exported_model_computes_what_the_module_does(dtype: torch.dtype, tolerance: float) -> None:
    module, x = network(dtype), torch.randn(2, 4, 6, 6).to(dtype)
    session = onnxruntime.InferenceSession(export_onnx(module, x), providers=["CPUExecutionProvider"])
    [found] = session.run(["output"], {"input": x.numpy()})
    expected = module.eval().double()(x.double()).detach().numpy()
    assert found.dtype == x.numpy().dtype
    np.testing.assert_allclose(found, expected, atol=tolerance * abs(expected).max(), rtol=0)


def test_bf16_is_exported_with_the_first_opset_whose_convolutions_take_it() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    module, x = network(torch.bfloat16), torch.randn(2, 4, 6, 6).bfloat16()
    model = onnx.load_from_string(export_onnx(module, x))
    assert model.opset_import[0].version == 22
    as_array = x.float().numpy().astype(ml_dtypes.bfloat16)
    [found] = ReferenceEvaluator(model).run(None, {"input": as_array})
    expected = module.eval().double()(x.double()).detach().numpy()
    np.testing.assert_allclose(found.astype(np.float64), expected, atol=0.03 * abs(expected).max(), rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_every_tensor_of_the_exported_model_has_the_type_of_the_module(dtype: torch.dtype) -> None:
    graph = onnx.load_from_string(export_onnx(network(dtype), torch.randn(2, 4, 6, 6).to(dtype))).graph
    kinds = {one.type.tensor_type.elem_type for one in (*graph.input, *graph.output)}
    kinds |= {weight.data_type for weight in graph.initializer if weight.data_type != onnx.TensorProto.INT64}
    wanted = {
        torch.float32: onnx.TensorProto.FLOAT,
        torch.float16: onnx.TensorProto.FLOAT16,
        torch.bfloat16: onnx.TensorProto.BFLOAT16,
    }
    assert kinds == {wanted[dtype]}


def test_of_several_outputs_the_first_is_exported() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x + 1, x.sum()

    model = onnx.load_from_string(export_onnx(Two(), torch.zeros(2, 3)))
    assert [one.name for one in model.graph.output] == ["output"]
    [found] = ReferenceEvaluator(model).run(None, {"input": np.zeros((2, 3), np.float32)})
    assert found.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_the_export_leaves_the_module_as_it_was() -> None:
    module = network().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    export_onnx(module, torch.randn(2, 4, 6, 6))
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_a_module_that_does_not_export_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"the module does not export to ONNX: .*channels"):
        export_onnx(network(), torch.randn(2, 3, 6, 6))


# Refusals


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (torch.randn(1, 4, 6, 6), "example has to be on the GPU that will run the engine, not on cpu"),
        (
            torch.zeros(1, 4, 6, 6, dtype=torch.long),
            "float32, float16 or bfloat16, not torch.int64",
        ),
        (on_gpu(1, 4, 6, 6, dtype=torch.float16), "the module has torch.float32, example is torch.float16: "),
        (on_gpu(1, 4, 6, 6).transpose(2, 3), "example has to be contiguous and not empty"),
        (on_gpu(0, 4, 6, 6), r"example has to be contiguous and not empty; its shape is \(0, 4, 6, 6\)"),
    ],
)
def test_an_example_that_does_not_fit_is_refused(example: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tensorrt_engine(network(), example)


def test_what_is_no_module_is_refused() -> None:
    not_a_module: Any = "resnet50"
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module is wanted, not str"):
        tensorrt_engine(not_a_module, on_gpu(1, 4, 6, 6))


def test_without_tensorrt_the_line_that_installs_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(Unavailable) as refusal:
        verify.tensorrt_engine(network(), on_gpu(1, 4, 6, 6))
    assert refusal.value.hint == "pip install '.[gpu]'"
    assert refusal.value.what.startswith("TensorRT cannot be imported (")


def test_an_older_tensorrt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="8.6.1"))
    with pytest.raises(
        Unavailable, match=r"TensorRT 10 or newer is needed, not 8\.6\.1: pip install '.\[gpu"
    ):
        tensorrt_engine(network(), on_gpu(1, 4, 6, 6))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 4, 6, 6), r"takes torch.float16 of shape \(2, 4, 6, 6\) on cuda:0; .* on cpu"),
        (on_gpu(2, 4, 6, 6), "got torch.float32 of shape"),
        (on_gpu(1, 4, 6, 6, dtype=torch.float16), r"got torch.float16 of shape \(1, 4, 6, 6\) on cuda:0"),
        (on_gpu(2, 4, 6, 6, dtype=torch.float16).transpose(2, 3), "takes a contiguous, aligned tensor"),
    ],
)
def test_an_engine_refuses_what_it_was_not_built_for(x: Tensor, message: str) -> None:
    unused: Any = None
    engine = TensorRTEngine(
        (2, 4, 6, 6), (2, 5), torch.float16, torch.device("cuda:0"), unused, unused, errors=[]
    )
    with pytest.raises(ValueError, match=message):
        engine(x)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([1.0, 2.1], "differs from the module's by 0.05 of the largest magnitude, more than 0.02"),
        ([1.0, float("nan")], "differs from the module's by nan"),
        ([1.0, float("inf")], "differs from the module's by inf"),
        ([1.0], r"the engine gives shape \(1,\), the module \(2,\)"),
    ],
)
def test_an_engine_with_a_wrong_output_is_refused(found: list[float], message: str) -> None:
    exact = torch.tensor([1.0, 2.0], dtype=torch.float64)
    source._check_output(exact, torch.tensor([1.0, 2.03]), 2e-2)
    with pytest.raises(RuntimeError, match=message):
        source._check_output(exact, torch.tensor(found), 2e-2)


# A real engine


@pytest.mark.skipif(
    find_spec("tensorrt") is None or not torch.cuda.is_available(),
    reason="needs an NVIDIA GPU and TensorRT: pip install '.[gpu]'",
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_an_engine_gives_what_the_module_gives_on_any_stream(dtype: torch.dtype) -> None:
    module, x = network(dtype), torch.randn(2, 4, 6, 6, device="cuda", dtype=dtype)
    engine = tensorrt_engine(module, x)
    expected = module.cuda().eval()(x + 1).double()
    on_default = engine(x + 1)
    with torch.cuda.stream(torch.cuda.Stream()):  # type: ignore[no-untyped-call]
        torch.cuda.current_stream().wait_stream(torch.cuda.default_stream())
        on_other = engine(x + 1)
        torch.cuda.current_stream().synchronize()
    for found in (on_default, on_other):
        assert found.dtype == dtype
        source._check_output(expected, found, 2 * source.TOLERANCES[dtype])
    with pytest.raises(ValueError, match="takes a contiguous, aligned tensor"):
        engine(x.transpose(2, 3))
