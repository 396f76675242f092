"""Parameters by what they are for: weights, biases, norms, embeddings."""

from __future__ import annotations

from collections import Counter

from torch import nn

from verify.measures.counting import NORMS, kind_of
from verify.measures.forward import check_module

ROLES = ("weight", "bias", "norm", "embedding", "other")
EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)
_POSITIONS = ("position_embedding", "cls_token", "distillation_token", "class_embedding")


def parameters_by_role(module: nn.Module) -> dict[str, int]:
    """`parameters(module)`, split by role; only roles that occur, and the values add up to it.

    `weight` and `bias` are those of convolutions and linear layers; `norm` has scales and shifts of norms;
    `embedding` has the tables that are looked up (words, positions, segments) and a vision transformer's
    position table and class token; `other` is the rest (layer scales, temperatures, tables of relative
    positions). A tensor that is shared counts once, where it is met first: a language model's tied head
    is its embedding.

    "Parameters without embeddings" (Kaplan et al. 2020, section 2.1) are all but `embedding`.

    Raises TypeError for what is no module, ValueError for lazy layers without a shape.
    """
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    for part in check_module(module).modules():
        for name, tensor in part.named_parameters(recurse=False):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                counts[_role(part, name)] += tensor.numel()
    return {role: counts[role] for role in ROLES if counts[role]}


def _role(part: nn.Module, name: str) -> str:
    if isinstance(part, EMBEDDINGS) or name.startswith(_POSITIONS):
        return "embedding"
    if isinstance(part, NORMS):
        return "norm"
    if kind_of(part) or isinstance(part, nn.MultiheadAttention):
        return "bias" if "bias" in name else "weight"
    return "other"
