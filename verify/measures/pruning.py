"""Pruning: which weights of a network become zero, and what share of them is.

Every function returns a pruned copy and leaves the network alone. `fine_tune(pruned, data, seed=0)` trains
the copy without waking its zeros, so gradual pruning is a loop over `sparsity_schedule`.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor, nn

from verify.measures.counting import kind_of
from verify.measures.forward import check_numbers


def sparsity(module: nn.Module) -> float:
    """The share of weights that are exactly 0 in convolutions and linear layers, 0..1.

    Biases and norms are not counted. Raises ValueError when there is no such layer, or on the meta device.
    """
    weights = list(prunable(module).values())
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)


def sparsity_by_layer(module: nn.Module) -> dict[str, float]:
    """The share of zero weights of each convolution and linear layer, 0..1, by the layer's name.

    Raises ValueError when there is no such layer, or on the meta device.
    """
    return {name: (weight == 0).float().mean().item() for name, weight in prunable(module).items()}


def prune_weights(
    model: nn.Module,
    share: float,
    *,
    by: Literal["magnitude", "random"] = "magnitude",
    scope: Literal["global", "layer"] = "global",
    layers: Iterable[str] | None = None,
    seed: int = 0,
) -> nn.Module:
    """A copy in which `share` (0..1) of the weights of convolutions and linear layers are 0: unstructured.

    Zeros that were there count, so `share` is the sparsity that results. `by="magnitude"` takes the weights
    nearest to 0, `by="random"` any, as `seed` decides. `scope="global"` compares the weights of all layers
    with each other, so layers end up differently sparse; `scope="layer"` takes the same share of each.
    `layers` names the ones that are pruned, by default all.

    Source: Han et al. 2015, Learning both Weights and Connections (magnitude).

    Raises ValueError for a share outside 0..1, another `by` or `scope`, or a layer that is not there.
    """
    if by not in ("magnitude", "random") or scope not in ("global", "layer"):
        raise ValueError(f"by is magnitude or random, scope is global or layer; not {by!r} and {scope!r}")
    pruned = deepcopy(model)
    weights = prunable(pruned, layers)
    generator = torch.Generator().manual_seed(seed)
    scores = []
    for weight in weights.values():
        size = weight.detach().abs().flatten()
        drawn = torch.rand(size.shape, generator=generator).to(size) + 1
        scores.append(size if by == "magnitude" else torch.where(size == 0, 0, drawn))
    if scope == "global":
        masks = torch.split(_mask(torch.cat(scores), share), [len(score) for score in scores])
    else:
        masks = tuple(_mask(score, share) for score in scores)
    _apply(weights.values(), masks)
    return pruned


def prune_n_of_m(model: nn.Module, n: int = 2, m: int = 4, layers: Iterable[str] | None = None) -> nn.Module:
    """A copy that keeps the `n` largest of every `m` weights in a row: 2:4 sparsity by default.

    A row runs along a linear layer's inputs, and along a convolution's input channels at one place of the
    kernel. Layers whose inputs do not divide by `m`, often the first, stay as they are.

    Source: Mishra et al. 2021, Accelerating Sparse Deep Neural Networks, sections 3 and 4.

    Raises ValueError unless 0 < n < m, or for a layer that is not there.
    """
    if not 0 < n < m:
        raise ValueError(f"n of m weights are kept with 0 < n < m, not {n} of {m}")
    pruned = deepcopy(model)
    for weight in prunable(pruned, layers).values():
        if weight.shape[1] % m == 0:
            rows = weight.detach().movedim(1, -1)
            groups = rows.reshape(-1, m).abs()
            kept = torch.zeros_like(groups).scatter_(1, groups.topk(n, dim=1).indices, 1)
            _apply([weight], [kept.reshape(rows.shape).movedim(-1, 1)])
    return pruned


def sparsity_schedule(final: float, rounds: int, *, start: float = 0.0, power: float = 3.0) -> list[float]:
    """The sparsity to prune to in each of `rounds` rounds, rising from `start` (not listed) to `final`.

    `power=3` is the cubic schedule, which prunes much early, while there is much to spare; `power=1` is
    linear.

    Source: Zhu, Gupta 2017, To prune, or not to prune, equation 1.

    Raises ValueError unless 0 ≤ start ≤ final ≤ 1, rounds ≥ 1 and power > 0.
    """
    if not 0 <= start <= final <= 1 or rounds < 1 or power <= 0:
        raise ValueError(f"no schedule from {start} to {final} in {rounds} rounds with power {power}")
    return [final + (start - final) * (1 - step / rounds) ** power for step in range(1, rounds + 1)]


def prunable(module: nn.Module, layers: Iterable[str] | None = None) -> dict[str, nn.Parameter]:
    """The weights of convolutions and linear layers by the layer's name; of `layers` only, where given.

    Raises ValueError when there is none, for a name that is not among them, or on the meta device.
    """
    known = check_numbers(module, "to prune or to look for zeros among")
    found = {name: part.weight for name, part in known.named_modules() if kind_of(part)}
    wanted = list(found) if layers is None else list(layers)
    if not found or (strange := [name for name in wanted if name not in found]):
        raise ValueError(f"no layers to prune are called {strange}; there are {list(found)}" if found else
                         f"a {type(module).__name__} has no convolution or linear layer")  # fmt: skip
    return {name: found[name] for name in wanted}


def _mask(scores: Tensor, share: float) -> Tensor:
    """False at the smallest `share` of the scores, rounded to whole ones."""
    if not 0 <= share <= 1:
        raise ValueError(f"share must be 0 to 1, not {share}")
    mask = torch.ones_like(scores, dtype=torch.bool)
    mask[scores.topk(round(share * len(scores)), largest=False).indices] = False
    return mask


def _apply(weights: Iterable[Tensor], masks: Iterable[Tensor]) -> None:
    with torch.no_grad():
        for weight, mask in zip(weights, masks, strict=True):
            weight.mul_(mask.reshape(weight.shape))
