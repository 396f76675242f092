"""Receptive fields: the recurrence, the traced footprint and published figures hold each other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from verify import footprint, gradient_profile, model, receptive_field, spatial_layers

CHAINED = ["alexnet", "vgg16", "mobilenet-v1", "mobilenet-v2", "resnet18", "resnet50", "efficientnet-b0"]

# The first three: Araujo, Norris, Sim 2019 (Distill), table of receptive fields. It lacks the others in this
# variant; `by_hand` has their layers from the papers' tables.
EXPECTED = {
    "alexnet": 195,
    "vgg16": 212,
    "mobilenet-v1": 315,
    "resnet18": 435,
    "resnet50": 427,
    "mobilenet-v2": 491,
    "efficientnet-b0": 851,
}


def by_hand(name: str) -> list[tuple[int, int]]:
    """(kernel, stride) of every layer larger than 1×1, from the paper's kernels, repeats and strides."""
    stem, stages = {
        # He et al. 2015, table 1: two 3×3 per block, or one; the stride in the stage's first block.
        "resnet18": ([(7, 2), (3, 2)], [(3, 4, 1), (3, 4, 2), (3, 4, 2), (3, 4, 2)]),
        "resnet50": ([(7, 2), (3, 2)], [(3, 3, 1), (3, 4, 2), (3, 6, 2), (3, 3, 2)]),
        # Sandler et al. 2018, table 2.
        "mobilenet-v2": (
            [(3, 2)],
            [(3, 1, 1), (3, 2, 2), (3, 3, 2), (3, 4, 2), (3, 3, 1), (3, 3, 2), (3, 1, 1)],
        ),
        # Tan, Le 2019, table 1, with each stride in the stage's first block.
        "efficientnet-b0": (
            [(3, 2)],
            [(3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 3, 2), (5, 3, 1), (5, 4, 2), (3, 1, 1)],
        ),
    }[name]
    for kernel, repeats, stride in stages:
        stem += [(kernel, stride)] + [(kernel, 1)] * (repeats - 1)
    return stem


def reached(module: nn.Module, size: int, row: int, column: int) -> Tensor:
    """Which pixels change the output at (row, column) when each is raised in turn: no gradient."""
    image = torch.ones(1, 1, size, size, dtype=torch.float64)
    raised = image + torch.eye(size * size, dtype=torch.float64).view(-1, 1, size, size)
    with torch.no_grad():
        changes: Tensor = module(raised)[:, :, row, column] - module(image)[:, :, row, column]
    return changes.abs().sum(1).gt(1e-12).view(size, size)


def test_the_recurrence_gives_the_textbook_cases() -> None:
    assert receptive_field([]) == 1
    assert receptive_field([(3, 1)]) == 3
    assert receptive_field([(3, 1), (3, 1)]) == 5  # two 3×3 see as much as one 5×5
    assert receptive_field([(3, 1), (3, 1), (3, 1)]) == 7
    assert receptive_field([(3, 2), (3, 1)]) == 7  # a stride doubles what comes after it
    assert receptive_field([(3, 1, 2)]) == 5
    assert receptive_field([(3, 1, 2**i) for i in range(5)]) == 63


def test_resnet50_sees_483_with_tf_slims_strides() -> None:
    # Araujo et al. 2019 measure TF-slim's resnet_v1_50, which strides in a block's last unit, not its first.
    layers = [(7, 2), (3, 2)]
    for units, last_stride in ((3, 2), (4, 2), (6, 2), (3, 1)):
        for unit in range(units):
            layers += [(1, 1), (3, last_stride if unit == units - 1 else 1), (1, 1)]
    assert receptive_field(layers) == 483


@pytest.mark.parametrize("name", CHAINED)
def test_the_models_layers_give_the_expected_receptive_field(name: str) -> None:
    found = receptive_field(spatial_layers(model(name)))
    print(f"{name}: {found}, deviation {found - EXPECTED[name]}")
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet-v2", "efficientnet-b0"])
def test_the_papers_tables_give_the_same_receptive_field(name: str) -> None:
    assert receptive_field(by_hand(name)) == EXPECTED[name]
    larger = [(kernel, stride) for kernel, stride, _ in spatial_layers(model(name)) if kernel > 1]
    assert larger == by_hand(name)


@pytest.mark.parametrize(
    ("name", "size", "narrower"),
    [
        ("alexnet", 260, {}),
        ("mobilenet-v1", 352, {"depth_multiplier": 0.25}),
        ("resnet18", 480, {"hidden_sizes": [8, 16, 32, 64], "embedding_size": 8}),
    ],
)
def test_the_traced_footprint_of_a_whole_network_is_the_expected_square(
    name: str, size: int, narrower: dict[str, Any]
) -> None:
    base = model(name, **narrower).base_model
    assert isinstance(base, nn.Module)
    seen = footprint(base, size)
    side = EXPECTED[name]
    assert (seen.height, seen.width, seen.touched, seen.share) == (side, side, side**2, 1.0)
    assert not seen.clipped
    assert seen.mask.shape == (size, size)


