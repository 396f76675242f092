"""Runtimes: each gives what the module gives, says what it lacks, and never falls back without a word."""

from __future__ import annotations

import pickle
import shutil
from functools import partial
from importlib.util import find_spec as real_find_spec
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from verify import Unavailable, compare, export_onnx, quantize_onnx, session
from verify.measures import ort_sessions, runtimes, torch_sessions
from verify.measures.ort_sessions import Level, OrtSession, check_provider
from verify.measures.runtime_session import TOLERANCES


def network() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(),
        nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip
    net[1].running_mean = torch.randn(8)
    return net


def images(seed: int = 1) -> Tensor:
    return torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(seed))


def exactly(module: nn.Module, x: Tensor) -> Tensor:
    """The oracle: the module in float64."""
    with torch.no_grad():
        return module.eval().double()(x.double())  # type: ignore[no-any-return]


# What they compute


@pytest.mark.parametrize(
    ("runtime", "precision", "tolerance"),
    [
        ("eager", "fp32", 1e-5), ("eager", "fp16", 5e-3), ("eager", "bf16", 3e-2),
        ("ort-cpu", "fp32", 1e-5), ("ort-cpu", "fp16", 5e-3), ("ort-cpu", "int8", 0.15),
    ],
)  # fmt: skip
def test_a_session_gives_what_the_module_gives(runtime: Any, precision: Any, tolerance: float) -> None:
    net, x, other = network(), images(1), images(2)
    made = session(net, x, runtime, precision, calibration=[images(seed) for seed in range(8)])
    assert (made.runtime, made.precision) == (runtime, precision)
    for each in (x, other, x):
        expected = exactly(network(), each)
        gap = (made(each).double() - expected).abs().max() / expected.abs().max()
        assert gap < tolerance
    assert made.built.seconds > 0


def test_a_compiled_module_gives_what_the_module_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    # Traced for real; the kernels are not built with a C++ compiler, which takes a minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    expected = exactly(network(), images())
    assert torch.allclose(session(network(), images(), "compile")(images()).double(), expected, atol=1e-5)


def test_the_module_stays_as_it_was() -> None:
    net = network().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for runtime in ("eager", "ort-cpu"):
        session(net, images(), runtime, "fp16")
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(value.dtype in (torch.float32, torch.int64) for value in net.state_dict().values())


