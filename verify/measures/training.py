"""Short trainings on data that ships in a package: seconds on one core, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from verify.measures.trained import once
from verify.values import Spread, spread


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Handwritten digits of 8×8 pixels in ten classes, split for training and testing."""

    train_images: Tensor = field(repr=False)
    """Float32, `(1437, 1, 8, 8)`, from 0 (paper) to 1 (ink)."""
    train_labels: Tensor = field(repr=False)
    """Int64, `(1437,)`, 0 to 9."""
    test_images: Tensor = field(repr=False)
    """Float32, `(360, 1, 8, 8)`."""
    test_labels: Tensor = field(repr=False)
    """Int64, `(360,)`."""


def digits(seed: int = 0, train: int = 1437) -> Digits:
    """Scikit-learn's digits, split into 1,437 images for training and 360 for testing.

    Each class has the same share of both. `seed` decides which images are which; `train` keeps that many of
    the images for training, each class with its share again. The digits are centred.

    Source: Alpaydin, Kaynak 1998, Optical recognition of handwritten digits, UCI (its test set of 1,797
    images).

    Raises ValueError when `train` is not 10 to 1,437.
    """
    if not 10 <= train <= 1437:
        raise ValueError(f"train must be 10 to 1,437 images, not {train}")
    bunch = load_digits()
    images = torch.from_numpy(bunch.images).float()[:, None] / 16
    labels = torch.from_numpy(bunch.target).long()
    train_rows, test_rows = train_test_split(
        range(len(labels)), test_size=360, stratify=bunch.target, random_state=seed
    )
    if train < len(train_rows):
        classes = bunch.target[train_rows]
        train_rows, _ = train_test_split(train_rows, train_size=train, stratify=classes, random_state=seed)
    return Digits(images[train_rows], labels[train_rows], images[test_rows], labels[test_rows])


def train(
    make: Callable[[], nn.Module],
    data: Digits,
    *,
    seed: int,
    epochs: int = 20,
    learning_rate: float = 1e-2,
    batch: int = 64,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
) -> nn.Module:
    """Trains what `make()` builds on `data`'s training images, and returns it in eval mode.

    SGD with momentum 0.9, a constant learning rate and no weight decay, or the `optimizer` that is made from
    the module; `loss(logits, labels)` is the mean cross-entropy. Every epoch sees all images once, in a new
    order, in batches of `batch` (the last one may be smaller). `seed` decides the initial weights, the order,
    and dropout; the caller's random state is left as it was. One thread, so the same seed gives the same bits
    on the same machine and torch.

    Within `verify run`, a training that was done before, by whatever claim, is not done again: see
    `verify.measures.trained`.

    Raises TypeError when `make` gives no module, ValueError for epochs or a batch below 1.
    """
    images, labels = data.train_images, data.train_labels

    def cost(module: nn.Module, rows: Tensor) -> Tensor:
        return loss(module(images[rows]), labels[rows])

    return fit(make, cost, len(labels), seed, epochs, learning_rate, batch, optimizer)


def fine_tune(
    model: nn.Module,
    data: Digits,
    *,
    seed: int,
    epochs: int = 5,
    learning_rate: float = 1e-2,
    batch: int = 64,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
) -> nn.Module:
    """Trains a copy of `model` further, as `train` does, and returns it in eval mode.

    Weights (parameters of two or more dimensions) that are exactly 0 stay 0, so a pruned network stays as
    sparse as it was. The optimizer starts afresh.

    Raises ValueError for epochs or a batch below 1.
    """
    images, labels = data.train_images, data.train_labels

    def cost(module: nn.Module, rows: Tensor) -> Tensor:
        return loss(module(images[rows]), labels[rows])

    def copied() -> nn.Module:
        return deepcopy(model)

    return fit(copied, cost, len(labels), seed, epochs, learning_rate, batch, optimizer, keep_zeros=True)


def fit(
    make: Callable[[], nn.Module],
    cost: Callable[[nn.Module, Tensor], Tensor],
    images: int,
    seed: int,
    epochs: int,
    learning_rate: float,
    batch: int,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None,
    keep_zeros: bool = False,
) -> nn.Module:
    """The loop of every training here: minimise `cost(module, rows)`, rows int64 numbers of the images."""
    if epochs < 1 or batch < 1:
        raise ValueError(f"epochs and batch must be at least 1, not {epochs} and {batch}")

    def built() -> nn.Module:
        torch.manual_seed(seed)
        module = make()
        if not isinstance(module, nn.Module):
            raise TypeError(f"make() must give a torch.nn.Module, not {type(module).__name__}")
        return module

    def trained() -> nn.Module:
        module = built()
        if optimizer:
            step = optimizer(module)
        else:
            step = torch.optim.SGD(module.parameters(), learning_rate, momentum=0.9)
        weights = [weight for weight in module.parameters() if weight.dim() > 1] if keep_zeros else []
        masks = [weight.detach() != 0 for weight in weights]
        module.train()
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(images), batch):
                step.zero_grad()
                cost(module, rows).backward()  # type: ignore[no-untyped-call]
                step.step()
                with torch.no_grad():
                    for weight, mask in zip(weights, masks, strict=True):
                        weight.mul_(mask)
        module.zero_grad()
        return module.eval()

    with _one_thread(), torch.random.fork_rng(devices=[]):
        return once(built, trained)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images whose largest logit is the label's, in 0..1.

    `images` are `(n, channels, height, width)`, `labels` `(n,)`; the model gives `(n, classes)`. It is run in
    eval mode and left in the mode that it was in.

    Raises ValueError when there are no images, or not one label for each.
    """
    if not len(images) or labels.shape != (len(images),):
        raise ValueError(
            f"one label per image is wanted; got {len(images)} images and labels {tuple(labels.shape)}"
        )
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            logits = torch.cat([model(part) for part in torch.split(images, 512)])
    finally:
        model.train(was_training)
    if logits.dim() != 2:
        raise ValueError(f"the model must give logits (n, classes), not {tuple(logits.shape)}")
    return int((logits.argmax(1) == labels).sum()) / len(labels)


def over_seeds(measure: Callable[[int], float], seeds: Iterable[int] = range(5)) -> Spread:
    """The mean of `measure(seed)` over the seeds, with its 95 % Student-t interval.

    Raises ValueError for fewer than three seeds, or for a seed that comes twice.
    """
    chosen = list(seeds)
    if len(chosen) < 3 or len(set(chosen)) < len(chosen):
        raise ValueError(f"at least three different seeds are wanted, not {chosen}")
    return spread([float(measure(seed)) for seed in chosen])
