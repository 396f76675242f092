"""The pieces of a formula, read into a sympy expression by sympy's grammar; nothing of it is ever run."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.parsing.latex import parse_latex
from sympy.parsing.latex.errors import LaTeXParsingError

from verify.latex_parts import read_apart, rounded
from verify.latex_tokens import APPLIED, CLOSING, HINT, LARGEST, OPENING, SPELLED, BadFormula, Token, closing

VALUES = {"pi": sympy.pi, "e": sympy.E, "infty": sympy.oo}
"""What the names mean that a claim need not have."""

UNDEFINED = {"max": sympy.Max, "min": sympy.Min, "erf": sympy.erf, "absolute": sympy.Abs, "round": rounded}
"""Functions that sympy's grammar leaves undefined."""

ATOMS = ("name", "number", "object")
"""Kinds of tokens that the grammar sees as a symbol."""


def split_sides(tokens: list[Token]) -> list[list[Token]]:
    sides: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == "=":
            sides.append([])
        else:
            sides[-1].append(token)
    if not all(sides):
        raise BadFormula("there is nothing " + ("in the formula" if len(sides) == 1 else "beside a ="), HINT)
    return sides


def is_name(side: list[Token], known: Mapping[str, Any]) -> bool:
    """Whether a left-hand side only names what follows: `y`, or `f(n)` where the claim has no f."""
    if side[0].kind != "name" or len(side) == 1:
        return side[0].kind == "name"
    return side[0].text not in known and side[1].text == "(" and closing(side, 1) == len(side) - 1


def read_expression(tokens: list[Token], known: Mapping[str, Any]) -> Any:
    """The sympy expression that the pieces of a formula are.

    Raises:
        BadFormula: they are no whole formula, or one that can be read in two ways.
    """
    tokens, objects = read_apart(tokens, known, read_expression)
    # The grammar sees no name and no number, only what stands for them: it would take `C_{in}` for C_{i n},
    # `dN` for a differential and 1.5 for a float, and it runs the digits of a number through `sympify`.
    atoms = {token.text: token.kind for token in tokens if token.kind in ATOMS}
    bases = [token.text[4:] for token in tokens if token.text.startswith("log:")]
    atoms |= {base: "number" if base.isdigit() else "name" for base in bases}
    stands_for = {text: f"symbol{'i' * turn}" for turn, text in enumerate(atoms)}
    spelled = _spell(tokens, stands_for)
    try:
        parsed = parse_latex(spelled, backend="antlr", strict=True)
    except (LaTeXParsingError, AttributeError, IndexError, RecursionError, TypeError, ValueError) as error:
        text = "".join(token.spelling for token in tokens)
        raise BadFormula(f"`{text}` is not a whole formula", HINT) from error
    meant: dict[Any, Any] = {}
    for text, kind in atoms.items():
        if kind == "number":
            number = Fraction(text)
            meant[sympy.Symbol(stands_for[text])] = sympy.Rational(number.numerator, number.denominator)
        elif kind == "object":
            meant[sympy.Symbol(stands_for[text])] = objects[text]
        elif text in known or text in VALUES:
            meant[sympy.Symbol(stands_for[text])] = known[text] if text in known else VALUES[text]
    with sympy.evaluate(False):
        parsed = parsed.xreplace(meant)
    for node in sympy.postorder_traversal(parsed):
        if (node.is_Pow or isinstance(node, sympy.factorial)) and node.is_number:
            _stop_giants(node.args[-1], LARGEST)
            _stop_giants(node, sympy.Integer(10) ** LARGEST)
    return parsed.replace(
        lambda node: isinstance(node, AppliedUndef), lambda node: UNDEFINED[node.func.__name__](*node.args)
    ).doit()


def _stop_giants(number: Any, largest: Any) -> None:
    if abs(number.evalf(5)) > largest:
        raise BadFormula("the formula has a number too large to compare", f"stay below 10^{LARGEST}")


def _spell(tokens: list[Token], stands_for: dict[str, str]) -> str:
    """The tokens as LaTeX that sympy's grammar can read in one way only."""
    parts: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = at + 1
        if token.kind in ATOMS:
            parts.append(rf"{{\{stands_for[token.text]}}}")
        elif token.text.partition(":")[0] in APPLIED:
            end = _operand(tokens, at)
            parts.append(_applied(tokens[at:end], stands_for))
            bare = tokens[at + 1].text not in OPENING and end < len(tokens)
            if bare and (_begins(tokens[end]) or tokens[end].text == "/"):
                raise BadFormula(
                    f"`{token.spelling}` may reach further than it should", "put its argument into ( )"
                )
        elif token.text == "sqrt" and tokens[end : end + 1] and tokens[end].text == "[":
            end = closing(tokens, at + 1) + 1
            parts.append(rf"\sqrt[{_spell(tokens[at + 2 : end - 1], stands_for)}]")
        else:
            if token.text == "^" and tokens[_argument(tokens, end) :][:1] == [token]:
                raise BadFormula("an exponent follows an exponent", "put the inner one into braces")
            if token.text == "/" and any(map(_begins, tokens[_operand(tokens, end) :][:1])):
                raise BadFormula(
                    "what follows / can be read in two ways", r"write \frac{…}{…}, or ( ) around it"
                )
            plain = rf"\{token.text} " if token.kind == "command" and token.text != "/" else token.text
            parts.append(SPELLED.get(token.text, plain))
        at = end
    return "".join(parts)


def _applied(tokens: list[Token], stands_for: dict[str, str]) -> str:
    name, _, base = tokens[0].text.partition(":")
    inner = tokens[1:]
    while inner[0].text in ("(", "{") and closing(inner, 0) == len(inner) - 1:
        inner = inner[1:-1]
        if not inner:
            raise BadFormula(f"`{tokens[0].spelling}` has no argument", HINT)
    applied = rf"\{name}({_spell(inner, stands_for)})"
    if not base:
        return f"{{{applied}}}"
    return rf"{{\frac{{{applied}}}{{\log({{\{stands_for[base]}}})}}}}"


def _begins(token: Token) -> bool:
    """Whether a factor can begin here without a sign before it."""
    if token.text in CLOSING or token.text in ("cdot", "/"):
        return False
    return token.kind != "sign" or token.text in OPENING


def _operand(tokens: list[Token], at: int) -> int:
    """The index after the operand that begins at `at`, its exponents included."""
    if at >= len(tokens):
        raise BadFormula("the formula ends too early", HINT)
    name = tokens[at].text.partition(":")[0]
    if name in APPLIED:
        if tokens[at + 1 :] and tokens[at + 1].text in ("(", "{"):
            return closing(tokens, at + 1) + 1
        return _operand(tokens, at + 1)
    end = _argument(tokens, at)
    while end < len(tokens) and tokens[end].text in ("^", "!"):
        end = _argument(tokens, end + 1) if tokens[end].text == "^" else end + 1
    return end


def _argument(tokens: list[Token], at: int) -> int:
    """The index after the bracket, command or token at `at`."""
    if at >= len(tokens):
        raise BadFormula("the formula ends too early", HINT)
    if tokens[at].text in OPENING:
        return closing(tokens, at) + 1
    if tokens[at].text in ("frac", "binom"):
        return _argument(tokens, _argument(tokens, at + 1))
    if tokens[at].text == "sqrt":
        end = at + 1
        return _argument(
            tokens, closing(tokens, end) + 1 if tokens[end:] and tokens[end].text == "[" else end
        )
    return at + 1
