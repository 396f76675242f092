"""Swin (Liu et al. 2021, section 3.3)."""

from __future__ import annotations

from verify.measures.models.hub import FromTransformers

NETWORKS = {"swin-t": FromTransformers("Swin")}
"""Each name and how its network is made."""
