"""A copy of a network through which influence only adds up: what the footprint of a unit is read from.

Weights become positive constants, and a mode swaps every function that could block, cancel or saturate a
gradient for one that lets it through: after that, a gradient is zero exactly where there is no path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from verify.measures.forward import copy_with

MASKED = 50.0
"""A score this far below the row's largest is masked; networks add −100 or −∞ to what may not be seen."""

# fmt: off
LET_THROUGH = frozenset({
    "relu", "relu6", "gelu", "silu", "mish", "elu", "selu", "celu", "leaky_relu", "prelu", "rrelu",
    "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "tanh", "softplus", "softsign", "softshrink",
    "hardshrink", "tanhshrink", "threshold", "logsigmoid", "clamp", "clip", "clamp_min", "clamp_max", "erf",
    "sqrt", "rsqrt", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm",
    "local_response_norm", "normalize", "dropout", "dropout2d", "alpha_dropout", "feature_dropout",
    "feature_alpha_dropout",
})
# fmt: on
"""Functions of one tensor whose result is replaced by the tensor itself, scaled to a mean of one."""


def positive(module: nn.Module) -> nn.Module:
    """A float64 copy on the CPU in eval mode: weights 1/fan-in, biases zero, other parameters positive.

    Buffers keep their numbers; those of a module on the meta device, which have none, become ones (integers
    zeros).
    """

    def convert(name: str, tensor: Tensor) -> Tensor:
        if isinstance(tensor, nn.Parameter):
            if tensor.dim() >= 2:
                return torch.full(tensor.shape, 1 / max(1, prod(tensor.shape[1:])), dtype=torch.float64)
            return torch.full(tensor.shape, 0.0 if name.endswith("bias") else 1.0, dtype=torch.float64)
        dtype = torch.float64 if tensor.is_floating_point() else tensor.dtype
        if tensor.is_meta:
            return torch.full(tensor.shape, 1 if tensor.is_floating_point() else 0, dtype=dtype)
        return tensor.detach().to("cpu", dtype, copy=True)

    return copy_with(module, convert).requires_grad_(False)


class Influence(TorchFunctionMode):
    """While active, every layer passes on a positive gradient to all that it reads.

    Activations, norms and dropout are identities up to a positive factor, so that nothing over- or
    underflows; a max pool is an average pool of the same geometry; a softmax is uniform over what is not
    masked; a difference is a sum.
    """

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").strip("_")
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        if any(tensor.requires_grad for tensor in tensors):
            if name in LET_THROUGH:
                return _scaled(tensors[0])
            if name in SWAPS:
                return SWAPS[name](*args, **kwargs)
        return func(*args, **kwargs)


def _scaled(values: Tensor) -> Tensor:
    """The values divided by the mean of their magnitudes, which counts as a constant."""
    mean = values.detach().abs().mean()
    return values / mean if mean > 0 else values


def _mean_pool(
    input: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    if return_indices:
        raise ValueError("a max pool with return_indices has no average pool in its place")
    if dilation in (1, (1, 1)):
        return functional.avg_pool2d(input, kernel_size, stride or None, padding, ceil_mode)
    if ceil_mode:
        raise ValueError("a dilated max pool with ceil_mode has no average pool in its place")
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
    ones = input.new_full((input.shape[-3], 1, *kernel), 1 / prod(kernel))
    return functional.conv2d(input, ones, None, stride or kernel, padding, dilation, input.shape[-3])


def _adaptive_mean_pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:
    return functional.adaptive_avg_pool2d(input, output_size)


def _softmax(input: Tensor, dim: int | None = None, *_: Any, **options: Any) -> Tensor:
    axis = -1 if dim is None else dim
    scores = input.detach()
    seen = (scores > scores.amax(axis, keepdim=True) - MASKED).to(input.dtype)
    uniform = seen / seen.sum(axis, keepdim=True).clamp(min=1)
    slope = _scaled(input.masked_fill(seen == 0, 0.0))
    return uniform * (
        1 + slope - slope.detach()
    )  # uniform in value, with a positive gradient towards what is seen


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **_: Any,
) -> Tensor:
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None:
        is_bool = attn_mask.dtype == torch.bool
        scores = scores.masked_fill(~attn_mask, -torch.inf) if is_bool else scores + attn_mask
    return _softmax(scores) @ value


def _add(first: Any, second: Any, **_: Any) -> Any:
    return first + second


def _product(first: Any, second: Any, **_: Any) -> Any:
    if isinstance(second, Tensor) and second.requires_grad:
        return first * _scaled(second)
    return first / abs(second)


def _mean(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    return input.mean(dim or None, keepdim)


def _same(input: Tensor, *_: Any, **__: Any) -> Tensor:
    return input


SWAPS: dict[str, Callable[..., Any]] = {
    "max_pool2d": _mean_pool,
    "adaptive_max_pool2d": _adaptive_mean_pool,
    "amax": _mean,
    "maximum": _add,
    "sub": _add,
    "rsub": _add,
    "subtract": _add,
    "neg": _same,
    "div": _product,
    "truediv": _product,
    "softmax": _softmax,
    "scaled_dot_product_attention": _attention,
}
"""What each function is replaced by, with the same parameters."""
