"""CLIP (Radford et al. 2021, table 20): an image encoder and a text encoder."""

from __future__ import annotations

from verify.measures.models.hub import FromTransformers

NETWORKS = {"clip-vit-b32": FromTransformers("CLIP", head="Model")}
"""Each name and how its network is made."""
