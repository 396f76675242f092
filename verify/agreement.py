"""Whether a value, written as its author wrote it, reads the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from verify.numbers import Unreadable, Written
from verify.units import unit_of
from verify.values import Value

FIGURES = 3
"""Significant digits where the author asked for none; in `1,230`, zeros after these only fill the place."""

STEPS = 5
"""Units in the last digit that half an interval may span; beyond, the digit before it is not certain."""

ROUND_OFF = Fraction(1, 10**9)
"""By how much of its size a computed number may miss a fraction or a power that is written exactly."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a written number stands to a value."""

    state: Literal["holds", "changed", "unstable"]
    """Unstable: the value's spread is too wide for the digits that are written."""
    digits: int | None = None
    """When unstable, how many significant digits the value could carry."""


def agree(written: Written, value: Value) -> Agreement:
    """Whether the value, written the same way, reads the same.

    Half a unit in the last digit may be missing. A measured value's text holds anywhere in its interval; a
    bound, when the whole interval lies on its side; a range, when the whole interval lies in it. `≈` before a
    power or a fraction holds while no other one of that base or denominator is nearer; before anything else
    it only says that digits follow.

    Raises:
        Unreadable: when the text does not state the value's unit, or one that it lacks.
        Incomparable: when the value is no number.
    """
    written = fitted(written, value)
    low, high = value.interval
    number, bound = written.number, written.bound
    if bound and bound != "≈":
        holds = {"<": high < number, "≤": high <= number, ">": low > number, "≥": low >= number}[bound]
        return Agreement("holds" if holds else "changed")
    if written.until:
        reach = written.quantum / 2 + abs(number) * ROUND_OFF
        return Agreement("holds" if number - reach <= low and high <= number + reach else "changed")
    if written.base and bound:
        holds = low * high > 0 and number * high > 0 and _is_nearest(written, low, high)
        return Agreement("holds" if holds else "changed")
    step = written.quantum * 10 ** fillers(written, value)
    if written.is_fraction and bound:
        step = written.scale / int(written.plain.partition("/")[2])
    slack = step / 2 + (0 if value.kind == "exact" else (step or abs(number)) * ROUND_OFF)
    if not low - slack <= number <= high + slack:
        return Agreement("changed")
    # A fraction or a power stands for all the digits that it would have: its interval has to be as narrow.
    promised = step or abs(number) * Fraction(1, 10**FIGURES)
    if promised and high - low > 2 * STEPS * promised:
        return Agreement("unstable", carried(value))
    return Agreement("holds")


def carried(value: Value) -> int:
    """How many significant digits a value's interval can carry."""
    return max(0, places_carried(value) + magnitude(value.exactly) + 1)


def fillers(written: Written, value: Value) -> int:
    """How many zeros at the end only fill their place, as in `1,230` for 1234.5, or `110` for 112 ± 8."""
    if written.is_fraction or written.power or written.base or written.decimals or not written.number:
        return 0
    if is_whole(value, written.scale):
        return 0
    zeros = len(written.plain) - len(written.plain.rstrip("0"))
    uncertain = min(zeros, -places_carried(value, written.scale))
    return max(0, uncertain, written.significant - max(FIGURES, len(written.plain.strip("0"))))


def fitted(written: Written, value: Value) -> Written:
    """The same text, read in the value's unit.

    Raises:
        Unreadable: they cannot be converted into each other.
    """
    if written.until:
        until = fitted(written.until, value)
        return replace(written, scale=until.scale, unit=until.unit, until=until)
    label, has = written.label, unit_of(value.unit)
    if value.unit.startswith("%") and label.startswith("%"):
        return replace(written, scale=Fraction(1))
    if label.startswith("%") and not has.is_counted:
        raise _unlike(written, value)
    if has.measures.startswith("bytes") and label.split("/")[0] == "B":
        whole = unit_of(label.replace("B", "bytes", 1))  # a lone B is a billion of anything else
        written = replace(written, scale=whole.scale, unit=whole.measures)
    if not written.unit:
        # A letter such as M scales what is counted; other words are labels and convert nothing.
        if not has.is_counted:
            raise _unlike(written, value)
        return replace(written, scale=written.scale / has.scale)
    if written.unit == has.measures:
        return replace(written, scale=written.scale / has.scale)
    if not value.unit and (written.scale == 1 or unit_of(label).is_counted):
        return written
    raise _unlike(written, value)


def _unlike(written: Written, value: Value) -> Unreadable:
    label = written.label
    has = f"in {value.unit}" if value.unit else "has no unit"
    if written.unit:
        hint = f'give the value its unit, as in quantity(x, "{written.unit}"), or write {label} outside'
        return Unreadable(f'"{written.text}" is in {label}, and the value {has}', hint)
    example = {"s": "4.2 ms", "bytes": "4.2 MB"}.get(value.unit, f"4.2 {value.unit}")
    return Unreadable(
        f'the value is {has}, and "{written.text}" states no unit',
        f"write the unit inside the brackets, as in {example}",
    )


def _is_nearest(written: Written, low: Fraction, high: Fraction) -> bool:
    """Whether both ends lie nearer to this power than to its neighbours, on the scale of exponents."""
    square = written.number**2
    return all(square / written.base <= end**2 <= square * written.base for end in (low, high))


def magnitude(number: Fraction) -> int:
    """The power of ten of the leading digit; 0 for zero."""
    if not number:
        return 0
    power = len(str(abs(number.numerator))) - len(str(number.denominator))
    return power if abs(number) >= Fraction(10) ** power else power - 1


def places_carried(value: Value, scale: Fraction = Fraction(1)) -> int:
    """How many digits after the point the interval carries, in units of `scale`."""
    low, high = value.interval
    return magnitude(2 * STEPS * scale / (high - low)) if high > low else 10**6


def is_whole(value: Value, scale: Fraction) -> bool:
    """Whether an exact value is a whole number of units of `scale`."""
    return value.kind == "exact" and (value.exactly / scale).denominator == 1
