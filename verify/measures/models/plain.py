"""AlexNet and VGG: convolutions, pools and a large classifier, one after the other."""

from __future__ import annotations

from torch import nn

from verify.measures.models.networks import Stack, WrittenOut


def _alexnet(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    """The one-tower variant (Krizhevsky 2014), as torchvision has it, not the paper's two towers."""
    widths, kernels, paddings = (64, 192, 384, 256, 256), (11, 5, 3, 3, 3), (2, 2, 1, 1, 1)
    layers: list[nn.Module] = []
    channels = num_channels
    for i, (width, kernel, padding) in enumerate(zip(widths, kernels, paddings, strict=True)):
        layers += [nn.Conv2d(channels, width, kernel, 4 if i == 0 else 1, padding), nn.ReLU()]
        layers += [nn.MaxPool2d(3, 2)] if i in (0, 1, 4) else []
        channels = width
    head = nn.Sequential(
        nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
        nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, num_labels),
    )  # fmt: skip
    return Stack(nn.Sequential(*layers), 6, head)


def _vgg(repeats: tuple[int, ...], num_labels: int, num_channels: int) -> nn.Module:
    """Simonyan, Zisserman 2015, table 1, without batch norms."""
    layers: list[nn.Module] = []
    channels = num_channels
    for repeat, width in zip(repeats, (64, 128, 256, 512, 512), strict=True):
        for _ in range(repeat):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    head = nn.Sequential(
        nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, num_labels),
    )  # fmt: skip
    return Stack(nn.Sequential(*layers), 7, head)


def _vgg11(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    return _vgg((1, 1, 2, 2, 2), num_labels, num_channels)


def _vgg16(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    return _vgg((2, 2, 3, 3, 3), num_labels, num_channels)


def _vgg19(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
    return _vgg((2, 2, 4, 4, 4), num_labels, num_channels)


NETWORKS = {
    "alexnet": WrittenOut(_alexnet),
    "vgg11": WrittenOut(_vgg11),
    "vgg16": WrittenOut(_vgg16),
    "vgg19": WrittenOut(_vgg19),
}
"""Each name and how its network is made."""
