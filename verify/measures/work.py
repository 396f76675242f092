"""Arithmetic against memory traffic: what each kind of operation computes, and what it reads and writes.

The traffic is that of PyTorch's eager mode with perfect caches inside an operation: each one reads its inputs
and weights once and writes its outputs once, and nothing is fused. Views cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from verify.measures.forward import check_module, on_meta, run_on_meta

KINDS = (
    "dense conv",
    "grouped conv",
    "depthwise",
    "pointwise",
    "transposed conv",
    "linear",
    "matmul",
    "other",
)

aten: Any = torch.ops.aten


@dataclass(frozen=True, slots=True)
class Work:
    """What operations compute and move."""

    macs: int
    """Multiply-accumulates of convolutions and matrix products."""
    bytes: int
    """Bytes read and written."""

    @property
    def flops(self) -> int:
        """2 · `macs`."""
        return 2 * self.macs

    @property
    def intensity(self) -> float:
        """Arithmetic intensity: FLOPs per byte moved (Williams et al. 2009); 0 where nothing moves."""
        return self.flops / self.bytes if self.bytes else 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.macs + other.macs, self.bytes + other.bytes)


def work_by_kind(
    module: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None
) -> dict[str, Work]:
    """MACs and bytes moved in one forward pass, by kind of operation; only kinds that occur.

    `dense conv`, `grouped conv`, `depthwise`, `pointwise`, `transposed conv` and `linear` are as in
    `macs_by_kind`; `matmul` is a product of two activations, as in attention; `other` is all the rest (norms,
    activations, additions, pooling, softmax, copies), whose arithmetic is not counted, but whose traffic is.

    Args:
        module: any; it is not touched. Its weights' type decides the bytes: `module.half()` halves them.
        shape: of the input, batch first.
        dtype: of the input; by default that of the weights.

    Raises:
        ValueError: the input does not go through the module.
    """
    meta = on_meta(check_module(module))
    counter = _Counter({tensor.untyped_storage()._cdata for tensor in meta.parameters()})
    with counter:
        run_on_meta(meta, shape, dtype)
    return {kind: counter.work[kind] for kind in KINDS if kind in counter.work}


def arithmetic_intensity(module: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None) -> float:
    """FLOPs per byte moved of a whole forward pass, all kinds of `work_by_kind` together."""
    return sum(work_by_kind(module, shape, dtype).values(), Work(0, 0)).intensity


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, weights: set[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.weights = weights
        self.work: dict[str, Work] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        if not _is_view(func, inputs, outputs) and func.overloadpacket is not aten.empty:
            kind, macs = self._kind(func, args, outputs)
            moved = sum(map(_bytes, inputs)) + sum(map(_bytes, outputs))
            self.work[kind] = self.work.get(kind, Work(0, 0)) + Work(macs, moved)
        return result

    def _kind(self, func: Any, args: tuple[Any, ...], outputs: list[Tensor]) -> tuple[str, int]:
        packet = func.overloadpacket
        if packet is aten.convolution:
            return _convolution(args, outputs[0])
        if packet in (aten.addmm, aten.baddbmm):
            args = args[1:]
        elif packet not in (aten.mm, aten.bmm):
            return "other", 0
        has_weight = any(tensor.untyped_storage()._cdata in self.weights for tensor in args[:2])
        return "linear" if has_weight else "matmul", outputs[0].numel() * args[0].shape[-1]


def _convolution(args: tuple[Any, ...], output: Tensor) -> tuple[str, int]:
    images, weight, transposed, groups = args[0], args[1], args[6], args[8]
    if transposed:
        return "transposed conv", images.numel() * prod(weight.shape[1:])
    macs = output.numel() * prod(weight.shape[1:])
    is_1x1 = prod(weight.shape[2:]) == 1
    if groups == 1:
        return "pointwise" if is_1x1 else "dense conv", macs
    return "depthwise" if groups == images.shape[1] and not is_1x1 else "grouped conv", macs


def _is_view(func: Any, inputs: list[Tensor], outputs: list[Tensor]) -> bool:
    """Whether nothing was computed: all outputs lie in the memory of an input that was not written to."""
    held = {tensor.untyped_storage()._cdata for tensor in inputs}
    shares = all(tensor.untyped_storage()._cdata in held for tensor in outputs)
    return bool(outputs) and shares and not func._schema.is_mutable


def _bytes(tensor: Tensor) -> int:
    """The bytes of a tensor; what a broadcast repeats is read once."""
    return int(min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()))
