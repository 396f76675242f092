"""Quantized models: by hand, against torch's and ONNX Runtime's integer kernels, and their gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from verify import (
    accuracy,
    awq,
    awq_scales,
    calibrate,
    digits,
    fidelity,
    fold_batch_norm,
    quantize,
    quantize_model,
    round_to,
    smoothquant_scales,
    sqnr,
    train,
)


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """The layers' initial weights are the same in every run and order."""
    torch.manual_seed(0)


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 16), nn.BatchNorm1d(16), nn.ReLU(),
        nn.Linear(16, 10),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    return train(small, digits(), seed=0, epochs=6)


def with_gradients(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The output for x, and the gradients of its squared sum for x and for the only layer's weight."""
    x = x.clone().requires_grad_()
    output = module(x)
    weight = next(p for name, p in module.named_parameters() if name.endswith("weight"))
    of_x, of_weight = torch.autograd.grad(output.square().sum(), [x, weight])
    return output.detach(), of_x, of_weight


# Weights and activations


def test_weights_are_quantized_per_output_channel_and_the_original_is_left_alone() -> None:
    layer = nn.Conv2d(3, 4, 3)
    before, x = layer.weight.detach().clone(), some(2, 3, 5, 5)
    found = quantize_model(layer, 4)(x)
    scale = before.abs().amax((1, 2, 3)) / 7
    weight = torch.fake_quantize_per_channel_affine(before, scale, torch.zeros(4).int(), 0, -7, 7)
    torch.testing.assert_close(found, conv2d(x, weight, layer.bias))
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize("symmetric", [True, False])
def test_static_outputs_and_gradients_are_those_of_torchs_fake_quantize(symmetric: bool) -> None:
    layer, samples, x = nn.Linear(8, 3), some(50, 8), 2 * some(20, 8, seed=1)
    found = with_gradients(quantize_model(layer, 3, 4, samples=samples, symmetric=symmetric), x)
    like = quantize(samples, 4, symmetric=symmetric)

    class ByHand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            scale, zero = float(like.scale), int(like.zero_point)
            inputs = torch.fake_quantize_per_tensor_affine(x, scale, zero, like.least, like.greatest)
            scales = self.layer.weight.detach().abs().amax(1) / 3
            zeros = torch.zeros(3).int()
            weight = torch.fake_quantize_per_channel_affine(self.layer.weight, scales, zeros, 0, -3, 3)
            return linear(inputs, weight, self.layer.bias)

    expected = with_gradients(ByHand(), x)
    torch.testing.assert_close(found[0], expected[0])
    torch.testing.assert_close(found[2], expected[2])
    # At the ends torch's window is half a step wider than the limits.
    assert (found[1] != expected[1]).any(1).float().mean() <= 0.5
    inside = (x > samples.min()) & (x < samples.max())
    torch.testing.assert_close(found[1] * inside, expected[1] * inside)
    beyond = x.abs() > samples.abs().max() + like.scale
    assert beyond.any()
    assert (found[1][beyond] == 0).all()


@pytest.mark.parametrize("group", [None, 32])
def test_weights_beyond_a_clip_get_no_gradient(group: int | None) -> None:
    layer, x = nn.Linear(64, 3, bias=False), some(20, 64)
    layer.weight.data = some(3, 64, seed=1)
    quantized = quantize_model(layer, 3, weight_method="mse", group=group)
    _, _, found = with_gradients(quantized, x)
    high = calibrate(layer.weight.detach(), "mse", 3, axis=None if group else 0, group=group)[1]
    beyond = layer.weight.abs() > high.repeat_interleave(group or 64, -1).reshape(3, 64)
    assert beyond.any()
    assert (found[beyond] == 0).all()
    assert (found[~beyond] != 0).all()


def test_dynamic_outputs_are_those_of_torchs_integer_kernels() -> None:
    ao = pytest.importorskip("torch.ao.quantization")
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).eval()
    x = some(16, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = ao.QConfig(
            ao.PlaceholderObserver.with_args(dtype=torch.quint8, is_dynamic=True),
            ao.PerChannelMinMaxObserver.with_args(
                dtype=torch.qint8, qscheme=torch.per_channel_symmetric, quant_min=-127, quant_max=127
            ),
        )
        integer = ao.quantize_dynamic(net, {nn.Linear: config})
        expected = integer(x)
    # On x86 torch keeps activations to 7 bits, so that sums of two products fit into 16.
    if torch.backends.quantized.engine not in ("x86", "fbgemm", "onednn"):
        pytest.skip("torch's kernels for x86 are the oracle; run this on an x86 processor")
    assert sqnr(expected, quantize_model(net, 8, 7, dynamic=True)(x)) > 100
    assert sqnr(expected, quantize_model(net, 8)(x)) < 50


def test_static_outputs_are_those_of_onnxruntimes_integer_kernels(trained: nn.Module, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime brings this check")
    tools = pytest.importorskip("onnxruntime.quantization")
    from verify.measures.onnx_export import export_onnx

    data = digits()
    samples, images = data.train_images[:100], data.test_images[:100]
    folded = fold_batch_norm(trained, samples[:2])
    (tmp_path / "float.onnx").write_bytes(export_onnx(folded, samples))
    [name] = [one.name for one in onnxruntime.InferenceSession(tmp_path / "float.onnx").get_inputs()]

    class Samples(tools.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.left = [{name: samples.numpy()}]

        def get_next(self) -> object:
            return self.left.pop() if self.left else None

    tools.quantize_static(
        tmp_path / "float.onnx", tmp_path / "int8.onnx", Samples(), per_channel=True,
        activation_type=tools.QuantType.QUInt8, weight_type=tools.QuantType.QInt8,
        reduce_range=True,  # 7 bits: without VNNI, sums of two products in 16 bits would overflow
    )  # fmt: skip
    session = onnxruntime.InferenceSession(tmp_path / "int8.onnx", providers=["CPUExecutionProvider"])
    theirs = torch.from_numpy(session.run(None, {name: images.numpy()})[0])
    reference = folded(images)
    found = quantize_model(folded, 7, 8, samples=samples)(images)
    assert sqnr(theirs, found) > sqnr(reference, found) - 6
    assert sqnr(reference, found) == pytest.approx(sqnr(reference, theirs), abs=6)


def test_more_bits_are_nearer_to_the_float_model(trained: nn.Module) -> None:
    data = digits()
    reference = trained(data.test_images)

    def quality(bits: int) -> float:
        quantized = quantize_model(trained, bits, bits, samples=data.train_images[:200])
        return fidelity(reference, quantized(data.test_images)).sqnr

    found = [quality(bits) for bits in (8, 6, 4, 2)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 30


def test_calibration_on_other_data_than_the_models_costs_decibels(trained: nn.Module) -> None:
    data = digits()
    reference = trained(data.test_images)
    noise = 30 * some(100, 1, 8, 8)
    found = [
        sqnr(reference, quantize_model(trained, None, 8, samples=samples)(data.test_images))
        for samples in (data.train_images[:100], noise)
    ]
    assert found[0] > found[1] + 10


def test_training_a_quantized_copy_regains_what_two_bits_lost(trained: nn.Module) -> None:
    data = digits()

    def make() -> nn.Module:
        return quantize_model(trained, 2, 2, samples=data.train_images[:200])

    before = accuracy(make(), data.test_images, data.test_labels)
    after = accuracy(
        train(make, data, seed=0, epochs=3, learning_rate=1e-3), data.test_images, data.test_labels
    )
    assert after > before + 0.1


def test_float_formats_round_weights_and_inputs() -> None:
    layer, x = nn.Linear(8, 3, bias=False), 100 * some(20, 8) - 80
    half = linear(round_to(x, "fp16"), round_to(layer.weight, "fp16"))
    torch.testing.assert_close(quantize_model(layer, "fp16", "fp16", dynamic=True)(x), half)
    scales, scale = layer.weight.detach().abs().amax(1, keepdim=True) / 448, x.abs().max() / 448
    by_hand = linear(
        (x / scale).to(torch.float8_e4m3fn).float() * scale,
        (layer.weight / scales).to(torch.float8_e4m3fn).float() * scales,
    )
    torch.testing.assert_close(quantize_model(layer, "e4m3", "e4m3", dynamic=True)(x), by_hand)


def test_fp4_weights_in_groups_have_a_scale_for_each() -> None:
    layer, x = nn.Linear(32, 3, bias=False), some(20, 32)
    groups = layer.weight.detach().reshape(3, 2, 16)
    scale = groups.abs().amax(2, keepdim=True) / 6
    by_hand = linear(x, (round_to(groups / scale, "e2m1") * scale).reshape(3, 32))
    torch.testing.assert_close(quantize_model(layer, "e2m1", group=16)(x), by_hand)


def test_groups_per_tensor_scales_and_kept_layers_are_as_asked() -> None:
    net, x = nn.Sequential(nn.Linear(8, 4, bias=False), nn.Linear(4, 2, bias=False)), some(5, 8)
    one, two = (part.detach() for part in net.parameters())
    by_group = linear(linear(x, quantize(one, 3, group=4).values), quantize(two, 3, group=4).values)
    torch.testing.assert_close(quantize_model(net, 3, group=4)(x), by_group)
    by_tensor = linear(linear(x, quantize(one, 3).values), two)
    torch.testing.assert_close(quantize_model(net, 3, per_channel=False, keep=["1"])(x), by_tensor)
    untouched = quantize_model(net, None, 8, samples=x, keep=["0"])
    torch.testing.assert_close(untouched(x), linear(quantize(linear(x, one), symmetric=False).values, two))


def test_a_layer_that_two_parents_share_is_quantized_in_both() -> None:
    shared = nn.Linear(4, 4)
    net: Any = nn.Sequential(nn.Sequential(shared), nn.ReLU(), shared)
    found: Any = quantize_model(net, 2)
    assert found[0][0] is found[2]
    x = some(3, 4)
    weight = quantize(shared.weight.detach(), 2, axis=0).values
    torch.testing.assert_close(found(x), linear(linear(x, weight, shared.bias).relu(), weight, shared.bias))


def test_models_that_cannot_be_quantized_as_asked_are_refused() -> None:
    layer = nn.Linear(4, 2)
    with pytest.raises(ValueError, match=r"either samples to calibrate on \(static\) or dynamic=True"):
        quantize_model(layer, 8, 8)
    with pytest.raises(ValueError, match="are about activations; say in how many bits"):
        quantize_model(layer, 8, samples=some(2, 4))
    with pytest.raises(ValueError, match="either samples"):
        quantize_model(layer, 8, 8, samples=some(2, 4), dynamic=True)
    with pytest.raises(
        ValueError, match="dynamic limits are the smallest and the largest value; 'mse' needs"
    ):
        quantize_model(layer, 8, 8, dynamic=True, method="mse")
    with pytest.raises(ValueError, match="weights='int8' is none of fp16, bf16"):
        quantize_model(layer, "int8")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"weights=16 is no number of bits from 2 to 8; there are fp16 and"):
        quantize_model(layer, 16)
    with pytest.raises(ValueError, match="activations=1 is no number of bits from 2 to 8"):
        quantize_model(layer, 8, 1, dynamic=True)
    net = nn.Sequential(nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="group=2 does not divide the 3 weights in a row of 0"):
        quantize_model(net, 4, group=2)
    assert quantize_model(net, 4, group=2, keep=["0"])(some(1, 6, 3, 3)).shape == (1, 2)
    with pytest.raises(ValueError, match="on the meta device there are no numbers to quantize"):
        quantize_model(layer.to("meta"))
    layer = nn.Linear(4, 2)
    with pytest.raises(ValueError, match="keep names no layer head; there are 0, 1"):
        quantize_model(nn.Sequential(layer, nn.Linear(2, 2)), keep=["head"])
    with pytest.raises(ValueError, match="no convolution or linear layer"):
        quantize_model(nn.ReLU())
    with pytest.raises(TypeError, match=r"nn\.MultiheadAttention hides its projections"):
        quantize_model(nn.MultiheadAttention(4, 2))
    with pytest.raises(ValueError, match="the samples never reach Linear"):

        class Unused(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.a, self.b = nn.Linear(4, 2), nn.Linear(4, 2)

            def forward(self, x: Tensor) -> Tensor:
                y: Tensor = self.a(x)
                return y

        quantize_model(Unused(), 8, 8, samples=some(2, 4))


# Folding


def test_folding_keeps_the_function_and_leaves_no_batch_norm(trained: nn.Module) -> None:
    images = digits().test_images[:8]
    folded = fold_batch_norm(trained, images)
    assert not any(isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)) for part in folded.modules())
    assert sum(isinstance(part, nn.BatchNorm2d) for part in trained.modules()) == 1
    torch.testing.assert_close(folded(images), trained(images), rtol=1e-4, atol=1e-4)


def test_a_folded_weight_is_that_of_the_papers_equation() -> None:
    conv, norm = nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3, eps=0.1)
    mean, variance = some(3), some(3).exp()
    norm.load_state_dict(
        {"weight": 2 - some(3), "bias": some(3), "running_mean": mean, "running_var": variance}, strict=False
    )
    folded: Any = fold_batch_norm(nn.Sequential(conv, norm), some(1, 2, 5, 5))
    factor = norm.weight / (variance + 0.1).sqrt()
    torch.testing.assert_close(folded[0].weight, conv.weight * factor[:, None, None, None])
    torch.testing.assert_close(folded[0].bias, norm.bias - factor * mean)


class Residual(nn.Module):
    """A block as ResNet has it: two convolutions with norms, beside a shortcut that has both, too."""

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.shortcut = nn.ModuleDict(
            {"conv": nn.Conv2d(before, channels, 1, stride=2), "norm": nn.BatchNorm2d(channels)}
        )

    def forward(self, x: Tensor) -> Tensor:
        beside: Tensor = self.shortcut["norm"](self.shortcut["conv"](x))
        both: Tensor = self.body(x) + beside
        return both.relu()


def test_a_residual_network_is_folded_whole_and_quantized() -> None:
    net = nn.Sequential(Residual(3, 8), Residual(8, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = some(4, 3, 16, 16)
    net.train()
    net(x)
    folded = fold_batch_norm(net, x)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    torch.testing.assert_close(folded(x), net.eval()(x), rtol=1e-4, atol=1e-4)
    assert sqnr(folded(x), quantize_model(folded, 8)(x)) > 30


class UsedTwice(nn.Module):
    """A convolution whose output goes into a batch norm and past it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
        nn.init.constant_(self.norm.weight, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        z: Tensor = self.norm(y) + y
        return z


def one_convolution_for_two_norms() -> nn.Module:
    conv = nn.Conv2d(1, 1, 3, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(1), conv, nn.BatchNorm2d(1, eps=1))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (one_convolution_for_two_norms, "no batch norm follows"),
        (UsedTwice, "used past its norm"),
        (lambda: nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3)), "no batch norm follows"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.BatchNorm2d(2)), "no batch norm follows"),
    ],
)
def test_what_cannot_be_folded_is_refused(make: Callable[[], nn.Module], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        fold_batch_norm(make(), some(1, 1, 5, 5))


# Rescaling


def with_outliers(rows: int, channels: int, factor: float) -> Tensor:
    inputs = some(rows, channels)
    inputs[:, :4] *= factor
    return inputs


def test_smoothquant_scales_are_the_papers_and_leave_the_product_as_it_was() -> None:
    x, w = with_outliers(64, 32, 60), some(16, 32, seed=1)
    s = smoothquant_scales(x, w)
    torch.testing.assert_close(s, (x.abs().amax(0) / w.abs().amax(0)).sqrt())
    torch.testing.assert_close((x / s) @ (w * s).T, x @ w.T, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close((x / smoothquant_scales(x, w, 1)).abs().amax(0), torch.ones(32))
    torch.testing.assert_close((w * smoothquant_scales(x, w, 0)).abs().amax(0), torch.ones(32))

    def int8(inputs: Tensor, weight: Tensor) -> Tensor:
        return quantize(inputs, limits=calibrate(inputs)).values @ quantize(weight, axis=0).values.T

    assert sqnr(x @ w.T, int8(x / s, w * s)) > sqnr(x @ w.T, int8(x, w)) + 6


def test_awq_protects_the_weights_behind_large_inputs() -> None:
    x, w = with_outliers(64, 256, 60), some(32, 256, seed=1)
    found = awq(x, w)
    assert found.alpha > 0
    assert found.error == min(found.errors.values()) < 0.7 * found.errors[0]
    torch.testing.assert_close(
        found.errors[0], float((x @ (quantize(w, 4, group=128).values - w).T).norm() / (x @ w.T).norm())
    )
    s = x.abs().mean(0) ** 0.5
    torch.testing.assert_close(awq_scales(x, w), s)
    by_hand = quantize(w * s, 3, axis=0).values / s
    torch.testing.assert_close(awq(x, w, 3, group=None, alphas=[0.5]).weight, by_hand)


def test_rescaling_refuses_shapes_and_powers_that_do_not_fit() -> None:
    x, w = some(4, 8), some(2, 8)
    with pytest.raises(ValueError, match=r"not \(4, 8\) and \(8, 2\)"):
        smoothquant_scales(x, w.T)
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1, not 1"):
        awq_scales(x, w, 1.5)
    with pytest.raises(ValueError, match="at least one power"):
        awq(x, w, group=8, alphas=[])
