"""A formula in the text is the claim's expression, or it is shown where the two differ."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Eq, Max, Min, Rational, Symbol, ceiling, exp, floor, log, sqrt, symbols

from verify.formulas import BadFormula, latex_of, prove

K, M, N, d, k, n, p, s = symbols("K M N d k n p s", positive=True)
x, y, sigma = symbols("x y sigma", real=True)
C_in, C_out, lamda, OH = symbols("C_in C_{out} lamda OH", positive=True)
b = Symbol("b", integer=True, positive=True)

COST = (K**2 * M + M * N) / (K**2 * M * N)
RELU = r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}"
HEAVISIDE = r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}"
STEP = sympy.Piecewise((1, x >= 0), (0, True))
LEAKY = sympy.Piecewise((x, x >= 0), (x * y, True))
BOX = sympy.Piecewise((1, (x >= -1) & (x < 1)), (0, True))
SIZE = floor((n + 2 * p - d * (k - 1) - 1) / s) + 1


@pytest.mark.parametrize(
    ("latex", "expr"),
    [
        (r"\frac{1}{N} + \frac{1}{K^2}", COST),
        (r"$\frac1N + \frac{1}{K^{2}}$", COST),
        (r"\dfrac{K^2 + N}{K^2 N}", COST),
        ("2n+1", 2 * n + 1),
        ("2^{n+1}-1", 2 ** (n + 1) - 1),
        ("2^{b-1}-1", 2 ** (b - 1) - 1),
        ("k+(k-1)(d-1)", k + (k - 1) * (d - 1)),
        ("d(k-1)+1", k + (k - 1) * (d - 1)),
        (r"\lfloor\frac{n+2p-d(k-1)-1}{s}\rfloor+1", SIZE),
        (r"\left\lfloor \frac{n + 2p - d(k-1) - 1}{s} + 1 \right\rfloor", SIZE),
        (r"\lceil n/s \rceil", ceiling(n / s)),
        (r"\frac{4}{3\sqrt{3}}", 4 / (3 * sqrt(3))),
        (r"\frac{4\sqrt{3}}{9}", 4 / (3 * sqrt(3))),
        (r"\sqrt[3]{n}", n ** Rational(1, 3)),
        (r"K^2 C_{in} C_{\text{out}}", K**2 * C_in * C_out),
        (r"K^2 \cdot C_\mathrm{in} \times C_{out}", K**2 * C_in * C_out),
        ("K K C_{in}", K**2 * C_in),
        ("2OH", 2 * OH),
        (r"\lambda x", lamda * x),
        (r"\sigma(1-\sigma)", sigma - sigma**2),
        (r"\pi n^2", sympy.pi * n**2),
        ("dN", d * N),
        ("d x", d * x),
        (r"\frac{1}{1 + e^{-x}}", 1 / (1 + exp(-x))),
        (r"\frac{\exp(x)}{1 + \exp(x)}", 1 / (1 + exp(-x))),
        (r"\log_2 n", log(n, 2)),
        (r"\log_{2}(n) / 2", log(sqrt(n), 2)),
        (r"10 \log_{10} \frac{n}{s}", 10 * log(n / s, 10)),
        (r"\ln(n)^2", log(n) ** 2),
        (r"\max(0, x)", Max(0, x)),
        (r"\max\{0, x\}", Max(0, x)),
        (r"\operatorname{min}(0, x)", Min(0, x)),
        (r"\max(0,100)", 100),
        ("|x|^2", x**2),
        (r"\sqrt{n^2}", n),
        (r"\binom{b}{2}", b * (b - 1) / 2),
        ("b!", sympy.factorial(b)),
        ("1.5n", 1.5 * n),
        ("294{,}912", 294912),
        (r"\frac{25}{36}", Fraction(25, 36)),
        ("y = 2x + 1", 2 * x + 1),
        (r"\text{weights} = K^2 M", K**2 * M),
        ("f(n) = 2n + 1", 2 * n + 1),
        ("2n + 1 = n + n + 1", 2 * n + 1),
        ("y = 2x", Eq(y, 2 * x)),
        ("2x = y", Eq(y, 2 * x)),
        (r"n\frac12", n / 2),
        ("n * k", n * k),
        (r"2\,n\,k", 2 * n * k),
        (r"\lg n", log(n, 10)),
        (r"\vert x \vert", abs(x)),
        (r"\hat{y} - \bar x", Symbol("yhat") - Symbol("xbar")),
        (r"\hat{y}_{i}", Symbol(r"\hat{y}_i")),
        (r"\widehat{\theta}", Symbol("theta_hat")),
        (r"\mathbf{W} x", Symbol("W") * x),
        (r"\lfloor x \rceil", floor(x + Rational(1, 2))),
        (r"s \left\lfloor \frac{x}{s} \right\rceil", s * floor(x / s + Rational(1, 2))),
        (r"\operatorname{round}(x / s)", floor(x / s + Rational(1, 2))),
        (r"n \bmod k", sympy.Mod(n, k)),
        (r"(n + 1) \bmod k + 2", sympy.Mod(n + 1, k) + 2),
        (r"\sum_{i=1}^{n} i", n * (n + 1) / 2),
        (r"\sum\limits_{i=1}^n i^2 + 1", n * (n + 1) * (2 * n + 1) / 6 + 1),
        (r"\sum_{i=0}^{n-1} 2^i", 2**n - 1),
        (r"\sum_{j=1}^{n} j", sympy.Sum(k, (k, 1, n))),
        (r"\frac{1}{n}\sum_{k=1}^{n} k", (n + 1) / 2),
        (r"\sum_{i=0}^{\infty} \frac{1}{2^i}", sympy.Integer(2)),
        (r"\sum_{i=1}^{3} \sum_{j=1}^{i} j x", 10 * x),
        (r"\prod_{i=1}^{b} i", sympy.factorial(b)),
        (r"1 + \sum_{i=2}^{n} (k-1) \prod_{j=1}^{i-1} 2", 1 + (k - 1) * (2**n - 2)),
        (RELU, Max(0, x)),
        (RELU, sympy.Piecewise((x, x >= 0), (0, True))),
        (r"\begin{cases} x & \text{if } x \ge 0, \\ y x & \text{else} \end{cases}", LEAKY),
        (r"\begin{cases} 1 & -1 \le x < 1 \\ 0 & \text{otherwise} \end{cases}", BOX),
    ],
)
def test_a_formula_that_is_equal_is_proved(latex: str, expr: Any) -> None:
    assert prove(latex, expr).state == "proved"


@pytest.mark.parametrize(
    ("latex", "expr", "counterexample"),
    [
        (
            r"\frac{1}{N} + \frac{1}{K}",
            COST,
            "at K = 8, M = 3, N = 7: the text gives 0.2679, the claim 0.1585",
        ),
        ("2n-1", 2 * n + 1, "at n = 8: the text gives 15, the claim 17"),
        ("2^n+1-1", 2 ** (n + 1) - 1, "at n = 8"),
        (r"\lceil\frac{n+2p-d(k-1)-1}{s}\rceil+1", SIZE, "at d = "),
        (r"\frac{n}{s}", floor(n / s), "at n = 8, s = 3: the text gives 2.667, the claim 2"),
        (r"\frac{4}{3}", 4 / (3 * sqrt(3)), "the text gives 1.333, the claim 0.7698"),
        (
            "0.7698003589",
            4 / (3 * sqrt(3)),
            "the text gives 7698003589/10000000000, the claim 0.7698003589195",
        ),
        (r"\sqrt{x^2}", x, "the text gives 3.5, the claim -3.5"),
        (r"\ln(n)", log(n, 2), "at n = 8"),
        ("C_in", C_in, "the text has C_i, and the claim only C_in"),
        ("K^2 Q", K**2 * M, "the text has Q, and the claim only K, M"),
        ("x", sympy.Integer(3), "the text has x, and the claim no symbol"),
        ("f(n)", 2 * n, "the text has f, and the claim only n"),
        ("y = 3x", 2 * x, "at x = 8: the text gives 24, the claim 16"),
        ("y = 3x", Eq(y, 2 * x), "at x = 8: the text gives 24, the claim 16"),
        ("2n+1 = 3n", 2 * n + 1, "at n = 8: the text gives 24, the claim 17"),
        (r"\sum_{i=0}^{n} i", n * (n - 1) / 2, "at n = 8: the text gives 36, the claim 28"),
        (r"\sum_{i=1}^{n} (i + 1)", n * (n + 1) / 2, "at n = 8: the text gives 44, the claim 36"),
        (r"\sum_{i=1}^{n} q", n, "the text has q, and the claim only n"),
        (r"\hat{y}", y, "the text has \\hat{y}, and the claim only y"),
        (RELU, x, "the text gives 0, the claim -"),
        (
            r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
            STEP,
            "at x = 0: the text gives 0, the claim 1",
        ),
        (r"n \bmod s", sympy.Mod(s, n), "at n = 8, s = 3"),
        (r"\lfloor x \rceil", floor(x), "at x = "),
        (r"n * k", n + k, "at k = 8, n = 3: the text gives 24, the claim 11"),
    ],
)
def test_a_formula_that_differs_is_refuted_at_a_point(latex: str, expr: Any, counterexample: str) -> None:
    proof = prove(latex, expr)
    assert proof.state == "refuted"
    assert counterexample in proof.counterexample


def test_points_respect_what_is_assumed_of_a_symbol() -> None:
    even = Symbol("m", even=True)
    assert prove(r"\lfloor m/2 \rfloor", even / 2).state == "proved"
    assert prove("(-1)^m", sympy.Integer(1) ** even).state == "refuted"
    negative = Symbol("z", negative=True)
    assert prove("-z", abs(negative)).state == "proved"


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        ("", "there is nothing in the formula"),
        ("x =", "there is nothing beside a ="),
        (r"\frac{x}", "is not a whole formula"),
        ("x +", "is not a whole formula"),
        ("(x", "is not a whole formula"),
        ("x)", "is not a whole formula"),
        ("/", "the formula ends too early"),
        (r"\log", "the formula ends too early"),
        (r"\log()", "has no argument"),
        (r"\foo{x}", r"`\foo` is not understood"),
        (r"\int x dx", r"`\int` is not understood"),
        (r"x \le 3", r"`\le` is not understood"),
        ("x < 3", "is not understood"),
        ("x^2_1", "`_1` is not understood"),
        ("294,912", "is not a whole formula"),
        ("x^23", "`^23` takes in only the first digit; put it into braces"),
        ("2 3", "two numbers in a row"),
        ("2^2^x", "an exponent follows an exponent"),
        ("1/2x", "what follows / can be read in two ways"),
        (r"\log_2 x y", r"`\log_2` may reach further than it should"),
        (r"\log_2 x / 2", "put its argument into ( )"),
        ("9^{9^{9^9}}", "a number too large to compare"),
        ("((2^{1000})^{1000})^{1000}", "a number too large to compare"),
        ("9^{9^9}x - 9^{9^9}x", "a number too large to compare"),
        ("(999!)!", "a number too large to compare"),
        ("x+" * 400, "more than 300 characters"),
        (r"\sum x", "lacks its limits"),
        (r"\sum_{i} x", "lacks its limits"),
        (r"\sum_{i=1}^{n", "is never closed"),
        (r"\sum_{i=1}^{3}", "adds up is not clear"),
        (r"\sum_{i=1}^{3} -x", "put it into ( )"),
        (r"\sum_{i=1}^{9999999} i", "more than 1000 terms"),
        (r"\begin{cases} x \\ y & x > 0 \end{cases}", "`x` in cases has no condition"),
        (r"\begin{cases} x & \text{maybe} \end{cases}", "is no condition"),
        (r"\begin{cases} \end{cases}", "there is nothing in the cases"),
        (r"x y \bmod 3", "may reach further than it should"),
        (r"x \bmod 3 y", "may reach further than it should"),
        (r"\bmod 3", "has nothing before it"),
        (r"1 + 2 + \dots + x", r"`\dots` is not understood"),
        (r"\lfloor x \rvert", "is never closed"),
        ("(" * 140 + "x", "is not a whole formula"),
    ],
)
def test_a_malformed_or_ambiguous_formula_is_refused(latex: str, message: str) -> None:
    with pytest.raises(BadFormula) as refusal:
        prove(latex, x)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "call", ["__import__('os')", "open('made', 'w')", "exec(\"open('made', 'w')\")", "x.evalf()"]
)
def test_code_in_a_formula_is_never_run(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadFormula):
        prove(call, x)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("thing", ["x", True, None, [1], sympy.true, sympy.MatrixSymbol("A", 2, 2), x < y])
def test_a_claim_that_holds_no_formula_is_refused(thing: object) -> None:
    with pytest.raises(BadFormula, match=r"the claim holds a \w+, no formula"):
        prove("x", thing)


def test_symbols_that_read_alike_are_refused() -> None:
    with pytest.raises(BadFormula, match="read alike; rename one of them"):
        prove("C_{in}", C_in + Symbol("Cin"))


def test_an_equation_is_not_stated_by_one_side() -> None:
    with pytest.raises(BadFormula, match="the claim is an equation, and the text is none"):
        prove("2x", Eq(y, 2 * x))


def test_what_is_neither_equal_nor_different_stays_open() -> None:
    unknown = sympy.Function("g")(x)
    assert prove("x", unknown).state == "open"


ATOMS = st.sampled_from([K, C_in, lamda, OH, x, sympy.Integer(2), Rational(3, 7)])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        inner.map(lambda part: 1 / (1 + part**2)),
        inner.map(lambda part: Max(part, 0)),
        inner.map(lambda part: floor(part / 2)),
    ),
    max_leaves=4,
)


@settings(max_examples=25)
@given(EXPRESSIONS)
def test_the_latex_of_an_expression_is_proved_equal_to_it(expr: sympy.Expr) -> None:
    assert prove(latex_of(expr), expr).state == "proved"


@settings(max_examples=25)
@given(EXPRESSIONS)
def test_the_latex_of_an_expression_is_not_that_of_a_larger_one(expr: sympy.Expr) -> None:
    assert prove(latex_of(expr), expr + 1).state == "refuted"
