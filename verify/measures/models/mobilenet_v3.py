"""MobileNetV3 (Howard et al. 2019, tables 1 and 2), at width 1."""

from __future__ import annotations

from torch import Tensor, nn

from verify.measures.models.networks import Stack, WrittenOut, convolution, multiple_of_8

# kernel, expanded width, output width, squeeze-and-excitation, hard swish, stride
LARGE = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
SMALL = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)


class Gate(nn.Module):
    """Squeeze-and-excitation: every channel times a number in (0, 1) made from all channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = multiple_of_8(channels / 4)
        self.excite = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, middle, 1), nn.ReLU(),
            nn.Conv2d(middle, channels, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the same shape."""
        gated: Tensor = maps * self.excite(maps)
        return gated


class Bottleneck(nn.Module):
    """Expand by 1×1, filter depthwise, gate, project by 1×1; a skip where the shapes agree."""

    def __init__(
        self, inputs: int, kernel: int, wide: int, outputs: int, gate: bool, swish: bool, stride: int
    ) -> None:
        super().__init__()
        activation = nn.Hardswish if swish else nn.ReLU
        layers = [convolution(inputs, wide, 1, activation=activation)] if wide != inputs else []
        layers.append(convolution(wide, wide, kernel, stride, groups=wide, activation=activation))
        layers += [nn.Sequential(Gate(wide))] if gate else []
        self.layers = nn.Sequential(*layers, convolution(wide, outputs, 1, activation=None))
        self.has_skip = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """Maps with `outputs` channels."""
        result: Tensor = self.layers(maps)
        return maps + result if self.has_skip else result


def _build(
    blocks: tuple[tuple[int, int, int, bool, bool, int], ...], hidden: int, labels: int, channels: int
) -> nn.Module:
    layers: list[nn.Module] = [convolution(channels, 16, 3, 2, activation=nn.Hardswish)]
    width = 16
    for kernel, wide, outputs, gate, swish, stride in blocks:
        layers.append(Bottleneck(width, kernel, wide, outputs, gate, swish, stride))
        width = outputs
    last = blocks[-1][1]
    layers.append(convolution(width, last, 1, activation=nn.Hardswish))
    head = nn.Sequential(nn.Linear(last, hidden), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(hidden, labels))
    return Stack(nn.Sequential(*layers), 1, head)


def _large(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    return _build(LARGE, 1280, num_labels, num_channels)


def _small(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    return _build(SMALL, 1024, num_labels, num_channels)


NETWORKS = {"mobilenet-v3-large": WrittenOut(_large), "mobilenet-v3-small": WrittenOut(_small)}
"""Each name and how its network is made."""
