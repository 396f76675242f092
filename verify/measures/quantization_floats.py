"""Short floating-point formats: FP16, BF16, TF32, FP8 and FP4, as a tensor's values rounded to them."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

FloatName = Literal["fp16", "bf16", "tf32", "e4m3", "e5m2", "e2m1"]
"""The formats by name; `e4m3` and `e5m2` are FP8, `e2m1` is FP4."""


class FloatFormat(NamedTuple):
    """A sign bit, an exponent and a mantissa, with subnormals, rounded to nearest, ties to even."""

    exponent_bits: int
    """Bits of the exponent, its bias being 2^(exponent_bits − 1) − 1."""
    mantissa_bits: int
    """Stored bits of the mantissa, without the leading one."""
    largest: float
    """The largest finite value."""
    overflow: float
    """What a value beyond `largest` becomes: infinity, not a number, or `largest` where there is neither."""


FORMATS: dict[str, FloatFormat] = {
    "fp16": FloatFormat(5, 10, 65504.0, np.inf),
    "bf16": FloatFormat(8, 7, (2 - 2**-7) * 2.0**127, np.inf),
    "tf32": FloatFormat(8, 10, (2 - 2**-10) * 2.0**127, np.inf),
    "e4m3": FloatFormat(4, 3, 448.0, np.nan),
    "e5m2": FloatFormat(5, 2, 57344.0, np.inf),
    "e2m1": FloatFormat(2, 1, 6.0, 6.0),
}
"""Sources: IEEE 754-2019; Micikevicius et al. 2022 (arXiv 2209.05433), table 1, for FP8; OCP Microscaling
Formats 1.0, section 5.3, for E2M1; NVIDIA A100 white paper for TF32."""

assert set(FORMATS) == set(get_args(FloatName))


def round_to(tensor: Tensor, format: FloatName, *, saturate: bool = False) -> Tensor:
    """The tensor's values rounded to a shorter floating-point format, in the tensor's own shape and type.

    Rounds to nearest, ties to even, with subnormals. What lies beyond the largest value becomes infinity
    (FP16, BF16, TF32, E5M2), not a number (E4M3, which has no infinity), or the largest value (E2M1, which
    has neither); `saturate=True` makes it the largest value everywhere. Nothing is scaled: divide by a
    scale first, as `tensor.abs().max() / 448` for E4M3, and multiply afterwards.

    Raises ValueError for an unknown format, TypeError for a tensor that has no floats.
    """
    if format not in FORMATS:
        raise ValueError(f"no format is called {format!r}; there are {', '.join(FORMATS)}")
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        given = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
        raise TypeError(f"a tensor of floats is wanted, not {given}")
    layout = FORMATS[format]
    exact = tensor.detach().cpu().double().numpy()
    # frexp's mantissa lies in [1/2, 1), so its exponent is one above that of 1.xxx.
    exponent = np.frexp(exact)[1] - 1
    quantum = np.maximum(exponent, 2 - 2 ** (layout.exponent_bits - 1)) - layout.mantissa_bits
    rounded = np.ldexp(np.rint(np.ldexp(exact, -quantum)), quantum)
    beyond = np.abs(rounded) > layout.largest
    end = layout.largest if saturate else layout.overflow
    rounded = np.where(beyond, np.copysign(end, exact), rounded)
    return torch.from_numpy(rounded).to(tensor)
