"""MobileNetV1 (Howard et al. 2017, table 1) and V2 (Sandler et al. 2018, table 2)."""

from __future__ import annotations

from verify.measures.models.hub import FromTransformers

NETWORKS = {
    "mobilenet-v1": FromTransformers("MobileNetV1", {"tf_padding": False}),
    "mobilenet-v2": FromTransformers("MobileNetV2", {"tf_padding": False}),
}
"""Each name and how its network is made; `depth_multiplier` is the papers' width multiplier α."""
