"""What a network has and does, counted without running it: parameters and multiply-accumulates.

Conventions, because tools differ by up to 2×: a MAC is one multiplication with its addition, FLOP = 2 · MAC;
biases, norms, activations and pooling are not counted; forward pass only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from verify.measures.forward import check_module, on_meta, run_on_meta

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.LocalResponseNorm,
)

KINDS = ("dense conv", "grouped conv", "depthwise", "pointwise", "transposed conv", "linear")


def kind_of(layer: nn.Module) -> str | None:
    """The kind of a layer with weights, one of KINDS; None for every other module.

    `pointwise` is a dense convolution with a 1×1 kernel; `depthwise` has a larger kernel and one group per
    input channel (with any channel multiplier); other groups make a `grouped conv`.
    """
    if isinstance(layer, nn.Linear):
        return "linear"
    if isinstance(layer, TRANSPOSED):
        return "transposed conv"
    if isinstance(layer, CONVOLUTIONS):
        is_1x1 = prod(layer.kernel_size) == 1
        if layer.groups == 1:
            return "pointwise" if is_1x1 else "dense conv"
        return "depthwise" if layer.groups == layer.in_channels and not is_1x1 else "grouped conv"
    return None


def parameters(module: nn.Module) -> int:
    """How many parameters a module has: weights and biases, a shared tensor once.

    Buffers (the running statistics of batch normalisation) are no parameters. Works on the meta device.

    Raises TypeError for what is no module, ValueError for lazy layers without a shape.
    """
    return sum(tensor.numel() for tensor in check_module(module).parameters())


def parameters_by_kind(module: nn.Module) -> dict[str, int]:
    """`parameters(module)`, split by the kind of layer that holds them; the values add up to it.

    Keys, those present only: `dense conv`, `grouped conv`, `depthwise`, `pointwise`, `transposed conv`,
    `linear`, `norm` (scales and shifts) and `other` (embeddings, tokens, …).
    A layer's bias counts with its layer.
    """
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    for part in check_module(module).modules():
        kind = kind_of(part) or ("norm" if isinstance(part, NORMS) else "other")
        for tensor in part.parameters(recurse=False):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                counts[kind] += tensor.numel()
    return {kind: counts[kind] for kind in (*KINDS, "norm", "other") if counts[kind]}


def macs(module: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None) -> int:
    """Multiply-accumulates of one forward pass for an input of `shape`, batch first: `(1, 3, 224, 224)`.

    Convolutions, linear layers and matrix products (attention's too) count; biases, norms, activations and
    pooling do not. Padding counts as if it were data. The module is not touched: a copy runs on the meta
    device, in eval mode. `dtype` is the input's, by default that of the weights.

    Source: `torch.utils.flop_counter.FlopCounterMode`, halved; attention runs as explicit matrix products,
    because the counter does not see the fused kernels.

    Raises ValueError when the input does not go through the module.
    """
    meta = on_meta(check_module(module))
    return _counted(meta, shape, dtype)


def _counted(meta: nn.Module, shape: Sequence[int], dtype: torch.dtype | None) -> int:
    counter = FlopCounterMode(display=False)
    with counter:
        run_on_meta(meta, shape, dtype)
    return int(counter.get_total_flops()) // 2


def flops(module: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None) -> int:
    """Floating-point operations of one forward pass, 2 · `macs(module, shape)`."""
    return 2 * macs(module, shape, dtype)


def macs_by_kind(module: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None) -> dict[str, int]:
    """`macs(module, shape)`, split by the kind of layer that does them; the values add up to it.

    Keys, those present only: `dense conv`, `grouped conv`, `depthwise`, `pointwise`, `transposed conv`,
    `linear`, by the closed form of each layer that is called as a module, and `matmul` for the rest: matrix
    products in the code of a forward pass (attention scores and values; all of `nn.MultiheadAttention`).

    Source: Howard et al. 2017, MobileNets, equations 2 and 3: K² · M/groups · N per output position.
    """
    meta = on_meta(check_module(module))
    counts: Counter[str] = Counter()

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kind = kind_of(layer)
        assert kind is not None
        if isinstance(layer, nn.Linear):
            counts[kind] += output.numel() * layer.in_features
        elif isinstance(layer, CONVOLUTIONS):
            counts[kind] += output.numel() * layer.in_channels // layer.groups * prod(layer.kernel_size)
        elif isinstance(layer, TRANSPOSED):
            counts[kind] += inputs[0].numel() * layer.out_channels // layer.groups * prod(layer.kernel_size)

    for part in meta.modules():
        if kind_of(part):
            part.register_forward_hook(count)
    counts["matmul"] = _counted(meta, shape, dtype) - sum(counts.values())
    if counts["matmul"] < 0:
        raise ValueError(
            "the layers' closed forms exceed the counted MACs; a layer was skipped by the counter"
        )
    return {kind: counts[kind] for kind in (*KINDS, "matmul") if counts[kind]}


def output_shape(
    module: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None
) -> tuple[int, ...]:
    """The shape of the output for an input of `shape`, both batch first; nothing is computed.

    Where the module returns an object, its `logits` or `last_hidden_state`; of a tuple, the first tensor.

    Raises ValueError when the input does not go through the module.
    """
    return tuple(run_on_meta(on_meta(check_module(module)), shape, dtype).shape)
