"""Units behind a number are worth what a units library says that they are worth."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.units import KINDS, Unit, natural, unit_of

pint = pytest.importorskip("pint", reason="pint is the oracle for units: pip install pint")

REGISTRY = pint.UnitRegistry(non_int_type=Fraction)
IN_PINT = {"s": "s", "bytes": "byte", "bits": "bit", "Hz": "Hz", "W": "W", "J": "J"}
"""What pint calls that which our units measure; of counts it knows nothing."""
OURS_ALONE = {"us", "μs"}  # spellings of a microsecond that are no unit symbol elsewhere
SPELLINGS = sorted(
    {
        f"{prefix}{name}"
        for name, (measures, _, prefixes) in KINDS.items()
        if measures in IN_PINT
        for prefix in {"", *prefixes} - {"K", "u", "μ"}
    }
    - OURS_ALONE
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_unit_is_worth_what_pint_says(spelling: str) -> None:
    ours = unit_of(spelling) if spelling != "B" else unit_of("bytes")  # a lone B is a billion
    theirs = (Fraction(1) * REGISTRY(spelling)).to(IN_PINT[ours.measures]).magnitude
    assert ours.scale == Fraction(theirs).limit_denominator(10**18)


@pytest.mark.parametrize("spelling", ["TB/s", "GB/ms", "Mbit/s", "J/s", "MiB/ms", "W/s", "kB/J"])
def test_a_rate_is_worth_what_pint_says(spelling: str) -> None:
    ours = unit_of(spelling)
    above, below = (IN_PINT[part] for part in ours.measures.split("/"))
    theirs = (Fraction(1) * REGISTRY(spelling)).to(f"{above}/{below}").magnitude
    assert ours.scale == Fraction(theirs).limit_denominator(10**18)


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        ("TFLOP/s", Unit(Fraction(10**12), "FLOP/s")),
        ("TFLOPS", Unit(Fraction(10**12), "FLOP/s")),
        ("GFLOPs", Unit(Fraction(10**9), "FLOP")),
        ("TOPS/W", Unit(Fraction(10**12), "OP/s/W")),
        ("FLOP/byte", Unit(Fraction(1), "FLOP/bytes")),
        ("BFLOPs", Unit(Fraction(10**9), "FLOP")),
        ("M", Unit(Fraction(10**6))),
        ("M parameters", Unit(Fraction(10**6))),
        ("B/token", Unit(Fraction(10**9))),
        ("million weights", Unit(Fraction(10**6))),
        ("ms/image", Unit(Fraction(1, 1000), "s")),
        ("ms per image", Unit(Fraction(1, 1000), "s")),
        ("images/s", Unit(Fraction(1))),
        ("dB", Unit(Fraction(1))),
        ("mAP", Unit(Fraction(1))),
        ("Kelvin", Unit(Fraction(1))),
        ("mmin", Unit(Fraction(1))),
        ("×", Unit(Fraction(1))),
        ("", Unit(Fraction(1))),
    ],
)
def test_counts_letters_and_labels_have_their_own_reading(label: str, unit: Unit) -> None:
    assert unit_of(label) == unit


@given(st.floats(1e-3, 1e17), st.sampled_from(["s", "Hz", "W", "J", "FLOP", "MAC/s", "bytes/s", "s/image"]))
def test_the_natural_unit_is_the_same_size_and_reads_well(size: float, unit: str) -> None:
    number, name = Fraction(size), natural(Fraction(size), unit)
    shown = number * unit_of(unit).scale / unit_of(name).scale
    assert unit_of(name).measures == unit_of(unit).measures
    assert shown >= 1 or name == unit  # what takes no smaller prefix
    assert shown < 1000 or name[0] in "EsM"


@pytest.mark.parametrize("unit", ["bytes", "dB", "images/s", "min", "ms"])
def test_what_takes_no_prefix_stays(unit: str) -> None:
    assert natural(Fraction(1, 10**6), unit) == unit
