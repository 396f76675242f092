"""Values written as text, in the way in which an author wrote a number before."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

from verify.numbers import (
    FIGURES,
    RAISED,
    SECONDS,
    SPELLED_OUT,
    Written,
    agree,
    as_question,
    fitted,
    is_whole,
    magnitude,
    places_carried,
)
from verify.values import Refusal, Value


class Unwritable(Refusal, ValueError):
    """A value that cannot be written as a number."""


def write(value: Value, like: Written | None = None) -> str:
    """The value as text, in the way of `like`: its bound, digits, grouping, exponent and suffix.

    Without one, a whole exact number is written in full, any other with three significant digits, or with as
    few as its interval carries. What is written agrees with the value.

    Raises:
        Unwritable: for a truth, a figure, or an interval too wide for a single digit.
        Unreadable: when the suffix does not fit the value's unit.
    """
    if value.kind == "text":
        return value.text
    if value.number is None and value.formula:
        return f"${value.formula}$"
    if value.number is None:
        raise Unwritable(f"a {value.kind} cannot be written as a number", "write the words yourself")
    like = like or as_question("?")
    if not like.digits and not like.suffix:
        like = as_question(f"{like.lead}?{_natural_suffix(value)}")
    like = fitted(like, value)
    if like.bound and like.bound != "≈":
        return _write_bound(value, like)
    number = value.exactly / like.scale
    if like.is_fraction and value.kind == "exact":
        return _framed(f"{abs(number)}", number < 0, like)
    whole = is_whole(value, like.scale)
    size = magnitude(number)
    figures = like.significant - like.fillers(value) if like.digits and not like.is_fraction else FIGURES
    if whole and like.scale == 1 and not like.decimals and not like.power:
        figures = 0
    if not like.power:
        figures = max(figures, size + 1 if whole else min(FIGURES, size + 1))
    places = figures - 1 - size if number else like.decimals
    return _spell(number, min(places, places_carried(value, like.scale)), like, whole)


def _write_bound(value: Value, like: Written) -> str:
    # The author's bound while it holds; else the nearest one with a single digit.
    if like.digits and agree(like, value).state == "holds":
        return like.text
    low, high = value.interval
    below = like.bound in "<≤"
    edge = (high if below else low) / like.scale
    if not edge:
        return write(value, replace(like, lead=""))
    size = magnitude(edge)
    digit = abs(edge) / Fraction(10) ** size
    if below == (edge > 0):
        digit = Fraction(ceil(digit) if like.bound in "≤≥" else floor(digit) + 1)
    elif digit == 1 and like.bound in "<>":
        digit, size = Fraction(9), size - 1
    else:
        digit = Fraction(floor(digit) if like.bound in "≤≥" else ceil(digit) - 1)
    return _spell(digit * Fraction(10) ** size * (1 if edge > 0 else -1), -size, like, True)


def _spell(number: Fraction, places: int, like: Written, whole: bool) -> str:
    """A number in units of the suffix's scale, rounded to so many digits after its point."""
    units = floor(abs(number) * Fraction(10) ** places + Fraction(1, 2))
    if not units and places < 0:
        raise Unwritable("the interval is too wide for a single digit", "take more samples, or claim a bool")
    places = places if units else min(places, like.decimals)
    size = len(str(units)) - 1 - places
    small, large = SPELLED_OUT
    odd = places > like.decimals if abs(number) < small else abs(number) >= large and not whole
    coarse = places < 0 and size + 1 + places < FIGURES and not whole
    powered = units > 0 and (bool(like.power) or odd or coarse)
    if units >= 10 and size > magnitude(number) and (powered or places > 0):
        units, places = units // 10, places - 1  # 9.996 became 10.00
    if powered:
        power = like.power or "e"
        exponent = str(size).translate(RAISED) if power.endswith("10") else str(size)
        digits = str(units)
        digits = f"{digits[0]}.{digits[1:]}" if digits[1:] and places + size > 0 else digits
        return _framed(f"{digits}{power}{exponent}", number < 0, like)
    decimals = max(0, places)
    before, after = divmod(units * 10 ** max(0, -places), 10**decimals)
    ungrouped = not like.grouping and len(re.split(r"[./]", like.plain)[0]) > 3
    digits = str(before) if ungrouped else f"{before:,}".replace(",", like.grouping or ",")
    return _framed(f"{digits}.{after:0{decimals}}" if decimals else digits, number < 0 and units > 0, like)


def _framed(digits: str, negative: bool, like: Written) -> str:
    sign = (like.sign.strip("+") or "−") if negative else like.sign.strip("-−")
    return f"{like.lead}{sign}{digits}{like.suffix}"


def _natural_suffix(value: Value) -> str:
    """The value's unit as a suffix; a time in the unit in which it is 1 or more."""
    if value.unit.split("/")[0] != "s":
        return f" {value.unit}" if value.unit else ""
    for name in ("s", "ms", "µs"):
        if abs(value.exactly) * SECONDS[name] >= 1 or not value.number:
            return f" {name}{value.unit[1:]}"
    return f" ns{value.unit[1:]}"
