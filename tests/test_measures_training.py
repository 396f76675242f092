"""Trainings: the data's facts, the same bits for the same seed, and an optimizer written out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from verify import Digits, Spread, accuracy, digits, over_seeds, parameters, train


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def convolutional() -> nn.Module:
    """Three 3×3 convolutions of 16, 32 and 32 channels with batch norms, average pooling, a linear layer."""
    layers: list[nn.Module] = []
    channels = 1
    for width in (16, 32, 32):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def same_bits(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


class Answers(nn.Module):
    """Says the class that stands in the image's first pixel."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.eye(10)[images[:, 0, 0, 0].long()]


def test_the_digits_have_the_documented_shapes_types_and_range() -> None:
    data = digits()
    assert data.train_images.shape == (1437, 1, 8, 8)
    assert data.test_images.shape == (360, 1, 8, 8)
    assert data.train_images.dtype == torch.float32
    assert data.test_labels.dtype == torch.int64
    assert data.train_images.min() == 0
    assert data.train_images.max() == 1


def test_the_split_keeps_each_class_share_and_all_1797_images() -> None:
    # 1,797 images: the UCI test set's class counts (Alpaydin, Kaynak 1998, data set description).
    data = digits(seed=3)
    counts = torch.bincount(data.train_labels) + torch.bincount(data.test_labels)
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    shares = torch.bincount(data.test_labels) / counts
    assert ((shares - 360 / 1797).abs() < 0.01).all()


def test_another_seed_splits_otherwise_and_the_same_one_alike() -> None:
    assert torch.equal(digits(1).test_images, digits(1).test_images)
    assert not torch.equal(digits(1).test_images, digits(2).test_images)


def test_a_small_network_learns_the_digits() -> None:
    data = digits()
    assert parameters(convolutional()) == 14_458
    trained = train(convolutional, data, seed=0, epochs=10)
    assert not trained.training
    assert accuracy(trained, data.test_images, data.test_labels) > 0.9
    assert accuracy(convolutional(), data.test_images, data.test_labels) < 0.4


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    data = digits()
    first = train(convolutional, data, seed=5, epochs=1)
    torch.rand(3)
    assert same_bits(first, train(convolutional, data, seed=5, epochs=1))
    assert not same_bits(first, train(convolutional, data, seed=6, epochs=1))


def test_training_leaves_the_callers_random_state_and_threads_alone() -> None:
    torch.manual_seed(1)
    expected, threads = torch.rand(2), torch.get_num_threads()
    torch.manual_seed(1)
    train(linear, digits(), seed=0, epochs=1)
    assert torch.equal(torch.rand(2), expected)
    assert torch.get_num_threads() == threads


def test_one_epoch_of_full_batches_is_one_step_of_gradient_descent() -> None:
    data = digits()
    trained = train(linear, data, seed=0, epochs=1, batch=2000, learning_rate=0.5)
    torch.manual_seed(0)
    by_hand = linear()
    loss = cross_entropy(by_hand(data.train_images), data.train_labels)
    gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
    for found, start, gradient in zip(trained.parameters(), by_hand.parameters(), gradients, strict=True):
        torch.testing.assert_close(found, start - 0.5 * gradient)


def test_the_second_step_carries_nine_tenths_of_the_first() -> None:
    data = digits()
    one, two = (train(linear, data, seed=0, epochs=n, batch=2000, learning_rate=0.1) for n in (1, 2))
    torch.manual_seed(0)
    start = linear()
    loss = cross_entropy(one(data.train_images), data.train_labels)
    gradients = torch.autograd.grad(loss, list(one.parameters()))
    steps = zip(start.parameters(), one.parameters(), two.parameters(), gradients, strict=True)
    for before, between, after, gradient in steps:
        torch.testing.assert_close(
            after - between, 0.9 * (between - before) - 0.1 * gradient, atol=1e-6, rtol=1e-4
        )


def test_another_optimizer_and_another_loss_are_used() -> None:
    def decay_only(module: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(module.parameters(), lr=0.5, weight_decay=1.0)

    def nothing(logits: Tensor, labels: Tensor) -> Tensor:
        return 0 * logits.sum()

    trained = train(linear, digits(), seed=0, epochs=1, batch=2000, optimizer=decay_only, loss=nothing)
    torch.manual_seed(0)
    for found, start in zip(trained.parameters(), linear().parameters(), strict=True):
        torch.testing.assert_close(found, start / 2)


def test_accuracy_is_the_share_of_right_answers_over_any_number_of_images() -> None:
    images = torch.zeros(1500, 1, 8, 8)
    images[:, 0, 0, 0] = torch.arange(1500) % 10
    labels = torch.arange(1500) % 10
    labels[:300] = (labels[:300] + 1) % 10
    model = Answers().train()
    assert accuracy(model, images, labels) == 1200 / 1500
    assert model.training


def test_over_seeds_is_the_mean_with_students_interval() -> None:
    # t(0.975, 2) = 4.3027 (NIST/SEMATECH e-Handbook, 1.3.6.7.2); the samples 0, 1, 2 have a deviation of 1.
    found = over_seeds(lambda seed: float(seed), range(3))
    assert isinstance(found, Spread)
    assert found.samples == (0, 1, 2)
    assert found.value == pytest.approx(1)
    assert found.high - found.value == pytest.approx(4.3027 / 3**0.5, abs=1e-4)


def test_bad_input_is_refused_with_what_was_wanted() -> None:
    data = digits()
    with pytest.raises(TypeError, match=r"make\(\) must give a torch\.nn\.Module, not int"):
        train(lambda: 3, data, seed=0)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="at least 1, not 0 and 64"):
        train(linear, data, seed=0, epochs=0)
    with pytest.raises(ValueError, match=r"got 360 images and labels \(1437,\)"):
        accuracy(linear(), data.test_images, data.train_labels)
    with pytest.raises(ValueError, match=r"logits \(n, classes\), not \(360, 1, 8, 8\)"):
        accuracy(nn.Identity(), data.test_images, data.test_labels)
    with pytest.raises(ValueError, match=r"at least three different seeds are wanted, not \[0, 1\]"):
        over_seeds(float, range(2))
    with pytest.raises(ValueError, match="different seeds"):
        over_seeds(float, [0, 1, 1])
    assert repr(data) == "Digits()"
    assert isinstance(data, Digits)
