"""Fake-quantized models: layers that compute with rounded weights and inputs, also while they train."""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call

from verify.measures.forward import check_numbers
from verify.measures.quantization import quantize
from verify.measures.quantization_floats import FORMATS, FloatName, round_to
from verify.measures.quantization_grid import beside
from verify.measures.quantization_limits import Limits, Method, calibrate

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
"""The layers that are quantized."""

UNSCALED = ("fp16", "bf16", "tf32")
"""Formats whose range is wide enough to be used without a scale."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a tensor is rounded."""

    bits: int | FloatName
    """Bits of an integer grid, or the name of a floating-point format."""
    symmetric: bool
    """Whether an integer grid is symmetric around 0."""
    axis: int | None
    """The axis along which each index has a scale of its own; None for one scale."""
    group: int | None
    """How many neighbours along the last axis share a scale; None for no groups."""
    method: Method
    """How the limits are found."""

    def limits(self, tensor: Tensor) -> Limits:
        """The limits of the grid for tensors such as this one."""
        bits = self.bits if isinstance(self.bits, int) else 8
        found = tensor.detach()
        return calibrate(found, self.method, bits, symmetric=self.symmetric, axis=self.axis, group=self.group)

    def rounded(self, tensor: Tensor, limits: Limits | None = None) -> Tensor:
        """The tensor on its grid; the gradient passes straight through between the limits, and is 0 beyond.

        Source: Bengio et al. 2013 (arXiv 1308.3432) for the estimator.
        """
        low, high = self.limits(tensor) if limits is None else limits
        if isinstance(self.bits, str):
            peak = beside(high, tensor, self.axis, self.group)
            return _straight_through(tensor, _float_values(tensor, self.bits, peak))
        values = quantize(
            tensor.detach(),
            self.bits,
            symmetric=self.symmetric,
            axis=self.axis,
            group=self.group,
            limits=(low, high),
        ).values
        if limits is None and self.method == "min-max":
            return _straight_through(tensor, values)
        ends = (beside(end, tensor, self.axis, self.group) for end in (low, high))
        return _straight_through(tensor.clamp(*ends), values)


def _straight_through(tensor: Tensor, values: Tensor) -> Tensor:
    return tensor + (values - tensor).detach()


def _float_values(tensor: Tensor, format: FloatName, peak: Tensor) -> Tensor:
    if format in UNSCALED:
        return round_to(tensor, format)
    scale = torch.where(peak > 0, peak / FORMATS[format].largest, torch.ones_like(peak))
    return round_to(tensor.detach() / scale, format, saturate=True) * scale


