"""Whether two candidates compute the same: a fast wrong answer is no answer."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from verify.measures.forward import tensor_of


def disagreement(first: object, second: object) -> float | None:
    """The largest difference over the largest magnitude of two outputs, a number from 0.

    Of a tensor, an array, a list or tuple (its first), or an object with `logits` or `last_hidden_state`.
    Infinite for other shapes or where only one has numbers, None where neither has.
    """
    one, two = numbers_of(first), numbers_of(second)
    if one is None and two is None:
        return None
    if one is None or two is None or one.shape != two.shape:
        return math.inf
    if not one.numel():
        return 0.0
    scale = max(float(one.abs().max()), float(two.abs().max()))
    return float((one - two).abs().max()) / scale if scale else 0.0


def numbers_of(output: object) -> Tensor | None:
    """The tensor or array in an output as float64 on the CPU, a copy; None without one."""
    if isinstance(output, (list, tuple)) and output:
        output = output[0]
    if isinstance(output, np.ndarray):
        output = torch.from_numpy(output)
    try:
        return tensor_of(output).detach().to("cpu", torch.float64, copy=True)
    except ValueError:
        return None
