"""Published figures of published networks: what the paper prints, where, and what is counted here.

A figure is reproduced when it differs by at most one unit of its last printed digit (papers round and
truncate). `why` stands at those that are not, and then the test holds that they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from verify import input_shape, macs, macs_by_kind, model, parameters, parameters_by_kind, receptive_field
from verify import spatial_layers as layers_of

Options = tuple[tuple[str, Any], ...]
PLAN = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)) + 5 * ((512, 1),) + ((1024, 2), (1024, 1))
"""Howard et al. 2017, table 1: width and stride of the thirteen blocks behind the first convolution."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One printed number."""

    what: str
    """The network and the quantity, in the paper's unit."""
    printed: float
    """As printed."""
    digit: float
    """One unit of the last printed digit; 0 for a number that is printed in full."""
    source: str
    """Paper and table."""
    count: Callable[[], float]
    """What it is here, in the same unit."""
    why: str = ""
    """Where it is not reproduced: the reason, as far as it is known."""

    @property
    def is_reproduced(self) -> bool:
        """Whether the count differs by at most one unit of the last digit."""
        return abs(self.count() - self.printed) <= self.digit * (1 + 1e-9)

    def __str__(self) -> str:
        counted, deviation = self.count(), self.count() / self.printed - 1
        note = f" | {self.why}" if self.why else ""
        return f"{self.what} | {self.printed:,} | {counted:,.6g} | {deviation:+.2%} | {self.source}{note}"


@cache
def built(name: str, options: Options = ()) -> nn.Module:
    """A model on the meta device, made once."""
    return model(name, **dict(options))


@cache
def counted(name: str, side: int | None = None, options: Options = ()) -> int:
    """Its MACs at the published resolution, or at another side."""
    shape = input_shape(name) if side is None else (1, 3, side, side)
    return macs(built(name, options), shape, torch.long if len(shape) == 2 else None)


def size(
    name: str, printed: float, source: str, unit: float = 1e6, digit: float = 1, why: str = "", **options: Any
) -> Figure:
    """A number of parameters; `unit` and `digit` are 1 and 0 for one printed in full."""
    key = tuple(options.items())
    return Figure(
        _label(name, options, "parameters", unit),
        printed,
        digit,
        source,
        lambda: parameters(built(name, key)) / unit,
        why,
    )


def work(
    name: str,
    printed: float,
    source: str,
    unit: float = 1e9,
    digit: float = 0.1,
    why: str = "",
    side: int | None = None,
    **options: Any,
) -> Figure:
    """A number of MACs, which most papers call FLOPs or multiply-adds."""
    key = tuple(options.items())
    label = _label(name, options, "MACs", unit) + (f" at {side}" if side else "")
    return Figure(label, printed, digit, source, lambda: counted(name, side, key) / unit, why)


def _label(name: str, options: dict[str, Any], quantity: str, unit: float) -> str:
    changed = "".join(f" {key}={value}" for key, value in options.items())
    return f"{name}{changed}: {quantity}" + {1e6: ", M", 1e9: ", G"}.get(unit, "")


@cache
def dense_mobilenet() -> nn.Module:
    """MobileNetV1 with a dense 3×3 convolution in place of each separable one."""
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)]
    width = 32
    for outputs, stride in PLAN:
        layers += [nn.Conv2d(width, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        width = outputs
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000)]
    with torch.device("meta"):
        return nn.Sequential(*layers, *head).to("meta")


def share(counts: dict[str, int], kind: str) -> float:
    """A kind's part of all, in per cent."""
    return 100 * counts[kind] / sum(counts.values())


V1 = "Howard et al. 2017, MobileNets"
V2 = "Sandler et al. 2018, MobileNetV2, table 4"
V3 = "Howard et al. 2019, MobileNetV3, table 3"
SLIM = "TF-slim, nets/mobilenet/README.md, tables of checkpoints"
B = "Tan, Le 2019, EfficientNet, table 2"
HE = "He et al. 2016, ResNet, table 1"
MA = "Ma et al. 2018, ShuffleNetV2, table 8"
VISION = "torchvision documentation, table of classification weights"
ARAUJO = "Araujo et al. 2019, table of receptive fields"

IN_FULL = {
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "mobilenet-v2": 3_504_872,
    "mobilenet-v3-large": 5_483_032,
    "mobilenet-v3-small": 2_542_856,
    "efficientnet-b0": 5_288_548,
    "efficientnet-b1": 7_794_184,
    "efficientnet-b2": 9_109_994,
    "efficientnet-b3": 12_233_232,
    "efficientnet-b4": 19_341_616,
    "efficientnet-b5": 30_389_784,
    "efficientnet-b6": 43_040_704,
    "efficientnet-b7": 66_347_960,
    "squeezenet": 1_248_424,
    "squeezenet-1.1": 1_235_496,
    "shufflenet-v2": 2_278_604,
    "convnext-t": 28_589_128,
    "convnext-s": 50_223_688,
    "convnext-b": 88_591_464,
    "vit-b16": 86_567_656,
    "vit-b32": 88_224_232,
    "vit-l16": 304_326_632,
    "swin-t": 28_288_354,
    "ssd300-vgg16": 35_641_826,
}
"""torchvision's `num_params`; printed in full, so that nothing may differ."""


