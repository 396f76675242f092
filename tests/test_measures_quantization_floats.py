"""Short floats, bit for bit against torch's and ml_dtypes' types; error measures against torch's own."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from verify import fidelity, round_to, sqnr
from verify.measures.quantization_floats import FloatName

TORCH: dict[FloatName, torch.dtype] = {
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "e4m3": torch.float8_e4m3fn,
    "e5m2": torch.float8_e5m2,
}


def many() -> Tensor:
    """Magnitudes from 1e-12 to 1e12, all halfway cases of short mantissas, signs, zeros."""
    random = torch.Generator().manual_seed(0)
    wide = torch.randn(100_000, generator=random) * 10 ** (torch.rand(100_000, generator=random) * 24 - 12)
    ties = torch.arange(-4096, 4096) / 512
    ends = torch.tensor([0.0, -0.0, 464.0, 465.0, 448.0, 65504.0, 65519.9, 65520.0, 61439.9, 61440.0])
    return torch.cat([wide, ties, ties * 2.0**-10, ties * 2.0**-17, ends, -ends])


@pytest.mark.parametrize("name", TORCH)
def test_rounding_is_that_of_torchs_types(name: FloatName) -> None:
    x = many()
    theirs = x.to(TORCH[name]).float()
    # torch saturates E4M3, which has no infinity, and lets the others overflow.
    ours = round_to(x, name, saturate=name == "e4m3")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(ours.signbit()[~ours.isnan()], theirs.signbit()[~ours.isnan()])


@pytest.mark.parametrize("name", TORCH)
def test_every_value_of_a_format_stays_as_it_is(name: FloatName) -> None:
    if TORCH[name].itemsize == 1:
        x = torch.arange(256).to(torch.uint8).view(TORCH[name]).float()
    else:
        x = torch.arange(-(2**15), 2**15).to(torch.int16).view(TORCH[name]).float()
    finite = x[x.isfinite()]
    assert torch.equal(round_to(finite, name), finite)


def test_e4m3_beyond_448_is_no_number_as_in_ml_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = many()
    theirs = x.numpy().astype(ml_dtypes.float8_e4m3fn).astype(np.float32)
    np.testing.assert_array_equal(round_to(x, "e4m3").numpy(), theirs)


def test_e2m1_is_that_of_ml_dtypes_and_has_eight_magnitudes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = torch.linspace(-5.9, 5.9, 4097)
    theirs = x.numpy().astype(ml_dtypes.float4_e2m1fn).astype(np.float32)
    np.testing.assert_array_equal(round_to(x, "e2m1").numpy(), theirs)
    assert sorted(set(round_to(x, "e2m1").abs().tolist())) == [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    assert round_to(torch.tensor([100.0, -7.1]), "e2m1").tolist() == [6, -6]


def test_tf32_keeps_ten_bits_of_a_floats_mantissa() -> None:
    x = many()
    x = x[x.abs() > 1e-30]
    bits = x.view(torch.int32).long()
    # Half of the last kept place, less one where that place is even: the tie then goes to the even one.
    rounded = (bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF
    assert torch.equal(round_to(x, "tf32"), rounded.int().view(torch.float32))


def test_saturation_ends_at_the_largest_value() -> None:
    x = torch.tensor([1e9, -1e9, 1.0])
    assert round_to(x, "e4m3", saturate=True).tolist() == [448, -448, 1]
    assert round_to(x, "fp16", saturate=True).tolist() == [65504, -65504, 1]
    assert round_to(x, "e5m2").tolist() == [math.inf, -math.inf, 1]
    assert round_to(x, "e4m3").isnan().tolist() == [True, True, False]


def test_type_and_shape_are_kept() -> None:
    x = torch.tensor([[1 / 3]], dtype=torch.float64)
    assert round_to(x, "bf16").dtype == torch.float64
    assert round_to(x, "bf16").item() == 0.333984375
    assert round_to(x, "fp16").shape == (1, 1)
    with pytest.raises(ValueError, match="no format is called 'fp8'; there are fp16, bf16, tf32, e4m3"):
        round_to(x, "fp8")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"not torch\.int64"):
        round_to(torch.arange(3), "fp16")


# Errors


def test_sqnr_is_torchs_and_a_hundredth_of_noise_power_is_20_db() -> None:
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    assert sqnr(x, x * 1.1) == pytest.approx(20, abs=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utils = pytest.importorskip("torch.ao.ns.fx.utils")
    y = x + torch.randn(50, 8, generator=torch.Generator().manual_seed(2)) / 7
    assert sqnr(x, y) == pytest.approx(float(utils.compute_sqnr(x, y)), abs=1e-4)
    by_sample = [float(utils.compute_sqnr(one, other)) for one, other in zip(x, y, strict=True)]
    assert sqnr(x, y, samples=True) == pytest.approx(sum(by_sample) / 50, abs=1e-4)
    assert sqnr(x, x) == math.inf


def test_fidelity_tells_all_measures_and_how_many_samples() -> None:
    reference = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]])
    found = torch.tensor([[3.0, 4.0], [1.0, 1.5], [0.0, 2.5]])
    measured = fidelity(reference, found)
    assert measured.n == 3
    assert measured.agreement == pytest.approx(2 / 3)
    assert measured.max_abs == 1.5
    assert measured.sqnr == pytest.approx(10 * math.log10(30 / 2.5))
    assert measured.mean_sqnr == math.inf
    dot = 9 + 16 + 1 + 5
    assert measured.cosine == pytest.approx(dot / math.sqrt(30 * (25 + 3.25 + 6.25)))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not \(2,\) and \(3,\)"):
        sqnr(torch.ones(2), torch.ones(3))
    with pytest.raises(ValueError, match="zeros has no signal"):
        sqnr(torch.zeros(2), torch.ones(2))
    with pytest.raises(ValueError, match="needs a first axis of samples"):
        sqnr(torch.ones(2), torch.ones(2), samples=True)
    with pytest.raises(ValueError, match=r"\(samples, outputs\) are compared, not \(2,\)"):
        fidelity(torch.ones(2), torch.ones(2))
