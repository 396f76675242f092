"""Small drawings: what earlier sessions measured, and what the samples of a value are; as inline SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from verify.sessions import Past

WIDTH, HEIGHT, EDGE = 220.0, 56.0, 7.0
"""Size of the drawing and its margin, in the units of its viewBox."""


def history(sessions: Sequence[Past], stated: float | None, label: str) -> str:
    """A timing over its sessions, each with its interval; the number in the text is a dashed line.

    Args:
        sessions: at least one, the newest last.
        stated: the number in the text, in the same unit; None where it states none.
        label: what the drawing says to those who do not see it.
    """
    ends = [end for past in sessions for end in (past.low, past.high)]
    height = _scale([*ends, *([] if stated is None else [stated])], HEIGHT - EDGE, EDGE)
    step = (WIDTH - 2 * EDGE) / max(1, len(sessions) - 1)
    places = [EDGE + index * step if len(sessions) > 1 else WIDTH / 2 for index in range(len(sessions))]
    parts = _stated(stated, height, across=True)
    points = " ".join(f"{x:.1f},{height(past.number):.1f}" for x, past in zip(places, sessions, strict=True))
    parts.append(f'<polyline class="line" points="{points}"/>')
    for x, past in zip(places, sessions, strict=True):
        said = f"{past.date}: {past.number:.6g} ({past.low:.6g} to {past.high:.6g})"
        parts.append(
            f'<g><title>{escape(said)}</title><path class="span" '
            f'd="M{x:.1f} {height(past.low):.1f}V{height(past.high):.1f}"/>'
            f'<circle class="dot" cx="{x:.1f}" cy="{height(past.number):.1f}" r="3"/></g>'
        )
    return _drawing(parts, HEIGHT, label)


def samples(found: Sequence[float], low: float, high: float, stated: float | None, label: str) -> str:
    """The samples of a value as dots over its interval; the number in the text is a dashed line.

    Args:
        found: the raw samples.
        low: the lower end of the value's interval, in the same unit.
        high: the upper end.
        stated: the number in the text; None where it states none.
        label: what the drawing says to those who do not see it.
    """
    width = _scale([*found, low, high, *([] if stated is None else [stated])], EDGE, WIDTH - EDGE)
    parts = _stated(stated, width, across=False)
    parts.append(f'<path class="span" d="M{width(low):.1f} 12H{width(high):.1f}"/>')
    parts += [f'<circle class="dot" cx="{width(each):.1f}" cy="12" r="3"/>' for each in found]
    return _drawing(parts, 24.0, label)


def shares(parts: Sequence[tuple[str, int]], label: str) -> str:
    """A bar of the parts of a whole.

    Args:
        parts: each part's class and size; those without any are left out.
        label: what the bar says to those who do not see it.
    """
    whole, at, drawn = sum(size for _, size in parts) or 1, 0.0, []
    for kind, size in parts:
        width = WIDTH * size / whole
        if size:
            drawn.append(f'<rect class="{kind}" x="{at:.2f}" width="{width:.2f}" height="8"/>')
        at += width
    box = f'viewBox="0 0 {WIDTH:.0f} 8" preserveAspectRatio="none"'
    return f'<svg class="shares" {box} role="img" aria-label="{escape(label)}">{"".join(drawn)}</svg>'


def _stated(stated: float | None, place: Callable[[float], float], across: bool) -> list[str]:
    if stated is None:
        return []
    at = f"{place(stated):.1f}"
    return [f'<path class="stated" d="{f"M0 {at}H{WIDTH:.0f}" if across else f"M{at} 1V23"}"/>']


def _scale(numbers: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    """From numbers to places between `start` and `end`; all in the middle where they are the same."""
    low, high = min(numbers), max(numbers)
    if high <= low:
        return lambda number: (start + end) / 2
    return lambda number: start + (number - low) / (high - low) * (end - start)


def _drawing(parts: Sequence[str], height: float, label: str) -> str:
    size = f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" height="{height:.0f}"'
    return f'<svg class="plot" {size} role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
