"""The integer grid: which values share a scale, and how far apart a scale's codes lie."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Grid(NamedTuple):
    """Evenly spaced values, one row of them per scale."""

    scale: Tensor
    """The distance of two neighbours, `(rows, 1)`, positive."""
    zero_point: Tensor
    """The code that stands for 0, `(rows, 1)`, a whole number."""
    least: int
    """The smallest code."""
    greatest: int
    """The largest code."""

    def codes(self, rows: Tensor) -> Tensor:
        """The nearest code to each value (a tie goes to the even multiple), clipped to the grid's ends."""
        return (torch.round(rows / self.scale) + self.zero_point).clamp(self.least, self.greatest)

    def nearest(self, rows: Tensor) -> Tensor:
        """The nearest value of the grid to each value of `(rows, n)`."""
        return (self.codes(rows) - self.zero_point) * self.scale


def grid(low: Tensor, high: Tensor, bits: int, symmetric: bool) -> Grid:
    """The grid of `bits` bits whose ends are `low` and `high`, each `(rows, 1)`.

    Symmetric: codes from −(2^(bits−1) − 1) to 2^(bits−1) − 1, zero point 0, and the larger magnitude of the
    two ends sets the scale. Affine: codes from 0 to 2^bits − 1; an interval without 0 is widened to reach
    it, so that 0 has a code of its own. An interval of width zero gets the scale 1.

    Source: Jacob et al. 2018, section 2.1 and 3; Wu et al. 2020 (arXiv 2004.09602), section 3.1.
    """
    if symmetric:
        greatest = 2 ** (bits - 1) - 1
        scale = torch.maximum(low.abs(), high.abs()) / greatest
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        return Grid(scale, torch.zeros_like(scale), -greatest, greatest)
    greatest = 2**bits - 1
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / greatest
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return Grid(scale, torch.round(-low / scale).clamp(0, greatest), 0, greatest)


def as_rows(tensor: Tensor, axis: int | None, group: int | None) -> Tensor:
    """The tensor as `(scales, values per scale)`.

    One row for the whole; one per index along `axis`; or one per run of `group` neighbours on the last axis.

    Raises ValueError when both are given, for an axis that the tensor has not, and for a group that does not
    divide the last axis.
    """
    if axis is not None and group is not None:
        raise ValueError("give axis (a scale per channel) or group (a scale per run of values), not both")
    if group is not None:
        if not tensor.dim() or group < 1 or tensor.shape[-1] % group:
            raise ValueError(f"group={group} does not divide the last axis of {tuple(tensor.shape)}")
        return tensor.reshape(-1, group)
    if axis is None:
        return tensor.reshape(1, -1)
    if not -tensor.dim() <= axis < tensor.dim():
        raise ValueError(f"axis={axis} is no axis of a tensor of shape {tuple(tensor.shape)}")
    return tensor.movedim(axis, 0).flatten(1) if tensor.dim() > 1 else tensor.reshape(-1, 1)


def from_rows(rows: Tensor, shape: torch.Size, axis: int | None) -> Tensor:
    """The tensor of that shape whose `as_rows` is `rows`."""
    if axis is None or len(shape) < 2:
        return rows.reshape(shape)
    moved = [shape[axis], *(side for i, side in enumerate(shape) if i != axis % len(shape))]
    return rows.reshape(moved).movedim(0, axis)


def beside(end: Tensor, tensor: Tensor, axis: int | None, group: int | None) -> Tensor:
    """The limit of each value of the tensor, in the tensor's shape, from one limit per scale."""
    rows = as_rows(tensor, axis, group)
    return from_rows(end.reshape(-1, 1).expand_as(rows), tensor.shape, axis)


def scale_shape(shape: torch.Size, axis: int | None, group: int | None) -> tuple[int, ...]:
    """The shape that the scales of a tensor are given in: `()`, `(channels,)`, or `(..., groups)`."""
    if group is not None:
        return (*shape[:-1], shape[-1] // group)
    return () if axis is None else (shape[axis],)


def check(tensor: Tensor, bits: int) -> Tensor:
    """The tensor in float32 (or float64, where it is).

    Raises TypeError for what is no tensor of floats, ValueError for an empty one, one on the meta device, for
    values that are not finite, and for bits outside 2 to 8.
    """
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        given = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
        raise TypeError(f"a tensor of floats is wanted, not {given}")
    if isinstance(bits, bool) or not isinstance(bits, int) or not 2 <= bits <= 8:
        raise ValueError(f"bits must be a whole number from 2 to 8, not {bits!r}")
    if not tensor.numel():
        raise ValueError("there is nothing to quantize in an empty tensor")
    if tensor.is_meta:
        raise ValueError('on the meta device there are no numbers to quantize: model(name, "cpu")')
    if not bool(tensor.isfinite().all()):
        raise ValueError("the tensor has values that are not finite, and no grid reaches them")
    return tensor if tensor.dtype == torch.float64 else tensor.float()
