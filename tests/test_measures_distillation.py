"""Distillation: the loss against its formula and its limits, the training against the one on labels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from verify import accuracy, digits, distill, distillation_loss, soften, train

DATA = digits(train=128)


def student() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


class Constant(nn.Module):
    """The same logits for every image, and a note of the modes that it was run in."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)
        self.modes: set[bool] = set()

    def forward(self, images: Tensor) -> Tensor:
        self.modes.add(self.training)
        return self.logits.expand(len(images), -1)


def test_softening_is_softmax_of_the_logits_over_the_temperature() -> None:
    # exp(2), exp(1), exp(0.1) at T = 1; their square roots at T = 2.
    logits = torch.tensor([2.0, 1.0, 0.1])
    torch.testing.assert_close(soften(logits, 1), torch.tensor([0.6590, 0.2424, 0.0986]), atol=1e-4, rtol=0)
    roots = torch.tensor([2.0, 1.0, 0.1]).exp().sqrt()
    torch.testing.assert_close(soften(logits, 2), roots / roots.sum())
    torch.testing.assert_close(soften(logits, 1e6), torch.full((3,), 1 / 3), atol=1e-5, rtol=0)


def test_the_loss_is_the_formula_written_out() -> None:
    torch.manual_seed(0)
    ours, theirs, labels = torch.randn(7, 5), torch.randn(7, 5), torch.randint(5, (7,))
    for temperature, weight in ((1.0, 0.0), (4.0, 0.3), (0.5, 1.0)):
        p, q = soften(theirs, temperature), soften(ours, temperature)
        divergence = (p * (p / q).log()).sum(1).mean()
        hard = -ours.log_softmax(1)[range(7), labels].mean()
        wanted = (1 - weight) * temperature**2 * divergence + weight * hard
        found = distillation_loss(ours, theirs, labels, temperature=temperature, hard_weight=weight)
        torch.testing.assert_close(found, wanted)


def test_logits_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"logits of one shape, \(n, classes\), not \(2, 3\) and \(1, 3\)"):
        distillation_loss(torch.zeros(2, 3), torch.zeros(1, 3))


def test_at_a_high_temperature_the_gradient_is_that_of_matching_centred_logits() -> None:
    # Hinton et al. 2015, equation 4: with zero-mean logits, dC/dz = (z − v) / (N T²) per example.
    torch.manual_seed(0)
    ours, theirs = (logits - logits.mean(1, keepdim=True) for logits in torch.randn(2, 6, 10).double())
    ours.requires_grad_()
    distillation_loss(ours, theirs, temperature=1e3).backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad * 6, (ours - theirs).detach() / 10, rtol=5e-3, atol=1e-4)


def test_the_temperature_is_four_where_none_is_named() -> None:
    ours, theirs = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([[0.0, 1.0, 0.5]])
    p, q = soften(theirs, 4), soften(ours, 4)
    torch.testing.assert_close(distillation_loss(ours, theirs), 16 * (p * (p / q).log()).sum())
    teacher = Constant([3.0] + [0.0] * 9)
    one = distill(student, teacher, DATA, seed=0, epochs=1)
    two = distill(student, teacher, DATA, seed=0, epochs=1, temperature=4)
    for left, right in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(left, right)


def test_no_gradient_reaches_the_teacher() -> None:
    theirs = torch.randn(2, 3, requires_grad=True)
    ours = torch.randn(2, 3, requires_grad=True)
    distillation_loss(ours, theirs).backward()  # type: ignore[no-untyped-call]
    assert theirs.grad is None
    assert ours.grad is not None


def test_with_hard_labels_alone_the_student_is_the_one_of_train() -> None:
    teacher = Constant([0.0] * 10)
    one = distill(student, teacher, DATA, seed=1, epochs=2, hard_weight=1.0)
    two = train(student, DATA, seed=1, epochs=2)
    for left, right in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(left, right)


def test_a_student_learns_what_its_teacher_knows_without_seeing_a_label() -> None:
    data = digits()
    teacher = train(student, data, seed=0, epochs=20, learning_rate=0.1)
    taught = distill(student, teacher, data, seed=1, epochs=10, learning_rate=0.1)
    agreement = (taught(data.test_images).argmax(1) == teacher(data.test_images).argmax(1)).float().mean()
    assert agreement > 0.97
    assert accuracy(taught, data.test_images, data.test_labels) > 0.93


def test_several_teachers_are_imitated_in_the_mean_of_their_probabilities() -> None:
    def bias_only() -> nn.Module:
        class Bias(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.bias = nn.Parameter(torch.zeros(3))

            def forward(self, images: Tensor) -> Tensor:
                return self.bias.expand(len(images), -1)

        return Bias()

    one, two = Constant([4.0, 0.0, 0.0]), Constant([0.0, 4.0, 1.0])
    one.train()
    taught = distill(bias_only, [one, two], DATA, seed=0, temperature=2.0, epochs=100, learning_rate=0.1)
    found = soften(taught(DATA.test_images)[0].detach(), 2)
    wanted = (soften(one.logits, 2) + soften(two.logits, 2)) / 2
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-3)
    assert one.training
    assert one.modes == {False}


def test_bad_input_is_refused_with_what_was_wanted() -> None:
    logits = torch.zeros(2, 3)
    with pytest.raises(ValueError, match="temperature must be positive, not 0"):
        soften(logits, 0)
    with pytest.raises(ValueError, match=r"hard_weight must be 0 to 1, and 0 without labels, not 0\.5"):
        distillation_loss(logits, logits, hard_weight=0.5)
    with pytest.raises(ValueError, match="not -1"):
        distillation_loss(logits, logits, torch.zeros(2, dtype=torch.int64), hard_weight=-1)
    with pytest.raises(ValueError, match=r"not 1\.5"):
        distillation_loss(logits, logits, torch.zeros(2, dtype=torch.int64), hard_weight=1.5)
    with pytest.raises(ValueError, match="at least one teacher is wanted"):
        distill(student, [], DATA, seed=0)
