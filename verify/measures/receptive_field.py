"""What a unit of a feature map sees of the image: by recurrence, by tracing influence, by gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from verify.measures.forward import check_module, copy_with, on_meta, run_on_meta, tensor_of
from verify.measures.influence import Influence, positive

Unit = int | tuple[int, int]
"""A position of the output: (row, column) of a map `(1, C, H, W)`, or a token's number in `(1, N, C)`."""

Select = Callable[[object], Tensor]
"""Picks the tensor from what a module returns."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """The pixels that can influence one unit."""

    height: int
    """Rows of the bounding box, in pixels."""
    width: int
    """Columns of the bounding box, in pixels."""
    touched: int
    """How many pixels have an influence."""
    share: float
    """`touched` over the bounding box's pixels, in 0..1; below 1 where a dilation leaves holes."""
    clipped: bool
    """True when the box touches the image's border: the image may be too small to show the whole field."""
    mask: Tensor = field(repr=False, compare=False)
    """Bool, `(size, size)`: which pixels have an influence."""


def receptive_field(layers: Iterable[tuple[int, int] | tuple[int, int, int]]) -> int:
    """The side, in pixels, of what one unit sees after a chain of layers.

    It is 1 + Σ dilation · (kernel − 1) · ∏ strides of the layers before.

    `layers` are `(kernel, stride)` or `(kernel, stride, dilation)` of convolutions and poolings, the first
    layer first.

    Source: Araujo, Norris, Sim 2019, Computing receptive fields of convolutional neural networks, equation 2.

    Raises ValueError for a layer of another form, or with anything below 1.
    """
    extent, jump = 1, 1
    for number, layer in enumerate(layers, 1):
        sizes = layer if isinstance(layer, tuple | list) else ()
        if len(sizes) not in (2, 3) or not all(isinstance(size, int) and size >= 1 for size in sizes):
            wanted = "(kernel, stride) or (kernel, stride, dilation), each at least 1"
            raise ValueError(f"layer {number} is {layer}; wanted is {wanted}")
        kernel, stride, *dilation = layer
        extent += (kernel - 1) * (dilation[0] if dilation else 1) * jump
        jump *= stride
    return extent


def footprint(
    module: nn.Module,
    size: int,
    channels: int | None = None,
    at: Unit | None = None,
    output: Select | None = None,
) -> Footprint:
    """Which pixels of a `size`×`size` image can influence one unit of the output.

    The unit is the middle of the output map `(1, C, H, W)`, all channels together, or the middle token of
    `(1, N, C)`; `at` names another. Pass the part of a network that ends in a map, as
    `model("resnet50").base_model`. `output` picks the tensor from what the module returns, where that is no
    tensor and has neither logits nor last_hidden_state.

    Found by the gradient of a float64 copy in which influence only adds up: positive weights, activations and
    norms passed through (a norm over positions does not count as a path), average for max pooling, uniform
    attention over what is not masked. So it says what an architecture can see, not what trained weights look
    at. Works on meta.

    Raises ValueError when the output has no such unit, the image does not fit, or nothing reaches the unit.
    """
    traced = positive(check_module(module))
    images = torch.ones(1, channels or _channels(module), size, size, dtype=torch.float64)
    with Influence():
        gradient = _gradient(traced, images, at, output, channel=None)
    mask = gradient > 0
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    if not rows.numel():
        raise ValueError("no pixel influences the unit")
    top, bottom, left, right = (int(end) for end in (rows[0], rows[-1], columns[0], columns[-1]))
    height, width = bottom - top + 1, right - left + 1
    touched = int(mask.sum())
    clipped = min(top, left) == 0 or max(bottom, right) == size - 1
    return Footprint(height, width, touched, touched / (height * width), clipped, mask)


def gradient_profile(
    module: nn.Module,
    size: int,
    channels: int | None = None,
    at: Unit | None = None,
    output: Select | None = None,
    *,
    channel: int = 0,
    images: Tensor | None = None,
) -> Tensor:
    """How strongly each pixel moves one unit, by the module's own weights: float64, `(size, size)`.

    The absolute gradient of channel `channel` of the unit (see `footprint`), summed over the input's channels
    and averaged over `images`, `(n, channels, size, size)`; without them, one image of standard normal noise,
    seed 0.

    Source: Luo et al. 2016, Understanding the effective receptive field, section 3.

    Raises ValueError for a module on the meta device, and as `footprint` does.
    """
    if any(tensor.is_meta for tensor in check_module(module).parameters()):
        raise ValueError('the module is on the meta device and has no weights; build it with device="cpu"')
    if images is None:
        shape = (1, channels or _channels(module), size, size)
        images = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    if images.dim() != 4 or images.shape[-2:] != (size, size):
        raise ValueError(f"images must be (n, channels, {size}, {size}), not {tuple(images.shape)}")

    def convert(_: str, tensor: Tensor) -> Tensor:
        dtype = torch.float64 if tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to("cpu", dtype, copy=True)

    own = copy_with(module, convert).requires_grad_(False)
    gradients = [_gradient(own, image[None].double().cpu(), at, output, channel) for image in images]
    return torch.stack(gradients).mean(0)


