"""Kept trainings: the same network as training gives, and trained again wherever that is in doubt."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from verify import Digits, digits, fine_tune, train
from verify.kept import VARIABLE, trainings_of
from verify.measures import trained
from verify.measures.fingerprint import Unknown, fingerprint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one at every step of an optimizer: the proof that something was trained."""
    taken: list[int] = []
    step = torch.optim.SGD.step

    def counted(self: Any, *args: Any, **rest: Any) -> Any:
        taken.append(1)
        return step(self, *args, **rest)

    monkeypatch.setattr(torch.optim.SGD, "step", counted)
    return taken


DATA = digits(train=64)


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def normed() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(), nn.Linear(16, 10))


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.training"))


def test_the_same_training_is_done_once_and_gives_the_same_bits(folder: Path, steps: list[int]) -> None:
    first = train(normed, DATA, seed=3, epochs=2)
    assert len(steps) == 2
    again = train(normed, DATA, seed=3, epochs=2)
    assert len(steps) == 2
    assert again is not first
    assert fingerprint(again) == fingerprint(first)
    assert not again.training
    assert torch.equal(again(DATA.test_images), first(DATA.test_images))
    assert [file.suffix for file in folder.iterdir()] == [".training"]


def test_without_a_folder_every_training_is_done(steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    for _ in range(2):
        train(linear, DATA, seed=3, epochs=1)
    assert len(steps) == 2


def other_linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=False))


