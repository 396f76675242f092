"""Numbers as people write them, read: their digits, their bound or range, and the unit behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from verify.notation import BOUNDS, LOWERED, MATH, MATH_QUESTION, PLAIN, QUESTION, RANGE, advice, label_of
from verify.units import unit_of
from verify.values import Refusal

LONGEST = 4300
"""Characters that a number may have: as many digits as Python reads."""


class Unreadable(Refusal, ValueError):
    """A text that states no number, or not in the value's unit."""


@dataclass(frozen=True, slots=True)
class Written:
    """One number as its author wrote it; without digits, the style that a `?` asks for."""

    text: str
    """The whole text."""
    lead: str
    """The bound with the space after it, `≈ `, and the dollar sign of math; empty without either."""
    sign: str
    """`-`, `−`, `+` or empty."""
    digits: str
    """The digits with their point, grouping or fraction bar, or a power's base; empty for a `?`."""
    grouping: str
    """What stands between groups of three digits; empty for nothing."""
    decimals: int
    """Digits after the point."""
    power: str
    """What stands between digits and exponent, `e`, ` × 10` or ` \\cdot 10^{`; empty without an exponent."""
    exponent: int
    """The exponent, of ten or of `base`; 0 without one."""
    suffix: str
    """What follows the number, with the space before it: `×`, ` %`, ` ms`, `\\,\\mathrm{ms}$`."""
    scale: Fraction
    """What one unit of the number is worth, in `unit`: 1/100 for `%`, 1000 for `k`."""
    unit: str
    """`s`, `bytes/s` … where the suffix is a unit that can be converted; else empty."""
    base: int = 0
    """The base of a bare power, 2 in `2^{-25}`; 0 for every other number."""
    dash: str = ""
    """What stands between the ends of a range; empty for a single number."""
    until: Written | None = None
    """A range's upper end, `2.1×` in `1.9–2.1×`; this number is its lower end then."""

    @property
    def bound(self) -> str:
        """`<`, `>`, `≤`, `≥`, `≈`, or empty."""
        lead = self.lead.replace("$", " ").strip()
        return BOUNDS.get(lead, lead)

    @property
    def label(self) -> str:
        """The unit or word behind the number, without space and markup."""
        return label_of(self.suffix)

    @property
    def is_math(self) -> bool:
        """Whether it stands between dollar signs."""
        return "$" in self.lead

    @property
    def is_fraction(self) -> bool:
        """Whether it is written with a bar, `25/36` or `\\frac{25}{36}`."""
        return "/" in self.digits or "frac" in self.digits

    @property
    def plain(self) -> str:
        """The digits without their grouping, a fraction as `25/36`."""
        if "frac" in self.digits:
            above, below = re.findall(r"\{([0-9]+)\}", self.digits) or list(self.digits[-2:])
            return f"{above}/{below}"
        return self.digits.replace(self.grouping, "") if self.grouping else self.digits

    @property
    def significant(self) -> int:
        """How many significant digits are written; zeros at the end count, a power has one."""
        return 1 if self.base else len(self.plain.replace(".", "").lstrip("0")) or 1

    @property
    def number(self) -> Fraction:
        """The number that the text states, in the value's unit; the middle of a range."""
        if self.base:
            size = Fraction(self.base) ** self.exponent * self.scale
        else:
            size = Fraction(self.plain) * Fraction(10) ** self.exponent * self.scale
        size = -size if self.sign in ("-", "−") else size
        return (size + self.until.number) / 2 if self.until else size

    @property
    def quantum(self) -> Fraction:
        """What one more in the last written digit is worth, in the value's unit; 0 for a fraction and for a
        power of anything but ten. For a range, all that reads as it."""
        if self.until:
            width = 2 * (self.until.number - self.number)
            return width + (replace(self, until=None).quantum + self.until.quantum) / 2
        if self.is_fraction or self.base not in (0, 10):
            return Fraction(0)
        return Fraction(10) ** (self.exponent - self.decimals) * self.scale


def read(text: str) -> Written:
    """The number that a text states.

    Raises:
        Unreadable: when it is anything but one number or range, with a bound before it and a unit after it at
            most.
    """
    bare = text.strip()
    if len(bare) < LONGEST:
        match = PLAIN.fullmatch(bare) or MATH.fullmatch(bare)
        if match is not None:
            return _written(match, bare)
        ends = RANGE.fullmatch(bare)
        found = _range(ends, bare) if ends else None
        if found is not None:
            return found
    raise Unreadable(f'"{text[:60]}" states no number', advice(text))


def states_number(text: str) -> bool:
    """Whether `read` can read a text."""
    try:
        read(text)
    except Unreadable:
        return False
    return True


def read_question(text: str) -> Written | None:
    """The style that a question mark asks for, as in `? ms`, `≈ ? %`, `?–?×` or `$?$`; None for any other."""
    if match := MATH_QUESTION.fullmatch(text.strip()):
        return _written(match, text.strip())
    match = QUESTION.fullmatch(text.strip())
    if match is None:
        return None
    if match["suffix"] == "$":
        return replace(_written(match, text.strip()), lead=f"{match['lead']}$")
    asked = _written(match, text.strip())
    if not match["dash"]:
        return asked
    return replace(asked, suffix="", dash=match["dash"], until=replace(asked, lead="", sign=""))


def _range(ends: re.Match[str], text: str) -> Written | None:
    """A range from its two ends; the unit of the second serves both."""
    math = text.count("$") == 2
    lower = (PLAIN if not math else MATH).fullmatch(ends["first"] + ("$" if math else ""))
    upper = (PLAIN if not math else MATH).fullmatch(("$" if math else "") + ends["second"])
    if lower is None or upper is None or upper["lead"].strip("$"):
        return None
    first, last = _written(lower, text), _written(upper, text)
    if first.bound not in ("", "≈") or (first.label and first.label != last.label):
        return None
    first = replace(first, suffix=first.suffix.replace("$", ""), scale=last.scale, unit=last.unit)
    last = replace(last, lead="$" if math else "")
    return replace(first, dash=ends["dash"], until=last) if first.number < last.number else None


def _written(match: re.Match[str], text: str) -> Written:
    found = match.groupdict()
    unit = unit_of(label_of(found["suffix"]))
    percent = label_of(found["suffix"]).startswith("%")
    exponent = found.get("raised") or found.get("superscript") or found.get("exponent") or "0"
    power = found.get("power") or ""
    if found.get("base"):
        power = text[match.end("base") : match.start("raised")] if found.get("raised") else ""
    return Written(
        text=text,
        lead=found["lead"],
        sign=found["sign"],
        digits=found.get("digits") or found.get("base") or "",
        grouping=found.get("grouping") or "",
        decimals=len(found.get("decimals") or ""),
        power=power,
        exponent=int(exponent.translate(LOWERED)),
        suffix=found["suffix"],
        scale=Fraction(1, 100) if percent else unit.scale,
        unit=unit.measures,
        base=int(found.get("base") or 0),
    )
