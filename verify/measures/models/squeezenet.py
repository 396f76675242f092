"""SqueezeNet 1.0 (Iandola et al. 2016, table 1) and the authors' later 1.1."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from verify.measures.models.networks import Stack, WrittenOut

# Width of the squeeze and of each expand layer; None is a pool.
FIRST = (
    None,
    (16, 64),
    (16, 64),
    (32, 128),
    None,
    (32, 128),
    (48, 192),
    (48, 192),
    (64, 256),
    None,
    (64, 256),
)
LATER = (
    None,
    (16, 64),
    (16, 64),
    None,
    (32, 128),
    (32, 128),
    None,
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
)


class Fire(nn.Module):
    """A 1×1 layer to few channels, then 1×1 and 3×3 filters side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(inputs, squeezed, 1), nn.ReLU())
        self.expand_1x1 = nn.Sequential(nn.Conv2d(squeezed, expanded, 1), nn.ReLU())
        self.expand_3x3 = nn.Sequential(nn.Conv2d(squeezed, expanded, 3, padding=1), nn.ReLU())

    def forward(self, maps: Tensor) -> Tensor:
        """Maps with `2 * expanded` channels."""
        squeezed = self.squeeze(maps)
        return torch.cat([self.expand_1x1(squeezed), self.expand_3x3(squeezed)], dim=1)


def _build(stem: nn.Conv2d, plan: tuple[tuple[int, int] | None, ...], num_labels: int) -> nn.Module:
    layers: list[nn.Module] = [stem, nn.ReLU()]
    width = stem.out_channels
    for entry in plan:
        if entry is None:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        else:
            layers.append(Fire(width, *entry))
            width = 2 * entry[1]
    layers += [nn.Dropout(), nn.Conv2d(width, num_labels, 1), nn.ReLU()]
    return Stack(nn.Sequential(*layers), 1, nn.Identity())


def _squeezenet(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    return _build(nn.Conv2d(num_channels, 96, 7, 2), FIRST, num_labels)


def _squeezenet_1_1(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    return _build(nn.Conv2d(num_channels, 64, 3, 2), LATER, num_labels)


NETWORKS = {"squeezenet": WrittenOut(_squeezenet), "squeezenet-1.1": WrittenOut(_squeezenet_1_1)}
"""Each name and how its network is made."""
