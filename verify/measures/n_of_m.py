"""The pattern that sparse tensor cores ask for: at most n numbers of every m in a row are not zero."""

from __future__ import annotations

from torch import Tensor, nn

from verify.measures.counting import kind_of
from verify.measures.forward import check_numbers


def n_of_m_share(module: nn.Module, n: int = 2, m: int = 4) -> float:
    """The share of groups of `m` weights in a row with at most `n` that are not zero; 1.0 is n:m sparse.

    A row runs along a linear layer's inputs, and along a convolution's input channels at one place of the
    kernel, as in `prune_n_of_m`. Layers whose inputs `m` does not divide do not count; biases and norms do
    not either.

    Source: Mishra et al. 2021, Accelerating Sparse Deep Neural Networks, section 3 (2:4).

    Raises:
        ValueError: `n` and `m` that make no pattern, no row that `m` divides, or the meta device.
    """
    if not 0 < n < m:
        raise ValueError(f"n of m needs 0 < n < m, not {n} of {m}")
    kept = groups = 0
    for part in check_numbers(module, "to look for zeros among").modules():
        if kind_of(part):
            weight = part.get_parameter("weight")
            if weight.shape[1] % m == 0:
                counts = (_rows(weight).reshape(-1, m) != 0).sum(1)
                kept += int((counts <= n).sum())
                groups += len(counts)
    if not groups:
        raise ValueError(f"no layer has rows that {m} divides")
    return kept / groups


def _rows(weight: Tensor) -> Tensor:
    """`(outputs, inputs)`, the channels next to each other."""
    return weight.movedim(1, -1).flatten(1)
