"""Distillation: a student learns from the softened outputs of a teacher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div

from verify.measures.training import Digits, fit


def soften(logits: Tensor, temperature: float) -> Tensor:
    """Probabilities at a temperature: softmax of `logits / temperature` over the last dimension.

    Source: Hinton et al. 2015, Distilling the Knowledge in a Neural Network, equation 1.

    Raises ValueError for a temperature that is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    return (logits / temperature).softmax(-1)


def distillation_loss(
    student: Tensor,
    teacher: Tensor,
    labels: Tensor | None = None,
    *,
    temperature: float = 4.0,
    hard_weight: float = 0.0,
) -> Tensor:
    """(1 − w) · T² · KL(teacher ‖ student), both softened at T, + w · cross-entropy with the labels at T = 1.

    The mean over a batch, in nats. T² keeps the gradient's size as T grows, which the softening divides by
    T². With w = 1 it is training on labels alone.

    Source: Hinton et al. 2015, section 2 (the weighted mean of both losses, and the factor T²).

    Args:
        student: logits, `(n, classes)`.
        teacher: logits, `(n, classes)`; no gradient flows into them.
        labels: int64, `(n,)`; needed when `hard_weight` is not 0.
        temperature: T, above 0.
        hard_weight: w, 0 to 1.

    Raises ValueError for logits of two shapes, a temperature or weight out of range, or a weight without
    labels.
    """
    if student.shape != teacher.shape:
        both = f"{tuple(student.shape)} and {tuple(teacher.shape)}"
        raise ValueError(f"student and teacher give logits of one shape, (n, classes), not {both}")
    if not 0 <= hard_weight <= 1 or (hard_weight and labels is None):
        raise ValueError(f"hard_weight must be 0 to 1, and 0 without labels, not {hard_weight}")
    targets = soften(teacher.detach(), temperature)
    soft = kl_div((student / temperature).log_softmax(-1), targets, reduction="batchmean") * temperature**2
    if not hard_weight or labels is None:
        return soft
    return (1 - hard_weight) * soft + hard_weight * cross_entropy(student, labels)


def distill(
    make: Callable[[], nn.Module],
    teacher: nn.Module | Sequence[nn.Module],
    data: Digits,
    *,
    seed: int,
    temperature: float = 4.0,
    hard_weight: float = 0.0,
    epochs: int = 20,
    learning_rate: float = 1e-2,
    batch: int = 64,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None = None,
) -> nn.Module:
    """Trains the student that `make()` builds to imitate `teacher` on `data`'s training images.

    As `train` does it, with `distillation_loss` in place of the labels' cross-entropy: the same seed gives
    the same initial weights and order of images as `train(make, data, seed=seed)`. Of several teachers, the
    mean of their softened probabilities is imitated. Teachers run in eval mode, and are left as they were.

    Raises ValueError as `distillation_loss` and `train` do, and without a teacher.
    """
    teachers = [teacher] if isinstance(teacher, nn.Module) else list(teacher)
    if not teachers:
        raise ValueError("at least one teacher is wanted")
    images, labels = data.train_images, data.train_labels
    targets = _taught(teachers, images, temperature)

    def cost(module: nn.Module, rows: Tensor) -> Tensor:
        logits = module(images[rows])
        return distillation_loss(
            logits, targets[rows], labels[rows], temperature=temperature, hard_weight=hard_weight
        )

    return fit(make, cost, len(labels), seed, epochs, learning_rate, batch, optimizer)


def _taught(teachers: Sequence[nn.Module], images: Tensor, temperature: float) -> Tensor:
    """Logits that soften to the mean of the teachers' softened probabilities, `(n, classes)`."""
    modes = [teacher.training for teacher in teachers]
    try:
        with torch.no_grad():
            each = [soften(teacher.eval()(images), temperature) for teacher in teachers]
    finally:
        for teacher, mode in zip(teachers, modes, strict=True):
            teacher.train(mode)
    return temperature * torch.stack(each).mean(0).clamp_min(torch.finfo(torch.float32).tiny).log()
