"""Networks that are written out here, layer by layer, because `transformers` does not have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

IMAGE = (1, 3, 224, 224)


class Network(Protocol):
    """What the module of a family offers for each of its names."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the input that the published counts are for, batch first."""
        ...

    def build(self, name: str, changes: Mapping[str, Any]) -> nn.Module:
        """The network with random weights on torch's current default device.

        Raises TypeError for a change that it does not know.
        """
        ...

    def load(self, name: str, weights: str) -> nn.Module:
        """The network with weights from the hub, on the CPU; raises ValueError where that cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenOut:
    """A network made by a function of this library."""

    make: Callable[..., nn.Module]
    """The function; its parameters are the changes that it knows."""
    takes: tuple[str, ...] = ("num_labels", "num_channels")
    """The names of those parameters."""
    shape: tuple[int, ...] = IMAGE
    """The input of the published counts."""

    def build(self, name: str, changes: Mapping[str, Any]) -> nn.Module:
        """See `Network.build`."""
        if unknown := changes.keys() - set(self.takes):
            wanted = " and ".join([", ".join(self.takes[:-1]), self.takes[-1]])
            raise TypeError(f"{name} takes {wanted}, not {', '.join(sorted(unknown))}")
        return self.make(**changes)

    def load(self, name: str, weights: str) -> nn.Module:
        """See `Network.load`."""
        raise ValueError(
            f"{name} is written out here and the hub has no weights in its layout; build it with "
            f"device='cpu' and load_state_dict a checkpoint of your own"
        )


class Stack(nn.Module):
    """Convolutions, a pooling to a fixed grid, and a classifier: `(n, channels, height, width)` to logits."""

    def __init__(self, features: nn.Module, grid: int, classifier: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.classifier = classifier

    @property
    def base_model(self) -> nn.Module:
        """The convolutions: `(n, channels, height, width)` to the last feature map."""
        return self.features

    def forward(self, images: Tensor) -> Tensor:
        """Logits, `(n, classes)`."""
        maps: Tensor = self.pool(self.features(images))
        logits: Tensor = self.classifier(maps.flatten(1))
        return logits


def convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """A convolution without bias that keeps the size (but for the stride), its batch norm and activation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([activation()] if activation else []))


def multiple_of_8(channels: float) -> int:
    """The multiple of 8 nearest to a number of channels, at least 8 and at most a tenth below it.

    Source: the released MobileNet code; Sandler et al. 2018 and Howard et al. 2019 print its results.
    """
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