def test_what_computes_something_else_is_refused() -> None:
    class Moody(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.sin() if torch.onnx.is_in_onnx_export() else x.cos()

    with pytest.raises(
        RuntimeError, match=r"ort-cpu in fp32 is wrong: its output differs .* more than 0\.001"
    ):
        session(Moody(), images(), "ort-cpu")
    session(Moody(), images(), "ort-cpu", tolerance=3.0)


def test_a_module_without_weights_computes_in_the_precision_too() -> None:
    class Attention(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x)

    x = images()
    for runtime in ("eager", "ort-cpu"):
        made = session(Attention(), x, runtime, "fp16")
        assert made.input.dtype == made(x).dtype == torch.float16


def test_what_overflows_in_half_precision_is_refused() -> None:
    class Large(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x * 1e6).softmax(1) * (x * 1e6)

    with pytest.raises(RuntimeError, match=r"eager in fp16 is wrong: its output differs .* by nan"):
        session(Large(), images(), "eager", "fp16")


def test_a_module_that_gives_nothing_but_zeros_proves_no_runtime() -> None:
    dead = network()
    for weights in dead.parameters():
        torch.nn.init.zeros_(weights)
    with pytest.raises(ValueError, match="the module's output is all zeros"):
        session(dead, images(), "eager")


def test_a_model_that_is_exported_already_is_taken_as_it_is_where_the_runtime_reads_onnx() -> None:
    model = export_onnx(network(), images())
    assert torch.equal(
        session(model, images(), "ort-cpu")(images()), session(network(), images(), "ort-cpu")(images())
    )
    with pytest.raises(ValueError, match="eager takes a module, not an ONNX model"):
        session(model, images(), "eager")
    with pytest.raises(ValueError, match="an ONNX model computes in the types that it was exported with"):
        session(model, images(), "ort-cpu", "fp16")


def test_onnx_runtime_can_be_fed_from_host_memory_too() -> None:
    made = session(network(), images(), "ort-cpu")
    assert isinstance(made, OrtSession)
    np.testing.assert_array_equal(made.fed(images(2).numpy()), made(images(2)).numpy())


def test_a_session_takes_one_shape() -> None:
    with pytest.raises(ValueError, match=r"the session takes shape \(2, 3, 12, 12\), not \(1, 3, 12, 12\)"):
        session(network(), images())(images()[:1])


def test_an_output_stays_what_it_was_when_the_session_runs_again() -> None:
    made = session(network(), images(1), "ort-cpu")
    first = made(images(1))
    kept = first.clone()
    made(images(2))
    assert torch.equal(first, kept)


@pytest.mark.parametrize("runtime", ["eager", "ort-cpu"])
def test_a_session_travels_into_another_process(runtime: Any) -> None:
    made = session(network(), images(), runtime)
    again = pickle.loads(pickle.dumps(made))
    assert again.runtime == runtime
    assert torch.equal(again(images(2)), made(images(2)))


def test_sessions_are_compared_as_they_are_and_their_outputs_too() -> None:
    candidates = {name: session(network(), images(), name) for name in ("eager", "ort-cpu")}
    found = compare(candidates, processes=2, blocks=2, calls=2, seconds_per_block=1e-3, strict=False)
    assert found.gap is not None and found.gap < 1e-5
    assert set(found.seconds) == {"eager", "ort-cpu"}


# What is refused, and what is missing


def test_a_module_without_numbers_is_refused() -> None:
    with torch.device("meta"):
        empty = network()
    for make in (lambda: session(empty, images()), lambda: export_onnx(empty, images())):
        with pytest.raises(ValueError, match="on the meta device there are no numbers"):
            make()


def test_unknown_runtimes_and_precisions_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"the runtimes are eager, compile, .*, tensorrt-rtx, not 'tflite'"):
        session(network(), images(), "tflite")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="eager computes in fp32, tf32, fp16, bf16, not in 'int8'"):
        session(network(), images(), "eager", "int8")
    with pytest.raises(ValueError, match="INT8 needs calibration data: inputs as the network will see them"):
        session(network(), images(), "ort-cpu", "int8")
    with pytest.raises(ValueError, match="levels of optimisation are off, basic, extended, all, not 'max'"):
        session(network(), images(), "ort-cpu", level="max")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the exporters are torchscript and dynamo, not 'tf'"):
        export_onnx(network(), images(), exporter="tf")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"inputs of shape \(2, 3, 12, 12\), not of \(3, 12, 12\)"):
        quantize_onnx(export_onnx(network(), images()), images())  # type: ignore[arg-type]
    for runtime in ort_sessions.COMPILED:
        with pytest.raises(ValueError, match="not in 'fp32', since it cannot be told to do without TF32"):
            session(network(), images(), runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("runtime", "line"),
    [
        ("cuda-graph", "run it on a machine with an NVIDIA GPU"),
        ("ort-cuda", "pip uninstall onnxruntime; pip install onnxruntime-gpu"),
        ("ort-tensorrt", "pip install onnxruntime-gpu 'tensorrt>=10,<11'"),
        ("tensorrt", "pip install tensorrt"),
        ("tensorrt-rtx", "pip install onnxruntime onnxruntime-ep-nv-tensorrt-rtx"),
    ],
)
def test_without_a_gpu_a_runtime_says_what_it_needs(runtime: Any, line: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(Unavailable) as refusal:
        session(network(), images(), runtime, "fp16")
    assert refusal.value.what == f"{runtime} needs an NVIDIA GPU"
    assert line in refusal.value.hint


def test_a_runtime_that_is_not_installed_says_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without(*names: str) -> None:
        for module in (ort_sessions, torch_sessions):
            monkeypatch.setattr(
                module, "find_spec", lambda name: None if name in names else real_find_spec(name)
            )

    without("onnxruntime")
    with pytest.raises(Unavailable, match=r"ONNX Runtime is not installed: pip install onnxruntime$"):
        session(network(), images(), "ort-cpu")
    without("triton")
    assert str(torch_sessions.lacks_compiler("cuda")) == (
        "torch.compile needs Triton on a GPU: pip install triton"
    )
    monkeypatch.setattr(torch_sessions, "find_spec", lambda name: name)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CC", raising=False)
    assert str(torch_sessions.lacks_compiler("cuda")) == (
        "Triton needs a C compiler, which builds its launcher: apt-get install gcc"
    )
    monkeypatch.setenv("CC", "/opt/cc")
    assert torch_sessions.lacks_compiler("cuda") is None
    with pytest.raises(Unavailable, match=r"torch\.compile needs a C\+\+ compiler: apt-get install g\+\+"):
        session(network(), images(), "compile")


def test_a_provider_that_this_onnx_runtime_lacks_is_missing_and_not_replaced() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has the CUDA provider")
    lacking = ort_sessions.lacks_provider("ort-cuda")
    assert lacking is not None and lacking.what == "this ONNX Runtime has no CUDAExecutionProvider"
    assert lacking.hint == "pip uninstall onnxruntime; pip install onnxruntime-gpu"


def test_a_session_that_would_fall_back_to_the_cpu_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    # The Azure provider is in every build and runs no node itself: ONNX Runtime would hand all to the CPU.
    import onnxruntime

    if "AzureExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has no provider that would leave its nodes to the CPU")
    model = export_onnx(network().eval(), images())
    silent = onnxruntime.InferenceSession(model, providers=["AzureExecutionProvider"])
    assert silent.run(None, {"input": images().numpy()})[0].shape == (2, 5)  # that is the trap
    with FakeTensorMode():
        on_gpu = torch.empty(2, 3, 12, 12, device="cuda:0")
    monkeypatch.setitem(ort_sessions.PROVIDERS, "ort-cuda", "AzureExecutionProvider")
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: SimpleNamespace(cuda_stream=7))
    with pytest.raises(
        RuntimeError, match=r"ort-cuda does not take the model: .*fallback to CPU EP has been"
    ):
        OrtSession(model, on_gpu, "fp32", "ort-cuda")


