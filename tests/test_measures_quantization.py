"""Integer quantization, held against ONNX Runtime's operators, torch's own quantizers and closed forms."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import entropy, norm
from torch import Tensor

from verify import Quantized, calibrate, quantize, sqnr

BITS = range(2, 9)


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def in_onnx_runtime(
    x: Tensor, found: Quantized, dtype: str, axis: int = 1, block: int | None = None
) -> tuple[Tensor, Tensor]:
    """The codes and values that ONNX's QuantizeLinear and DequantizeLinear give for the same scales."""
    onnx = pytest.importorskip("onnx", reason="pip install onnx onnxruntime would bring this check")
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install onnxruntime would bring this check")
    helper, kind = onnx.helper, getattr(onnx.TensorProto, dtype)
    more = {"axis": axis} if block is None else {"axis": axis, "block_size": block}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], **more),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"], **more),
        helper.make_node("Cast", ["q"], ["codes"], to=onnx.TensorProto.INT32),
    ]
    scale = helper.make_tensor("scale", 1, found.scale.shape, found.scale.flatten().tolist())
    zero = helper.make_tensor("zero", kind, found.zero_point.shape, found.zero_point.flatten().tolist())
    graph = helper.make_graph(
        nodes,
        "quantize",
        [helper.make_tensor_value_info("x", 1, x.shape)],
        [helper.make_tensor_value_info("codes", 6, x.shape), helper.make_tensor_value_info("y", 1, x.shape)],
        [scale, zero],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    codes, values = session.run(None, {"x": x.numpy()})
    return torch.from_numpy(codes), torch.from_numpy(values)


@pytest.mark.parametrize("symmetric", [True, False])
def test_codes_and_values_are_those_of_onnx_quantize_linear(symmetric: bool) -> None:
    x = some(64, 33) + 0.5
    found = quantize(x, 8, symmetric=symmetric)
    codes, values = in_onnx_runtime(x, found, "INT8" if symmetric else "UINT8")
    assert torch.equal(found.codes, codes)
    assert torch.equal(found.values, values)


def test_ties_are_rounded_before_the_zero_point_is_added_as_in_onnx() -> None:
    x = torch.arange(-1, 254.5, 0.5)
    found = quantize(x, symmetric=False, limits=(-1.0, 254.0))
    assert float(found.scale) == int(found.zero_point) == 1
    codes, _ = in_onnx_runtime(x, found, "UINT8", axis=0)
    assert torch.equal(found.codes, codes)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_codes_per_channel_are_those_of_onnx_quantize_linear(axis: int) -> None:
    x = some(6, 5, 3) * torch.arange(1, 7)[:, None, None]
    found = quantize(x, 8, symmetric=False, axis=axis)
    assert found.scale.shape == found.zero_point.shape == (x.shape[axis],)
    codes, values = in_onnx_runtime(x, found, "UINT8", axis)
    assert torch.equal(found.codes, codes)
    assert torch.equal(found.values, values)


@pytest.mark.parametrize(("bits", "dtype"), [(8, "INT8"), (4, "INT4")])
def test_codes_per_group_are_those_of_blocked_onnx_quantize_linear(bits: int, dtype: str) -> None:
    x = some(6, 32)
    found = quantize(x, bits, group=16)
    assert found.scale.shape == (6, 2)
    codes, values = in_onnx_runtime(x, found, dtype, 1, 16)
    assert torch.equal(found.codes, codes)
    assert torch.equal(found.values, values)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("symmetric", [True, False])
def test_values_are_those_of_torchs_fake_quantize(bits: int, symmetric: bool) -> None:
    x = some(1000) - 0.3
    found = quantize(x, bits, symmetric=symmetric)
    scale, zero = float(found.scale), int(found.zero_point)
    theirs = torch.fake_quantize_per_tensor_affine(x, scale, zero, found.least, found.greatest)
    torch.testing.assert_close(found.values, theirs)
    assert (found.least, found.greatest) == (
        (1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1) if symmetric else (0, 2**bits - 1)
    )


@pytest.mark.parametrize("bits", [3, 8])
def test_values_per_channel_are_those_of_torchs_fake_quantize(bits: int) -> None:
    x = some(4, 7, 3) * torch.tensor([1.0, 2, 3, 0.1])[:, None, None]
    found = quantize(x, bits, axis=0)
    theirs = torch.fake_quantize_per_channel_affine(
        x, found.scale, found.zero_point, 0, found.least, found.greatest
    )
    torch.testing.assert_close(found.values, theirs)


def test_scales_and_zero_points_are_those_of_torchs_observers() -> None:
    observer = pytest.importorskip("torch.ao.quantization.observer")
    x = some(5, 40) + torch.arange(5)[:, None] / 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        affine = observer.MinMaxObserver(dtype=torch.quint8)
        symmetric = observer.PerChannelMinMaxObserver(
            0, torch.qint8, torch.per_channel_symmetric, quant_min=-127, quant_max=127
        )
        affine(x)
        symmetric(x)
        scale, zero_point = affine.calculate_qparams()
        channel_scales, _ = symmetric.calculate_qparams()
    whole, channels = quantize(x, symmetric=False), quantize(x, axis=0)
    assert float(whole.scale) == pytest.approx(float(scale), rel=1e-6)
    assert int(whole.zero_point) == int(zero_point)
    torch.testing.assert_close(channels.scale, channel_scales)


@pytest.mark.parametrize("shift", [5.0, -5.0])
def test_an_affine_grid_reaches_zero_also_where_no_value_does(shift: float) -> None:
    observer = pytest.importorskip("torch.ao.quantization.observer")
    x = some(40).clamp(-1, 1) + shift
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        affine = observer.MinMaxObserver(dtype=torch.quint8)
        affine(x)
        scale, zero_point = affine.calculate_qparams()
    found = quantize(x, symmetric=False)
    assert float(found.scale) == pytest.approx(float(scale), rel=1e-6)
    assert int(found.zero_point) == int(zero_point) == (0 if shift > 0 else 255)


@pytest.mark.parametrize("symmetric", [True, False])
def test_codes_are_those_of_onnxruntimes_quantizer(symmetric: bool) -> None:
    utils = pytest.importorskip("onnxruntime.quantization.quant_utils")
    onnx = pytest.importorskip("onnx")
    x = some(500) + 0.2
    kind = onnx.TensorProto.INT8 if symmetric else onnx.TensorProto.UINT8
    zero_point, scale, codes = map(np.asarray, utils.quantize_data(x.numpy(), kind, symmetric))
    found = quantize(x, symmetric=symmetric)
    np.testing.assert_allclose(found.scale.numpy(), scale.squeeze(), rtol=1e-6)
    assert int(found.zero_point) == int(zero_point)
    assert abs(found.codes.numpy() - codes.astype(int)).max() <= 1
    assert (found.codes.numpy() != codes).mean() < 0.01


# Closed forms


@pytest.mark.parametrize("bits", BITS)
def test_the_error_on_uniform_data_is_that_of_rounding_noise(bits: int) -> None:
    # Rounding noise is uniform in a step: power scale²/12 against 1/3 for values in ±1, and the two outermost
    # steps are half as wide, which the rounding error does not notice.
    x = torch.rand(200_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    steps = 2 ** (bits - 1) - 1
    assert sqnr(x, quantize(x, bits).values) == pytest.approx(10 * math.log10(4 * steps**2), abs=0.05)


def gaussian_noise(clip: float, bits: int) -> float:
    """Mean squared error of a standard normal value on a symmetric grid with its ends at ±clip."""
    top = 2 ** (bits - 1) - 1
    step = clip / top
    inner = [
        quad(lambda x, k=k: (x - k * step) ** 2 * norm.pdf(x), (k - 0.5) * step, (k + 0.5) * step)[0]
        for k in range(-top + 1, top)
    ]
    outer = quad(lambda x: (x - clip) ** 2 * norm.pdf(x), clip - step / 2, np.inf)[0]
    return float(sum(inner) + 2 * outer)


@pytest.mark.parametrize("bits", [3, 4, 5])
def test_mse_calibration_finds_the_best_clip_of_a_gaussian(bits: int) -> None:
    x = some(20_000)
    best = minimize_scalar(lambda clip: gaussian_noise(clip, bits), bounds=(0.5, 6), method="bounded")
    low, high = calibrate(x, "mse", bits)
    assert -low == high
    assert float(high) == pytest.approx(best.x, abs=0.15)
    found = quantize(x, bits, limits="mse")
    assert sqnr(x, found.values) == pytest.approx(-10 * math.log10(best.fun), abs=0.3)


@pytest.mark.parametrize("symmetric", [True, False])
def test_no_other_clip_on_the_grid_of_percents_beats_mse_calibration(symmetric: bool) -> None:
    x = some(3, 200).exp() - 1
    low, high = calibrate(x, "mse", 4, symmetric=symmetric, axis=0)
    best = quantize(x, 4, symmetric=symmetric, axis=0, limits=(low, high)).values
    ends = (-x.abs().amax(1), x.abs().amax(1)) if symmetric else (x.amin(1), x.amax(1))
    for percent in range(1, 101):
        limits = (ends[0] * (percent / 100), ends[1] * (percent / 100))
        other = quantize(x, 4, symmetric=symmetric, axis=0, limits=limits).values
        assert ((x - best).square().mean(1) <= (x - other).square().mean(1) + 1e-7).all()


@pytest.mark.parametrize("percentile", [90, 99, 99.9, 100])
def test_percentiles_are_torchs_quantiles(percentile: float) -> None:
    x = some(2, 5000) + 1
    low, high = calibrate(x, "percentile", percentile=percentile, axis=0)
    torch.testing.assert_close(high, x.abs().quantile(percentile / 100, dim=1))
    assert torch.equal(low, -high)
    outside = (1 - percentile / 100) / 2
    low, high = calibrate(x, "percentile", percentile=percentile, axis=0, symmetric=False)
    torch.testing.assert_close(low, x.quantile(outside, dim=1))
    torch.testing.assert_close(high, x.quantile(1 - outside, dim=1))


def divergences_by_hand(magnitudes: np.ndarray, bins: int, levels: int) -> list[float]:
    """The pseudo-code of Migacz's talk, loop by loop: the divergence for each number of bins that is kept."""
    counts, _ = np.histogram(magnitudes, bins=bins, range=(0, magnitudes.max()))
    found = []
    for kept in range(levels, bins + 1):
        reference = counts[:kept].astype(float)
        reference[-1] += counts[kept:].sum()
        candidate = np.zeros(kept)
        for level in range(levels):
            merged = [i for i in range(kept) if i * levels // kept == level and counts[i]]
            for i in merged:
                candidate[i] = sum(counts[k] for k in merged) / len(merged)
        candidate[(candidate == 0) & (reference > 0)] = 1e-4
        inside = reference > 0
        found.append(float(entropy(reference[inside], candidate[inside])))
    return found


@pytest.mark.parametrize("power", [1, 2, 3])
def test_entropy_takes_the_clip_of_least_divergence(power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.measures.quantization_limits.HISTOGRAM_BINS", 64)
    x = some(3000).abs() ** power
    by_hand = divergences_by_hand(x.double().numpy(), 64, 2**3)
    _, high = calibrate(x, "entropy", 4)
    assert float(high) == pytest.approx(float(x.max()) * (8 + int(np.argmin(by_hand))) / 64)
    # For values of one sign an affine grid has all of its codes on that side.
    by_hand = divergences_by_hand(x.double().numpy(), 64, 2**4)
    _, high = calibrate(x, "entropy", 4, symmetric=False)
    assert float(high) == pytest.approx(float(x.max()) * (16 + int(np.argmin(by_hand))) / 64)


@pytest.mark.parametrize("power", [1, 2])
def test_entropy_is_as_good_as_onnxruntimes(power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The two differ in how they merge bins, so their limits differ where the divergence is flat.
    calibration = pytest.importorskip("onnxruntime.quantization.calibrate")
    monkeypatch.setattr("verify.measures.quantization_limits.HISTOGRAM_BINS", 256)
    x = some(20_000)
    x = x.sign() * x.abs() ** power
    collector = calibration.HistogramCollector(
        "entropy", True, num_bins=512, num_quantized_bins=256, percentile=99.9, scenario="same"
    )
    collector.collect({"x": [x.numpy()]})
    clip = float(np.max(np.abs(collector.compute_entropy()["x"][:2])))
    theirs = sqnr(x, quantize(x, limits=(-clip, clip)).values)
    ours = sqnr(x, quantize(x, limits="entropy").values)
    assert ours == pytest.approx(theirs, abs=1.5)


def test_entropy_keeps_all_of_uniform_data_and_clips_a_lone_outlier() -> None:
    x = torch.linspace(-1, 1, 50_000)
    assert float(calibrate(x, "entropy")[1]) == pytest.approx(1, abs=0.01)
    x[0] = 40
    assert float(calibrate(x, "entropy")[1]) < 4
    assert float(calibrate(x, "min-max")[1]) == 40


def test_limits_found_on_samples_are_used_for_other_data() -> None:
    limits = calibrate(torch.tensor([-1.0, 2.0]), symmetric=False)
    found = quantize(torch.tensor([-5.0, -1.0, 0.0, 2.0, 9.0]), 2, symmetric=False, limits=limits)
    assert found.codes.tolist() == [0, 0, 1, 3, 3]
    assert found.values.tolist() == [-1, -1, 0, 2, 2]
    assert quantize(torch.tensor([0.6]), 2, limits=(-1.0, 1.0)).values.tolist() == [1]


def test_a_symmetric_clip_of_two_bits_leaves_three_values() -> None:
    assert quantize(torch.tensor([-3.0, -1.4, 0.2, 1.6, 3.0]), 2).codes.tolist() == [-1, 0, 0, 1, 1]


def test_ties_go_to_the_even_multiple_of_the_scale() -> None:
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, 127.0])
    assert quantize(x).codes.tolist() == [0, 2, 2, 0, 127]


floats = st.floats(-1e4, 1e4, width=32)


@settings(max_examples=60)
@given(st.lists(floats, min_size=1, max_size=20), st.integers(2, 8), st.booleans())
def test_zero_is_exact_errors_stay_within_half_a_step_and_twice_is_once(
    values: list[float], bits: int, symmetric: bool
) -> None:
    x = torch.tensor([*values, 0.0], dtype=torch.float64)
    found = quantize(x, bits, symmetric=symmetric)
    assert found.values[-1] == 0
    # An affine grid is moved by up to half a step so that 0 lies on it; its ends lose as much.
    assert float((x - found.values).abs().max()) <= float(found.scale) * (0.5 if symmetric else 1.001) + 1e-9
    again = quantize(found.values, bits, symmetric=symmetric, limits=(x.min().item(), x.max().item()))
    torch.testing.assert_close(again.values, found.values)
    torch.testing.assert_close(found.scale * (found.codes - found.zero_point), found.values)


def test_constant_and_zero_channels_are_kept() -> None:
    x = torch.tensor([[0.0, 0.0], [3.0, 3.0], [-2.0, -2.0]])
    for symmetric in (True, False):
        assert torch.equal(quantize(x, axis=0, symmetric=symmetric).values, x)


def test_type_and_shape_are_kept_and_nothing_is_written() -> None:
    x = some(3, 4).half()
    before = x.clone()
    found = quantize(x, 4, axis=1)
    assert found.values.dtype == torch.float16
    assert found.codes.dtype == torch.int32
    assert found.codes.shape == x.shape
    assert torch.equal(x, before)
    assert quantize(torch.tensor(2.0)).values == 2
    assert quantize(torch.tensor([1.0, 5.0]), 2, axis=0).values.tolist() == [1, 5]


def test_bad_input_is_refused_with_what_was_wanted() -> None:
    x = some(4, 6)
    with pytest.raises(ValueError, match="bits must be a whole number from 2 to 8, not 1"):
        quantize(x, 1)
    with pytest.raises(ValueError, match="on the meta device there are no numbers to quantize"):
        quantize(x.to("meta"))
    with pytest.raises(ValueError, match="not 'int8'"):
        quantize(x, "int8")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"tensor of floats is wanted, not torch\.int64"):
        quantize(torch.arange(3))
    with pytest.raises(TypeError, match="not list"):
        quantize([1.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="empty tensor"):
        quantize(torch.empty(0))
    with pytest.raises(ValueError, match="not finite"):
        quantize(torch.tensor([1.0, math.inf]))
    with pytest.raises(ValueError, match="axis=2 is no axis of a tensor of shape"):
        quantize(x, axis=2)
    with pytest.raises(ValueError, match=r"group=4 does not divide the last axis of \(4, 6\)"):
        quantize(x, group=4)
    with pytest.raises(ValueError, match="not both"):
        quantize(x, axis=0, group=2)
    with pytest.raises(ValueError, match="4 scales need as many limits, or one pair; got 3"):
        quantize(x, axis=0, limits=(-torch.ones(3), torch.ones(3)))
    with pytest.raises(ValueError, match="lower one first"):
        quantize(x, limits=(1.0, -1.0))
    with pytest.raises(ValueError, match="limits must be finite"):
        quantize(x, limits=(-1.0, math.inf))
    with pytest.raises(
        ValueError, match="no method is called 'max'; there are min-max, percentile, entropy, mse"
    ):
        quantize(x, limits="max")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"between 50 and 100, not 0\.999"):
        calibrate(x, "percentile", percentile=0.999)
