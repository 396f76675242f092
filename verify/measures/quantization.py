"""Integer quantization of a tensor: codes, scales and zero points, per tensor, channel or group."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from verify.measures.quantization_grid import Grid, as_rows, check, from_rows, grid, scale_shape
from verify.measures.quantization_limits import Limits, Method, calibrate


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """A tensor as integers: `values` = `scale` · (`codes` − `zero_point`)."""

    codes: Tensor = field(repr=False)
    """The integers, int32, in the tensor's own shape."""
    scale: Tensor
    """The distance of two neighbouring values: `()`, `(channels,)` or `(..., groups)`."""
    zero_point: Tensor
    """The code that stands for 0, int32, in the shape of `scale`."""
    least: int
    """The smallest code of the grid."""
    greatest: int
    """The largest code of the grid."""
    values: Tensor = field(repr=False)
    """What the codes stand for: floats in the tensor's own shape and type."""


def quantize(
    tensor: Tensor,
    bits: int = 8,
    *,
    symmetric: bool = True,
    axis: int | None = None,
    group: int | None = None,
    limits: Limits | tuple[float, float] | Method = "min-max",
) -> Quantized:
    """The tensor on an evenly spaced grid of `bits` bits, 2 to 8.

    Symmetric codes run from −(2^(bits−1) − 1) to 2^(bits−1) − 1 around the zero point 0; affine ones
    (`symmetric=False`) from 0 to 2^bits − 1, and 0 has a code of its own. Values are rounded to the nearest
    code (a tie to the even multiple of the scale, as ONNX's QuantizeLinear does) and clipped at the ends.

    One scale serves the whole tensor, or each index along `axis` has its own (0 for the output channels of a
    weight), or each run of `group` neighbours along the last axis has. `limits` are the ends of the grid, as
    `calibrate` gives them, or the name of the method by which they are found on the tensor itself.

    Source: Jacob et al. 2018, section 2.1; Wu et al. 2020 (arXiv 2004.09602), section 3.

    Raises TypeError for a tensor that has no floats; ValueError for bits outside 2 to 8, an empty tensor,
    values or limits that are not finite, limits of another shape or in the wrong order, and an axis or a
    group that does not fit.
    """
    floats = check(tensor, bits)
    rows = as_rows(floats, axis, group)
    if isinstance(limits, str):
        limits = calibrate(tensor, limits, bits, symmetric=symmetric, axis=axis, group=group)
    low, high = (_per_row(end, rows) for end in limits)
    if not bool((low <= high).all()):
        raise ValueError("the limits are the lower one first; a lower one lies above its upper one")
    chosen = grid(low, high, bits, symmetric)
    return _on_grid(tensor, rows, chosen, axis, scale_shape(tensor.shape, axis, group))


def _per_row(end: Tensor | float, rows: Tensor) -> Tensor:
    found = torch.as_tensor(end).to(rows).reshape(-1, 1)
    if len(found) not in (1, len(rows)):
        raise ValueError(f"{len(rows)} scales need as many limits, or one pair; got {len(found)}")
    if not bool(found.isfinite().all()):
        raise ValueError(f"limits must be finite, not {end}")
    return found.expand(len(rows), 1)


def _on_grid(tensor: Tensor, rows: Tensor, on: Grid, axis: int | None, shape: tuple[int, ...]) -> Quantized:
    codes = on.codes(rows)
    values = (codes - on.zero_point) * on.scale
    return Quantized(
        from_rows(codes.int(), tensor.shape, axis),
        on.scale.reshape(shape),
        on.zero_point.int().reshape(shape),
        on.least,
        on.greatest,
        from_rows(values, tensor.shape, axis).to(tensor.dtype),
    )
