"""Batch norms folded into the layers before them: the same function with fewer layers."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from verify.measures.forward import check_module, tensor_of

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def fold_batch_norm(module: nn.Module, example: Tensor) -> nn.Module:
    """A copy in eval mode whose batch norms are part of the convolutions and linear layers before them.

    Each weight is multiplied by γ/√(σ² + ε) of its output channel, each bias by the same after μ was taken
    off, and β is added; the norm itself becomes `nn.Identity`. Which layer feeds which norm is seen by
    running the `example`; a norm that no such layer feeds directly stays. The copy's output for the example
    is held against the original's.

    Source: Jacob et al. 2018, section 3.2 (equation 14).

    Raises ValueError when nothing can be folded, and when the copy computes something else (a layer's output
    is then also used past its norm).
    """
    folded = copy.deepcopy(check_module(module)).eval()
    pairs = _pairs(folded, example)
    if not pairs:
        raise ValueError("no batch norm follows a convolution or a linear layer directly")
    with torch.no_grad():
        expected = tensor_of(folded(example))
        made: dict[nn.Module, nn.Module] = {}
        for layer, norm in pairs:
            fuse = fuse_linear_bn_eval if isinstance(layer, nn.Linear) else fuse_conv_bn_eval
            made[layer] = fuse(layer, norm)  # type: ignore[type-var]
            made[norm] = nn.Identity()
        for parent in list(folded.modules()):
            for name, child in list(parent.named_children()):
                if child in made:
                    setattr(parent, name, made[child])
        found = tensor_of(folded(example))
    if not torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())):
        raise ValueError("folding changes what the module computes: a layer's output is used past its norm")
    return folded


def _pairs(module: nn.Module, example: Tensor) -> list[tuple[nn.Module, _BatchNorm]]:
    """Each norm behind the layer whose output, unchanged, is its only input; layers that run once."""
    outputs: list[tuple[Tensor, nn.Module]] = []
    seen: list[tuple[nn.Module, _BatchNorm]] = []
    runs: dict[nn.Module, int] = {}

    def after(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        runs[layer] = runs.get(layer, 0) + 1
        outputs.append((output, layer))

    def before(norm: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        runs[norm] = runs.get(norm, 0) + 1
        seen.extend((layer, norm) for output, layer in outputs if output is inputs[0])

    hooks = []
    for part in module.modules():
        if isinstance(part, NORMS):
            hooks.append(part.register_forward_pre_hook(before))
        elif isinstance(part, (*CONVOLUTIONS, nn.Linear)):
            hooks.append(part.register_forward_hook(after))
    try:
        with torch.no_grad():
            module(example)
    finally:
        for hook in hooks:
            hook.remove()
    return [(layer, norm) for layer, norm in seen if runs[layer] == runs[norm] == 1]
