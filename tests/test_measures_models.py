"""Models: their counts against the published ones, which were not computed here."""

from __future__ import annotations

import time

import pytest
import torch

from verify import macs, macs_by_kind, model, output_shape, parameters

IMAGE = (1, 3, 224, 224)

# torchvision's documentation, table of classification weights ("num_params"). MobileNetV1, which it lacks:
# Keras' `MobileNet`, trainable parameters only (Howard et al. 2017, table 8, has 4.2 million).
PARAMETERS = {
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg16": 138_357_544,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "mobilenet-v1": 4_231_976,
    "mobilenet-v2": 3_504_872,
    "efficientnet-b0": 5_288_548,
    "vit-b16": 86_567_656,
    "swin-t": 28_288_354,
}

# Billions, with the last digit as a tolerance: torchvision's documentation ("GFLOPS", MACs there).
# MobileNetV1: Howard et al. 2017, table 4 (569 million); V2: Sandler et al. 2018, table 4 (300 million).
BILLION_MACS = {
    "alexnet": (0.71, 0.01),
    "vgg11": (7.61, 0.01),
    "vgg16": (15.47, 0.01),
    "resnet18": (1.81, 0.01),
    "resnet50": (4.09, 0.01),
    "mobilenet-v1": (0.569, 0.001),
    "mobilenet-v2": (0.300, 0.001),
    "efficientnet-b0": (0.39, 0.01),
    "vit-b16": (17.56, 0.01),
    "swin-t": (4.49, 0.01),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_the_published_ones(name: str) -> None:
    print(f"{name}: deviation {parameters(model(name)) - PARAMETERS[name]}")
    assert parameters(model(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", BILLION_MACS)
def test_macs_are_the_published_ones(name: str) -> None:
    published, tolerance = BILLION_MACS[name]
    found = macs(model(name), IMAGE) / 1e9
    print(f"{name}: {found:.4f} GMAC, deviation {100 * (found / published - 1):+.2f} %")
    assert found == pytest.approx(published, abs=tolerance)


def test_mobilenet_v1_spends_its_macs_where_the_paper_says() -> None:
    # Howard et al. 2017, table 2: 94.86 % in 1×1, 3.06 % in depthwise 3×3,
    # 0.18 % fully connected; the first convolution is the rest.
    found = macs_by_kind(model("mobilenet-v1"), IMAGE)
    shares = {kind: round(100 * count / sum(found.values()), 2) for kind, count in found.items()}
    assert shares["pointwise"] == 94.86
    assert shares["depthwise"] == 3.06
    assert shares["linear"] == 0.18
    assert (
        shares["dense conv"] == 1.91
    )  # the paper's 1.19 is a slip of digits: its column then adds up to 99.29


def test_vits_macs_follow_the_closed_form() -> None:
    d, tokens, depth = 768, 197, 12
    block = tokens * 12 * d * d + 2 * tokens**2 * d
    assert macs(model("vit-b16"), IMAGE) == 196 * 16 * 16 * 3 * d + depth * block + d * 1000


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_model_gives_1000_logits(name: str) -> None:
    assert output_shape(model(name), (2, *IMAGE[1:])) == (2, 1000)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("vgg16", (1, 512, 7, 7)),
        ("resnet50", (1, 2048, 7, 7)),
        ("vit-b16", (1, 197, 768)),
        ("swin-t", (1, 49, 768)),
    ],
)
def test_the_base_model_ends_in_a_map_or_in_tokens(name: str, shape: tuple[int, ...]) -> None:
    base = model(name).base_model
    assert isinstance(base, torch.nn.Module)
    assert output_shape(base, IMAGE) == shape


def test_models_are_built_on_meta_in_well_under_a_second_and_in_eval_mode() -> None:
    model("resnet18")  # imports transformers
    start = time.perf_counter()
    built = model("vit-b16")
    assert time.perf_counter() - start < 1
    assert all(tensor.is_meta for tensor in built.parameters())
    assert not built.training


def test_on_the_cpu_the_weights_are_numbers_and_it_runs() -> None:
    built = model("resnet18", device="cpu", num_labels=7)
    with torch.no_grad():
        logits = built(torch.randn(1, 3, 64, 64)).logits
    assert logits.shape == (1, 7)
    assert logits.isfinite().all()
    assert logits.std() > 0


def test_tensorflow_padding_changes_no_count() -> None:
    padded = model("mobilenet-v1", tf_padding=True)
    assert macs(padded, IMAGE) == macs(model("mobilenet-v1"), IMAGE)


def test_resnet50_with_the_stride_in_the_1x1_costs_less() -> None:
    # He et al. 2015 state 3.8 billion; Goyal et al. 2017 moved the stride, which gives 4.1.
    assert macs(model("resnet50", downsample_in_bottleneck=True), IMAGE) / 1e9 == pytest.approx(3.8, abs=0.1)


def test_squeeze_and_excitation_can_be_left_out() -> None:
    without = model("efficientnet-b0", squeeze_excitation=False)
    assert output_shape(without, IMAGE) == (1, 1000)
    # Two 1×1 convolutions with biases per block, through a quarter of the block's input channels; the inputs'
    # widths are those of Tan, Le 2019, table 1.
    inputs = [32, 16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192]
    expansions = [1] + [6] * 15
    excitation = sum(
        2 * width * factor * (width // 4) + width // 4 + width * factor
        for width, factor in zip(inputs, expansions, strict=True)
    )
    assert parameters(model("efficientnet-b0")) - parameters(without) == excitation


def test_unknown_names_and_changes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no model is called 'resnet-50'; there are alexnet, .*resnet50"):
        model("resnet-50")
    with pytest.raises(TypeError, match="ResNetConfig of transformers has no field deepness"):
        model("resnet50", deepness=3)
    with pytest.raises(TypeError, match="vgg16 takes num_labels and num_channels, not depth"):
        model("vgg16", depth=3)
