"""When a timing's text changes: not for one session's mood, and not for less than anybody would notice.

Measured again with nothing changed, a ratio of two latencies moves by a percent or two, and an absolute time
by more. Overwriting the text at each deviation would change it nearly every time. So the text stands while
the new value lies within what earlier sessions let expect, and a value outside changes it only when the
session before said so too, in the same direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import Literal

from verify.numbers import Written
from verify.values import Value

DEVIATIONS = 2.4
"""Standard deviations of earlier sessions, on the log scale, that a new one may lie away."""

FLOOR_RATIO, FLOOR_TIME = 0.015, 0.03
"""The least spread between sessions that is assumed: of a ratio, and of an absolute time."""

WORTH_A_CHANGE = 0.02
"""A deviation has to exceed the expected spread by this much to be worth a change."""

Standing = Literal["agrees", "deviates", "confirmed"]


@dataclass(frozen=True, slots=True)
class Past:
    """One value as an earlier session measured it, with the same code and the same versions."""

    date: str
    """The day of that session."""
    number: float
    """The value."""
    low: float
    """The lower end of its interval."""
    high: float
    """The upper end of its interval."""


def standing(written: Written, value: Value, past: Sequence[Past]) -> Standing:
    """Whether a text still stands after a new session.

    Args:
        written: the number in the text, in the value's unit.
        value: a timing, as this session measured it.
        past: the earlier sessions of the same series, the last one last.

    Returns:
        `agrees`; `deviates` for a first session outside; `confirmed` when the one before lay outside on the
        same side, or when there was none.
    """
    # The last session is the one that may confirm this one; the spread is that of the sessions before it.
    settled = [each.number for each in past[:-1]]
    spread = _spread(settled, FLOOR_TIME if value.unit else FLOOR_RATIO)
    now = _beyond(written, float(value.exactly), spread)
    if now == 0:
        return "agrees"
    # Without an earlier session that bore the text out, it is a text that nothing supports.
    before = _beyond(written, past[-1].number, spread) if past else now
    return "confirmed" if before == now else "deviates"


def _spread(numbers: Sequence[float], floor: float) -> float:
    """What sessions differ by, as a difference of logarithms."""
    logs = [math.log(number) for number in numbers if number > 0]
    return max(floor, DEVIATIONS * stdev(logs)) if len(logs) > 1 else floor


def _beyond(written: Written, number: float, spread: float) -> int:
    """-1 or 1 where a value lies clearly below or above all that reads as the text does; else 0."""
    stated, half = float(written.number), float(written.quantum) / 2
    nearest = min(max(number, stated - half), stated + half)
    if min(nearest, number) <= 0:
        return (number > nearest) - (number < nearest)
    deviation = math.log(number / nearest)
    return int(math.copysign(1, deviation)) if abs(deviation) > spread + WORTH_A_CHANGE else 0
