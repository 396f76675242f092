"""Work and traffic: against closed forms, and against the other way of counting MACs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from verify import Work, arithmetic_intensity, macs, macs_by_kind, model, parameters, work_by_kind

FLOAT = 4


@pytest.mark.parametrize("name", ["mobilenet-v2", "shufflenet-v2", "deit-ti"])
def test_its_macs_are_those_of_the_counter_with_hooks(name: str) -> None:
    net, image = model(name), (1, 3, 224, 224)
    work = {kind: each.macs for kind, each in work_by_kind(net, image).items() if each.macs}
    assert work == macs_by_kind(net, image)


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (nn.Conv2d(6, 12, 3, 2, 1), "dense conv"),
        (nn.Conv2d(6, 12, 3, groups=3), "grouped conv"),
        (nn.Conv2d(6, 6, 5, groups=6, bias=False), "depthwise"),
        (nn.Conv2d(6, 4, 1, bias=False), "pointwise"),
        (nn.ConvTranspose2d(6, 4, 2, 2), "transposed conv"),
    ],
)
def test_a_layer_reads_input_and_weights_and_writes_its_output_once(layer: nn.Module, kind: str) -> None:
    shape = (2, 6, 9, 9)
    output = layer(torch.zeros(shape))
    moved = (2 * 6 * 81 + parameters(layer) + output.numel()) * FLOAT
    assert work_by_kind(layer, shape) == {kind: Work(macs(layer, shape), moved)}


def test_a_linear_layers_intensity_is_the_batchs_harmonic_mean_with_the_widths() -> None:
    n, a, b = 64, 256, 512
    # 2nab FLOPs for (na + ab + nb) numbers of two bytes.
    layer = nn.Linear(a, b, bias=False).half()
    assert arithmetic_intensity(layer, (n, a)) == pytest.approx(1 / (1 / b + 1 / n + 1 / a))
    assert arithmetic_intensity(layer, (1, a)) == pytest.approx(1.0, rel=0.01)  # one image: a FLOP per byte


def test_activations_norms_and_sums_move_bytes_and_count_no_macs() -> None:
    class Sum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x) + x

    size = 10 * FLOAT
    assert work_by_kind(Sum(), (1, 10)) == {"other": Work(0, 2 * size + 3 * size)}
    inplace = nn.Sequential(nn.ReLU(inplace=True))
    assert work_by_kind(inplace, (1, 10)) == {"other": Work(0, 2 * size)}


def test_views_cost_nothing_and_copies_do() -> None:
    class Turned(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.view(5, 2).t()

    class Copied(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.view(5, 2).t().contiguous()

    assert work_by_kind(Turned(), (1, 10)) == {}
    assert work_by_kind(Copied(), (1, 10)) == {"other": Work(0, 2 * 10 * FLOAT)}


def test_what_a_broadcast_repeats_is_read_once() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1, 1000))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scale.expand(4, 1000)

    assert work_by_kind(Scaled(), (4, 1000))["other"] == Work(0, 4 * (4000 + 1000 + 4000))


def test_products_of_activations_are_matmul() -> None:
    class Gram(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ x.transpose(1, 2)

    n, rows, columns = 3, 4, 7
    moved = (2 * n * rows * columns + n * rows * rows) * FLOAT
    assert work_by_kind(Gram(), (n, rows, columns)) == {"matmul": Work(n * rows * rows * columns, moved)}


def test_half_precision_doubles_the_intensity() -> None:
    net, shape = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU()), (1, 3, 20, 20)
    assert arithmetic_intensity(net.half(), shape) == 2 * arithmetic_intensity(net.float(), shape)


def test_no_traffic_has_no_intensity_and_an_odd_input_is_refused() -> None:
    assert arithmetic_intensity(nn.Identity(), (1, 3)) == 0
    with pytest.raises(ValueError, match="does not go through"):
        work_by_kind(nn.Linear(3, 3), (1, 4))
