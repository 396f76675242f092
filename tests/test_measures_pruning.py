"""Pruning against torch's own, 2:4 against brute force, schedules against the paper's equation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import prune as torch_prune

from verify import n_of_m_share, prune_n_of_m, prune_weights, sparsity, sparsity_by_layer, sparsity_schedule


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 12, 3), nn.Flatten(), nn.Linear(12 * 16, 10),
    )  # fmt: skip


def weights(module: nn.Module) -> list[Any]:
    """The weights of the three layers, also where torch's pruning made them no parameters."""
    return [module.get_submodule(name).weight for name in ("0", "3", "5")]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_pruning_by_magnitude_zeroes_what_torchs_own_pruning_does(share: float) -> None:
    model, masked = network(), network()
    names = [(masked[index], "weight") for index in (0, 3, 5)]
    torch_prune.global_unstructured(names, torch_prune.L1Unstructured, amount=share)
    for found, wanted in zip(weights(prune_weights(model, share)), weights(masked), strict=True):
        assert torch.equal(found, wanted)
    masked = network()
    for layer in (0, 3, 5):
        torch_prune.l1_unstructured(masked[layer], "weight", amount=share)  # type: ignore[no-untyped-call]
    pruned = prune_weights(model, share, scope="layer")
    for found, wanted in zip(weights(pruned), weights(masked), strict=True):
        assert torch.equal(found, wanted)


def test_the_share_is_the_sparsity_that_results_also_when_pruned_again() -> None:
    once = prune_weights(network(), 0.5)
    assert sparsity(once) == pytest.approx(0.5, abs=1e-3)
    twice = prune_weights(once, 0.8)
    assert sparsity(twice) == pytest.approx(0.8, abs=1e-3)
    for before, after in zip(weights(once), weights(twice), strict=True):
        assert not after[before == 0].any()
    assert sparsity(prune_weights(twice, 0.6)) == sparsity(twice)


def test_random_pruning_takes_any_weights_but_zeros_first_and_knows_its_seed() -> None:
    model = prune_weights(network(), 0.4)
    one, same, other = (prune_weights(model, 0.7, by="random", seed=seed) for seed in (1, 1, 2))
    assert sparsity(one) == pytest.approx(0.7, abs=1e-3)
    assert torch.equal(weights(one)[2], weights(same)[2])
    assert not torch.equal(weights(one)[2], weights(other)[2])
    assert not weights(one)[2][weights(model)[2] == 0].any()
    pruned = weights(network())[2][weights(prune_weights(network(), 0.5, by="random"))[2] == 0]
    everything = weights(network())[2].abs().mean()
    assert pruned.abs().mean().item() == pytest.approx(everything.item(), rel=0.05)


def test_only_the_named_layers_are_pruned_and_the_model_stays() -> None:
    model = network()
    pruned = prune_weights(model, 0.75, layers=["3"])
    assert sparsity_by_layer(pruned) == {"0": 0, "3": 0.75, "5": 0}
    assert sparsity(pruned) == pytest.approx(0.75 * 8 * 12 * 9 / (72 + 864 + 1920))
    assert sparsity(model) == 0
    assert torch.equal(pruned.get_parameter("1.weight"), model.get_parameter("1.weight"))
    assert prune_weights(network(), 0.5).get_parameter("0.bias").all()


def test_of_every_four_weights_the_two_largest_stay() -> None:
    model = network()
    pruned = prune_n_of_m(model)
    assert sparsity_by_layer(pruned) == {"0": 0, "3": 0.5, "5": 0.5}  # one input channel has no four in a row
    rows, kept = weights(model)[2].detach(), weights(pruned)[2].detach()
    for row, left in zip(rows.reshape(-1, 4)[:200], kept.reshape(-1, 4)[:200], strict=True):
        best = max(combinations(range(4), 2), key=lambda pair: sum(abs(row[i].item()) for i in pair))
        wanted = torch.tensor([row[i].item() if i in best else 0 for i in range(4)])
        assert torch.equal(left, wanted)
    assert ((weights(pruned)[1] != 0).reshape(12, 2, 4, 3, 3).sum(2) == 2).all()
    one_of_three = prune_n_of_m(nn.Sequential(nn.Linear(9, 5)), 1, 3)
    assert sparsity(one_of_three) == pytest.approx(2 / 3)


def test_the_schedule_is_that_of_the_paper() -> None:
    # Zhu, Gupta 2017, equation 1, by hand: s = s_f + (s_i − s_f)(1 − t)³ at t = 1/4 … 1.
    assert sparsity_schedule(0.8, 4) == pytest.approx([0.8 * 37 / 64, 0.8 * 7 / 8, 0.8 * 63 / 64, 0.8])
    assert sparsity_schedule(0.9, 3, start=0.3, power=1) == pytest.approx([0.5, 0.7, 0.9])
    assert sparsity_schedule(0.5, 1) == [0.5]
    assert sparsity_schedule(1, 2, start=1) == [1, 1]


def test_bad_input_is_refused_with_what_was_wanted() -> None:
    with pytest.raises(ValueError, match="0 < n < m, not 0 of 4"):
        prune_n_of_m(network(), 0)
    with pytest.raises(ValueError, match=r"no schedule from 0\.6 to 0\.5 in 3 rounds"):
        sparsity_schedule(0.5, 3, start=0.6)
    with pytest.raises(ValueError, match=r"share must be 0 to 1, not 1\.5"):
        prune_weights(network(), 1.5)
    with pytest.raises(ValueError, match="by is magnitude or random, scope is global or layer; not 'size'"):
        prune_weights(network(), 0.5, by="size")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"to prune are called \['1'\]; there are \['0', '3', '5'\]"):
        prune_weights(network(), 0.5, layers=["0", "1"])
    with pytest.raises(ValueError, match="a ReLU has no convolution or linear layer"):
        sparsity(nn.ReLU())
    with torch.device("meta"):
        empty = nn.Linear(8, 8)
    for refused in (
        sparsity,
        sparsity_by_layer,
        prune_n_of_m,
        n_of_m_share,
        lambda net: prune_weights(net, 0.5),
    ):
        with pytest.raises(ValueError, match=r'on the meta device .* model\(name, "cpu"\)'):
            refused(empty)
    with pytest.raises(ValueError, match="not 4 of 4"):
        prune_n_of_m(network(), 4, 4)
    with pytest.raises(ValueError, match=r"no schedule from 0\.5 to 0\.4"):
        sparsity_schedule(0.4, 3, start=0.5)
