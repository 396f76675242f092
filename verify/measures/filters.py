"""Structured pruning: filters and units that are taken out of a network, which gets smaller and stays dense.

Taking out a filter takes out its channel everywhere it goes: in the norm behind it, in the inputs of the
next layers, and, across a residual addition, in every layer that writes to the same sum.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from verify.measures.forward import check_numbers

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_THROUGH = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Sigmoid, nn.Tanh, nn.ELU),
    *(nn.Dropout, nn.Dropout2d, nn.Identity, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten),
)
_FUNCTIONS: frozenset[object] = frozenset(
    {torch.relu, F.relu, F.relu6, F.gelu, F.silu, F.dropout, torch.sigmoid, torch.tanh}
    | {F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d, "relu", "sigmoid", "tanh"}
)
"""Functions and methods behind which each channel is where it was."""
_WITH_DIMENSIONS: dict[object, tuple[object, ...]] = {
    torch.flatten: (1,),
    "flatten": (1,),
    "mean": ((2, 3), [2, 3], (-2, -1), [-2, -1]),
}
"""Those of which that is true with these dimensions only."""
_SUMS = {operator.add, operator.iadd, torch.add}


@dataclass(slots=True, eq=False)
class _Channels:
    """The channels of a value, which live and die together with those of every value it is added to."""

    count: int
    """How many there are."""
    fixed: bool = False
    """True where they must stay: the network's inputs and outputs."""
    writers: list[str] = field(default_factory=list)
    """The layers whose filters they are."""
    readers: list[str] = field(default_factory=list)
    """The layers that take them as inputs."""
    owners: list[str] = field(default_factory=list)
    """Norms and depthwise convolutions, with weights for each channel."""


def prune_filters(
    model: nn.Module, share: float, *, norm: int = 1, layers: Iterable[str] | None = None
) -> nn.Module:
    """A copy without a share of the filters of each convolution and the units of each linear layer.

    `share` is from 0 to below 1. Filters go in the order of their L1 norm (`norm=2`: L2); what is left keeps
    its weights. Layers that write to the same sum lose the same channels, by the sum of their norms. Each
    layer keeps at least one filter; the network's outputs stay. `layers` names the layers that lose filters,
    by default all.

    Knows convolutions (dense and depthwise), linear layers, batch norms, activations, pooling, flattening and
    additions, in any network that `torch.fx` can trace.

    Source: Li et al. 2017, Pruning Filters for Efficient ConvNets, section 3.

    Raises ValueError for a share outside 0..1, a layer that is not there or may not shrink, a network with
    other operations or one that `torch.fx` cannot trace (those of `transformers`, whose code branches on
    shapes), or one on the meta device.
    """
    if not 0 <= share < 1 or norm not in (1, 2):
        raise ValueError(f"share must be 0 to below 1 and norm 1 or 2, not {share} and {norm}")
    pruned = deepcopy(check_numbers(model, "to tell large filters from small ones"))
    parts = dict(pruned.named_modules())
    groups = _groups(pruned, parts)
    wanted = None if layers is None else set(layers)
    shrinking = [
        group for group in groups if not group.fixed and (wanted is None or wanted & set(group.writers))
    ]
    if wanted and (left := wanted - {name for group in shrinking for name in group.writers}):
        may = [name for group in groups if not group.fixed for name in group.writers]
        raise ValueError(f"the layers {sorted(left)} cannot lose filters; these can: {may}")
    kept = []
    for group in shrinking:
        scores = sum(_norms(parts[name].get_parameter("weight"), norm) for name in group.writers)
        assert isinstance(scores, Tensor)
        keep = max(1, group.count - round(share * group.count))
        kept.append(scores.topk(keep).indices.sort().values)
    for group, rows in zip(shrinking, kept, strict=True):
        for name in (*group.writers, *group.owners):
            _keep_outputs(parts[name], rows)
        for name in group.readers:
            _keep_inputs(parts[name], rows, group.count)
    return pruned


