"""Activation memory: against a real run's allocator, closed forms, and what autograd really keeps."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import profile

from verify import activation_peak, activation_stash, model

FLOAT = 4


class Residual(nn.Module):
    """`x + f(x)`: the input has to be kept until the addition."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(64), nn.Linear(64, 256), nn.Linear(256, 64)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.down(torch.relu(self.up(self.norm(x))))
        return result


class Attention(nn.Module):
    """One head without weights: queries, keys and values are the input, `(n, tokens, width)`."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(x, x, x)


def allocated_peak(module: nn.Module, inputs: Tensor) -> int:
    """The peak of the CPU allocator during a real pass, with the input: the profiler's memory events."""
    with torch.no_grad():
        module(inputs)
        with profile(profile_memory=True) as profiler:
            module(inputs)
    assert profiler.profiler is not None
    results = profiler.profiler.kineto_results
    assert results is not None
    events = sorted((e.start_ns(), e.nbytes()) for e in results.events() if e.name() == "[memory]")
    held = peak = 0
    for _, change in events:
        held += change
        peak = max(peak, held)
    return peak + inputs.nbytes


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16)), (5, 32)),
        (nn.Sequential(Residual(), Residual()), (7, 64)),
        (nn.Sequential(nn.BatchNorm1d(64), nn.GELU()).eval(), (9, 64)),
        (
            nn.Sequential(
                nn.MaxPool2d(2), nn.ReLU(inplace=True), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(48, 10)
            ),
            (2, 3, 16, 16),
        ),
    ],
    ids=["mlp", "residual", "norm", "pools"],
)
def test_the_peak_is_that_of_the_allocator_in_a_real_run(module: nn.Module, shape: tuple[int, ...]) -> None:
    assert activation_peak(module, shape) == allocated_peak(module, torch.randn(shape))


def test_a_chain_of_convolutions_peaks_where_input_and_output_of_a_layer_are_largest_together() -> None:
    widths, side = (3, 16, 64, 8), 10
    layers = [nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)]
    maps = [width * side**2 * FLOAT for width in widths]
    # The image is held by the caller all the time, also while the second layer turns 16 maps into 64.
    assert activation_peak(nn.Sequential(*layers), (1, 3, side, side)) == maps[0] + maps[1] + maps[2]


def test_an_in_place_activation_saves_a_copy() -> None:
    shape, size = (1, 100), 100 * FLOAT
    linear = nn.Linear(100, 100)
    assert activation_peak(nn.Sequential(linear, nn.ReLU()), shape) == 3 * size
    assert activation_peak(nn.Sequential(linear, nn.ReLU(inplace=True)), shape) == 2 * size


def test_the_peak_grows_with_the_batch_and_halves_with_the_type() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    one = activation_peak(net, (1, 3, 20, 20))
    assert activation_peak(net, (6, 3, 20, 20)) == 6 * one
    assert activation_peak(net.half(), (1, 3, 20, 20)) == one // 2


def test_a_fused_kernel_holds_no_scores() -> None:
    n, tokens, width = 2, 300, 16
    inputs = n * tokens * width * FLOAT
    scores = n * tokens**2 * FLOAT
    explicit = activation_peak(Attention(), (n, tokens, width))
    fused = activation_peak(Attention(), (n, tokens, width), fused_attention=True)
    assert explicit >= 2 * scores  # before and after the softmax
    assert fused == 2 * inputs + n * tokens * FLOAT  # input, output, one number for each row


def test_the_stash_of_a_network_is_what_the_backward_pass_reads() -> None:
    batch = 4
    net = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5))
    # The input for the first weight's gradient; the ReLU's output, which is the second layer's input as well.
    assert activation_stash(net, (batch, 10)) == batch * (10 + 20) * FLOAT


def test_a_batch_norm_keeps_its_input_and_a_sigmoid_its_output() -> None:
    maps = 3 * 8 * 5 * 5 * FLOAT
    norm = nn.BatchNorm2d(8)
    assert activation_stash(nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), norm), (3, 8, 5, 5)) == (
        2 * maps + 2 * 8 * FLOAT  # the convolution's input and output; mean and deviation of each channel
    )
    assert activation_stash(nn.Sequential(nn.Linear(6, 6), nn.Sigmoid()), (2, 6)) == 2 * 2 * 6 * FLOAT


def test_the_stash_is_what_autograd_holds_in_a_real_run() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(), nn.Dropout(), nn.Flatten(), nn.Linear(8 * 36, 4)
    )
    images = torch.randn(5, 3, 8, 8)
    output = net(images)
    own = {tensor.data_ptr() for tensor in (*net.parameters(), *net.buffers())}
    held: dict[int, int] = {}
    waiting = [output.grad_fn]
    while waiting:  # another way than saved_tensors_hooks: the fields of the graph's own nodes
        node = waiting.pop()
        for name in dir(node):
            if name.startswith("_saved_"):
                value = getattr(node, name)
                if isinstance(value, Tensor) and value.numel() and value.data_ptr() not in own:
                    held[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        waiting += [parent for parent, _ in getattr(node, "next_functions", ()) if parent is not None]
    assert activation_stash(net, images.shape) == sum(held.values())


def test_a_module_in_eval_mode_is_asked_as_if_in_training_and_left_alone() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).eval()
    assert activation_stash(net, (3, 4)) == activation_stash(net.train(), (3, 4))
    net.eval()
    activation_stash(net, (3, 4))
    assert not net[1].training


def test_residual_networks_peak_where_shortcut_and_branch_meet() -> None:
    # ResNet-50 at 224: the image, the first stage's input and a branch as narrow; the shortcut, and the
    # branch's end before and after its norm.
    image, entry, wide = 3 * 224**2, 64 * 56**2, 256 * 56**2
    assert activation_peak(model("resnet50"), (1, 3, 224, 224)) == pytest.approx(
        FLOAT * (image + 2 * entry + 3 * wide), rel=0.001
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU: its allocator is the oracle")
def test_the_peak_is_that_of_the_gpus_allocator() -> None:
    net = nn.Sequential(nn.Linear(1024, 4096), nn.ReLU(), nn.Linear(4096, 1024)).cuda()
    inputs = torch.randn(2048, 1024, device="cuda")
    with torch.no_grad():
        net(inputs)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        net(inputs)
    found = torch.cuda.max_memory_allocated() - before + inputs.nbytes
    assert activation_peak(net, (2048, 1024)) == pytest.approx(found, rel=0.01)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 5\) does not go through"):
        activation_peak(nn.Linear(4, 4), (1, 5))
    with pytest.raises(ValueError, match=r"\(1, 5\) does not train the module"):
        activation_stash(nn.Linear(4, 4), (1, 5))
    with pytest.raises(ValueError, match="positive integers"):
        activation_stash(nn.Linear(4, 4), (0, 4))
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module is wanted"):
        activation_peak("resnet50", (1, 4))  # type: ignore[arg-type]
