"""What a claim's name was found to hold: one value, with its unit and spread, ready for JSON."""

from __future__ import annotations

import math
import re
import statistics
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Literal, get_args

Kind = Literal["exact", "number", "measured", "timing", "truth", "text", "formula", "figure", "table"]

LARGEST = 10_000
"""Bits that an exact number's numerator and denominator may have; nobody writes more into a card."""

EXACT = re.compile(r"-?[0-9]+(/0*[1-9][0-9]*)?")
"""How JSON holds an exact number: an integer or a fraction, as a string."""

FLOATS = ("number", "low", "high")
REQUIRED: dict[str, tuple[str, ...]] = {
    "exact": ("number",),
    "number": ("number",),
    "measured": FLOATS,
    "timing": FLOATS,
    "truth": ("truth",),
    "formula": ("formula",),
    "table": ("cells",),
}
"""The fields that a stored value of a kind must have."""

ACCEPTED = "an int, a Fraction, a float, a bool, a str, a spread, a sympy expression or a matplotlib figure"


class Refusal(Exception):
    """Something cannot be used as it is.

    Args:
        what: what is wrong, in one clause.
        hint: what the author can do about it.
    """

    def __init__(self, what: str, hint: str) -> None:
        self.what = what
        self.hint = hint
        super().__init__(f"{what}; {hint}")


