"""How far an approximation is from what it stands for: SQNR, largest error, cosine, agreement of classes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cosine_similarity


@dataclass(frozen=True, slots=True)
class Fidelity:
    """An approximation's outputs against the reference's; `n` says how many outputs were compared."""

    sqnr: float
    """Signal to quantization noise of all outputs as one, in dB; infinite where they are equal."""
    mean_sqnr: float
    """The mean over samples of each one's own signal to quantization noise, in dB."""
    max_abs: float
    """The largest absolute difference of two numbers."""
    cosine: float
    """Cosine of the angle between all outputs as one vector and the reference's."""
    agreement: float
    """The share of samples whose largest output stands at the same place, in 0..1."""
    n: int
    """The number of samples."""


def sqnr(reference: Tensor, approximation: Tensor, *, samples: bool = False) -> float:
    """Signal to quantization-noise ratio in dB: 10 log10 (Σ reference² / Σ (reference − approximation)²).

    Over the whole of both, which have the same shape; with `samples=True`, the mean of the ratios in dB of
    each index along the first axis. Infinite where both are equal.

    Raises ValueError for shapes that differ, and for a reference (or one of its samples) that is all zeros.
    """
    if reference.shape != approximation.shape or not reference.numel():
        raise ValueError(
            f"two tensors of one shape are compared, not {tuple(reference.shape)} "
            f"and {tuple(approximation.shape)}"
        )
    signal, found = reference.detach().double(), approximation.detach().double()
    parts = (signal.flatten(1), found.flatten(1)) if samples and signal.dim() > 1 else None
    if samples and parts is None:
        raise ValueError("samples=True needs a first axis of samples and a second one")
    one, other = parts or (signal.reshape(1, -1), found.reshape(1, -1))
    ratios = [
        _decibel(float(power), float(noise))
        for power, noise in zip(one.square().sum(1), (one - other).square().sum(1), strict=True)
    ]
    return math.fsum(ratios) / len(ratios)


def _decibel(power: float, noise: float) -> float:
    if power == 0:
        raise ValueError("a reference of zeros has no signal to compare with")
    return 10 * math.log10(power / noise) if noise else math.inf


def fidelity(reference: Tensor, approximation: Tensor) -> Fidelity:
    """All that tells an approximation's outputs from the reference's, both `(samples, outputs)`.

    Raises ValueError for other shapes, and for a sample of the reference that is all zeros.
    """
    if reference.dim() != 2:
        raise ValueError(f"outputs (samples, outputs) are compared, not {tuple(reference.shape)}")
    whole = sqnr(reference, approximation)
    exact, found = reference.detach().double(), approximation.detach().double()
    same = exact.argmax(1) == found.argmax(1)
    return Fidelity(
        whole,
        sqnr(reference, approximation, samples=True),
        float((exact - found).abs().max()),
        float(cosine_similarity(exact.flatten(), found.flatten(), dim=0)),
        int(same.sum()) / len(same),
        len(same),
    )
