"""Random weights with which a network computes something: signals keep their size from input to output.

As `transformers` draws them, MobileNetV2's logits are 1e-21 and EfficientNet-B0's are zero whatever the image
shows: deviations of 0.02 suit language models. Half precision, parity and errors in percent say nothing of
such a network.
"""

from __future__ import annotations

import torch
from torch import nn

PIXELS = 128
"""Side of the images that the statistics come from: batch norms average over positions, and few will do."""


def settle(network: nn.Module) -> None:
    """Draw a network's convolutions by He's rule, and set its batch norms by what random images bring them.

    A norm divides by the root mean square of each channel, and takes off no mean: deep in a random network
    all images look alike, and what differs between them would be blown up together with every rounding.
    Networks with layer norms keep what they have: those norms measure each input anew. Of the images,
    `(2, channels, 128, 128)`, every value is a standard normal one, the same at each call.

    Source: He et al. 2015, Delving deep into rectifiers, for the rule.
    """
    modules = list(network.modules())
    convolutions = [each for each in modules if isinstance(each, nn.Conv2d)]
    if not convolutions or any(isinstance(each, nn.LayerNorm) for each in modules):
        return
    for each in convolutions:
        nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
    norms = [each for each in modules if isinstance(each, nn.BatchNorm2d)]
    if not norms:
        return
    hooks = [norm.register_forward_pre_hook(_measure) for norm in norms]
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(2, convolutions[0].in_channels, PIXELS, PIXELS, generator=draw)
    with torch.no_grad():
        network(images.to(convolutions[0].weight.device))
    for hook in hooks:
        hook.remove()


def _measure(norm: nn.Module, inputs: tuple[torch.Tensor]) -> None:
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None
    norm.reset_parameters()  # transformers draws the weights of some around zero
    power = inputs[0].square().mean((0, 2, 3))
    norm.running_var.copy_(
        power.clamp(min=0.1 * float(power.mean()))
    )  # a channel may be dead in these images
