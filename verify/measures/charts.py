"""The look of a card's figure: small, few inks, readable on light and on dark cards and on a phone."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

GREY = "#808080"
"""Axes and words: as far from white as from black."""

INKS = ("#d9822b", "#3b8ed0", "#3fa66b", "#b05fc4", "#c9506a")
"""Lines, in the order of drawing: orange, blue, green, purple, red; 2.8:1 or more on white and #2c2c2c."""

_STYLE: dict[str, Any] = {
    "font.size": 11,  # 15 pixels on a phone, where a figure is as wide as the card
    "text.color": GREY,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.prop_cycle": cycler(color=INKS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "lines.linewidth": 2,
    "legend.frameon": False,
    "legend.labelcolor": "linecolor",
    "legend.handlelength": 1,
}


def chart(
    x_label: str = "", y_label: str = "", *, log: str = "", columns: int = 1, height: float = 3.0
) -> tuple[Any, Any]:
    """An empty figure and its axes, to draw on with matplotlib's own methods.

    The figure is 4 inches wide and `height` inches high, transparent, in words and inks that can be read on
    light and dark ground. matplotlib's defaults are changed for the rest of the process, so that a legend or
    a text that is added later looks alike.

    Args:
        x_label: what stands below the axis; with several columns, below each.
        y_label: what stands beside the (first) axis.
        log: the axes that are logarithmic: `x`, `y` or `xy`.
        columns: axes side by side, which share their scales.
        height: in inches.

    Returns:
        The figure and its axes; with more than one column, a numpy array of axes, `(columns,)`.

    Raises:
        ValueError: when `log` names anything but `x` and `y`, or there is no column.
    """
    if set(log) - {"x", "y"}:
        raise ValueError(f"log names the axes x and y, not {log!r}")
    if columns < 1:
        raise ValueError(f"a chart needs at least one column, not {columns}")
    mpl.rcParams.update(_STYLE)
    figure = Figure(figsize=(4, height), layout="constrained")
    grid = figure.subplots(1, columns, squeeze=False, sharex=True, sharey=True)[0]
    for axes in grid:
        axes.set_xlabel(x_label)
        if "x" in log:
            axes.set_xscale("log")
        if "y" in log:
            axes.set_yscale("log")
    grid[0].set_ylabel(y_label)
    return figure, grid[0] if columns == 1 else grid