class QuantizedLayer(nn.Module):
    """A layer that sees its weight, and its input, only after they were rounded."""

    low: Tensor
    high: Tensor

    def __init__(self, layer: nn.Module, weights: Recipe | None, inputs: Recipe | None) -> None:
        super().__init__()
        self.layer = layer
        self.weights = weights
        self.inputs = inputs
        self.is_static = False
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def calibrate(self, samples: Tensor) -> None:
        """Fixes the limits of the inputs by what such inputs are like."""
        if self.inputs is not None:
            self.low, self.high = self.inputs.limits(samples)
            self.is_static = True

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output for the rounded input, by the rounded weight."""
        if self.inputs is not None:
            x = self.inputs.rounded(x, (self.low, self.high) if self.is_static else None)
        if self.weights is None:
            result: Tensor = self.layer(x)
            return result
        weight: Tensor = self.weights.rounded(self.layer.weight)  # type: ignore[arg-type]
        result = functional_call(self.layer, {"weight": weight}, (x,))
        return result


def quantize_model(
    module: nn.Module,
    weights: int | FloatName | None = 8,
    activations: int | FloatName | None = None,
    *,
    samples: Tensor | None = None,
    dynamic: bool = False,
    method: Method = "min-max",
    weight_method: Method = "min-max",
    per_channel: bool = True,
    group: int | None = None,
    symmetric: bool = False,
    keep: Collection[str] = (),
) -> nn.Module:
    """A copy in eval mode whose convolutions and linear layers compute with rounded weights and inputs.

    `weights` and `activations` are bits of an integer grid (2 to 8), a format of `round_to` (FP8 is scaled
    by the largest magnitude), or None to leave them as they are. Weights are symmetric, with a scale per
    output channel, per tensor (`per_channel=False`) or per `group` of neighbours along the last axis (of a
    linear layer its inputs, of a convolution the columns of its kernel); their limits follow the weights by
    `weight_method`. A layer's input has one scale, affine or `symmetric`, with limits

    - **static**: found once by `method` on what the layer sees while the float model runs on `samples`;
    - **dynamic** (`dynamic=True`): the smallest and largest value of each call's input.

    `keep` names layers (as in `named_modules()`) that stay as they are. Biases, sums and all other layers are
    in float. Arithmetic is float on rounded values ("fake quantization"), which integer kernels reproduce up
    to the rounding of sums. The copy's weights stay float parameters, and gradients pass straight through the
    rounding: training it further is quantization-aware training.

    Sources: Jacob et al. 2018; Wu et al. 2020 (arXiv 2004.09602); Bengio et al. 2013 for the gradient.

    Raises ValueError when activations lack both `samples` and `dynamic` or have both, for another method than
    min-max with `dynamic`, for other bits or formats, for a `group` that does not divide a layer's weights,
    for a layer in `keep` that does not exist, and when there is no layer to quantize; TypeError for
    `nn.MultiheadAttention`, whose projections are no layers.
    """
    if activations is None and (dynamic or samples is not None):
        raise ValueError("samples and dynamic are about activations; say in how many bits, activations=8")
    if activations is not None and dynamic == (samples is not None):
        raise ValueError("activations need either samples to calibrate on (static) or dynamic=True")
    if dynamic and method != "min-max":
        raise ValueError(f"dynamic limits are the smallest and the largest value; {method!r} needs samples")
    for role, asked in (("weights", weights), ("activations", activations)):
        if isinstance(asked, str) and asked not in FORMATS:
            raise ValueError(f"{role}={asked!r} is none of {', '.join(get_args(FloatName))}")
        if isinstance(asked, int) and not 2 <= asked <= 8:
            raise ValueError(f"{role}={asked} is no number of bits from 2 to 8; there are fp16 and bf16, too")
    quantized = copy.deepcopy(check_numbers(module, "to quantize")).eval()
    parts: dict[str, nn.Module] = dict(quantized.named_modules())
    if any(isinstance(part, nn.MultiheadAttention) for part in parts.values()):
        raise TypeError("nn.MultiheadAttention hides its projections; write them as nn.Linear")
    named: dict[str, nn.Module] = {
        name: part for name, part in quantized.named_modules() if isinstance(part, LAYERS)
    }
    if unknown := sorted(set(keep) - set(named)):
        raise ValueError(f"keep names no layer {', '.join(unknown)}; there are {', '.join(named)}")
    chosen = {part for name, part in named.items() if name not in keep}
    if not chosen:
        raise ValueError("the module has no convolution or linear layer to quantize")
    for name, part in named.items():
        length = part.get_parameter("weight").shape[-1]
        if part in chosen and group is not None and (group < 1 or length % group):
            raise ValueError(f"group={group} does not divide the {length} weights in a row of {name}")
    axis = 0 if per_channel and group is None else None
    on_weights = None if weights is None else Recipe(weights, True, axis, group, weight_method)
    is_float = isinstance(activations, str)
    on_inputs = (
        None if activations is None else Recipe(activations, symmetric or is_float, None, None, method)
    )
    layers = {part: QuantizedLayer(part, on_weights, on_inputs) for part in chosen}
    if samples is not None and activations is not None:
        _calibrate(quantized, layers, samples)
    if quantized in layers:
        return layers[quantized].eval()
    for part in list(quantized.modules()):
        for child_name, child in list(part.named_children()):
            if child in layers and part is not layers[child]:
                setattr(part, child_name, layers[child])
    return quantized.eval()


def _calibrate(module: nn.Module, layers: dict[nn.Module, QuantizedLayer], samples: Tensor) -> None:
    seen: dict[nn.Module, list[Tensor]] = {layer: [] for layer in layers}

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[layer].append(inputs[0].detach().flatten())

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        with torch.no_grad():
            module(samples)
    finally:
        for hook in hooks:
            hook.remove()
    for layer, inputs in seen.items():
        if not inputs:
            raise ValueError(f"the samples never reach {layer}; name it in keep")
        layers[layer].calibrate(torch.cat(inputs))
