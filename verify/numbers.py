"""Numbers as people write them: read them, judge them against a value, write a value the same way."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from verify.values import Refusal, Value

FIGURES = 3
"""Significant digits where the author asked for none; in `1,230`, zeros after these only fill the place."""

STEPS = 5
"""Units in the last digit that half an interval may span; beyond, the digit before it is not certain."""

LONGEST = 4300
"""Characters that a number may have: as many digits as Python reads."""

SPELLED_OUT = (Fraction(1, 10**4), Fraction(10**15))
"""Between these a number is written without an exponent."""

SECONDS = {"s": 1, "ms": 10**3, "µs": 10**6, "μs": 10**6, "us": 10**6, "ns": 10**9}
LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
WORDS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
BYTES = {"byte": 1, "bytes": 1}
BYTES |= {f"{letter}B": LETTERS[letter] for letter in "kKMGT"}
BYTES |= {f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", start=1)}

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LOWERED = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789", "{}")
BOUNDS = {"<=": "≤", ">=": "≥", "~": "≈"}

LEAD = r"(?P<lead>(?:<=|>=|[<>≤≥≈~])\s*|)(?P<sign>[-−+]?)"
SUFFIX = r"(?P<suffix>(?:\s*[^\s\d?.,:/^_+⁻⁰¹²³⁴⁵⁶⁷⁸⁹][^\d?]*)?)"
NUMBER = re.compile(
    LEAD + r"(?P<digits>(?P<fraction>[0-9]+/0*[1-9][0-9]*)|"
    r"(?:[0-9]{1,3}(?P<grouping>[,_\u2009\u202f])[0-9]{3}(?:(?P=grouping)[0-9]{3})*|[0-9]+)"
    r"(?:\.(?P<decimals>[0-9]+))?)"
    r"(?:(?P<power>[eE](?=[-+−]?[0-9])|\s*[×x·]\s*10(?:\^(?=[-−{0-9])|(?=[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])))"
    r"(?P<exponent>\{?[-+−⁻]?[0-9⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}\}?))?" + SUFFIX
)
QUESTION = re.compile(LEAD + r"\?" + SUFFIX)
SCALED = re.compile(r"([kKMGBT])(?:[\s/].*|(?:MAC|FLOP|OP|param).*)?")


class Unreadable(Refusal, ValueError):
    """A text that states no number, or not in the value's unit."""


@dataclass(frozen=True, slots=True)
class Written:
    """One number as its author wrote it; without digits, the style that a `?` asks for."""

    text: str
    """The whole text."""
    lead: str
    """The bound with the space after it, `≈ `; empty without one."""
    sign: str
    """`-`, `−`, `+` or empty."""
    digits: str
    """The digits with their point, grouping or fraction bar; empty for a `?`."""
    grouping: str
    """What stands between groups of three digits; empty for nothing."""
    decimals: int
    """Digits after the point."""
    power: str
    """What stands between digits and exponent, `e` or ` × 10`; empty without an exponent."""
    exponent: int
    """The power of ten; 0 without one."""
    suffix: str
    """What follows the number, with the space before it: `×`, ` %`, ` ms`."""
    scale: Fraction
    """What one unit of the number is worth, in `unit`: 1/100 for `%`, 1000 for `k`."""
    unit: str
    """`s` or `bytes` where the suffix asks that the value has it; else empty."""

    @property
    def bound(self) -> str:
        """`<`, `>`, `≤`, `≥`, `≈`, or empty."""
        return BOUNDS.get(self.lead.strip(), self.lead.strip())

    @property
    def is_fraction(self) -> bool:
        """Whether it is written with a bar, `25/36`."""
        return "/" in self.digits

    @property
    def plain(self) -> str:
        """The digits without their grouping."""
        return self.digits.replace(self.grouping, "") if self.grouping else self.digits

    @property
    def significant(self) -> int:
        """How many significant digits are written; zeros at the end count."""
        return len(self.plain.replace(".", "").lstrip("0")) or 1

    @property
    def number(self) -> Fraction:
        """The number that the text states, in the value's unit."""
        size = Fraction(self.plain) * Fraction(10) ** self.exponent * self.scale
        return -size if self.sign in ("-", "−") else size

    @property
    def quantum(self) -> Fraction:
        """What one more in the last written digit is worth, in the value's unit; 0 for a fraction."""
        if self.is_fraction:
            return Fraction(0)
        return Fraction(10) ** (self.exponent - self.decimals) * self.scale

    def fillers(self, value: Value) -> int:
        """How many zeros at the end only fill their place, as in `1,230` for 1234.5."""
        if self.is_fraction or self.power or self.decimals or is_whole(value, self.scale):
            return 0
        return max(0, self.significant - max(FIGURES, len(self.plain.strip("0"))))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a written number stands to a value."""

    state: Literal["holds", "changed", "unstable"]
    """Unstable: the value's spread is too wide for the digits that are written."""
    digits: int | None = None
    """When unstable, how many significant digits the value could carry."""


