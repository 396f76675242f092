"""Published networks with random weights, built in milliseconds; nothing is downloaded unless asked for.

A vision model takes `(n, 3, height, width)` and returns logits `(n, 1000)`; its `base_model` is the network
without the head, up to the last feature map or the last tokens.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn

from verify.measures.models.networks import Network
from verify.measures.models.settling import settle

CHOSEN_BY_WORD = {
    "alexnet": "verify.measures.models.plain",
    "vgg": "verify.measures.models.plain",
    "resnet": "verify.measures.models.resnet",
    "mobilenet-v1": "verify.measures.models.mobilenet",
    "mobilenet-v2": "verify.measures.models.mobilenet",
    "mobilenet-v3": "verify.measures.models.mobilenet_v3",
    "efficientnet": "verify.measures.models.efficientnet",
    "squeezenet": "verify.measures.models.squeezenet",
    "shufflenet": "verify.measures.models.shufflenet",
    "convnext": "verify.measures.models.convnext",
    "vit": "verify.measures.models.vit",
    "deit": "verify.measures.models.vit",
    "swin": "verify.measures.models.swin",
    "bert": "verify.measures.models.language",
    "distilbert": "verify.measures.models.language",
    "clip": "verify.measures.models.clip",
    "ssd": "verify.measures.models.ssd",
}
"""How a model's name begins, and the module of its family.

A claim rests on the families whose words stand in its code (`verify/claims.py`), so that work on one family
makes no record of another one old.
"""


def model(
    name: str, device: str | torch.device | None = None, weights: str | None = None, **changes: Any
) -> nn.Module:
    """A published network in eval mode: with random weights, or with published ones from the hub.

    Names: `alexnet` (torchvision's one-tower variant), `vgg11`, `vgg16`, `vgg19` (without batch norms),
    `resnet18`, `resnet34`, `resnet50`, `resnet101`, `resnet152` (stride in the 3×3 convolutions;
    `downsample_in_bottleneck=True` puts it in the first 1×1, as the paper has it), `mobilenet-v1`,
    `mobilenet-v2` (`depth_multiplier` is the papers' α; padded symmetrically, `tf_padding=True` gives
    TensorFlow's one-sided padding with the same counts), `mobilenet-v3-large`, `mobilenet-v3-small`,
    `efficientnet-b0` to `-b7` (`squeeze_excitation=False` leaves that out), `squeezenet`, `squeezenet-1.1`,
    `shufflenet-v2` (`width_multiplier`), `convnext-t`, `-s`, `-b`, `vit-s16`, `vit-b16`, `vit-b32`,
    `vit-l16`, `deit-ti`, `deit-s`, `deit-b`, `deit-s-distilled`, `swin-t`, `bert-base`, `bert-large`,
    `distilbert` (these three read token numbers, `(n, tokens)` of `torch.long`), `clip-vit-b32` (its
    `vision_model` and `text_model` can be counted) and `ssd300-vgg16`.

    Args:
        name: one of these. `input_shape(name)` is the input of the published counts.
        device: `meta` by default: tensors have shapes and no numbers, which is right for counting. `cpu`
            gives random weights, with which activations keep their size: He's for convolutions, and batch
            norms know the statistics of random images.
        weights: a name on the Hugging Face hub such as `microsoft/resnet-50`, or a folder; the device is then
            the CPU by default. Needs a network the first time; claims have none, so download before.
        changes: fields of the `transformers` configuration (`num_labels`, `num_channels`, …). What is written
            out here knows the first two.

    Raises:
        ValueError: an unknown name; weights that are not to be had, or are another network's.
        TypeError: a change that the model does not know, or changes beside weights.
    """
    network = _network(name)
    if weights is None:
        with torch.device(device or "meta"):
            built = network.build(name, changes).eval()
        if torch.device(device or "meta").type != "meta":
            settle(built)
        return built
    if changes:
        raise TypeError(f"weights bring their own configuration; leave out {', '.join(sorted(changes))}")
    if torch.device(device or "cpu").type == "meta":
        raise ValueError("weights have numbers, and the meta device holds none; leave out one of the two")
    return network.load(name, weights).to(device or "cpu").eval()


def input_shape(name: str) -> tuple[int, ...]:
    """The input that a model's published counts are for, batch of one first.

    `(1, 3, 224, 224)` for most, `(1, 3, 600, 600)` for `efficientnet-b7`; `(1, tokens)` for text.

    Raises ValueError for an unknown name.
    """
    return _network(name).shape


def _network(name: str) -> Network:
    found = [module for word, module in CHOSEN_BY_WORD.items() if name.startswith(word)]
    for module in found:
        networks: dict[str, Network] = import_module(module).NETWORKS
        if name in networks:
            return networks[name]
    modules = found or dict.fromkeys(CHOSEN_BY_WORD.values())
    known = ", ".join(key for module in modules for key in import_module(module).NETWORKS)
    raise ValueError(f"no model is called {name!r}; there are {known}")
