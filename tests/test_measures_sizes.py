"""Roles of parameters, bytes on disk, and the n:m pattern."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import nn
from torch.sparse import _semi_structured_conversions as conversions

from verify import (
    export_onnx,
    model,
    n_of_m_share,
    parameters,
    parameters_by_role,
    prune_n_of_m,
    state_bytes,
)


def test_berts_embeddings_are_a_fifth_of_it() -> None:
    # Devlin et al. 2019: 30,522 word pieces, 512 positions and 2 segments of width 768.
    roles = parameters_by_role(model("bert-base"))
    assert roles["embedding"] == (30_522 + 512 + 2) * 768
    assert roles["weight"] == 12 * 12 * 768**2 + 768**2  # blocks and pooler
    assert roles["bias"] == 12 * 9 * 768 + 768
    assert roles["norm"] == 25 * 2 * 768
    assert sum(roles.values()) == parameters(model("bert-base"))


def test_a_vits_embeddings_are_its_class_token_and_positions() -> None:
    roles = parameters_by_role(model("vit-b16"))
    assert roles["embedding"] == (1 + 197) * 768
    assert roles["weight"] == 12 * 12 * 768**2 + 16 * 16 * 3 * 768 + 768 * 1000


def test_a_tied_head_counts_as_the_embedding_that_it_is() -> None:
    words, head = nn.Embedding(50, 8), nn.Linear(8, 50, bias=True)
    head.weight = words.weight
    assert parameters_by_role(nn.Sequential(words, head)) == {"bias": 50, "embedding": 400}


def test_every_parameter_has_one_role() -> None:
    attention = nn.MultiheadAttention(8, 2)
    assert parameters_by_role(attention) == {"weight": 4 * 64, "bias": 4 * 8}
    for name in ("swin-t", "convnext-t", "ssd300-vgg16", "clip-vit-b32"):
        assert sum(parameters_by_role(model(name)).values()) == parameters(model(name))


def test_the_bytes_of_a_checkpoint_are_those_behind_safetensors_header() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 4))
    for made, dtype in ((net, None), (net.half(), None), (net.float(), torch.half)):
        stored = {
            name: tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor
            for name, tensor in made.state_dict().items()
        }
        file = save(stored)
        header = int.from_bytes(file[:8], "little")
        assert json.loads(file[8 : 8 + header])
        assert state_bytes(made, dtype) == len(file) - 8 - header


def test_torchs_own_file_is_little_larger() -> None:
    net = nn.Sequential(nn.Linear(300, 300), nn.Linear(300, 300))
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    assert 0 < len(file.getvalue()) - state_bytes(net) < 10_000


def test_a_shared_tensor_is_stored_once_and_meta_is_enough() -> None:
    words, head = nn.Embedding(50, 8), nn.Linear(8, 50, bias=False)
    head.weight = words.weight
    assert state_bytes(nn.Sequential(words, head)) == 400 * 4
    # 25,557,032 parameters and two statistics for each of 26,560 normalised channels; 53 counters.
    assert state_bytes(model("resnet50")) == (25_557_032 + 2 * 26_560) * 4 + 53 * 8


def test_a_type_that_weights_are_not_stored_in_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a floating-point type, not torch\.int8"):
        state_bytes(nn.Linear(2, 2), torch.int8)


def test_two_of_four_is_found_in_linear_layers_and_along_the_channels_of_convolutions() -> None:
    linear = nn.Linear(8, 2, bias=False)
    linear.weight.data = torch.tensor([[1.0, 0, 2, 0, 0, 0, 3, 4], [1, 1, 1, 0, 0, 1, 0, 0]])
    assert n_of_m_share(linear) == 0.75
    conv = nn.Conv2d(4, 1, 2)
    conv.weight.data[:, 2:] = 0  # two of four channels
    assert n_of_m_share(conv) == 1
    conv.weight.data.fill_(1)[:, :, 0] = 0  # half, but all of some positions and none of others
    assert n_of_m_share(conv) == 0.5


def test_what_was_pruned_n_of_m_is_n_of_m() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 16, 3), nn.Flatten(), nn.Linear(16, 12))
    assert n_of_m_share(net) == 0
    assert n_of_m_share(prune_n_of_m(net)) == 1  # three channels have no groups of four, and do not count
    assert n_of_m_share(prune_n_of_m(net, 1, 4), 1, 4) == 1


def test_an_onnx_file_is_little_larger_than_the_tensors() -> None:
    pytest.importorskip("onnx", reason="the size of an ONNX file needs onnx: pip install onnx")
    net = nn.Sequential(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 12))
    assert 0 < len(export_onnx(net, torch.zeros(1, 8, 8, 8))) - state_bytes(net) < 5_000


def test_torch_packs_without_loss_what_is_two_of_four_and_nothing_else() -> None:
    linear = nn.Linear(128, 64).half()
    groups = linear.weight.data.view(-1, 4)
    groups.scatter_(1, groups.abs().topk(2, dim=1, largest=False).indices, 0.0)

    pack: Any = conversions.sparse_semi_structured_from_dense_cutlass
    unpack: Any = conversions.sparse_semi_structured_to_dense_cutlass

    def survives() -> bool:
        packed, positions = pack(linear.weight.data)
        return torch.equal(unpack(packed, positions), linear.weight.data)

    assert n_of_m_share(linear) == 1 and survives()
    linear.weight.data[0, :4] = 1
    assert n_of_m_share(linear) == 1 - 1 / len(groups) and not survives()


def test_no_pattern_and_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 0 < n < m, not 4 of 4"):
        n_of_m_share(nn.Linear(8, 8), 4, 4)
    with pytest.raises(ValueError, match="needs 0 < n < m, not 0 of 4"):
        n_of_m_share(nn.Linear(8, 8), 0, 4)
    with pytest.raises(ValueError, match="no layer has rows that 4 divides"):
        n_of_m_share(nn.Linear(6, 8))