def _channels(module: nn.Module) -> int:
    first = (part for part in module.modules() if isinstance(part, nn.Conv2d))
    convolution = next(first, None)
    return 3 if convolution is None else convolution.in_channels


@torch.enable_grad()
def _gradient(
    module: nn.Module, images: Tensor, at: Unit | None, output: Select | None, channel: int | None
) -> Tensor:
    """The absolute gradient of one unit, summed over the input's channels: `(size, size)`."""
    images = images.detach().clone().requires_grad_()
    try:
        returned = module(images)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"an input of shape {tuple(images.shape)} does not go through the module: {error}"
        ) from error
    values = _unit(output(returned) if output else tensor_of(returned), at)
    if channel is not None and not 0 <= channel < values.numel():
        raise ValueError(f"channel {channel} is not among the output's {values.numel()}")
    target = values.sum() if channel is None else values[channel]
    if not target.requires_grad:
        raise ValueError("the output does not depend on the input by a gradient")
    (gradient,) = torch.autograd.grad(target, images, allow_unused=True)
    if gradient is None:
        raise ValueError("no pixel influences the unit")
    return gradient[0].abs().sum(0)


def _unit(values: Tensor, at: Unit | None) -> Tensor:
    """The channels of one unit, from an output `(1, C, H, W)` or `(1, N, C)`."""
    grid = tuple(values.shape[2:]) if values.dim() == 4 else tuple(values.shape[1:2])
    if values.dim() not in (3, 4):
        raise ValueError(
            f"the output has shape {tuple(values.shape)}, without positions; wanted (1, C, H, W) or "
            "(1, N, C): pass the part before the pooling and the head, as model(…).base_model"
        )
    place = tuple(side // 2 for side in grid) if at is None else (at,) if isinstance(at, int) else tuple(at)
    if len(place) != len(grid) or not all(0 <= index < side for index, side in zip(place, grid, strict=True)):
        raise ValueError(f"at={at} is no position of the output's grid {grid}")
    return values[0, :, place[0], place[1]] if values.dim() == 4 else values[0, place[0]]


def spatial_layers(
    module: nn.Module, size: int = 224, channels: int | None = None
) -> list[tuple[int, int, int]]:
    """`(kernel, stride, dilation)` of each convolution and pooling on the main path, for `receptive_field`.

    For the convolutional networks of `model(…)` and for plain chains. Shortcut branches (modules named
    `shortcut`) are left out, and so is what follows a global pooling. Modules are found by running a
    `size`×`size` image on meta; a pooling that is written as a function is not seen.

    Raises ValueError when there is no such layer, when one is not square, and when the path branches.
    """
    meta = on_meta(check_module(module))
    layers: list[tuple[int, int, int]] = []
    reached: list[int] = []

    def note(
        layer: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d, inputs: tuple[Tensor, ...], result: Tensor
    ) -> None:
        spatial = inputs[0].shape[2:]
        sizes = [layer.kernel_size, layer.stride, getattr(layer, "dilation", 1)]
        sides = [{*each} if isinstance(each, tuple) else {each} for each in sizes]
        is_global = max(spatial) == 1 or min(sides[0]) > max(spatial)
        if is_global:
            return
        if any(len(side) > 1 for side in sides):
            raise ValueError(f"{layer} is not square; a receptive field along one axis is wanted")
        if reached and reached[-1] != inputs[0].shape[1]:
            raise ValueError(f"the path branches before {layer}; list the layers of one path by hand")
        reached.append(result.shape[1])
        kernel, stride, dilation = (int(side.pop()) for side in sides)
        layers.append((kernel, stride, dilation))

    for name, part in meta.named_modules():
        if isinstance(part, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)) and "shortcut" not in name:
            part.register_forward_hook(note)
    run_on_meta(meta, (1, channels or _channels(module), size, size))
    if not layers:
        raise ValueError("the module has no two-dimensional convolution or pooling")
    return layers
