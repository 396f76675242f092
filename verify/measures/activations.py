"""Memory for activations in one forward pass, as PyTorch's eager mode holds them, found without running it.

Counted are the tensors that a forward pass makes, and its input; not the weights and buffers, nor the scratch
space inside a kernel. A storage that several tensors share counts once. Everything is found on the meta
device: shapes and lifetimes without numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from verify.measures.forward import check_module, check_shape, on_meta, run_on_meta, tensor_of


def activation_peak(
    module: nn.Module,
    shape: Sequence[int],
    dtype: torch.dtype | None = None,
    *,
    fused_attention: bool = False,
) -> int:
    """Bytes of activations that are alive at once in an inference pass, at its worst moment.

    A tensor lives from the operation that makes it until nothing refers to it; the input lives throughout,
    since its caller holds it. While a layer works, its input and its output are both alive; a residual
    block's input lives until the addition.

    Args:
        module: any; it is not touched. Its weights' type decides the activations'.
        shape: of the input, batch first.
        dtype: of the input; `torch.long` for a module that reads token numbers.
        fused_attention: attention never holds the scores of all pairs, as FlashAttention does it (Dao et al.
            2022); otherwise it is matrix products and a softmax, each with its result in memory.

    Raises:
        ValueError: the input does not go through the module.
    """
    meta = on_meta(check_module(module))
    living = _Living(_storages(meta))
    with living, _attention(fused_attention):
        run_on_meta(meta, shape, dtype)
    return living.peak


def activation_stash(
    module: nn.Module,
    shape: Sequence[int],
    dtype: torch.dtype | None = None,
    *,
    fused_attention: bool = False,
) -> int:
    """Bytes that a training pass keeps for the backward pass, parameters and buffers not counted.

    These are the tensors that autograd saves: the inputs of convolutions and linear layers (the image too),
    what norms and activations need, masks of dropout, indices of max pools. The module is in training mode.

    Args: as for `activation_peak`; batch norms need more than one value per channel.

    Raises:
        ValueError: the input does not go through the module in training mode.
    """
    meta = on_meta(check_module(module)).train()
    own = set(_storages(meta))
    stash: dict[Any, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        reference = _reference(tensor)
        if reference not in own:
            stash[reference] = tensor.untyped_storage().nbytes()
        return tensor

    floating = (tensor.dtype for tensor in meta.parameters() if tensor.is_floating_point())
    images = torch.empty(check_shape(shape), dtype=dtype or next(floating, torch.float32), device="meta")
    try:
        with torch.device("meta"), _attention(fused_attention), saved_tensors_hooks(pack, lambda kept: kept):
            output = tensor_of(meta(images))  # alive until all is counted
    except Exception as error:  # of whatever kind, as in a forward pass alone
        raise ValueError(f"an input of shape {tuple(shape)} does not train the module: {error}") from error
    del output
    return sum(stash.values())


def _storages(module: nn.Module) -> list[Any]:
    tensors = [*module.parameters(), *module.buffers()]
    return [_reference(tensor) for tensor in tensors]


def _reference(tensor: Tensor) -> Any:
    """What knows the tensor's storage again and does not keep it alive."""
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows which storages are alive after each operation."""

    def __init__(self, ignored: Iterable[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ignored = set(ignored)
        self.alive: dict[Any, int] = {}
        self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.alive = {ref: size for ref, size in self.alive.items() if not ref.expired()}
        for leaf in tree_leaves((args, result)):
            if isinstance(leaf, Tensor):
                reference = _reference(leaf)
                if reference not in self.ignored:
                    self.alive[reference] = leaf.untyped_storage().nbytes()
        self.peak = max(self.peak, sum(self.alive.values()))
        return result


class _FusedKernel(torch.autograd.Function):
    """What a fused attention kernel reads, writes and saves: no scores, one number for each row of them."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        result = query.new_empty(*query.shape[:-1], value.shape[-1])
        ctx.save_for_backward(
            query, key, value, result, query.new_empty(query.shape[:-1], dtype=torch.float32)
        )
        return result


class _Fused(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is nn.functional.scaled_dot_product_attention:
            query, key, value = (*args, *((kwargs or {}).get(name) for name in ("query", "key", "value")))[:3]
            return _FusedKernel.apply(query, key, value)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


def _attention(fused: bool) -> AbstractContextManager[object]:
    return _Fused() if fused else nullcontext()
