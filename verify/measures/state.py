"""The size of a model on disk, without writing it."""

from __future__ import annotations

import torch
from torch import nn

from verify.measures.forward import check_module


def state_bytes(module: nn.Module, dtype: torch.dtype | None = None) -> int:
    """Bytes of all tensors in `module.state_dict()`: parameters and buffers, a shared storage once.

    A checkpoint in safetensors has this much data behind its header; `torch.save` adds some hundred bytes for
    each tensor, and `len(export_onnx(module, example))` is the size of an ONNX file, which has the operators
    too and may have batch norms folded. Works on the meta device. Wrap it for a card,
    `quantity(state_bytes(net), "bytes")`.

    Args:
        module: any.
        dtype: the type that all floating-point tensors would be stored in, such as `torch.half`; by default
            their own. Integers (the counters of batch norms) keep theirs.

    Raises:
        TypeError: what is no module, or a `dtype` that is no floating-point type.
    """
    if dtype is not None and not dtype.is_floating_point:
        raise TypeError(
            f"weights are stored in a floating-point type, not {dtype}; quantizing is another step"
        )
    found: dict[int, int] = {}
    for tensor in check_module(module).state_dict(keep_vars=True).values():
        each = dtype.itemsize if dtype and tensor.is_floating_point() else tensor.element_size()
        found[id(tensor)] = tensor.numel() * each
    return sum(found.values())
