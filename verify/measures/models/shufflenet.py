"""ShuffleNetV2 (Ma et al. 2018, table 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from verify.measures.models.networks import Stack, WrittenOut, convolution

WIDTHS = {
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}
"""For each width multiplier the channels of stages 2 to 4 and of the last convolution."""


def shuffle(maps: Tensor) -> Tensor:
    """The channels of two halves interleaved: a transposed view of `(2, channels / 2)`."""
    n, channels, height, width = maps.shape
    return maps.view(n, 2, channels // 2, height, width).transpose(1, 2).reshape(maps.shape)


class Unit(nn.Module):
    """Half of the channels pass, the other half is filtered; with stride 2 both halves are, from all."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        half = outputs // 2
        taken = inputs if stride == 2 else half
        self.branch = nn.Sequential(
            convolution(taken, half, 1),
            convolution(half, half, 3, stride, groups=half, activation=None),
            convolution(half, half, 1),
        )
        self.shortcut = (
            nn.Sequential(
                convolution(inputs, inputs, 3, stride, groups=inputs, activation=None),
                convolution(inputs, half, 1),
            )
            if stride == 2
            else None
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps with `outputs` channels."""
        if self.shortcut is not None:
            return shuffle(torch.cat([self.shortcut(maps), self.branch(maps)], dim=1))
        passed, taken = maps.chunk(2, dim=1)
        return shuffle(torch.cat([passed, self.branch(taken)], dim=1))


def _shufflenet(num_labels: int = 1000, num_channels: int = 3, width_multiplier: float = 1.0) -> nn.Module:
    if width_multiplier not in WIDTHS:
        known = ", ".join(map(str, WIDTHS))
        raise ValueError(f"ShuffleNetV2 has no width_multiplier {width_multiplier}; it has {known}")
    *stages, last = WIDTHS[width_multiplier]
    layers: list[nn.Module] = [convolution(num_channels, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    width = 24
    for outputs, repeats in zip(stages, (4, 8, 4), strict=True):
        layers.append(Unit(width, outputs, 2))
        layers += [Unit(outputs, outputs, 1) for _ in range(repeats - 1)]
        width = outputs
    layers.append(convolution(width, last, 1))
    return Stack(nn.Sequential(*layers), 1, nn.Linear(last, num_labels))


NETWORKS = {"shufflenet-v2": WrittenOut(_shufflenet, ("num_labels", "num_channels", "width_multiplier"))}
"""Each name and how its network is made."""
