"""Short trainings on data that ships in a package: seconds on one core, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

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


def digits(seed: int = 0) -> Digits:
    """Scikit-learn's digits, split into 1,437 images for training and 360 for testing.

    Each class has the same share of both. `seed` decides which images are which. The digits are centred.

    Source: Alpaydin, Kaynak 1998, Optical recognition of handwritten digits, UCI (its test set of 1,797
    images).
    """
    bunch = load_digits()
    images = torch.from_numpy(bunch.images).float()[:, None] / 16
    labels = torch.from_numpy(bunch.target).long()
    train_rows, test_rows = train_test_split(
        range(len(labels)), test_size=360, stratify=bunch.target, random_state=seed
    )
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

    Raises TypeError when `make` gives no module, ValueError for epochs or a batch below 1.
    """
    if epochs < 1 or batch < 1:
        raise ValueError(f"epochs and batch must be at least 1, not {epochs} and {batch}")
    images, labels = data.train_images, data.train_labels
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make()
        if not isinstance(module, nn.Module):
            raise TypeError(f"make() must give a torch.nn.Module, not {type(module).__name__}")
        step = (
            optimizer(module)
            if optimizer
            else torch.optim.SGD(module.parameters(), learning_rate, momentum=0.9)
        )
        module.train()
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(len(labels)), batch):
                step.zero_grad()
                cost = loss(module(images[rows]), labels[rows])
                cost.backward()  # type: ignore[no-untyped-call]
                step.step()
    return module.eval()


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
