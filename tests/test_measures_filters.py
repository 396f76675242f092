"""Removed filters against silenced ones: the smaller network computes what is left of the old."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu
from torch.nn.utils import prune as torch_prune

from verify import macs, output_shape, parameters, prune_filters


class Block(nn.Module):
    """Two convolutions and a shortcut, with a projection where the width changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.two = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.two(relu(self.norm(self.one(x)))) + self.shortcut(x))


class Residual(nn.Module):
    """A stem, two blocks, a depthwise separable pair, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.Sequential(Block(8, 8), Block(8, 16))
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.pointwise = nn.Conv2d(16, 12, 1)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = max_pool2d(self.blocks(relu(self.stem(x))), 2)
        x = relu(self.pointwise(relu(self.depthwise(x)))).mean((2, 3))
        out: Tensor = self.head(x)
        return out


def plain() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, bias=False), nn.ReLU(), nn.Flatten(),
        nn.Linear(12 * 4, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 5),
    )  # fmt: skip


def sensible(make: Callable[[], nn.Module]) -> nn.Module:
    """With running statistics and affine parameters that are not 0 and 1."""
    torch.manual_seed(0)
    model = make()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                assert tensor is not None
                nn.init.uniform_(tensor, 0.5, 1.5)
    return model.double().eval()


GROUPS = {
    plain: [["0", "1"], ["4"], ["7", "8"]],
    Residual: [
        ["stem", "blocks.0.two"],
        ["blocks.0.one", "blocks.0.norm"],
        ["blocks.1.one", "blocks.1.norm"],
        ["blocks.1.two", "blocks.1.shortcut", "depthwise"],
        ["pointwise"],
    ],
}
"""Written down by hand: whose channels go together."""

NOT_SCORED = {"1", "8", "blocks.0.norm", "blocks.1.norm", "depthwise"}


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("make", [plain, Residual])
def test_a_network_without_filters_computes_what_it_did_with_silent_ones(
    make: Callable[[], nn.Module], norm: int
) -> None:
    small = prune_filters(sensible(make), 0.5, norm=norm)
    silent = sensible(make)
    for group in GROUPS[make]:
        scored = [silent.get_parameter(f"{name}.weight") for name in group if name not in NOT_SCORED]
        scores = sum(weight.detach().abs().pow(norm).flatten(1).sum(1).pow(1 / norm) for weight in scored)
        assert isinstance(scores, Tensor)
        gone = scores.argsort()[: len(scores) // 2]
        for name in group:
            for parameter in silent.get_submodule(name).parameters():
                parameter.data[gone] = 0
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(small(images), silent(images))
    assert parameters(small) < 0.5 * parameters(silent)
    assert output_shape(small, (1, 3, 8, 8), torch.float64) == (1, 5)


def test_the_filters_that_go_are_those_that_torchs_structured_pruning_zeroes() -> None:
    for norm in (1, 2):
        model = sensible(plain)
        left = prune_filters(model, 0.25, norm=norm, layers=["4"])[4].weight  # type: ignore[index]
        torch_prune.ln_structured(model[4], "weight", amount=0.25, n=norm, dim=0)  # type: ignore[index, no-untyped-call]
        zeroed = model[4].weight  # type: ignore[index]
        assert torch.equal(left, zeroed[zeroed.flatten(1).any(1)])


def test_only_the_named_layers_shrink_and_the_model_stays() -> None:
    model = sensible(plain)
    before = parameters(model)
    small = prune_filters(model, 0.5, layers=["4"])
    assert parameters(model) == before
    assert before - parameters(small) == 6 * 8 * 9 + 6 * 4 * 20
    assert prune_filters(model, 0.0)(torch.ones(1, 3, 8, 8).double()).shape == (1, 5)
    assert parameters(prune_filters(model, 0.99)) < 100  # one filter stays everywhere


def test_halved_filters_quarter_an_inner_layer() -> None:
    layers = [nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3), nn.Conv2d(32, 32, 3), nn.Conv2d(32, 32, 3)]
    model = nn.Sequential(*layers)
    small = prune_filters(model, 0.5)
    assert macs(small[1], (1, 16, 8, 8)) * 4 == macs(model[1], (1, 32, 8, 8))  # type: ignore[index]
    assert [part.weight.shape[0] for part in small] == [16, 16, 16, 32]  # type: ignore[attr-defined]


def test_networks_that_cannot_be_traced_or_have_no_numbers_are_refused() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.conv(x) if x.shape[1] == 3 else x
            return y

    with pytest.raises(
        ValueError, match=r"torch\.fx cannot trace the Branching: symbolically traced variables"
    ):
        prune_filters(Branching(), 0.5)
    with pytest.raises(ValueError, match="on the meta device there are no numbers to tell large filters"):
        prune_filters(nn.Conv2d(3, 4, 3, device="meta"), 0.5)


def test_a_pruned_network_trains_on() -> None:
    small = prune_filters(sensible(Residual), 0.5).train()
    small(torch.randn(2, 3, 8, 8).double()).sum().backward()
    assert all(weight.grad is not None for weight in small.parameters())


class Unknown(nn.Module):
    """Joins channels in a way that pruning does not follow."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), x], 1)


def test_what_cannot_be_pruned_is_said() -> None:
    with pytest.raises(ValueError, match="share must be 0 to below 1 and norm 1 or 2, not 1 and 1"):
        prune_filters(plain(), 1)
    with pytest.raises(ValueError, match=r"\['10'\] cannot lose filters; these can: \['0', '4', '7'\]"):
        prune_filters(plain(), 0.5, layers=["0", "10"])
    with pytest.raises(ValueError, match=r"how channels go through .*cat"):
        prune_filters(Unknown(), 0.5)
    grouped = nn.Sequential(nn.Conv2d(4, 8, 1), nn.Conv2d(8, 8, 3, groups=2))
    with pytest.raises(ValueError, match="how channels go through 1, a Conv2d"):
        prune_filters(grouped, 0.5)
    with pytest.raises(ValueError, match="2 has weights for 64 channels, and gets 4"):
        prune_filters(nn.Sequential(nn.Conv2d(1, 4, 1), nn.Flatten(), nn.BatchNorm1d(64)), 0.5)
