"""ConvNeXt (Liu et al. 2022, section 3)."""

from __future__ import annotations

from verify.measures.models.hub import FromTransformers

NETWORKS = {
    "convnext-t": FromTransformers("ConvNext"),
    "convnext-s": FromTransformers("ConvNext", {"depths": [3, 3, 27, 3]}),
    "convnext-b": FromTransformers(
        "ConvNext", {"depths": [3, 3, 27, 3], "hidden_sizes": [128, 256, 512, 1024]}
    ),
}
"""Each name and how its network is made."""
