"""Default boxes of a single-shot detector: the grid of shapes against which it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor

SSD300_CELLS = (38, 19, 10, 5, 3, 1)
"""Cells per side of SSD300's six maps."""
SSD300_SCALES = (0.1, 0.2, 0.375, 0.55, 0.725, 0.9, 1.075)
"""Side of a map's square box as a part of the image's: 0.1 on the first map, then evenly from 0.2 to 0.9."""
SSD300_RATIOS = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
"""Aspect ratios beside 1; each comes lying and standing."""


def default_boxes(
    cells: Sequence[int] = SSD300_CELLS,
    scales: Sequence[float] = SSD300_SCALES,
    ratios: Sequence[Sequence[float]] = SSD300_RATIOS,
) -> Tensor:
    """The default boxes of SSD, by default the 8,732 of SSD300.

    At every cell of a map of scale s stand a square of side s, one of side sqrt(s · s'), where s' is the next
    map's scale, and for each ratio r a box of s·sqrt(r) by s/sqrt(r) and the same turned. Boxes that reach
    over the image's edge are left as they are.

    Source: Liu et al. 2016, SSD, section 2.2 and equation 4, section 3.1 for the first map's 0.1. The
    released code has slightly other scales, in whole pixels.

    Args:
        cells: cells per side of each map, finest first.
        scales: one for each map, and one more for the second square of the last.
        ratios: for each map its aspect ratios beside 1, so that it has 2 + 2 · len(ratios) boxes per cell.

    Returns:
        `(boxes, 4)`: centre x, centre y, width, height as parts of the image's sides; map by map, row by row.

    Raises:
        ValueError: the lengths do not fit each other.
    """
    if not len(cells) == len(ratios) == len(scales) - 1:
        raise ValueError(
            f"{len(cells)} maps need as many lists of ratios and one scale more, "
            f"not {len(ratios)} and {len(scales)}"
        )
    found = []
    for side, scale, larger, shapes in zip(cells, scales, scales[1:], ratios, strict=False):
        sizes = [(scale, scale), (sqrt(scale * larger),) * 2]
        for ratio in shapes:
            wide, high = scale * sqrt(ratio), scale / sqrt(ratio)
            sizes += [(wide, high), (high, wide)]
        centres = (torch.arange(side) + 0.5) / side
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        grid = torch.stack([x, y], dim=-1).view(-1, 1, 2).expand(-1, len(sizes), 2)
        found.append(torch.cat([grid, torch.tensor(sizes).expand(side**2, -1, 2)], dim=-1).view(-1, 4))
    return torch.cat(found)
