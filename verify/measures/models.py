"""Published vision networks with random weights, built in milliseconds; nothing is downloaded.

Every model takes `(n, 3, height, width)` and returns logits `(n, 1000)`; its `base_model` is the network
without the head, up to the last feature map or the last tokens.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Stack(nn.Module):
    """Convolutions, a pooling to a fixed grid, and a classifier: the form of AlexNet and VGG."""

    def __init__(self, features: nn.Sequential, grid: int, classifier: nn.Sequential) -> None:
        super().__init__()
        self.features = features
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.classifier = classifier

    @property
    def base_model(self) -> nn.Sequential:
        """The convolutions: `(n, 3, height, width)` to the last feature map."""
        return self.features

    def forward(self, images: Tensor) -> Tensor:
        """Logits, `(n, classes)`."""
        maps: Tensor = self.pool(self.features(images))
        logits: Tensor = self.classifier(maps.flatten(1))
        return logits


def _alexnet(num_labels: int = 1000, num_channels: int = 3) -> nn.Module:
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


WRITTEN_OUT: dict[str, Callable[..., nn.Module]] = {"alexnet": _alexnet, "vgg11": _vgg11, "vgg16": _vgg16}

FROM_TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": (
        "ResNet",
        {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]},
    ),
    "resnet50": ("ResNet", {}),
    "mobilenet-v1": ("MobileNetV1", {"tf_padding": False}),
    "mobilenet-v2": ("MobileNetV2", {"tf_padding": False}),
    "efficientnet-b0": (
        "EfficientNet",
        {
            "image_size": 224,
            "width_coefficient": 1.0,
            "depth_coefficient": 1.0,
            "hidden_dim": 1280,
            "dropout_rate": 0.2,
        },
    ),
    "vit-b16": ("ViT", {}),
    "swin-t": ("Swin", {}),
}
"""Each name, the family in `transformers`, and where its configuration differs from the family's defaults."""


def model(name: str, device: str | torch.device = "meta", **changes: Any) -> nn.Module:
    """A published network with random weights and 1000 classes, in eval mode.

    `name` is one of `alexnet` (torchvision's one-tower variant), `vgg11`, `vgg16` (without batch norms),
    `resnet18`, `resnet50` (stride in the 3×3 convolutions; `downsample_in_bottleneck=True` puts it in the
    first 1×1, as the paper has it), `mobilenet-v1`, `mobilenet-v2`, `efficientnet-b0`, `vit-b16`, `swin-t`.
    The MobileNets pad symmetrically; `tf_padding=True` gives TensorFlow's one-sided padding, with the same
    counts.

    On the meta device tensors have shapes and no numbers: right for counting. `device="cpu"` gives
    initialised weights. `changes` are fields of the `transformers` configuration (`num_labels`,
    `num_channels`, `depth_multiplier`, …); alexnet and vgg know the first two; `efficientnet-b0` also takes
    `squeeze_excitation=False`.

    Raises ValueError for an unknown name and TypeError for a change that the model does not know.
    """
    if name not in WRITTEN_OUT and name not in FROM_TRANSFORMERS:
        known = ", ".join([*WRITTEN_OUT, *FROM_TRANSFORMERS])
        raise ValueError(f"no model is called {name!r}; there are {known}")
    if name in WRITTEN_OUT:
        if unknown := changes.keys() - {"num_labels", "num_channels"}:
            raise TypeError(f"{name} takes num_labels and num_channels, not {', '.join(sorted(unknown))}")
        with torch.device(device):
            return WRITTEN_OUT[name](**changes).eval()
    squeeze_excitation = changes.pop("squeeze_excitation", True) if name == "efficientnet-b0" else True
    built = _from_transformers(name, device, changes)
    if not squeeze_excitation:
        for block in list(built.modules()):
            if hasattr(block, "squeeze_excite"):
                block.squeeze_excite = nn.Identity()
    return built.eval()


def _from_transformers(name: str, device: str | torch.device, changes: dict[str, Any]) -> nn.Module:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers

    family, own = FROM_TRANSFORMERS[name]
    make_config = getattr(transformers, f"{family}Config")
    known = make_config()
    if unknown := [field for field in changes if not hasattr(known, field)]:
        raise TypeError(f"{family}Config of transformers has no field {', '.join(unknown)}")
    config = make_config(**{"num_labels": 1000, **own, **changes})
    with torch.device(device):
        built: nn.Module = getattr(transformers, f"{family}ForImageClassification")(config)
    return built