class Incomparable(Refusal, TypeError):
    """A value of a kind that no text can state."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A quantity that is known within an interval.

    Raises:
        ValueError: when a bound is not finite, or `value` does not lie between `low` and `high`.
    """

    value: float
    """The best estimate, in `unit`."""
    low: float
    """The lower end of the interval, in `unit`."""
    high: float
    """The upper end of the interval, in `unit`."""
    samples: tuple[float, ...] = ()
    """The raw measurements, in `unit`; empty where there is no list of them."""
    unit: str = ""
    """`s` for seconds, `bytes`, any other word as a label; empty for a pure number."""
    timing: bool = False
    """True binds the value to the machine that measured it."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(bound) for bound in (self.value, self.low, self.high)):
            raise ValueError(f"a spread needs finite bounds, not {self.low} ≤ {self.value} ≤ {self.high}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"a spread's value {self.value} lies outside of {self.low} to {self.high}")


def spread(samples: Iterable[float], unit: str = "") -> Spread:
    """The mean of independent samples with its 95 % interval by Student's t.

    Source: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2 (confidence limits for the mean).

    Args:
        samples: at least three measurements, one per seed or repetition, in `unit`.
        unit: the unit of the samples; empty for a pure number.

    Raises:
        ValueError: for fewer than three samples, or one that is not finite.
    """
    found = tuple(float(sample) for sample in samples)
    if len(found) < 3:
        raise ValueError(f"a spread needs at least 3 samples, not {len(found)}")
    wrong = [sample for sample in found if not math.isfinite(sample)]
    if wrong:
        raise ValueError(f"a spread needs finite samples, and {wrong[0]} is among them")
    from scipy.stats import t

    mean = statistics.fmean(found)
    half = float(t.ppf(0.975, len(found) - 1)) * statistics.stdev(found) / math.sqrt(len(found))
    return Spread(mean, mean - half, mean + half, found, unit)


def paired(first: Iterable[float], second: Iterable[float], unit: str = "") -> Spread:
    """The spread of `first` − `second`, sample by sample: both were drawn with the same seeds.

    Raises:
        ValueError: when the two differ in length, and as `spread` does.
    """
    left, right = list(first), list(second)
    if len(left) != len(right):
        raise ValueError(
            f"paired samples come in pairs, not {len(left)} of one and {len(right)} of the other"
        )
    return spread((a - b for a, b in zip(left, right, strict=True)), unit)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a claim; the kind says which of the fields are set."""

    kind: Kind
    """How it is compared: exactly, as written, by its interval, or as words."""
    number: Fraction | float | None = None
    """The number, in `unit`: a Fraction when exact, else a float; None where the value is no number."""
    low: float | None = None
    """The lower end of a measured value's interval, in `unit`."""
    high: float | None = None
    """The upper end of a measured value's interval, in `unit`."""
    samples: tuple[float, ...] = ()
    """A measured value's raw samples, in `unit`."""
    unit: str = ""
    """The unit of number, interval and samples; empty for a pure number."""
    truth: bool | None = None
    """The truth of a `truth`."""
    text: str = ""
    """The words of a `text`; a symbolic value's Python spelling, for people only (never read back)."""
    formula: str = ""
    """The LaTeX of a symbolic value, also of a symbolic number such as √2; for people only."""
    cells: tuple[tuple[Value, ...], ...] = ()
    """The rows of a table, all equally long and none of them a table."""
    columns: tuple[str, ...] = ()
    """The headings of a table's columns; empty where the value does not say."""

    @property
    def exactly(self) -> Fraction:
        """The number as its shortest decimal spelling states it.

        Raises:
            Incomparable: when the value is no number.
        """
        if self.number is None:
            raise Incomparable(f"a {self.kind} is no number", "write it as what it is, or claim a number")
        return _fraction(self.number)

    @property
    def interval(self) -> tuple[Fraction, Fraction]:
        """The ends of what is known of the number; both are the number itself where it has no spread."""
        low = self.exactly if self.low is None else _fraction(self.low)
        return low, self.exactly if self.high is None else _fraction(self.high)

    def to_json(self) -> dict[str, Any]:
        """The fields that are set, as JSON holds them; an exact number is a string such as `25/36`."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        if isinstance(self.number, Fraction):
            found["number"] = str(self.number)
        found["samples"] = list(self.samples) or None
        found["cells"] = [[cell.to_json() for cell in row] for row in self.cells] or None
        found["columns"] = list(self.columns) or None
        return {name: part for name, part in found.items() if part is not None and part != ""}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Value:
        """The value that `to_json` wrote.

        Raises:
            ValueError: for an unknown kind, or a field that is missing or of the wrong type.
        """
        kind: Any = data.get("kind")
        if kind not in get_args(Kind):
            raise ValueError(f"there is no value of kind {kind!r}")
        found: dict[str, Any] = {}
        for name, part in data.items():
            if name == "number" and kind == "exact" and EXACT.fullmatch(str(part)):
                found[name] = Fraction(str(part))
            elif name in FLOATS and kind != "exact" and _is_number(part):
                found[name] = float(part)
            elif name == "samples" and isinstance(part, list) and all(map(_is_number, part)):
                found[name] = tuple(map(float, part))
            elif name == "cells" and kind == "table" and isinstance(part, list) and part:
                found[name] = tuple(tuple(cls.from_json(cell) for cell in row) for row in part)
            elif name == "columns" and isinstance(part, list) and all(isinstance(each, str) for each in part):
                found[name] = tuple(part)
            elif isinstance(part, {"truth": bool}.get(name, str)) and name in (
                "truth",
                "unit",
                "text",
                "formula",
            ):
                found[name] = part
            elif name != "kind":
                raise ValueError(f"the {name} of a value of kind {kind} cannot be {part!r}")
        if missing := [name for name in REQUIRED.get(kind, ()) if name not in found]:
            raise ValueError(f"a value of kind {kind} lacks its {missing[0]}")
        return cls(kind, **found)


def _is_number(part: object) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool) and math.isfinite(part)


def portray(thing: object) -> Value:
    """What a Python object says when it is the value of a claim.

    A numpy scalar and a 0-dimensional array or tensor count as the number in them.

    Raises:
        Incomparable: for anything that no text can state, also nan and infinity.
    """
    thing = _unwrapped(thing)
    if isinstance(thing, bool):
        return Value("truth", truth=thing)
    if isinstance(thing, str):
        return Value("text", text=str(thing))
    if isinstance(thing, int | Fraction):
        return _exact(Fraction(thing))
    if isinstance(thing, float):
        return Value("number", number=_finite(float(thing)))
    if isinstance(thing, Spread):
        known = (float(thing.value), float(thing.low), float(thing.high), thing.samples, thing.unit)
        return Value("timing" if thing.timing else "measured", *known)
    if (sympy := sys.modules.get("sympy")) is not None and isinstance(thing, sympy.Basic):
        return _portray_symbolic(thing, sympy)
    figures = sys.modules.get("matplotlib.figure")
    if figures is not None and isinstance(thing, figures.Figure):
        return Value("figure")
    from verify.tables import portray_table

    table = portray_table(thing, portray)
    if table is None:
        raise _incomparable(thing)
    return table


def _unwrapped(thing: object) -> object:
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and isinstance(thing, numpy.generic | numpy.ndarray) and thing.ndim == 0:
        return thing.item()
    if torch is not None and isinstance(thing, torch.Tensor) and thing.ndim == 0:
        return thing.item()
    return thing


def _portray_symbolic(thing: Any, sympy: Any) -> Value:
    if isinstance(thing, sympy.logic.boolalg.BooleanAtom):
        return Value("truth", truth=bool(thing))
    if thing.is_Rational:
        return _exact(Fraction(int(thing.p), int(thing.q)))
    if thing.is_Float:
        return Value("number", number=_finite(float(thing)))
    if not isinstance(thing, sympy.Expr | sympy.Eq) or getattr(thing, "is_Matrix", False):
        raise _incomparable(thing)
    latex = str(sympy.latex(thing))
    if thing.free_symbols:
        return Value("formula", text=str(thing), formula=latex)
    if not thing.is_comparable:
        raise Incomparable(f"{thing} is no finite real number", "make the claim compute one")
    return Value("number", number=_finite(float(thing)), text=str(thing), formula=latex)


def _incomparable(thing: Any) -> Incomparable:
    name = type(thing).__name__
    subject = "None" if thing is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
    hint = f"make it {ACCEPTED}"
    if isinstance(thing, tuple | list):
        hint = 'join it into a str such as "64×55×55"; a table is a list of rows'
    elif getattr(thing, "shape", ()):
        hint = "reduce it to one number, or join its shape into a str"
    return Incomparable(f"{subject} cannot be compared with a text", hint)


def _exact(number: Fraction) -> Value:
    if max(abs(number.numerator), number.denominator).bit_length() > LARGEST:
        raise Incomparable(
            f"an exact number of more than {LARGEST:,} bits cannot be compared with a text",
            "claim its logarithm",
        )
    return Value("exact", number=number)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise Incomparable(
            f"{number} cannot be compared with a text", "make the claim compute a finite number"
        )
    return number


def _fraction(number: Fraction | float) -> Fraction:
    # A float stands for its shortest decimal spelling (0.285 is 285/1000): ties then round as people expect.
    return number if isinstance(number, Fraction) else Fraction(repr(number))