def test_footprint_and_recurrence_agree_on_random_chains() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*choices: int) -> int:
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    for _ in range(25):
        layers: list[tuple[int, int, int]] = []
        parts: list[nn.Module] = []
        for _ in range(draw(1, 2, 3)):
            kernel, stride, dilation, pool = draw(1, 2, 3, 5), draw(1, 2), draw(1, 2), draw(0, 0, 1)
            padding = draw(0, kernel // 2)
            layers.append((kernel, stride, dilation))
            parts += (
                [nn.MaxPool2d(kernel, stride, padding, dilation)]
                if pool
                else [nn.Conv2d(2, 2, kernel, stride, padding, dilation), nn.BatchNorm2d(2), nn.GELU()]
            )
        chain = nn.Sequential(*parts)
        seen = footprint(chain, 96, channels=2)
        assert spatial_layers(chain, 96, channels=2) == layers
        assert not seen.clipped
        assert (seen.height, seen.width) == (receptive_field(layers),) * 2


def test_the_footprint_is_what_moving_every_pixel_by_hand_finds() -> None:
    chain = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=2, dilation=2), nn.AvgPool2d(3, 2, 1), nn.Conv2d(2, 1, 2)
    )
    for weights in chain.parameters():
        nn.init.uniform_(weights, 0.5, 1)
    for row, column in ((0, 0), (3, 2), (6, 6)):
        seen = footprint(chain, 16, at=(row, column))
        assert torch.equal(seen.mask, reached(chain.double(), 16, row, column))


def test_a_dilated_convolution_touches_nine_pixels_of_its_box() -> None:
    seen = footprint(nn.Conv2d(3, 4, 3, dilation=4), 21)
    assert (seen.height, seen.touched) == (9, 9)
    assert seen.share == 9 / 81


def test_equal_dilations_leave_holes_and_growing_ones_do_not() -> None:
    def chain(*dilations: int) -> nn.Sequential:
        return nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=d, dilation=d) for d in dilations))

    gridded, full = footprint(chain(2, 2, 2), 40), footprint(chain(1, 2, 3), 40)
    assert (gridded.height, gridded.touched) == (13, 7 * 7)
    assert (full.height, full.share) == (13, 1.0)


def test_what_a_network_writes_as_functions_is_passed_through_as_well() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = functional.max_pool2d(functional.relu(self.first(x)), 2)
            return torch.sigmoid(self.second(x - x.mean(1, keepdim=True)))

    assert footprint(Functional(), 24).height == receptive_field([(3, 1), (2, 2), (3, 1)])


def test_the_modules_own_weights_do_not_matter_and_a_dead_relu_hides_nothing() -> None:
    chain = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    for weights in chain.parameters():
        nn.init.constant_(weights, -100)
    assert footprint(chain, 9).touched == 9


def test_an_adaptive_max_pool_sees_its_whole_cell() -> None:
    pool = nn.Sequential(nn.Conv2d(1, 1, 1), nn.AdaptiveMaxPool2d(2))
    assert footprint(pool, 8, at=(0, 0)).mask[:4, :4].all()
    assert footprint(pool, 8, at=(0, 0)).touched == 16


def test_squeeze_and_excitation_sees_the_whole_image() -> None:
    base = model("efficientnet-b0").base_model
    assert isinstance(base, nn.Module)
    seen = footprint(base, 64, at=(0, 0))
    assert seen.touched == 64 * 64
    assert seen.clipped


def test_a_vision_transformer_sees_the_whole_image_after_one_layer() -> None:
    base = model(
        "vit-b16", num_hidden_layers=1, hidden_size=48, intermediate_size=96, image_size=64
    ).base_model
    assert isinstance(base, nn.Module)
    assert footprint(base, 64, at=3).touched == 64 * 64


def test_swin_sees_a_window_and_after_a_shift_the_windows_that_it_overlaps() -> None:
    def seen(depth: int, row: int, column: int) -> tuple[int, int]:
        base = model("swin-t", depths=[depth], num_heads=[3]).base_model
        assert isinstance(base, nn.Module)
        found = footprint(base, 224, at=row * 56 + column)
        return found.height, found.width

    assert seen(1, 28, 28) == (7 * 4, 7 * 4)
    assert seen(2, 28, 28) == (2 * 7 * 4, 2 * 7 * 4)
    assert seen(2, 0, 0) == (
        7 * 4,
        7 * 4,
    )  # the cyclic shift brings the far side in, and the mask keeps it out


def test_causal_attention_sees_only_what_came_before() -> None:
    class Causal(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            tokens = x.flatten(2).transpose(1, 2)  # (1, pixels, channels)
            return functional.scaled_dot_product_attention(tokens, tokens, tokens, is_causal=True)

    seen = footprint(Causal(), 4, at=5)
    assert seen.mask.flatten().tolist() == [index <= 5 for index in range(16)]


def test_an_unmasked_encoder_layer_of_torch_sees_every_token() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.layer(x.flatten(2).transpose(1, 2))
            return result

    assert footprint(Tokens(), 5, channels=4).touched == 25


def test_clipped_says_that_the_image_was_too_small() -> None:
    chain = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(5)))
    assert footprint(chain, 9).clipped
    assert footprint(chain, 9).height == 9
    assert not footprint(chain, 13).clipped


