"""Values written as text, in the way in which an author wrote a number before."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, log

from verify.agreement import FIGURES, agree, fillers, fitted, is_whole, magnitude, places_carried
from verify.notation import RAISED
from verify.numbers import Written, read_question
from verify.units import natural
from verify.values import Refusal, Value

SPELLED_OUT = (Fraction(1, 10**4), Fraction(10**15))
"""Between these a number is written without an exponent."""


class Unwritable(Refusal, ValueError):
    """A value that cannot be written as a number."""


def write(value: Value, like: Written | None = None) -> str:
    """The value as text, in the way of `like`: its bound, digits, grouping, exponent, math and suffix.

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
    like = like or _question("?")
    asked = like.until or like
    if not asked.digits and not asked.label and (suffix := _natural_suffix(value)):
        like = _with_suffix(like, suffix)
    like = fitted(like, value)
    if like.bound and like.bound != "≈":
        return _write_bound(value, like)
    if like.until:
        return _write_range(value, like, like.until)
    if like.base:
        return _write_power(value, like)
    number = value.exactly / like.scale
    if like.is_fraction and value.kind == "exact":
        return _framed(_barred(abs(number), like), number < 0, like)
    whole = is_whole(value, like.scale)
    size = magnitude(number)
    figures = FIGURES
    if like.digits and not like.is_fraction:
        figures = like.significant - fillers(like, value)
    if whole and like.scale == 1 and not like.decimals and not like.power:
        figures = 0
    if not like.power:
        figures = max(figures, size + 1 if whole else min(FIGURES, size + 1))
    places = figures - 1 - size if number else like.decimals
    places = min(places, places_carried(value, like.scale))
    low, high = (end / like.scale for end in value.interval)
    # A zero is written for what is as good as zero, not for all that may be.
    if 0 < abs(number) * Fraction(10) ** places < Fraction(1, 2) and 8 * abs(number) > high - low > 0:
        raise Unwritable("the interval is too wide for a single digit", "take more samples, or claim a bool")
    return _spell(number, places, like, whole)


def _question(text: str) -> Written:
    found = read_question(text)
    assert found is not None
    return found


def _with_suffix(like: Written, suffix: str) -> Written:
    """A question that asks for a unit, too."""
    asked = _question(f"?{like.dash}?{suffix}" if like.dash else f"?{suffix}")
    if not like.is_math:
        return replace(asked, lead=like.lead, sign=like.sign)
    suffix = r"\,\%$" if asked.label == "%" else rf"\,\text{{{asked.label}}}$"
    return replace(asked, lead=like.lead, sign=like.sign, suffix=suffix)


def _write_bound(value: Value, like: Written) -> str:
    # The author's bound while it holds; else the nearest one with a single digit.
    if like.digits and agree(like, value).state == "holds":
        return like.text
    low, high = value.interval
    below = like.bound in "<≤"
    edge = (high if below else low) / like.scale
    if not edge:
        return write(value, replace(like, lead="$" * like.is_math))
    size = magnitude(edge)
    digit = abs(edge) / Fraction(10) ** size
    if below == (edge > 0):
        digit = Fraction(ceil(digit) if like.bound in "≤≥" else floor(digit) + 1)
    elif digit == 1 and like.bound in "<>":
        digit, size = Fraction(9), size - 1
    else:
        digit = Fraction(floor(digit) if like.bound in "≤≥" else ceil(digit) - 1)
    return _spell(digit * Fraction(10) ** size * (1 if edge > 0 else -1), -size, _decimal(like), True)


def _write_range(value: Value, like: Written, until: Written) -> str:
    # The author's range while it holds; else the interval, its ends rounded outwards; else the value alone.
    if like.digits and agree(like, value).state == "holds":
        return like.text
    low, high = (end / like.scale for end in value.interval)
    alone = replace(until, lead=like.lead, sign=like.sign)
    if low == high:
        return write(value, alone)
    places = max(like.decimals, until.decimals, 1 - magnitude(high - low))
    step = Fraction(10) ** -min(places, max(0, FIGURES - 1 - magnitude(max(abs(low), abs(high)))))
    ends = (floor(low / step) * step, ceil(high / step) * step)
    first, last = (
        _spell(end, magnitude(1 / step), replace(_decimal(style), power=""), True, bare=True)
        for end, style in zip(ends, (like, until), strict=True)
    )
    return f"{like.lead}{first}{like.suffix}{like.dash}{last}{until.suffix}"