def test_a_session_on_another_provider_than_the_wanted_one_raises() -> None:
    check_provider("ort-cuda", "CUDAExecutionProvider", ["CUDAExecutionProvider", "CPUExecutionProvider"])
    for found, named in ((["CPUExecutionProvider"], "CPUExecutionProvider"), ([], "nothing")):
        with pytest.raises(RuntimeError, match=f"ort-cuda fell back: the session runs on {named}"):
            check_provider("ort-cuda", "CUDAExecutionProvider", found)


def test_a_gpu_provider_wants_its_example_on_the_gpu() -> None:
    with pytest.raises(ValueError, match="ort-cuda takes an example on a GPU"):
        OrtSession(b"", images(), "fp32", "ort-cuda")


def test_the_options_of_the_cuda_provider_name_stream_and_tf32() -> None:
    for precision, tf32 in (("fp32", "0"), ("tf32", "1"), ("fp16", "0")):
        [(name, options)] = ort_sessions._providers("ort-cuda", precision, 1, "1234")
        assert name == "CUDAExecutionProvider"
        assert options == {"device_id": "1", "user_compute_stream": "1234", "use_tf32": tf32}
    [(name, options), (second, _)] = ort_sessions._providers("ort-tensorrt", "fp16", 0, "7")
    assert (name, second) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert options == {"device_id": "0", "user_compute_stream": "7", "trt_fp16_enable": "1"}
    [(_, options), (_, beside)] = ort_sessions._providers("ort-tensorrt", "tf32", 0, "7")
    assert not any(name.startswith("trt_") for name in options) and beside["use_tf32"] == "1"


def test_tensorrt_rtx_works_on_the_sessions_own_stream_and_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a stream of its own, events on ours would time nothing, and outputs would be read too early.
    seen: dict[str, Any] = {}

    class Options(SimpleNamespace):
        def add_session_config_entry(self, name: str, value: str) -> None:
            seen[name] = value

        def add_provider_for_devices(self, devices: list[str], options: dict[str, str]) -> None:
            seen.update(devices=devices, **options)

    levels = SimpleNamespace(ORT_ENABLE_ALL=99)
    made = SimpleNamespace(get_providers=lambda: ["Rtx", "CPUExecutionProvider"])
    ort = SimpleNamespace(
        SessionOptions=Options, GraphOptimizationLevel=levels, InferenceSession=lambda *_, **__: made
    )
    monkeypatch.setattr(ort_sessions, "_runtime", lambda: ort)
    monkeypatch.setattr(ort_sessions, "_rtx_devices", lambda ort: ("Rtx", ["the GPU"]))
    session = OrtSession.__new__(OrtSession)
    session.runtime, session.stream = "tensorrt-rtx", SimpleNamespace(cuda_stream=4711)
    example: Any = SimpleNamespace(device=torch.device("cuda:1"))
    session._recipe = (b"model", example, "fp16", "tensorrt-rtx", "all", 1)
    assert session._open(None) is made
    assert seen == {
        "session.disable_cpu_ep_fallback": "1", "devices": ["the GPU"], "device_id": "1",
        "has_user_compute_stream": "1", "user_compute_stream": "4711",
    }  # fmt: skip


@pytest.mark.parametrize("runtime", ort_sessions.COMPILED)
def test_what_became_an_engine_has_no_layers_that_onnx_runtime_could_list(runtime: str) -> None:
    # It refuses to write a model down that has compiled nodes (onnxruntime issue 6080).
    made = OrtSession.__new__(OrtSession)
    made.runtime = runtime
    assert made.layers == ()


