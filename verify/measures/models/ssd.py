"""SSD300 on VGG-16 (Liu et al. 2016, section 3 and figure 2), with 91 classes as for COCO."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from verify.measures.models.networks import WrittenOut

BOXES = (4, 6, 6, 6, 4, 4)
"""Default boxes at each cell of the six maps."""
MAPS = (512, 1024, 512, 256, 256, 256)
"""Channels of the six maps."""


class Scaled(nn.Module):
    """Each position's vector brought to length one, then times a learned factor per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels,), 20.0))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the same shape."""
        return self.scale.view(1, -1, 1, 1) * nn.functional.normalize(maps)


def _pair(inputs: int, middle: int, outputs: int, stride: int, padding: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, middle, 1), nn.ReLU(),
        nn.Conv2d(middle, outputs, 3, stride, padding), nn.ReLU(),
    )  # fmt: skip


class Ssd300(nn.Module):
    """`(n, 3, 300, 300)` to scores and offsets, `(n, 8732, classes + 4)`, for every default box."""

    def __init__(self, num_labels: int = 91, num_channels: int = 3) -> None:
        super().__init__()
        channels, layers = num_channels, list[nn.Module]()
        for stage, (repeats, width) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))):
            # 75 cells become 38: the third pool keeps the odd row.
            layers += [nn.MaxPool2d(2, ceil_mode=stage == 3)] if stage else []
            for _ in range(repeats):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
        cut = len(layers) - 7  # in front of the fourth pool
        self.first = nn.Sequential(*layers[:cut])
        self.scaled = Scaled(512)
        second = nn.Sequential(
            *layers[cut:], nn.MaxPool2d(3, 1, 1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU(), nn.Conv2d(1024, 1024, 1), nn.ReLU(),
        )  # fmt: skip
        extra = [_pair(1024, 256, 512, 2, 1), _pair(512, 128, 256, 2, 1)]
        extra += [_pair(256, 128, 256, 1, 0) for _ in range(2)]
        self.later = nn.ModuleList([second, *extra])
        self.heads = nn.ModuleList(
            nn.Conv2d(width, boxes * (num_labels + 4), 3, padding=1)
            for width, boxes in zip(MAPS, BOXES, strict=True)
        )
        self.columns = num_labels + 4

    def forward(self, images: Tensor) -> Tensor:
        """Scores and offsets, `(n, boxes, classes + 4)`."""
        current = self.first(images)
        maps = [self.scaled(current)]
        for part in self.later:
            current = part(current)
            maps.append(current)
        found = [head(each) for head, each in zip(self.heads, maps, strict=True)]
        rows = [each.permute(0, 2, 3, 1).reshape(len(images), -1, self.columns) for each in found]
        return torch.cat(rows, dim=1)


NETWORKS = {
    "ssd300-vgg16": WrittenOut(Ssd300, shape=(1, 3, 300, 300)),
}
"""Each name and how its network is made."""
