"""What a claim's value is found to be, and how it is kept."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from verify.values import Incomparable, Spread, Value, paired, portray, spread

K, N = sympy.symbols("K N", positive=True)


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (True, "truth"),
        (np.bool_(False), "truth"),
        (torch.tensor(True), "truth"),
        (sympy.true, "truth"),
        (294912, "exact"),
        (np.int64(3), "exact"),
        (np.array(3), "exact"),
        (torch.tensor(3), "exact"),
        (Fraction(25, 36), "exact"),
        (sympy.Rational(25, 36), "exact"),
        (sympy.Integer(7), "exact"),
        (8.7, "number"),
        (np.float32(0.5), "number"),
        (torch.tensor(0.5, requires_grad=True), "number"),
        (sympy.Float(0.5), "number"),
        (sympy.sqrt(2), "number"),
        (sympy.pi, "number"),
        (1 / K + N, "formula"),
        (sympy.Eq(K, N), "formula"),
        ("64×55×55", "text"),
        (np.str_("NCHW"), "text"),
        (Spread(1.0, 0.9, 1.1), "measured"),
        (Spread(1.0, 0.9, 1.1, unit="s", timing=True), "timing"),
    ],
)
def test_a_value_is_compared_by_what_it_is(thing: object, kind: str) -> None:
    assert portray(thing).kind == kind


def test_an_exact_number_loses_nothing() -> None:
    assert portray(2**200 + 1).number == 2**200 + 1
    assert portray(sympy.Rational(1, 3)).number == Fraction(1, 3)


def test_a_symbolic_number_keeps_its_formula_beside_its_size() -> None:
    value = portray(4 / (3 * sympy.sqrt(3)))
    assert value.number == pytest.approx(4 / 3**1.5)
    assert value.formula == r"\frac{4 \sqrt{3}}{9}"


def test_a_figure_is_known_without_importing_matplotlib_here() -> None:
    from matplotlib.figure import Figure

    assert portray(Figure()) == Value("figure")


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (
            torch.nn.Conv2d(1, 1, 1),
            "a Conv2d cannot be compared with a text; make it an int, a Fraction, a float",
        ),
        ((64, 55, 55), 'a tuple cannot be compared with a text; join it into a str such as "64×55×55"'),
        (torch.Size([64, 55]), 'join it into a str such as "64×55×55"'),
        ([1, 2], "a list cannot be compared with a text"),
        (torch.zeros(2, 3), "a Tensor cannot be compared with a text; reduce it to one number"),
        (np.zeros(1), "ndarray cannot be compared with a text; reduce it to one number"),
        (None, "None cannot be compared with a text"),
        ({}, "a dict cannot be compared with a text"),
        (1 + 2j, "a complex cannot be compared with a text"),
        (float("nan"), "nan cannot be compared with a text; make the claim compute a finite number"),
        (torch.tensor(math.inf), "inf cannot be compared with a text"),
        (sympy.nan, "nan is no finite real number"),
        (sympy.oo, "inf cannot be compared with a text"),
        (sympy.I, "I is no finite real number"),
        (sympy.Matrix([1]), "cannot be compared with a text"),
        (K < N, "a StrictLessThan cannot be compared with a text"),
        (Fraction(10**4000), "an exact number of more than 10,000 bits"),
    ],
)
def test_what_no_text_can_state_is_refused_with_a_way_out(thing: object, message: str) -> None:
    with pytest.raises(Incomparable) as refusal:
        portray(thing)
    assert message in str(refusal.value)


@given(st.lists(st.integers(-(10**6), 10**6).map(lambda part: part / 1000), min_size=3, max_size=20))
def test_a_spread_is_the_interval_that_scipy_gives(samples: list[float]) -> None:
    found = spread(samples)
    assert found.low <= found.value <= found.high
    if len(set(samples)) > 1:
        error = stats.sem(samples)
        low, high = stats.t.interval(0.95, len(samples) - 1, loc=np.mean(samples), scale=error)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)


def test_a_spread_keeps_its_samples_and_its_unit() -> None:
    assert spread([1, 2, 3], unit="dB").samples == (1.0, 2.0, 3.0)
    assert portray(spread([1, 2, 3], unit="dB")).unit == "dB"


def test_paired_samples_cancel_what_they_share() -> None:
    shared = [0.0, 10.0, 20.0]
    difference = paired([seed + 1 for seed in shared], shared)
    assert (difference.low, difference.value, difference.high) == (1, 1, 1)


@pytest.mark.parametrize("samples", [[], [1.0], [1.0, 2.0]])
def test_fewer_than_three_samples_are_no_spread(samples: list[float]) -> None:
    with pytest.raises(ValueError, match=f"at least 3 samples, not {len(samples)}"):
        spread(samples)


def test_samples_that_are_not_finite_are_no_spread() -> None:
    with pytest.raises(ValueError, match="finite samples, and nan is among them"):
        spread([1.0, 2.0, math.nan])


def test_samples_of_different_length_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="not 3 of one and 2 of the other"):
        paired([1, 2, 3], [1, 2])


@pytest.mark.parametrize("bounds", [(1.0, 2.0, 3.0), (2.0, math.nan, 3.0), (2.0, 1.0, math.inf)])
def test_a_value_outside_of_its_interval_is_refused(bounds: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="spread"):
        Spread(*bounds)


@pytest.mark.parametrize(
    "thing",
    [False, 0, 123, Fraction(-25, 36), 0.0, 1e-300, "", "NCHW", sympy.sqrt(2), 1 / K, spread([1, 2, 4], "s")],
)
def test_a_value_survives_json(thing: object) -> None:
    value = portray(thing)
    assert Value.from_json(json.loads(json.dumps(value.to_json(), allow_nan=False))) == value


def test_an_exact_number_is_a_string_in_json() -> None:
    assert portray(Fraction(25, 36)).to_json() == {"kind": "exact", "number": "25/36"}
    assert portray(123).to_json() == {"kind": "exact", "number": "123"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"kind": "guess"}, "no value of kind 'guess'"),
        ({}, "no value of kind None"),
        ({"kind": ["exact"]}, "no value of kind"),
        ({"kind": "exact"}, "lacks its number"),
        ({"kind": "exact", "number": 3.5}, "the number of a value of kind exact cannot be 3.5"),
        ({"kind": "exact", "number": "1/0"}, "cannot be '1/0'"),
        ({"kind": "exact", "number": "1e999999999"}, "cannot be"),
        ({"kind": "number", "number": "3"}, "cannot be '3'"),
        ({"kind": "number", "number": math.nan}, "cannot be nan"),
        ({"kind": "measured", "number": 1.0, "low": 0.5}, "lacks its high"),
        ({"kind": "timing", "number": 1.0, "low": 0.5, "high": 2.0, "samples": ["x"]}, "the samples"),
        ({"kind": "truth", "truth": 1}, "the truth of a value of kind truth cannot be 1"),
        ({"kind": "text", "text": 5}, "the text of a value of kind text cannot be 5"),
        ({"kind": "text", "colour": "red"}, "the colour of a value"),
    ],
)
def test_a_record_that_is_no_value_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Value.from_json(data)
    assert message in str(refusal.value)


def test_reading_values_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'sympy', 'scipy', 'matplotlib'}"
    code = f"import sys, verify.values, verify.numbers; assert not {heavy} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
