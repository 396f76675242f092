"""Units as people write them behind a number: what one is worth, and which of them can be converted.

The table is ours, and small: a text must read the same on every machine, also on a bare checkout, and the
units of this field (FLOP, MAC, operations, parameters) are in no units library. Worths are exact fractions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

PREFIXES = {
    **{"f": Fraction(1, 10**15), "p": Fraction(1, 10**12), "n": Fraction(1, 10**9)},
    **{"µ": Fraction(1, 10**6), "μ": Fraction(1, 10**6), "u": Fraction(1, 10**6), "m": Fraction(1, 1000)},
    **{letter: Fraction(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
}
"""The SI's, with both letters that look like a micro sign, and `u` for those who have neither."""
SMALL, LARGE = frozenset("fpnµμum"), frozenset("kMGTPE")
BINARY = {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
"""Letters that scale a count by themselves: `3.5 M`, `7 B parameters`."""
WORDS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

KINDS: dict[str, tuple[str, Fraction, frozenset[str]]] = {
    "s": ("s", Fraction(1), SMALL),
    "min": ("s", Fraction(60), frozenset()),
    "h": ("s", Fraction(3600), frozenset()),
    "byte": ("bytes", Fraction(1), frozenset()),
    "bytes": ("bytes", Fraction(1), frozenset()),
    "B": ("bytes", Fraction(1), LARGE | {"K", *BINARY}),
    "bit": ("bits", Fraction(1), LARGE | {*BINARY}),
    "bits": ("bits", Fraction(1), LARGE | {*BINARY}),
    "Hz": ("Hz", Fraction(1), LARGE | {"m"}),
    "W": ("W", Fraction(1), LARGE | SMALL),
    "J": ("J", Fraction(1), LARGE | SMALL),
    "Wh": ("J", Fraction(3600), LARGE | {"m"}),
    **{name: ("FLOP", Fraction(1), LARGE | {"K", "B"}) for name in ("FLOP", "FLOPs")},
    **{name: ("MAC", Fraction(1), LARGE | {"K", "B"}) for name in ("MAC", "MACs")},
    **{name: ("OP", Fraction(1), LARGE | {"K", "B"}) for name in ("OP", "OPs")},
    **{name: ("params", Fraction(1), LARGE | {"K", "B"}) for name in ("param", "params", "parameters")},
    **{name: ("px", Fraction(1), LARGE) for name in ("px", "pixel", "pixels")},
}
"""Each unit's name: what it measures, what one is worth of that, and the prefixes that it takes."""

RATES = {"FLOPS": "FLOPs/s", "OPS": "OPs/s"}
"""Names that hide a division."""

COUNTED = frozenset({"", "FLOP", "MAC", "OP", "params", "px"})
"""What is a number of things: a value without a unit may be stated in these."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What stands behind a number."""

    scale: Fraction
    """What one of it is worth: of `measures`, or of a plain number where nothing is measured."""
    measures: str = ""
    """`s`, `bytes`, `bytes/s` …; empty for a label such as `dB`, for `×` and for a lone letter."""

    @property
    def is_counted(self) -> bool:
        """Whether a plain number can be stated in it."""
        return self.measures.partition("/")[0] in COUNTED


@lru_cache(1024)
def unit_of(label: str) -> Unit:
    """The unit that a label begins with; what follows a space is words.

    Labels that are no unit of ours are worth 1 and measure nothing, so that nothing is converted. Of what is
    divided by, only units count: `ms/image` is a time.
    """
    word = label.split()[0] if label.split() else ""
    for hidden, meant in RATES.items():
        word = re.sub(rf"(?<![A-Z]){hidden}(?=/|$)|(?<=[kKMGTPE]){hidden}(?=/|$)", meant, word)
    head, *below = word.split("/")
    if head in WORDS:
        return Unit(Fraction(WORDS[head]))
    if head in LETTERS:
        scale, measures = Fraction(LETTERS[head]), ""
    elif (found := _factor(head)) is not None:
        measures, scale = found
    else:
        return Unit(Fraction(1))
    for factor in map(_factor, below):
        if factor is not None and measures:
            measures, scale = f"{measures}/{factor[0]}", scale / factor[1]
    return Unit(scale, measures)


def is_unit(word: str) -> bool:
    """Whether a word that is glued to a number is a unit (`12ms`, `25.6M`), and no part of a name (`3D`)."""
    return word in LETTERS or _factor(word) is not None or word in ("x", "dB")


def _factor(word: str) -> tuple[str, Fraction] | None:
    """What a single unit measures, and what it is worth; None for a word that is none."""
    if word in KINDS:
        measures, scale, _ = KINDS[word]
        return measures, scale
    for length in (1, 2):
        prefix, name = word[:length], word[length:]
        if name in KINDS and prefix in KINDS[name][2]:
            measures, scale, _ = KINDS[name]
            worth = PREFIXES.get(prefix) or BINARY.get(prefix) or Fraction(LETTERS[prefix])
            return measures, scale * worth
    return None


def natural(number: Fraction, unit: str) -> str:
    """The unit in which a size first reads well: `ms` for 0.0042 s, `TFLOP/s` for 1.2e14 FLOP/s.

    Args:
        number: the size, in `unit`.
        unit: the value's unit. Memory (`bytes`) and what takes no prefix stay as they are.
    """
    name, slash, rest = unit.partition("/")
    measures = KINDS[name][0] if name in KINDS else ""
    if not number or not (measures in ("s", "Hz", "W", "J", "FLOP", "MAC", "OP") or (measures and slash)):
        return unit
    if measures in ("bytes", "bits"):
        name = "B" if measures == "bytes" else "bit"
    usable = {
        "": Fraction(1),
        **{letter: PREFIXES[letter] for letter in "kMGTPEmµnpf" if letter in KINDS[name][2]},
    }
    fitting = {letter: worth for letter, worth in usable.items() if abs(number) >= worth}
    prefix = max(fitting, key=fitting.__getitem__) if fitting else min(usable, key=usable.__getitem__)
    return f"{prefix}{name}{slash}{rest}" if prefix else unit
