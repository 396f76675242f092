"""Rescaling before quantizing: SmoothQuant and AWQ, as factors per input channel of a linear layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from verify.measures.quantization import quantize


def smoothquant_scales(inputs: Tensor, weight: Tensor, alpha: float = 0.5) -> Tensor:
    """The factor per input channel that moves large activations into the weights, `(channels,)`.

    s_j = max |inputs_j|^alpha / max |weight_j|^(1 − alpha). Use as `inputs / s` and `weight * s`: their
    product is the same up to round-off. `inputs` are `(..., channels)`, `weight` is `(outputs, channels)`
    as in `nn.Linear`; `alpha=1` moves all of it.

    Source: Xiao et al. 2023 (arXiv 2211.10438), equation 4.

    Raises ValueError for shapes that do not fit, and for an alpha outside 0 to 1.
    """
    rows = _check(inputs, weight, alpha)
    peak = rows.abs().amax(0).clamp(min=1e-5)
    widest = weight.detach().abs().amax(0).clamp(min=1e-5)
    return peak**alpha / widest ** (1 - alpha)


def awq_scales(inputs: Tensor, weight: Tensor, alpha: float = 0.5) -> Tensor:
    """The factor per input channel that makes weights behind large activations larger, `(channels,)`.

    s_j = (mean |inputs_j|)^alpha. Use as `quantize(weight * s, 4, group=128).values / s` with the inputs as
    they are: AWQ quantizes weights only, and a factor common to all of s changes nothing.

    Source: Lin et al. 2024 (arXiv 2306.00978), section 3.2.

    Raises ValueError for shapes that do not fit, and for an alpha outside 0 to 1.
    """
    rows = _check(inputs, weight, alpha)
    return rows.abs().mean(0).clamp(min=1e-4) ** alpha


ALPHAS = tuple(step / 20 for step in range(20))
"""The powers that `awq` tries, unless told otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class AwqSearch:
    """Weights quantized behind the best of the tried scales."""

    alpha: float
    """The power whose scales gave the least error."""
    error: float
    """Norm of the outputs' error over the norm of the outputs, with those scales."""
    errors: dict[float, float]
    """The error of each alpha that was tried."""
    weight: Tensor = field(repr=False)
    """The weight as the best scales leave it: `(outputs, channels)`, to be used with unscaled inputs."""


def awq(
    inputs: Tensor,
    weight: Tensor,
    bits: int = 4,
    *,
    group: int | None = 128,
    alphas: Iterable[float] = ALPHAS,
) -> AwqSearch:
    """The weight quantized behind AWQ's scales, alpha chosen by the least output error on these inputs.

    `inputs` are `(..., channels)`, `weight` is `(outputs, channels)`; `group` neighbouring inputs share a
    scale, None gives a scale per output.

    Source: Lin et al. 2024 (arXiv 2306.00978), section 3.2.

    Raises ValueError as `awq_scales` and `quantize` do, and when there is no alpha to try.
    """
    rows = _check(inputs, weight, 0)
    outputs = rows @ weight.detach().T
    axis = 0 if group is None else None
    candidates: dict[float, Tensor] = {}
    errors: dict[float, float] = {}
    for alpha in alphas:
        scales = awq_scales(inputs, weight, alpha)
        candidates[alpha] = quantize(weight.detach() * scales, bits, axis=axis, group=group).values / scales
        errors[alpha] = float((rows @ candidates[alpha].T - outputs).norm() / outputs.norm())
    if not errors:
        raise ValueError("alphas must have at least one power to try")
    best = min(errors, key=errors.__getitem__)
    return AwqSearch(best, errors[best], errors, candidates[best])


def _check(inputs: Tensor, weight: Tensor, alpha: float) -> Tensor:
    if weight.dim() != 2 or inputs.dim() < 2 or inputs.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"inputs (..., channels) and a weight (outputs, channels) are wanted, not "
            f"{tuple(inputs.shape)} and {tuple(weight.shape)}"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    return torch.reshape(inputs.detach(), (-1, inputs.shape[-1]))