def half(logits: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(logits, labels) / 2


def plain_sgd(module: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(module.parameters(), 0.01)


@pytest.mark.parametrize(
    "otherwise",
    [
        lambda: train(linear, DATA, seed=1, epochs=1),
        lambda: train(linear, DATA, seed=0, epochs=2),
        lambda: train(linear, DATA, seed=0, epochs=1, batch=32),
        lambda: train(linear, DATA, seed=0, epochs=1, learning_rate=0.02),
        lambda: train(linear, DATA, seed=0, epochs=1, loss=half),
        lambda: train(other_linear, DATA, seed=0, epochs=1),
        lambda: train(linear, digits(1, train=64), seed=0, epochs=1),
        lambda: train(linear, DATA, seed=0, epochs=1, optimizer=plain_sgd),
        lambda: fine_tune(linear(), DATA, seed=0, epochs=1),
    ],
)  # fmt: skip
def test_whatever_decides_a_training_makes_it_another_one(
    folder: Path, steps: list[int], otherwise: Callable[[], nn.Module]
) -> None:
    train(linear, DATA, seed=0, epochs=1)
    before = len(steps)
    otherwise()
    assert len(steps) > before
    assert len(entries(folder)) == 2


def test_a_function_counts_by_what_it_calls_and_reads_not_by_its_name_and_lines() -> None:
    def defined(text: str) -> object:
        space: dict[str, Any] = {"__name__": "claim"}
        exec(text, space)
        return space["make"]

    base = """
from torch import nn
WIDTH = 4
def part():
    return nn.Linear(WIDTH, 2)
def make():
    return part()
"""
    moved = base.replace("def part():", "\n# a comment\ndef part():")
    renamed = base.replace("make()", "other()") + "\nmake = other"
    assert len({fingerprint(defined(text)) for text in (base, moved, renamed)}) == 1
    wider, deeper = base.replace("= 4", "= 5"), base.replace("WIDTH, 2)", "WIDTH, 2, bias=False)")
    assert len({fingerprint(defined(text)) for text in (base, wider, deeper)}) == 3


def test_a_network_counts_by_its_class_and_its_state() -> None:
    def network(text: str) -> object:
        space: dict[str, Any] = {"__name__": "claim"}
        exec(
            f"from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return {text}",
            space,
        )
        return space["Net"]()

    assert fingerprint(network("x + 1")) == fingerprint(network("x + 1"))
    assert fingerprint(network("x + 1")) != fingerprint(network("x + 2"))
    torch.manual_seed(0)
    one = linear()
    torch.manual_seed(0)
    assert fingerprint(linear()) == fingerprint(one)
    assert fingerprint(linear()) != fingerprint(one)
    digest = fingerprint(one)
    with torch.no_grad():
        next(one.parameters())[0, 0] += 1e-6
    assert fingerprint(one) != digest


def test_values_of_different_types_and_nestings_are_told_apart() -> None:
    things = [1, 1.0, True, "1", b"1", (1,), [1], {1}, {1: 1}, ((1,), 2), (1, (2,)), None, (), [[]]]
    assert len({fingerprint(thing) for thing in things}) == len(things)
    assert fingerprint({"a", "b", "c"}) == fingerprint({"c", "a", "b"})
    loop: list[Any] = [1]
    loop.append(loop)
    assert fingerprint(loop) != fingerprint([1, [1]])


def test_what_has_no_readable_content_is_unknown() -> None:
    with pytest.raises(Unknown, match="generator"):
        fingerprint(number for number in range(3))
    with pytest.raises(Unknown, match="meta"):
        fingerprint(torch.empty(2, device="meta"))


def test_a_training_that_records_its_losses_is_done_each_time(folder: Path, steps: list[int]) -> None:
    losses: list[float] = []

    def recorded(logits: Tensor, labels: Tensor) -> Tensor:
        cost = cross_entropy(logits, labels)
        losses.append(cost.item())
        return cost

    for count in (1, 2):
        train(linear, DATA, seed=0, epochs=1, loss=recorded)
        assert len(losses) == len(steps) == count
    assert not entries(folder)


@pytest.mark.parametrize("draw", [random.random, np.random.rand, lambda: next(iter([open])).__name__])
def test_random_numbers_outside_torch_are_drawn_each_time(
    folder: Path, steps: list[int], draw: Callable[[], float]
) -> None:
    def drawing() -> nn.Module:
        draw()
        return linear()

    for _ in range(2):
        train(drawing, DATA, seed=0, epochs=1)
    draws = draw in (random.random, np.random.rand)
    assert len(steps) == (2 if draws else 1)
    assert len(entries(folder)) == (0 if draws else 1)


def test_state_that_a_state_dict_does_not_hold_is_trained_each_time(folder: Path, steps: list[int]) -> None:
    class Counting(nn.Linear):
        calls = 0

        def forward(self, input: Tensor) -> Tensor:
            self.calls += 1
            return super().forward(input)

    for _ in range(2):
        found = train(lambda: nn.Sequential(nn.Flatten(), Counting(64, 10)), DATA, seed=0, epochs=1)
        assert found[1].calls == 1  # type: ignore[index]
    assert len(steps) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"another format" + data,
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: data[:-2000].replace(b"\x00", b"\x01") + data[-2000:],
    ],
)
def test_a_damaged_entry_is_trained_again_and_mended(
    folder: Path, steps: list[int], damage: Callable[[bytes], bytes]
) -> None:
    first = train(linear, DATA, seed=0, epochs=1)
    (file,) = entries(folder)
    file.write_bytes(damage(file.read_bytes()))
    assert fingerprint(train(linear, DATA, seed=0, epochs=1)) == fingerprint(first)
    assert len(steps) == 2
    train(linear, DATA, seed=0, epochs=1)
    assert len(steps) == 2


def test_an_entry_with_the_state_of_another_training_is_not_believed(folder: Path, steps: list[int]) -> None:
    train(linear, DATA, seed=0, epochs=1)
    (file,) = entries(folder)
    other = train(linear, DATA, seed=1, epochs=1)
    (other_file,) = set(entries(folder)) - {file}
    header = len(trained.FORMAT) + 64
    file.write_bytes(file.read_bytes()[:header] + other_file.read_bytes()[header:])
    assert fingerprint(train(linear, DATA, seed=0, epochs=1)) != fingerprint(other)
    assert len(steps) == 3