def test_a_tensor_inside_another_output_can_be_picked() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3)

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"map": self.conv(x)}

    def pick(output: object) -> Tensor:
        assert isinstance(output, dict)
        found: Tensor = output["map"]
        return found

    assert footprint(Two(), 9, output=pick).height == 3
    with pytest.raises(ValueError, match="returned dict"):
        footprint(Two(), 9)


def test_a_surrounding_no_grad_does_not_matter() -> None:
    with torch.no_grad():
        assert footprint(nn.Conv2d(1, 1, 3), 9).touched == 9


def test_footprint_leaves_the_module_as_it_was() -> None:
    chain = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.ReLU()).train()
    before = copy.deepcopy(chain.state_dict())
    footprint(chain, 9)
    assert chain.training and next(chain.parameters()).requires_grad
    assert all(torch.equal(value, before[name]) for name, value in chain.state_dict().items())


def test_the_profile_of_one_convolution_is_its_weights() -> None:
    conv = nn.Conv2d(2, 3, 3, padding=1)
    profile = gradient_profile(conv, 7, channel=1)
    expected = torch.zeros(7, 7, dtype=torch.float64)
    expected[2:5, 2:5] = conv.weight[1].detach().double().abs().sum(0)
    assert profile.dtype == torch.float64
    torch.testing.assert_close(profile, expected)


def test_the_profile_is_the_slope_by_finite_differences() -> None:
    torch.manual_seed(0)
    chain = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Conv2d(3, 1, 3)).double()
    image = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    step = 1e-5 * torch.eye(64, dtype=torch.float64).view(64, 1, 8, 8)
    with torch.no_grad():
        slopes = (chain(image + step) - chain(image - step))[:, 0, 2, 2] / 2e-5
    profile = gradient_profile(chain, 8, images=image)
    torch.testing.assert_close(profile, slopes.abs().view(8, 8), atol=1e-8, rtol=1e-6)


def test_bad_input_is_refused_with_what_was_wanted() -> None:
    conv = nn.Conv2d(1, 1, 3)
    with pytest.raises(ValueError, match=r"layer 2 is \(0, 1\); wanted is \(kernel, stride\)"):
        receptive_field([(3, 1), (0, 1)])
    with pytest.raises(ValueError, match=r"layer 1 is 3; wanted is \(kernel, stride\)"):
        receptive_field([3])  # type: ignore[list-item]
    with pytest.raises(
        ValueError, match=r"without positions; .* pass the part before the pooling and the head"
    ):
        footprint(nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 9)
    with pytest.raises(ValueError, match=r"at=\(7, 0\) is no position of the output's grid \(7, 7\)"):
        footprint(conv, 9, at=(7, 0))
    with pytest.raises(ValueError, match=r"\(1, 4, 9, 9\) does not go through the module"):
        footprint(conv, 9, channels=4)
    with pytest.raises(ValueError, match='build it with device="cpu"'):
        gradient_profile(nn.Conv2d(1, 1, 3, device="meta"), 9)
    with pytest.raises(ValueError, match="channel 5 is not among the output's 1"):
        gradient_profile(conv, 9, channel=5)
    with pytest.raises(ValueError, match=r"images must be \(n, channels, 9, 9\), not \(1, 1, 8, 8\)"):
        gradient_profile(conv, 9, images=torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match="no two-dimensional convolution or pooling"):
        spatial_layers(nn.Flatten())
    with pytest.raises(ValueError, match="is not square"):
        spatial_layers(nn.Conv2d(1, 1, (1, 3)))


def test_a_branching_path_is_not_taken_for_a_chain() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow, self.wide = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 5, padding=2)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.narrow(x), self.wide(x)], 1)

    with pytest.raises(ValueError, match="the path branches before Conv2d"):
        spatial_layers(Branches())


def test_height_and_width_are_told_apart() -> None:
    found = footprint(nn.Conv2d(1, 1, (1, 5)), 9)
    assert (found.height, found.width, found.touched) == (1, 5, 5)
    assert [found.mask.any(1).sum(), found.mask.any(0).sum()] == [1, 5]


def test_a_unit_at_one_edge_is_clipped_though_the_other_edge_is_far() -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1)
    assert footprint(layer, 9, at=(0, 0)).clipped and footprint(layer, 9, at=(8, 8)).clipped
    assert not footprint(layer, 9, at=(4, 4)).clipped


def test_without_images_the_profile_is_that_of_one_image_of_noise() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Conv2d(3, 1, 3))
    noise = torch.randn(1, 2, 9, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(gradient_profile(net, 9), gradient_profile(net, 9, images=noise))
