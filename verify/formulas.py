"""Formulas in a card's text, proved equal to the expression that its claim computes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import sympy
from sympy.core.function import AppliedUndef

from verify.latex import is_name, read_expression, split_sides
from verify.latex_tokens import CONSTANTS, BadFormula, names_of, plain_name, tokenize

__all__ = ["BadFormula", "Proof", "latex_of", "prove"]

POINTS = 16
"""Random points at which text and claim are compared before a proof is tried."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a formula in the text is the claim's."""

    state: Literal["proved", "refuted", "open"]
    """Open: no difference at any point tried, and no proof either."""
    counterexample: str = ""
    """When refuted, where the two differ: `at K = 3: the text gives 9, the claim 6`."""


def latex_of(expr: Any) -> str:
    """The LaTeX of a sympy expression, without dollar signs."""
    return str(sympy.latex(expr))


def prove(latex: str, expr: Any) -> Proof:
    """Whether the formula that a text states is the expression that its claim computed.

    The text is parsed by sympy's LaTeX grammar and never run; its names are the expression's symbols, however
    their braces and underscores are spelled. `cost = …` states its right-hand side. Two equations are one
    when their sides are equal, in either order.

    Args:
        latex: the formula, with or without its dollar signs.
        expr: a sympy expression, an `Eq`, or a number.

    Raises:
        BadFormula: when the text is no formula or can be read in two ways, or the claim holds no formula.
    """
    claim = _claimed(expr)
    known: dict[str, Any] = {}
    for symbol in sorted(claim.free_symbols, key=str):
        twin = known.setdefault(plain_name(symbol.name), symbol)
        if twin is not symbol:
            raise BadFormula(f"the claim's symbols {twin} and {symbol} read alike", "rename one of them")
    tokens = tokenize(latex.strip().strip("$"), known)
    sides = split_sides(tokens)
    pair = isinstance(claim, sympy.Eq)
    if len(sides) > 1 and not pair and is_name(sides[0], known):
        del sides[0]
    stated = [read_expression(side, known) for side in sides]
    for token in (token for side in sides for token in names_of(side)):
        if token.text not in known and token.text not in CONSTANTS:
            has = f"only {', '.join(map(str, known.values()))}" if known else "no symbol"
            return Proof("refuted", f"the text has {token.spelling}, and the claim {has}")
    if not pair:
        return _worst([_compare(side, claim) for side in stated])
    if len(stated) != 2:
        raise BadFormula("the claim is an equation, and the text is none", "write both sides, with one =")
    straight = _worst([_compare(stated[0], claim.lhs), _compare(stated[1], claim.rhs)])
    swapped = _worst([_compare(stated[0], claim.rhs), _compare(stated[1], claim.lhs)])
    return swapped if straight.state != "proved" and swapped.state == "proved" else straight


def _worst(proofs: Sequence[Proof]) -> Proof:
    return min(proofs, key=lambda proof: ("refuted", "open", "proved").index(proof.state))


def _claimed(thing: Any) -> Any:
    if isinstance(thing, int | float | Fraction) and not isinstance(thing, bool):
        thing = sympy.sympify(thing)
    formula = isinstance(thing, sympy.Expr) and not getattr(thing, "is_Matrix", False)
    if not formula and not isinstance(thing, sympy.Eq):
        raise BadFormula(
            f"the claim holds a {type(thing).__name__}, no formula", "make it a sympy expression"
        )
    thing = sympy.nsimplify(thing, rational=True) if thing.has(sympy.Float) else thing
    return thing.doit() if thing.has(sympy.Sum, sympy.Product) else thing


def _compare(stated: Any, claim: Any) -> Proof:
    for point in _points(stated.free_symbols | claim.free_symbols, stated, claim):
        left, right = _at(stated, point), _at(claim, point)
        if left is None or right is None or not _differ(left, right):
            continue
        shown = [f"{float(side):.4g}" if side.is_comparable else str(side.evalf(4)) for side in (left, right)]
        if shown[0] == shown[1]:
            shown = [str(left), str(right)]
        where = ", ".join(f"{symbol} = {number}" for symbol, number in point.items())
        gives = f"the text gives {shown[0]}, the claim {shown[1]}"
        return Proof("refuted", f"at {where}: {gives}" if where else gives)
    difference = stated - claim
    try:
        proved = (
            sympy.expand(difference) == 0
            or sympy.simplify(difference) == 0
            or (difference.has(sympy.Piecewise) and _folds_to_zero(difference))
        )
    except (NotImplementedError, TypeError, ValueError):
        proved = False
    return Proof("proved" if proved else "open")


def _folds_to_zero(difference: Any) -> bool:
    """Whether a difference with cases is 0 in each of them; maxima and absolute values count as cases."""
    folded = sympy.piecewise_fold(difference.rewrite(sympy.Piecewise))
    if sympy.simplify(folded) == 0:
        return True
    before = sympy.false
    for value, condition in folded.args if isinstance(folded, sympy.Piecewise) else [(folded, sympy.true)]:
        if sympy.simplify(value) != 0:
            # Cases that meet, x > 0 here and x ≥ 0 there, leave a single point between them.
            left = sympy.simplify(sympy.And(condition, sympy.Not(before)))
            point = {left.lhs: left.rhs} if isinstance(left, sympy.Eq) else {}
            if left != sympy.false and (not point or sympy.simplify(value.subs(point)) != 0):
                return False
        before = sympy.Or(before, condition)
    return True


def _points(symbols: set[Any], *formulas: Any) -> Iterator[dict[Any, Any]]:
    """Points of the symbols' domain: small whole numbers first, then fractions, also negative ones.

    Where formulas have cases, also 0 and 1, at which cases like to begin; what limits a series is whole.
    """
    chance = random.Random(0)
    series = [each for formula in formulas for each in formula.atoms(sympy.Sum, sympy.Product)]
    counted = {
        symbol for each in series for limit in each.limits for symbol in sympy.Tuple(*limit).free_symbols
    }
    edges = [0, 1] if any(formula.has(sympy.Piecewise) for formula in formulas) else []
    for turn in range(-len(edges), POINTS if symbols else 1):
        point: dict[Any, Any] = {}
        for symbol in sorted(symbols, key=str):
            draws = (
                [sympy.Integer(chance.randint(2, 9))] if 0 <= turn < POINTS // 2 or symbol in counted else []
            )
            draws += [sympy.Integer(edges[turn])] if turn < 0 else []
            draws += [sympy.Rational(chance.randint(-20, 40), chance.randint(1, 6)) for _ in range(40)]
            fitting = (number for number in draws if _belongs(number, symbol))
            point[symbol] = next(fitting, None)
        if None not in point.values():
            yield point


def _belongs(number: Any, symbol: Any) -> bool:
    facts = symbol.assumptions0.items()
    return all(getattr(number, f"is_{name}") in (fact, None) for name, fact in facts)


def _at(expr: Any, point: dict[Any, Any]) -> Any:
    """The expression's value at a point, exact when rational, else to 30 digits; None where it has none."""
    value = expr.subs(point, simultaneous=True)
    if not value.is_Rational:
        value = value.evalf(30)
    return value if value.is_number and value.is_finite and not value.has(AppliedUndef) else None


def _differ(left: Any, right: Any) -> bool:
    if left.is_Rational and right.is_Rational:
        return bool(left != right)
    return bool(abs(left - right).evalf(15) > 1e-15 * (1 + abs(right).evalf(15)))
