"""Vision transformers: ViT (Dosovitskiy et al. 2021, table 1) and DeiT (Touvron et al. 2021, table 1)."""

from __future__ import annotations

from typing import Any

from verify.measures.models.hub import FromTransformers


def _sizes(width: int, heads: int, depth: int = 12) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "num_attention_heads": heads,
        "num_hidden_layers": depth,
        "intermediate_size": 4 * width,
    }


_TINY, _SMALL, _BASE, _LARGE = _sizes(192, 3), _sizes(384, 6), _sizes(768, 12), _sizes(1024, 16, 24)
_TEACHER = "ForImageClassificationWithTeacher"

NETWORKS = {
    "vit-s16": FromTransformers("ViT", _SMALL),
    "vit-b16": FromTransformers("ViT", _BASE),
    "vit-b32": FromTransformers("ViT", {**_BASE, "patch_size": 32}),
    "vit-l16": FromTransformers("ViT", _LARGE),
    # DeiT without distillation is a ViT, trained in another way.
    "deit-ti": FromTransformers("ViT", _TINY),
    "deit-s": FromTransformers("ViT", _SMALL),
    "deit-b": FromTransformers("ViT", _BASE),
    "deit-s-distilled": FromTransformers("DeiT", {**_SMALL, "num_labels": 1000}, _TEACHER),
}
"""Each name and how its network is made."""
