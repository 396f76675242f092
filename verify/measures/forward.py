"""One forward pass on the meta device: shapes without numbers, and without touching the caller's module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import is_lazy


def check_module(module: object) -> nn.Module:
    """The module itself.

    Raises TypeError for anything that is no `torch.nn.Module`, ValueError for one whose lazy layers have no
    shape yet.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"a torch.nn.Module is wanted, not {type(module).__name__}")
    if any(is_lazy(tensor) for tensor in module.parameters()):
        raise ValueError("the module has lazy layers without a shape; run it once on an input first")
    return module


def check_numbers(module: object, what: str) -> nn.Module:
    """The module itself, whose weights are numbers; `what` is wanted of them, for the message.

    Raises what `check_module` does, and ValueError for one on the meta device.
    """
    checked = check_module(module)
    if any(tensor.is_meta for tensor in checked.parameters()):
        raise ValueError(f'on the meta device there are no numbers {what}: model(name, "cpu")')
    return checked


def check_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The input's shape as a tuple, batch first; raises ValueError unless all of it are positive integers."""
    sizes = tuple(shape) if isinstance(shape, Iterable) else ()
    if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"shape must be positive integers, batch first, as (1, 3, 224, 224); got {shape}")
    return sizes


def copy_with(module: nn.Module, convert: Callable[[str, Tensor], Tensor]) -> nn.Module:
    """A copy in eval mode in which every tensor is what `convert` makes of its own name and itself.

    Covers parameters, buffers and plain tensor attributes; shared tensors stay shared; nothing of the
    original changes.
    """
    memo: dict[int, object] = {}
    for part in module.modules():
        for held in (part._parameters, part._buffers, vars(part)):
            for name, tensor in held.items():
                if isinstance(tensor, Tensor) and id(tensor) not in memo:
                    made = convert(name, tensor)
                    is_parameter = isinstance(tensor, nn.Parameter)
                    memo[id(tensor)] = nn.Parameter(made, made.is_floating_point()) if is_parameter else made
    return copy.deepcopy(module, memo).eval()


def on_meta(module: nn.Module) -> nn.Module:
    """A copy in eval mode whose tensors have shapes and types but no numbers; no data is copied."""
    return copy_with(module, lambda _, tensor: torch.empty_like(tensor, device="meta", requires_grad=False))


def tensor_of(output: object) -> Tensor:
    """The tensor in what a module returned: itself, its `logits` or `last_hidden_state`, or a tuple's first.

    Raises ValueError when there is none.
    """
    if isinstance(output, Tensor):
        return output
    for name in ("logits", "last_hidden_state"):
        found = getattr(output, name, None)
        if isinstance(found, Tensor):
            return found
    if isinstance(output, (tuple, list)) and output and isinstance(output[0], Tensor):
        return output[0]
    raise ValueError(
        f"the module returned {type(output).__name__}; wanted is a tensor, a tuple that starts with one, "
        "or an object with logits or last_hidden_state"
    )


def run_on_meta(meta: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    """The output, on the meta device, of a module from `on_meta` for an input of that shape.

    Attention is run as plain matrix products, so that it can be counted. `dtype` is the input's; by default
    the type of the module's first floating-point parameter (`torch.long` for a module that reads token
    numbers).

    Raises ValueError when the input does not fit.
    """
    sizes = check_shape(shape)
    floating = (tensor.dtype for tensor in meta.parameters() if tensor.is_floating_point())
    dtype = dtype or next(floating, torch.float32)
    fastpath = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), torch.device("meta"), sdpa_kernel(SDPBackend.MATH):
            return tensor_of(meta(torch.empty(sizes, dtype=dtype)))
    except Exception as error:  # of whatever kind: a network of two inputs raises TypeError or AttributeError
        raise ValueError(f"an input of shape {sizes} does not go through the module: {error}") from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)
