"""ResNet (He et al. 2016, table 1)."""

from __future__ import annotations

from verify.measures.models.hub import FromTransformers

_BASIC = {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512]}

NETWORKS = {
    "resnet18": FromTransformers("ResNet", {**_BASIC, "depths": [2, 2, 2, 2]}),
    "resnet34": FromTransformers("ResNet", {**_BASIC, "depths": [3, 4, 6, 3]}),
    "resnet50": FromTransformers("ResNet"),
    "resnet101": FromTransformers("ResNet", {"depths": [3, 4, 23, 3]}),
    "resnet152": FromTransformers("ResNet", {"depths": [3, 8, 36, 3]}),
}
"""Each name and how its network is made."""