def test_a_folder_that_cannot_be_written_costs_only_the_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, steps: list[int]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "not there"))
    for _ in range(2):
        train(linear, DATA, seed=0, epochs=1)
    assert len(steps) == 2


def test_what_was_not_used_for_longest_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    train(linear, DATA, seed=0, epochs=1)
    (first,) = entries(folder)
    train(linear, DATA, seed=1, epochs=1)
    (second,) = set(entries(folder)) - {first}
    os.utime(first, (1, 1))
    os.utime(second, (2, 2))
    train(linear, DATA, seed=0, epochs=1)  # used: now it is the newer one
    monkeypatch.setattr(trained, "LARGEST", first.stat().st_size * 5 // 2)
    monkeypatch.setattr(trained, "_LARGEST_ENTRY", first.stat().st_size)
    train(linear, DATA, seed=2, epochs=1)
    assert first in entries(folder)
    assert second not in entries(folder)
    assert len(entries(folder)) == 2


def test_fine_tuning_leaves_the_model_and_zeros_alone() -> None:
    torch.manual_seed(0)
    model = normed()
    with torch.no_grad():
        model[1].weight[::2] = 0  # type: ignore[index]
    before = fingerprint(model)
    tuned = fine_tune(model, DATA, seed=0, epochs=3, learning_rate=0.1)
    assert fingerprint(model) == before
    assert not tuned.training
    weight, old = tuned[1].weight, model[1].weight  # type: ignore[index]
    assert not weight[::2].any()
    assert (weight[1::2] != old[1::2]).any()


def test_fine_tuning_moves_biases_that_begin_at_zero() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.zeros_(net.get_parameter("1.bias"))
    assert fine_tune(net, digits(train=64), seed=0, epochs=1).get_parameter("1.bias").all()


def test_fine_tuning_a_pruned_layer_is_what_torchs_own_pruning_does() -> None:
    from torch.nn.utils import prune

    torch.manual_seed(0)
    plain, masked = linear(), linear()
    masked.load_state_dict(plain.state_dict())
    prune.l1_unstructured(masked[1], "weight", amount=0.7)  # type: ignore[index, no-untyped-call]
    with torch.no_grad():
        plain[1].weight.mul_(masked[1].weight_mask)  # type: ignore[index]
    tuned = fine_tune(plain, DATA, seed=0, epochs=1, batch=64, learning_rate=0.1)
    step = torch.optim.SGD(masked.parameters(), 0.1)
    cross_entropy(masked(DATA.train_images), DATA.train_labels).backward()  # type: ignore[no-untyped-call]
    step.step()
    masked(DATA.train_images)  # its hook makes the weight anew
    torch.testing.assert_close(tuned[1].weight, masked[1].weight)  # type: ignore[index]


def test_fewer_training_images_keep_the_test_set_and_each_class() -> None:
    small, whole = digits(2, train=300), digits(2)
    assert isinstance(small, Digits)
    assert torch.equal(small.test_images, whole.test_images)
    assert small.train_images.shape == (300, 1, 8, 8)
    counts = torch.bincount(small.train_labels)
    assert counts.min() >= 28
    assert counts.max() <= 32
    rows = {image.numpy().tobytes() for image in whole.train_images}
    assert all(image.numpy().tobytes() in rows for image in small.train_images)
    with pytest.raises(ValueError, match="train must be 10 to 1,437 images, not 2000"):
        digits(train=2000)


def test_each_machine_has_a_folder_of_its_own_that_git_ignores(tmp_path: Path) -> None:
    one, two = (trainings_of(tmp_path, name) for name in ("cpu-a", "cpu-b"))
    assert one != two
    assert one is not None
    assert one.is_dir()
    assert (tmp_path / ".cache" / ".gitignore").read_text() == "*\n"
    (tmp_path / "file").write_text("")
    assert trainings_of(tmp_path / "file", "cpu-a") is None