def _write_power(value: Value, like: Written) -> str:
    """The same base with another exponent, where that is the value; else the value in digits."""
    number = abs(value.exactly / like.scale)
    if number:
        size = number.numerator.bit_length() - number.denominator.bit_length()
        guess = round(log(number / Fraction(2) ** size, like.base) + size * log(2, like.base)) if size else 0
        for exponent in (guess, guess - 1, guess + 1):
            sign = "-" if value.exactly < 0 else ""
            other = replace(like, exponent=exponent, sign=sign)
            if abs(exponent) < 10**4 and agree(other, value).state == "holds":
                return _framed(
                    f"{like.digits}{_raised(exponent, like.power, like.is_math)}", bool(sign), like
                )
    return write(value, _decimal(like))


def _decimal(like: Written) -> Written:
    """The same frame around a number in decimal digits, of which nothing is said."""
    if not (like.base or like.is_fraction):
        return like
    return replace(like, digits="", base=0, power="", exponent=0, decimals=0, grouping="")


def _spell(number: Fraction, places: int, like: Written, whole: bool, bare: bool = False) -> str:
    """A number in units of the suffix's scale, rounded to so many digits after its point."""
    units = floor(abs(number) * Fraction(10) ** places + Fraction(1, 2))
    if not units and places < 0:
        raise Unwritable("the interval is too wide for a single digit", "take more samples, or claim a bool")
    places = places if units else min(places, like.decimals)
    size = len(str(units)) - 1 - places
    small, large = SPELLED_OUT
    odd = places > like.decimals if abs(number) < small else abs(number) >= large and not whole
    powered = units > 0 and (bool(like.power) or odd)
    if units >= 10 and size > magnitude(number) and (powered or places > 0):
        units, places = units // 10, places - 1  # 9.996 became 10.00
    if powered:
        digits = str(units)
        digits = f"{digits[0]}.{digits[1:]}" if digits[1:] and places + size > 0 else digits
        power = like.power or (r" \cdot 10^{" if like.is_math else "e")
        return _framed(digits + _raised(size, power, like.is_math), number < 0, like, bare)
    decimals = max(0, places)
    before, after = divmod(units * 10 ** max(0, -places), 10**decimals)
    grouping = like.grouping or ("{,}" if like.is_math else ",")
    ungrouped = not like.grouping and not like.is_fraction and len(like.plain.partition(".")[0]) > 3
    digits = str(before) if ungrouped else f"{before:,}".replace(",", grouping)
    digits = f"{digits}.{after:0{decimals}}" if decimals else digits
    return _framed(digits, number < 0 and units > 0, like, bare)


def _raised(exponent: int, power: str, math: bool) -> str:
    """What makes an exponent of a number, `e-7` or ` \\cdot 10^{-7}`, where the author set it in this way."""
    if power.rstrip().endswith("{"):
        return f"{power}{exponent}}}"
    if power.rstrip().endswith("^"):
        return f"{power}{{{exponent}}}" if math and len(str(exponent)) > 1 else f"{power}{exponent}"
    return f"{power}{exponent}" if power in ("e", "E") else f"{power}{str(exponent).translate(RAISED)}"


def _barred(number: Fraction, like: Written) -> str:
    if "frac" not in like.digits or number.denominator == 1:
        return str(number)
    name = re.match(r"\\[a-z]+", like.digits)
    return f"{name[0] if name else ''}{{{number.numerator}}}{{{number.denominator}}}"


def _framed(digits: str, negative: bool, like: Written, bare: bool = False) -> str:
    sign = (like.sign.strip("+") or ("-" if like.is_math else "−")) if negative else like.sign.strip("-−")
    return f"{sign}{digits}" if bare else f"{like.lead}{sign}{digits}{like.suffix}"


def _natural_suffix(value: Value) -> str:
    """The value's unit as a suffix; a time or a rate with the prefix that makes it 1 or more."""
    return f" {natural(abs(value.exactly), value.unit)}" if value.unit else ""