def read(text: str) -> Written:
    """The number that a text states.

    Raises:
        Unreadable: when it is anything but one number, with a bound before it and a unit after it at most.
    """
    match = NUMBER.fullmatch(text.strip()) if len(text) < LONGEST else None
    if match is None:
        raise Unreadable(f'"{text[:60]}" states no number', _advice(text))
    return _written(match)


def _advice(text: str) -> str:
    """What an author probably meant by a text that is no number."""
    bare = text.strip()
    number = re.search(r"[0-9][0-9.,]*", bare)
    if number and re.search(r"[*_`{}\[\]]", bare):
        return f"leave the markup outside the brackets: **[{number[0]}](claim:…)**"
    if re.fullmatch(r"[-−–]?[0-9]+,[0-9]+\W*\w*", bare):
        return "write a decimal point; a comma groups thousands, as in 1,234,567"
    if re.fullmatch(r"[0-9]{1,3}( [0-9]{3})+", bare):
        return f"group thousands by commas: {bare.replace(' ', ',')}"
    if bare.startswith(("–", "—")) and number:
        return f"write a minus sign, −{number[0]}, or a hyphen, -{number[0]}"
    if number and re.search(r"[A-Za-z]\s+$|[$€£¥]\s*$", bare[: number.start()]):
        before = bare[: number.start()].strip()
        return f"leave '{before}' outside the brackets: {before} [{bare[number.start() :]}](claim:…)"
    return "write one, such as 8.7×, 71.8 %, 4.2 ms, 1.2e-7 or 25/36; words need a bool, other text a str"


def as_question(text: str) -> Written:
    """The manner that a `?` with a bound and a suffix asks for."""
    return _written(QUESTION.fullmatch(text))


def read_question(text: str) -> Written | None:
    """The style that a question mark asks for, as in `? ms` or `≈ ? %`; None for any other text."""
    match = QUESTION.fullmatch(text.strip())
    return _written(match) if match else None


def agree(written: Written, value: Value) -> Agreement:
    """Whether the value, written the same way, reads the same.

    Half a unit in the last digit may be missing. A measured value's text holds anywhere in its interval, a
    bound when the whole interval lies on its side.

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
    step = written.quantum * 10 ** written.fillers(value)
    slack = step / 2 + (0 if value.kind == "exact" else (step or abs(number)) / 10**9)
    if not low - slack <= number <= high + slack:
        return Agreement("changed")
    if step and high - low > 2 * STEPS * step:
        return Agreement("unstable", max(0, places_carried(value) + magnitude(value.exactly) + 1))
    return Agreement("holds")


def _written(match: re.Match[str] | None) -> Written:
    assert match is not None
    found = match.groupdict()
    scale, unit = _worth(found["suffix"].strip())
    return Written(
        text=match.string.strip(),
        lead=found["lead"],
        sign=found["sign"],
        digits=found.get("digits") or "",
        grouping=found.get("grouping") or "",
        decimals=len(found.get("decimals") or ""),
        power=found.get("power") or "",
        exponent=int((found.get("exponent") or "0").translate(LOWERED)),
        suffix=found["suffix"],
        scale=scale,
        unit=unit,
    )


def _worth(label: str) -> tuple[Fraction, str]:
    """What one of the unit is worth, and the unit that the value must then have."""
    head = re.split(r"[\s/]", label)[0]
    if head.startswith("%"):
        return Fraction(1, 100), ""
    if head in SECONDS:
        return Fraction(1, SECONDS[head]), "s"
    if head in BYTES:
        return Fraction(BYTES[head]), "bytes"
    if head in WORDS:
        return Fraction(WORDS[head]), ""
    scaled = SCALED.fullmatch(label)
    return Fraction(LETTERS[scaled[1]] if scaled else 1), ""


def fitted(written: Written, value: Value) -> Written:
    """The same text, read in the value's unit."""
    unit, label = value.unit.split("/")[0], written.suffix.strip()
    if (unit, label) == ("bytes", "B") or (unit == "%" and label.startswith("%")):
        return replace(written, scale=Fraction(1), unit=unit)
    plain = not written.unit and unit not in ("s", "bytes")
    if plain or written.unit == unit or (not unit and label in ("byte", "bytes")):
        return written
    if written.unit:
        raise Unreadable(
            f'"{written.text}" is in {label}, and the value {f"in {unit}" if unit else "has no unit"}',
            f'give the value its unit, as in quantity(x, "{written.unit}"), or write {label} outside',
        )
    example = "4.2 ms" if unit == "s" else "4.2 MB"
    raise Unreadable(
        f'the value is in {unit}, and "{written.text}" states no unit',
        f"write the unit inside the brackets, as in {example}",
    )


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