def _norms(weight: Tensor, norm: int) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(weight.detach().flatten(1).double(), norm, dim=1)
    return norms


def _groups(model: nn.Module, parts: dict[str, nn.Module]) -> list[_Channels]:
    """The channels of every value, as the network's graph joins them."""
    alias: dict[_Channels, _Channels] = {}

    def root(group: _Channels) -> _Channels:
        while group in alias:
            group = alias[group]
        return group

    def join(one: _Channels, two: _Channels) -> _Channels:
        one, two = root(one), root(two)
        if one is not two:
            if one.count != two.count:
                raise ValueError(f"{one.count} and {two.count} channels are added; broadcasting is not known")
            one.fixed |= two.fixed
            for mine, other in (
                (one.writers, two.writers),
                (one.readers, two.readers),
                (one.owners, two.owners),
            ):
                mine.extend(name for name in other if name not in mine)
            alias[two] = one
        return one

    found: dict[fx.Node, _Channels] = {}
    written: dict[str, _Channels] = {}
    read: dict[str, _Channels] = {}

    def layer(name: str, value: _Channels) -> _Channels:
        part: Any = parts[name]
        if isinstance(part, nn.Conv2d | nn.Linear) and getattr(part, "groups", 1) == 1:
            if name in read:  # called again: its inputs have the same channels as before
                join(read[name], value)
                return written[name]
            read[name] = value
            value.readers.append(name)
            written[name] = _Channels(len(part.weight), writers=[name])
            return written[name]
        if isinstance(part, _NORMS) or (isinstance(part, nn.Conv2d) and part.groups == len(part.weight)):
            if value.count not in (-1, len(part.weight)):
                raise ValueError(
                    f"{name} has weights for {len(part.weight)} channels, and gets {value.count}"
                )
            if name not in value.owners:
                value.owners.append(name)
            return value
        if isinstance(part, _THROUGH):
            return value
        raise ValueError(f"it is not known how channels go through {name}, a {type(part).__name__}")

    try:
        graph = fx.symbolic_trace(model).graph
    except Exception as error:  # whatever the network's own code does with what is no tensor
        raise ValueError(f"torch.fx cannot trace the {type(model).__name__}: {error}") from error
    for node in graph.nodes:
        inputs = [root(found[each]) for each in node.all_input_nodes if each in found]
        if node.op == "placeholder":
            found[node] = _Channels(-1, fixed=True)
        elif node.op == "output":
            for value in inputs:
                value.fixed = True
        elif node.op == "call_module":
            found[node] = layer(node.target, inputs[0])
        elif node.op == "call_function" and node.target in _SUMS and len(inputs) == 2:
            found[node] = join(*inputs)
        elif len(inputs) == 1 and (
            node.target in _FUNCTIONS
            or (node.args[1:2] or ("no",))[0] in _WITH_DIMENSIONS.get(node.target, ())
        ):
            found[node] = inputs[0]
        else:
            raise ValueError(f"it is not known how channels go through {node.target} in {node.name}")
    return list(dict.fromkeys(root(value) for value in found.values()))


def _keep_outputs(part: Any, rows: Tensor) -> None:
    for name in ("weight", "bias", "running_mean", "running_var"):
        held = getattr(part, name, None)
        if held is not None:
            cut = held.detach()[rows].clone()
            setattr(part, name, nn.Parameter(cut) if isinstance(held, nn.Parameter) else cut)
    for name in ("out_channels", "out_features", "num_features"):
        if hasattr(part, name):
            setattr(part, name, len(rows))
    if getattr(part, "groups", 1) > 1:
        part.in_channels = part.groups = len(rows)


def _keep_inputs(part: Any, rows: Tensor, count: int) -> None:
    width = part.weight.shape[1] // count  # behind a flattening, several inputs for each channel
    columns = (rows[:, None] * width + torch.arange(width)).flatten()
    part.weight = nn.Parameter(part.weight.detach()[:, columns].clone())
    setattr(part, "in_channels" if isinstance(part, nn.Conv2d) else "in_features", len(columns))
