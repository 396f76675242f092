"""Calibration: between which limits a quantizer's grid should lie, found on sample data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from verify.measures.quantization_grid import as_rows, check, grid, scale_shape

Method = Literal["min-max", "percentile", "entropy", "mse"]
"""How limits are chosen."""

Limits = tuple[Tensor, Tensor]
"""The lowest and the highest value that a grid reaches: each `()`, `(channels,)` or `(..., groups)`."""

HISTOGRAM_BINS = 2048
"""Bins of magnitudes among which the entropy method chooses, as in Migacz's talk."""


SMALL = 1e-4
"""The share of a sample that an empty bin counts for, where a divergence would be infinite otherwise."""


def calibrate(
    samples: Tensor,
    method: Method = "min-max",
    bits: int = 8,
    *,
    symmetric: bool = True,
    axis: int | None = None,
    group: int | None = None,
    percentile: float = 99.9,
) -> Limits:
    """The limits between which `quantize` should represent values such as these.

    - `min-max`: the smallest and largest sample.
    - `percentile`: `percentile` % of the magnitudes lie inside (symmetric), or that share of the values, with
      the same share beyond either end.
    - `mse`: of min-max shrunk to 1 %, 2 %, …, 100 %, the one whose quantized samples have the least
      squared error.
    - `entropy`: of clipping magnitudes after 2^bits levels' worth of 2048 histogram bins or later, the one
      whose quantized histogram has the least Kullback-Leibler divergence from the clipped one.

    Symmetric limits are −t and t. `axis` gives limits per index along that axis, `group` per run of as many
    neighbours along the last one, neither gives one pair; `low` and `high` are returned in the shape of
    `quantize`'s scales.

    Sources: Wu et al. 2020 (arXiv 2004.09602), section 5.2; for entropy, Migacz, 8-bit Inference with
    TensorRT, GTC 2017.

    Raises ValueError for an unknown method, a percentile outside 50 to 100, and as `quantize` does.
    """
    rows = as_rows(check(samples, bits), axis, group)
    if method not in METHODS:
        raise ValueError(f"no method is called {method!r}; there are {', '.join(METHODS)}")
    if not 50 <= percentile <= 100:
        raise ValueError(f"percentile must lie between 50 and 100, not {percentile}")
    if symmetric:
        peak = METHODS[method](rows.abs(), bits, True, percentile)[1]
        low, high = -peak, peak
    else:
        low, high = METHODS[method](rows, bits, False, percentile)
    shape = scale_shape(samples.shape, axis, group)
    return low.reshape(shape), high.reshape(shape)


def _min_max(rows: Tensor, bits: int, symmetric: bool, percentile: float) -> Limits:
    return rows.amin(1), rows.amax(1)


def _percentile(rows: Tensor, bits: int, symmetric: bool, percentile: float) -> Limits:
    # numpy, because torch.quantile refuses more than 2^24 values.
    outside = 100 - percentile if symmetric else (100 - percentile) / 2
    low, high = np.percentile(rows.detach().cpu().numpy(), [outside, 100 - outside], axis=1)
    return torch.from_numpy(low).to(rows), torch.from_numpy(high).to(rows)


def _mse(rows: Tensor, bits: int, symmetric: bool, percentile: float) -> Limits:
    low, high = rows.amin(1, keepdim=True), rows.amax(1, keepdim=True)
    least = torch.full_like(high, torch.inf)
    best = torch.ones_like(high)
    for percent in range(100, 0, -1):
        shrink = percent / 100
        error = (grid(low * shrink, high * shrink, bits, symmetric).nearest(rows) - rows).square()
        mean = error.mean(1, keepdim=True)
        best = torch.where(mean < least, shrink, best)
        least = torch.minimum(mean, least)
    return (low * best).squeeze(1), (high * best).squeeze(1)


def _entropy(rows: Tensor, bits: int, symmetric: bool, percentile: float) -> Limits:
    # One side of a symmetric grid has half of the codes; a grid for values of one sign has them all on it.
    peaks = []
    for row in rows.detach().cpu().double().numpy():
        one_sided = not symmetric and (row.min() >= 0 or row.max() <= 0)
        peaks.append(_least_divergence(np.abs(row), 2 ** (bits if one_sided else bits - 1)))
    peak = torch.tensor(peaks).to(rows)
    return torch.maximum(rows.amin(1), -peak), torch.minimum(rows.amax(1), peak)


def _least_divergence(magnitudes: np.ndarray, levels: int) -> float:
    """The magnitude to clip at, so that a histogram of `levels` bins tells the least information less."""
    if not magnitudes.max() > 0:
        return 0.0
    counts, edges = np.histogram(magnitudes, bins=HISTOGRAM_BINS, range=(0, magnitudes.max()))
    best, least = HISTOGRAM_BINS, np.inf
    for kept in range(levels, HISTOGRAM_BINS + 1):
        clipped = counts[:kept].astype(float)
        occupied = clipped > 0
        bins = np.minimum(np.arange(kept) * levels // kept, levels - 1)
        total = np.bincount(bins, clipped, levels)
        shared = np.bincount(bins, occupied, levels)
        quantized = np.where(occupied, (total / np.maximum(shared, 1))[bins], 0)
        # What is clipped away is counted in the last bin of the one, and missing from the other.
        clipped[-1] += counts[kept:].sum()
        divergence = _divergence(clipped, quantized)
        if divergence < least:
            best, least = kept, divergence
    return float(edges[best])


def _divergence(true: np.ndarray, approximate: np.ndarray) -> float:
    """Kullback-Leibler divergence of two histograms, in nats; a bin that the second lacks holds SMALL."""
    inside = true > 0
    p, q = true[inside], np.maximum(approximate[inside], SMALL)
    p, q = p / p.sum(), q / q.sum()
    return float((p * np.log(p / q)).sum())


METHODS: dict[str, Callable[[Tensor, int, bool, float], Limits]] = {
    "min-max": _min_max,
    "percentile": _percentile,
    "entropy": _entropy,
    "mse": _mse,
}
"""Each method by its name; it takes `(scales, values)` and gives the limits of each row."""

assert set(METHODS) == set(get_args(Method))
