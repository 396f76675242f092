"""EfficientNet-B0 to B7 (Tan, Le 2019, table 1), with the coefficients of the released code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from verify.measures.models.hub import FromTransformers

# Width, depth, resolution, width of the last convolution, dropout, and the strided blocks whose map has an
# odd side at that resolution: they are padded on both sides, as TensorFlow's SAME does; without that the
# later maps are a cell too small and the MACs up to 13 % too few.
COEFFICIENTS: tuple[tuple[float, float, int, int, float, list[int]], ...] = (
    (1.0, 1.0, 224, 1280, 0.2, []),
    (1.0, 1.1, 240, 1280, 0.2, [16]),
    (1.1, 1.2, 260, 1408, 0.3, [5, 8, 16]),
    (1.2, 1.4, 300, 1536, 0.3, [5, 18]),
    (1.4, 1.8, 380, 1792, 0.4, [6]),
    (1.6, 2.2, 456, 2048, 0.4, [13, 27]),
    (1.8, 2.6, 528, 2304, 0.5, [31]),
    (2.0, 3.1, 600, 2560, 0.5, [18]),
)


@dataclass(frozen=True, slots=True)
class EfficientNet(FromTransformers):
    """A member of the family, which also knows how to do without squeeze-and-excitation."""

    def build(self, name: str, changes: Mapping[str, Any]) -> nn.Module:
        """See `Network.build`; the change `squeeze_excitation=False` takes those modules out."""
        fields = {key: value for key, value in changes.items() if key != "squeeze_excitation"}
        built = FromTransformers.build(self, name, fields)
        if not changes.get("squeeze_excitation", True):
            for block in list(built.modules()):
                if hasattr(block, "squeeze_excite"):
                    block.squeeze_excite = nn.Identity()
        return built


NETWORKS = {
    f"efficientnet-b{number}": EfficientNet(
        "EfficientNet",
        {
            "width_coefficient": width,
            "depth_coefficient": depth,
            "image_size": resolution,
            "hidden_dim": last,
            "dropout_rate": dropout,
            "depthwise_padding": padded,
        },
        shape=(1, 3, resolution, resolution),
    )
    for number, (width, depth, resolution, last, dropout, padded) in enumerate(COEFFICIENTS)
}
"""Each name and how its network is made."""
