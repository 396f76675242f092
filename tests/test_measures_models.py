"""Models by name: what they give, what they refuse, and weights from the hub.

Their counts are held against published ones in test_published_counts.py.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from verify import input_shape, macs, model, output_shape, parameters
from verify.measures.forward import tensor_of
from verify.measures.models import CHOSEN_BY_WORD
from verify.measures.models.shufflenet import shuffle

IMAGE = (1, 3, 224, 224)
FAMILIES = {module.rpartition(".")[2]: import_module(module).NETWORKS for module in CHOSEN_BY_WORD.values()}
ONE_OF_EACH = [
    next(iter(names)) for family, names in FAMILIES.items() if family not in {"language", "clip", "ssd"}
]


def test_vits_macs_follow_the_closed_form() -> None:
    d, tokens, depth = 768, 197, 12
    block = tokens * 12 * d * d + 2 * tokens**2 * d
    assert macs(model("vit-b16"), IMAGE) == 196 * 16 * 16 * 3 * d + depth * block + d * 1000


@pytest.mark.parametrize(
    ("name", "d", "depth", "patch"),
    [("deit-ti", 192, 12, 16), ("vit-s16", 384, 12, 16), ("deit-s", 384, 12, 16), ("deit-b", 768, 12, 16),
     ("vit-b32", 768, 12, 32), ("vit-l16", 1024, 24, 16)],
)  # fmt: skip
def test_vits_parameters_follow_the_closed_form(name: str, d: int, depth: int, patch: int) -> None:
    embeddings = 3 * patch**2 * d + d + (1 + (224 // patch) ** 2) * d + d  # patches, positions, class token
    encoder = depth * (12 * d * d + 13 * d) + 2 * d
    assert parameters(model(name)) == embeddings + encoder + d * 1000 + 1000


def test_a_distilled_deit_has_another_token_with_its_position_and_another_head() -> None:
    # Touvron et al. 2021, section 4 and figure 2.
    more = 2 * 384 + 384 * 1000 + 1000
    assert parameters(model("deit-s-distilled")) == parameters(model("deit-s")) + more
    assert output_shape(model("deit-s-distilled"), IMAGE) == (1, 1000)


def test_berts_parameters_and_macs_follow_the_closed_form() -> None:
    d, tokens, depth, words, positions = 768, 512, 12, 30_522, 512
    encoder = depth * (12 * d * d + 13 * d)
    embeddings = (words + positions + 2) * d + 2 * d
    pooler = d * d + d
    assert parameters(model("bert-base")) == encoder + embeddings + pooler
    block = tokens * 12 * d * d + 2 * tokens**2 * d
    assert macs(model("bert-base"), input_shape("bert-base"), torch.long) == depth * block + d * d


def test_clip_is_its_two_encoders_and_two_projections_and_a_temperature() -> None:
    clip = model("clip-vit-b32")
    image, text, shared = 768, 512, 512
    vision = 12 * (12 * image**2 + 13 * image) + (49 + 1 + 1) * image + 32 * 32 * 3 * image + 4 * image
    words = 12 * (12 * text**2 + 13 * text) + (49_408 + 77) * text + 2 * text
    assert parameters(clip) == vision + words + (image + text) * shared + 1
    assert output_shape(clip.get_submodule("vision_model"), input_shape("clip-vit-b32")) == (1, 50, image)
    assert output_shape(clip.get_submodule("text_model"), (2, 77), torch.long) == (2, 77, text)


def test_ssd300_predicts_for_8732_boxes_from_six_maps() -> None:
    # Liu et al. 2016, section 3.1: maps of 38, 19, 10, 5, 3 and 1 cells, 4 or 6 boxes at each.
    boxes = 38**2 * 4 + 19**2 * 6 + 10**2 * 6 + 5**2 * 6 + 3**2 * 4 + 1 * 4
    assert boxes == 8732
    assert output_shape(model("ssd300-vgg16"), input_shape("ssd300-vgg16")) == (1, boxes, 91 + 4)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_classifier_gives_as_many_logits_as_it_is_asked_for(name: str) -> None:
    assert output_shape(model(name, num_labels=7), (2, *input_shape(name)[1:])) == (2, 7)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("vgg16", (1, 512, 7, 7)),
        ("resnet50", (1, 2048, 7, 7)),
        ("mobilenet-v3-large", (1, 960, 7, 7)),
        ("shufflenet-v2", (1, 1024, 7, 7)),
        ("efficientnet-b1", (1, 1280, 8, 8)),  # 240 pixels: an odd side of 15 becomes 8, not 7
        ("vit-b16", (1, 197, 768)),
        ("swin-t", (1, 49, 768)),
    ],
)
def test_the_base_model_ends_in_a_map_or_in_tokens(name: str, shape: tuple[int, ...]) -> None:
    base = model(name).base_model
    assert isinstance(base, torch.nn.Module)
    assert output_shape(base, input_shape(name)) == shape


def test_models_are_on_meta_and_in_eval_mode() -> None:
    built = model("vit-b16")
    assert all(tensor.is_meta for tensor in built.parameters())
    assert not built.training


@pytest.mark.parametrize("name", ["resnet18", "mobilenet-v3-small", "shufflenet-v2", "squeezenet"])
def test_on_the_cpu_the_weights_are_numbers_and_it_runs(name: str) -> None:
    built = model(name, device="cpu", num_labels=7)
    with torch.no_grad():
        found = built(torch.randn(1, 3, 64, 64))
    logits = getattr(found, "logits", found)
    assert logits.shape == (1, 7)
    assert logits.isfinite().all()
    assert logits.std() > 0


def test_a_written_out_model_imports_no_transformers() -> None:
    program = (
        "import sys; from verify import model, parameters; parameters(model('mobilenet-v3-large')); "
        "sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_tensorflow_padding_changes_no_count() -> None:
    padded = model("mobilenet-v1", tf_padding=True)
    assert macs(padded, IMAGE) == macs(model("mobilenet-v1"), IMAGE)


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


def test_a_channel_shuffle_interleaves_two_halves() -> None:
    maps = torch.arange(6.0).view(1, 6, 1, 1)
    assert shuffle(maps).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    # torch has the same as a layer, with the groups the other way round.
    assert torch.equal(shuffle(maps), torch.nn.ChannelShuffle(2)(maps))


def test_unknown_names_and_changes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no model is called 'resnet-50'; there are resnet18, .*resnet50"):
        model("resnet-50")
    with pytest.raises(ValueError, match=r"no model is called 'lenet'; there are alexnet, .*ssd300-vgg16"):
        input_shape("lenet")
    with pytest.raises(TypeError, match="ResNetConfig of transformers has no field deepness"):
        model("resnet50", deepness=3)
    with pytest.raises(TypeError, match="vgg16 takes num_labels and num_channels, not depth"):
        model("vgg16", depth=3)
    with pytest.raises(ValueError, match=r"no width_multiplier 0\.7; it has 0\.5, 1\.0, 1\.5, 2\.0"):
        model("shufflenet-v2", width_multiplier=0.7)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    """A folder of weights as the hub has them, and the network that they were saved from."""
    folder = tmp_path_factory.mktemp("weights")
    saved: Any = model("resnet18", device="cpu", num_labels=5)
    saved.save_pretrained(folder)
    return folder, saved


def test_with_weights_the_same_call_gives_the_published_network(
    published: tuple[Path, torch.nn.Module],
) -> None:
    folder, saved = published
    loaded = model("resnet18", weights=str(folder))
    images = torch.randn(2, 3, 64, 64)
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(images).logits, saved(images).logits)


def test_weights_of_another_network_are_refused(published: tuple[Path, torch.nn.Module]) -> None:
    with pytest.raises(ValueError, match="are those of another network than resnet34"):
        model("resnet34", weights=str(published[0]))


def test_weights_take_neither_changes_nor_the_meta_device(published: tuple[Path, torch.nn.Module]) -> None:
    with pytest.raises(TypeError, match="weights bring their own configuration; leave out num_labels"):
        model("resnet18", weights=str(published[0]), num_labels=5)
    with pytest.raises(ValueError, match="the meta device holds none"):
        model("resnet18", device="meta", weights=str(published[0]))


def test_without_a_network_the_error_says_how_to_fetch_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(ValueError, match=r"are neither here nor .* hf download someone/some-resnet"):
        model("resnet18", weights="someone/some-resnet")


def test_a_network_written_out_here_has_no_weights_on_the_hub() -> None:
    with pytest.raises(ValueError, match="vgg16 is written out here and the hub has no weights"):
        model("vgg16", weights="someone/vgg16")


@pytest.mark.parametrize(
    "name",
    ["resnet18", "mobilenet-v1", "mobilenet-v2", "mobilenet-v3-small", "efficientnet-b0", "squeezenet",
     "shufflenet-v2", "alexnet", "convnext-t", "deit-ti"],
)  # fmt: skip
def test_random_weights_let_an_image_reach_the_logits(name: str) -> None:
    torch.manual_seed(0)
    net = model(name, "cpu")
    with torch.no_grad():
        logits = tensor_of(net(torch.randn(2, *input_shape(name)[1:])))
    assert 0.1 < logits.abs().max() < 1000, "fit for half precision"
    assert (logits[0] - logits[1]).abs().max() > 0.01 * logits.abs().max()
    assert not any(module.training for module in net.modules())


def test_batch_norms_of_random_weights_put_out_what_they_promise() -> None:
    """Root mean squares are taken here, over the images that they are said to come from."""
    net = model("mobilenet-v2", "cpu", depth_multiplier=0.35)
    seen: list[torch.Tensor] = []

    def look(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        seen.append((output**2).mean((0, 2, 3)).sqrt())

    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(look)
            assert module.running_mean is not None and not module.running_mean.any()
    with torch.no_grad():
        net(torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0)))
    assert len(seen) > 50
    norms = torch.cat(seen)
    assert norms.max() < 1.001, "the weakest channels may stay below"
    assert norms.quantile(0.1) > 0.99


def test_random_weights_are_the_seed_s() -> None:
    first, again, other = (_weights(seed) for seed in (3, 3, 4))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def _weights(seed: int) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return [*model("resnet18", "cpu").state_dict().values()]
