"""Counting: against closed forms, published counts and formulas that share no code with the counter."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import verify
from verify import flops, macs, macs_by_kind, output_shape, parameters, parameters_by_kind, work_by_kind

SMALL = (1, 3, 32, 32)


def small() -> nn.Sequential:
    """One layer of every kind; 32×32 → 16×16 → 8×8 → 16×16 → 10."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, groups=16),
        nn.Conv2d(32, 8, 1),
        nn.Conv2d(8, 8, 3, padding=1, groups=4),
        nn.ConvTranspose2d(8, 4, 2, stride=2),
        nn.Flatten(),
        nn.Linear(4 * 16 * 16, 10),
    )


class Attention(nn.Module):
    """Self-attention without weights: queries, keys and values are the input, `(n, heads, tokens, width)`."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(x, x, x)


def test_importing_verify_does_not_import_torch() -> None:
    code = "import sys, verify; dir(verify); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_export_exists_and_an_unknown_name_says_what_there_is() -> None:
    for name in verify.EXPORTS:
        assert getattr(verify, name) is not None
        assert name in dir(verify)
    with pytest.raises(AttributeError, match=r"no 'parameter'; it offers .*, parameters, "):
        _ = verify.parameter


def test_parameters_are_weights_and_biases_without_running_statistics() -> None:
    by_hand = {
        "dense conv": 3 * 16 * 9 + 16,
        "grouped conv": 8 * 2 * 9 + 8,
        "depthwise": 32 * 9 + 32,
        "pointwise": 32 * 8 + 8,
        "transposed conv": 8 * 4 * 4 + 4,
        "linear": 1024 * 10 + 10,
        "norm": 2 * 16,
    }
    assert parameters_by_kind(small()) == by_hand
    assert parameters(small()) == sum(by_hand.values())


def test_a_shared_weight_counts_once() -> None:
    embedding, head = nn.Embedding(50, 8), nn.Linear(8, 50, bias=False)
    head.weight = embedding.weight
    tied = nn.ModuleList([embedding, head])
    assert parameters(tied) == 400
    assert sum(parameters_by_kind(tied).values()) == 400


def test_macs_of_each_kind_are_the_closed_forms_and_nothing_is_left_for_matmul() -> None:
    assert macs_by_kind(small(), SMALL) == {
        "dense conv": 16 * 16 * 16 * 3 * 9,
        "grouped conv": 8 * 8 * 8 * 2 * 9,
        "depthwise": 32 * 8 * 8 * 1 * 9,
        "pointwise": 8 * 8 * 8 * 32,
        "transposed conv": 8 * 8 * 8 * 4 * 4,
        "linear": 1024 * 10,
    }


def test_a_1x1_convolution_for_each_channel_is_grouped_and_not_depthwise() -> None:
    scale = nn.Conv2d(6, 6, 1, groups=6, bias=False)
    assert parameters_by_kind(scale) == {"grouped conv": 6}
    assert macs_by_kind(scale, (1, 6, 4, 4)) == {"grouped conv": 6 * 16}
    assert list(work_by_kind(scale, (1, 6, 4, 4))) == ["grouped conv"]


def test_the_closed_forms_and_torchs_counter_agree_on_random_convolutions() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*choices: int) -> int:
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    for _ in range(60):
        groups = draw(1, 2, 4)
        make = nn.Conv2d if draw(0, 1) else nn.ConvTranspose2d
        kernel, stride, dilation = draw(1, 3, 5), draw(1, 2), draw(1, 2)
        layer = make(
            groups * draw(1, 3), groups * draw(1, 2, 5), kernel, stride, 2, groups=groups, dilation=dilation
        )
        found = macs_by_kind(layer, (draw(1, 2), layer.in_channels, draw(12, 17), 15))
        assert "matmul" not in found
        assert sum(found.values()) > 0


def test_flops_are_two_per_mac_and_the_batch_multiplies() -> None:
    assert flops(small(), SMALL) == 2 * macs(small(), SMALL)
    assert macs(small(), (5, 3, 32, 32)) == 5 * macs(small(), SMALL)


def test_attention_counts_its_two_matrix_products() -> None:
    heads, tokens, width = 4, 10, 16
    shape = (1, heads, tokens, width)
    assert macs_by_kind(Attention(), shape) == {"matmul": 2 * heads * tokens**2 * width}


def test_an_encoder_layer_in_eval_mode_is_not_hidden_by_the_fast_path() -> None:
    d, hidden, tokens = 64, 256, 10
    layer = nn.TransformerEncoderLayer(d, 4, hidden, batch_first=True).eval()
    expected = tokens * (4 * d * d + 2 * d * hidden) + 2 * tokens**2 * d
    assert macs(layer, (1, tokens, d)) == expected
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_module_that_reads_token_numbers_is_counted_with_their_type() -> None:
    module = nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 4))
    assert macs(module, (2, 7), torch.long) == 2 * 7 * 8 * 4


def test_output_shape_is_that_of_a_real_run() -> None:
    module = small()[:7]
    assert output_shape(module, (2, 3, 32, 32)) == tuple(module(torch.zeros(2, 3, 32, 32)).shape)


def test_counting_leaves_the_module_as_it_was() -> None:
    module = small().train()
    before = copy.deepcopy(module.state_dict())
    macs_by_kind(module, SMALL)
    assert module.training and module[1].training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not any(part._forward_hooks for part in module.modules())


def test_a_plain_tensor_attribute_goes_along_to_meta() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.shift = nn.Linear(4, 2), torch.ones(4)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.linear(x + self.shift)
            return result

    assert macs(Shifted(), (1, 4)) == 8


def test_bad_input_is_refused_with_what_was_wanted() -> None:
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module is wanted, not int"):
        parameters(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lazy layers without a shape"):
        parameters(nn.LazyLinear(3))
    with pytest.raises(
        ValueError, match=r"positive integers, batch first, as \(1, 3, 224, 224\); got \(1, 0\)"
    ):
        macs(nn.Linear(3, 3), (1, 0))
    with pytest.raises(
        ValueError, match=r"an input of shape \(1, 4, 32, 32\) does not go through the module"
    ):
        macs(small(), (1, 4, 32, 32))
    with pytest.raises(ValueError, match=r"batch first, as \(1, 3, 224, 224\); got 32"):
        output_shape(small(), 32)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"does not go through the module: .* missing 1 required .* 'key'"):

        class Between(nn.Module):
            def forward(self, query: Tensor, key: Tensor) -> Tensor:
                return query @ key

        macs(Between(), (1, 4, 4))
    with pytest.raises(ValueError, match="returned dict; wanted is a tensor"):

        class Wordy(nn.Module):
            def forward(self, x: Tensor) -> dict[str, Tensor]:
                return {"out": x}

        output_shape(Wordy(), (1, 3))


def test_a_layer_that_computes_less_than_its_closed_form_is_noticed() -> None:
    class Lazy(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return x.new_zeros(*x.shape[:-1], self.out_features)

    with pytest.raises(ValueError, match="closed forms exceed the counted MACs"):
        macs_by_kind(nn.Sequential(nn.Linear(4, 4), Lazy(4, 8)), (1, 4))