def figures() -> Iterator[Figure]:
    """All of them."""
    for name, number in IN_FULL.items():
        yield size(name, number, VISION, 1, 0)
    yield size("mobilenet-v1", 4_231_976, "Keras, MobileNet: trainable parameters", 1, 0)
    yield size("clip-vit-b32", 151_277_313, "openai/CLIP, notebook Interacting with CLIP", 1, 0)
    for width, number in ((0.5, 1_366_792), (1.5, 3_503_624), (2.0, 7_393_996)):
        yield size("shufflenet-v2", number, VISION, 1, 0, width_multiplier=width)
    yield from _classic()
    yield from _mobile()
    yield from _efficientnet()
    yield from _transformers()
    yield from _fields()


def _classic() -> Iterator[Figure]:
    tower = "the paper's two towers with grouped convolutions; built here is the later one-tower variant"
    yield size("alexnet", 60, "Krizhevsky et al. 2012, abstract", why=tower)
    for name, number in (("vgg11", 133), ("vgg16", 138), ("vgg19", 144)):
        yield size(name, number, "Simonyan, Zisserman 2015, VGG, table 2")
    for name, billions in (("resnet18", 1.8), ("resnet34", 3.6)):
        yield work(name, billions, HE)
    for name, billions in (("resnet50", 3.8), ("resnet101", 7.6), ("resnet152", 11.3)):
        yield work(name, billions, HE, downsample_in_bottleneck=True)
    stride = "the paper strides in the 1×1; with the stride in the 3×3, as most code has it, it costs more"
    yield work("resnet50", 3.8, HE, why=stride)
    yield work("vgg16", 15.47, VISION, digit=0.01)
    yield work("resnet50", 4.09, VISION, digit=0.01)
    yield work("squeezenet", 0.82, VISION, digit=0.01)
    yield size("squeezenet", 1_248_424, "Iandola et al. 2016, SqueezeNet, table 1", 1, 0)
    yield work("ssd300-vgg16", 34.86, VISION, digit=0.01)


def _mobile() -> Iterator[Figure]:
    for alpha, mult_adds, number in ((1.0, 569, 4.2), (0.75, 325, 2.6), (0.5, 149, 1.3), (0.25, 41, 0.5)):
        yield work("mobilenet-v1", mult_adds, f"{V1}, table 6", 1e6, 1, depth_multiplier=alpha)
        yield size("mobilenet-v1", number, f"{V1}, table 6", digit=0.1, depth_multiplier=alpha)
    for side, mult_adds in ((192, 418), (160, 290), (128, 186)):
        yield work("mobilenet-v1", mult_adds, f"{V1}, table 7", 1e6, 1, side=side)
    kinds = (("pointwise", 94.86, 74.59), ("depthwise", 3.06, 1.06), ("linear", 0.18, 24.33))
    table = f"{V1}, table 2"
    for kind, of_work, of_size in kinds:
        label = f"mobilenet-v1: {kind}'s share of the"
        yield Figure(f"{label} MACs, %", of_work, 0.01, table, partial(_share_of_macs, kind))
        yield Figure(f"{label} parameters, %", of_size, 0.01, table, partial(_share_of_weights, kind))
    slip = "with the printed 1.19 the column adds up to 99.29 %; 1.91 makes it 100"
    label = "mobilenet-v1: the first convolution's share of the MACs, %"
    yield Figure(label, 1.19, 0.01, table, partial(_share_of_macs, "dense conv"), slip)
    dense = "mobilenet-v1 with dense 3×3 convolutions"
    image = (1, 3, 224, 224)
    head = "1.02 M of them are the classifier's, which the paper left out here and not in its 569"
    yield Figure(
        f"{dense}: MACs, M", 4866, 1, f"{V1}, table 4", lambda: macs(dense_mobilenet(), image) / 1e6, head
    )
    yield Figure(
        f"{dense}: parameters, M", 29.3, 0.1, f"{V1}, table 4", lambda: parameters(dense_mobilenet()) / 1e6
    )
    yield work("mobilenet-v2", 300, V2, 1e6, 1)
    built_so = "3.50 M by construction, in torchvision as well; TF-slim's 3.47 leaves the norms out"
    yield size("mobilenet-v2", 3.4, V2, digit=0.1, why=built_so)
    wider = "the released network has 6.1 M; TF-slim's own table says 6.06, without the norms"
    yield size("mobilenet-v2", 6.9, V2, digit=0.1, why=wider, depth_multiplier=1.4)
    near = "the released network needs 582 M, which TF-slim's own table says as well"
    yield work("mobilenet-v2", 585, V2, 1e6, 1, why=near, depth_multiplier=1.4)
    yield size("mobilenet-v3-large", 5.4, V3, digit=0.1)
    yield size("mobilenet-v3-small", 2.5, V3, digit=0.1)
    less = "the released network needs 217 M, which TF-slim's own table says as well"
    yield work("mobilenet-v3-large", 219, V3, 1e6, 1, why=less)
    yield work("mobilenet-v3-large", 217, SLIM, 1e6, 1)
    for alpha, mult_adds, number in ((1.0, 300, 3.47), (1.4, 582, 6.06), (0.5, 97, 1.95), (0.35, 59, 1.66)):
        key = (("depth_multiplier", alpha),)
        yield work("mobilenet-v2", mult_adds, SLIM, 1e6, 1, depth_multiplier=alpha)
        label = f"mobilenet-v2 depth_multiplier={alpha}: parameters without norms, M"
        yield Figure(label, number, 0.01, SLIM, partial(_without_norms, "mobilenet-v2", key))
    yield work("mobilenet-v3-small", 56, V3, 1e6, 1)
    for width, flops, number in ((0.5, 41, 1.4), (1.0, 146, 2.3), (1.5, 299, 3.5), (2.0, 591, 7.4)):
        more = "one per cent less here: MACs of convolutions and the classifier only"
        why = "" if width == 0.5 else more
        yield work("shufflenet-v2", flops, MA, 1e6, 1, why=why, width_multiplier=width)
        yield size("shufflenet-v2", number, MA, digit=0.1, width_multiplier=width)