def test_every_runtime_has_its_precisions_and_every_precision_a_tolerance() -> None:
    assert set(runtimes.PRECISIONS) == {
        "eager", "compile", "cuda-graph", "ort-cpu", "ort-cuda", "ort-tensorrt", "tensorrt", "tensorrt-rtx",
    }  # fmt: skip
    assert {one for known in runtimes.PRECISIONS.values() for one in known} == set(TOLERANCES)


# ONNX


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_both_exporters_give_a_model_that_computes_what_the_module_does(exporter: Any) -> None:
    if exporter == "dynamo":
        pytest.importorskip("onnxscript")
    model = onnx.load_from_string(export_onnx(network(), images(), exporter=exporter))
    assert model.opset_import[0].version == 20
    [found] = ReferenceEvaluator(model).run(None, {"input": images().numpy()})
    np.testing.assert_allclose(found, exactly(network(), images()).numpy(), atol=1e-5)


def test_the_optimisation_level_decides_what_is_executed() -> None:
    class Apart(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.norm(self.conv(x)))

    torch.manual_seed(0)
    apart = Apart().eval()
    apart.norm.running_mean, apart.norm.running_var = torch.randn(8), torch.rand(8) + 0.5
    nn.init.normal_(apart.norm.weight)
    model = export_onnx(apart, images(), folded=False)
    made = {level: session(model, images(), "ort-cpu", level=level) for level in get_args(Level)}
    assert {level: one.layers for level, one in made.items()} == {
        "off": ("Conv", "BatchNormalization", "Relu"),
        "basic": ("Conv", "Relu"),
        "extended": ("FusedConv",),
        "all": made["all"].layers,
    }
    assert torch.allclose(made["off"](images()), made["all"](images()), atol=1e-5)


def test_int8_weights_are_the_symmetric_ones_of_each_channel() -> None:
    conv = nn.Conv2d(3, 4, 3)
    model = quantize_onnx(export_onnx(conv, images()), [images(seed) for seed in range(3)])
    graph = onnx.load_from_string(model).graph
    tensors = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    [codes] = [each for name, each in tensors.items() if each.dtype == np.int8 and each.ndim == 4]
    weight = conv.weight.detach().numpy()
    scale = abs(weight).reshape(4, -1).max(1) / 127
    expected = np.round(weight / scale.reshape(4, 1, 1, 1))
    assert abs(codes - expected).max() <= 1 and (codes == expected).mean() > 0.98
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in graph.node}
    biases = [
        each for each in tensors.values() if each.ndim == 1 and each.dtype == np.int32 and len(each) == 4
    ]
    assert any(abs(each).max() > 0 for each in biases)


def test_for_tensorrt_nothing_stands_between_a_convolution_and_what_is_fused_into_it() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.two(self.one(x).relu())
            return (y + x).relu().mean((2, 3))

    torch.manual_seed(0)
    net = Residual()
    model = onnx.load_from_string(runtimes.onnx_in(net, images(), "int8", [images()], engine=True))
    made_by = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        before = [made_by[name].op_type if name in made_by else "" for name in node.input]
        if node.op_type in ("Conv", "Add"):
            assert set(before[:2]) == {"DequantizeLinear"}
        elif node.op_type == "Relu":
            assert before in (["Conv"], ["Add"])
    [found] = ReferenceEvaluator(model).run(None, {"input": images().numpy()})
    expected = exactly(net, images()).numpy()
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
    usual = onnx.load_from_string(runtimes.onnx_in(net, images(), "int8", [images()]))
    kinds = [[node.op_type for node in each.graph.node].count("QuantizeLinear") for each in (usual, model)]
    assert kinds[0] > kinds[1]


def test_a_reduced_range_gives_weights_7_bits() -> None:
    model = export_onnx(nn.Conv2d(3, 4, 3), images())
    most = []
    for reduce_range in (False, True):
        graph = onnx.load_from_string(quantize_onnx(model, [images()], reduce_range=reduce_range)).graph
        codes = [numpy_helper.to_array(each) for each in graph.initializer]
        most.append(max(abs(each.astype(int)).max() for each in codes if each.ndim == 4))
    assert most == [127, 64]


def test_for_tensorrt_biases_stay_in_fp32() -> None:
    model = quantize_onnx(export_onnx(nn.Conv2d(3, 4, 3), images()), [images()], bias=False)
    tensors = [numpy_helper.to_array(each) for each in onnx.load_from_string(model).graph.initializer]
    assert not any(each.dtype == np.int32 and abs(each).max() > 0 for each in tensors)
    assert any(each.dtype == np.float32 and each.shape == (4,) for each in tensors)