def _without_norms(name: str, options: Options) -> float:
    network = built(name, options)
    return (parameters(network) - parameters_by_kind(network)["norm"]) / 1e6


def _share_of_macs(kind: str) -> float:
    return share(macs_by_kind(built("mobilenet-v1"), (1, 3, 224, 224)), kind)


def _share_of_weights(kind: str) -> float:
    counts = parameters_by_kind(built("mobilenet-v1"))
    del counts["norm"]  # the paper's column leaves them out, and biases
    counts["linear"] -= 1000
    return share(counts, kind)


def _efficientnet() -> Iterator[Figure]:
    more = "the released network needs more: torchvision's documentation has 4.4 and 10.3 G, as here"
    less = "the released network needs 0.687 G by construction"
    printed = (5.3, 7.8, 9.2, 12, 19, 30, 43, 66)
    flops = (0.39, 0.70, 1.0, 1.8, 4.2, 9.9, 19, 37)
    digits = (0.01, 0.01, 0.1, 0.1, 0.1, 0.1, 1, 1)
    for number, (millions, billions, digit) in enumerate(zip(printed, flops, digits, strict=True)):
        name = f"efficientnet-b{number}"
        why = {1: less, 4: more, 5: more}.get(number, "")
        yield size(name, millions, B, digit=0.1 if millions < 10 else 1)
        yield work(name, billions, B, digit=digit, why=why)


def _transformers() -> Iterator[Figure]:
    vit = "Dosovitskiy et al. 2021, ViT, table 1"
    deit = "Touvron et al. 2021, DeiT, table 1"
    liu = "Liu et al. 2021, Swin, table 1"
    yield size("vit-b16", 86, vit)
    yield size("vit-l16", 307, vit, why="304.3 M by construction, with the head for ImageNet-1k; unexplained")
    for name, number in (("deit-ti", 5), ("deit-s", 22), ("deit-b", 86)):
        yield size(name, number, deit)
    yield work("deit-s", 4.6, liu)
    yield work("deit-b", 17.5, liu)
    yield work("vit-b16", 55.4, liu, side=384, image_size=384)
    yield size("swin-t", 29, liu)
    yield work("swin-t", 4.5, liu)
    convnext = "Liu et al. 2022, ConvNeXt, table 1"
    for name, millions, billions in (
        ("convnext-t", 29, 4.5),
        ("convnext-s", 50, 8.7),
        ("convnext-b", 89, 15.4),
    ):
        yield size(name, millions, convnext)
        yield work(name, billions, convnext)
    devlin = "Devlin et al. 2019, BERT, section 3"
    yield size("bert-base", 110, devlin)
    yield size("bert-large", 340, devlin, why="335.1 M by construction, with the pooler")
    yield size("distilbert", 66, "Sanh et al. 2019, DistilBERT, table 3")


def _fields() -> Iterator[Figure]:
    slim = "TF-slim strides at the end of a stage; with the stride in the stage's first 3×3 it is 427"
    fields = (("alexnet", 195, ""), ("vgg16", 212, ""), ("mobilenet-v1", 315, ""), ("resnet50", 483, slim))
    for name, pixels, why in fields:
        yield Figure(f"{name}: receptive field, pixels", pixels, 0, ARAUJO, partial(_field, name), why)


def _field(name: str) -> int:
    return receptive_field(layers_of(built(name)))
