"""What is read apart from the rest of a formula: series, cases, rounding and remainders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy

from verify.latex_tokens import CLOSING, HINT, OPENING, BadFormula, Part, Token, closing

TERMS = 1000
"""Terms that a series with numbers as limits may have."""

Read = Callable[[list[Token], Mapping[str, Any]], Any]
"""Reads pieces of a formula into a sympy expression."""

MADE = {
    "<": sympy.StrictLessThan,
    ">": sympy.StrictGreaterThan,
    "<=": sympy.LessThan,
    ">=": sympy.GreaterThan,
    "==": sympy.Eq,
    "!=": sympy.Ne,
}


def read_apart(
    tokens: list[Token], known: Mapping[str, Any], read: Read
) -> tuple[list[Token], dict[str, Any]]:
    """The formula with one `object` for each part that sympy's grammar cannot read, and what they are.

    Args:
        tokens: the pieces of the formula.
        known: the claim's symbols, by their plain names.
        read: reads what is inside such a part.

    Raises:
        BadFormula: a part is not whole, or can be read in two ways.
    """
    kept: list[Token] = []
    objects: dict[str, Any] = {}
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = at + 1
        if token.kind == "series":
            end = _end_of_product(tokens, at + 1)
            found = _series(token, tokens[at + 1 : end], known, read)
        elif token.kind == "cases":
            found = _cases(token, known, read)
        elif token.text == "lfloor" and tokens[closing(tokens, at)].text == "rceil":
            end = closing(tokens, at) + 1
            found = rounded(read(tokens[at + 1 : end - 1], known))
        elif token.text == "bmod":
            left, end = _before(kept), _after(tokens, at + 1)
            found = sympy.Mod(_of(kept[left:], known, objects, read), read(tokens[at + 1 : end], known))
            del kept[left:]
        else:
            kept.append(token)
            at = end
            continue
        name = f"object {len(objects)}"
        objects[name] = found
        kept.append(Token("object", name, "".join(part.spelling for part in tokens[at:end])))
        at = end
    return kept, objects


def rounded(number: Any) -> Any:
    """The nearest whole number, of two the larger one."""
    return sympy.floor(number + sympy.Rational(1, 2))


def _series(token: Token, body: list[Token], known: Mapping[str, Any], read: Read) -> Any:
    (index,), lower, upper = (part.sides[0] for part in token.parts)
    if not body or body[0].text in ("+", "-"):
        raise BadFormula(f"what `{token.spelling.strip()}` adds up is not clear", "put it into ( )")
    first, last = read(lower, known), read(upper, known)
    if first.is_Integer and last.is_Integer and last - first > TERMS:
        raise BadFormula(f"a series of more than {TERMS} terms", "write its sum")
    symbol = sympy.Dummy(index.text, integer=True)
    inside = read(body, {**known, index.text: symbol})
    made = sympy.Sum if token.text == "sum" else sympy.Product
    return made(inside, (symbol, first, last)).doit()


def _cases(token: Token, known: Mapping[str, Any], read: Read) -> Any:
    pairs = [
        (read(value.sides[0], known), _condition(condition, known, read))
        for value, condition in zip(token.parts[::2], token.parts[1::2], strict=True)
    ]
    return sympy.Piecewise(*pairs)


def _condition(part: Part, known: Mapping[str, Any], read: Read) -> Any:
    sides = [read(side, known) for side in part.sides]
    made = (MADE[name](a, b) for name, a, b in zip(part.relations, sides, sides[1:], strict=False))
    return sympy.And(*made) if sides else sympy.true


def _end_of_product(tokens: list[Token], at: int) -> int:
    """The index after the factors that begin at `at`: a sum of them needs brackets."""
    while at < len(tokens):
        text = tokens[at].text
        if text in OPENING:
            at = closing(tokens, at)
        elif text in ("+", "-", "=", ",") or text in CLOSING:
            return at
        at += 1
    return at


def _before(kept: list[Token]) -> int:
    """The index at which the one factor before `\\bmod` begins."""
    at = len(kept) - 1
    if at >= 0 and kept[at].text in CLOSING:
        at = next((left for left in range(at, -1, -1) if _closes(kept, left, at)), 0)
    if at < 0 or (kept[at].kind == "sign" and kept[at].text not in OPENING):
        raise BadFormula(r"`\bmod` has nothing before it", HINT)
    if at and kept[at - 1].text not in ("+", "-", "=", ",", *OPENING):
        raise BadFormula(r"`\bmod` may reach further than it should", "put what stands before it into ( )")
    return at


def _closes(kept: list[Token], left: int, right: int) -> bool:
    return kept[left].text in OPENING and closing(kept, left) == right


def _after(tokens: list[Token], at: int) -> int:
    """The index after the one factor behind `\\bmod`."""
    if at >= len(tokens):
        raise BadFormula("the formula ends too early", HINT)
    end = closing(tokens, at) + 1 if tokens[at].text in OPENING else at + 1
    if end < len(tokens) and tokens[end].text not in ("+", "-", "=", ",", *CLOSING):
        raise BadFormula(r"`\bmod` may reach further than it should", "put what stands behind it into ( )")
    return end


def _of(tokens: list[Token], known: Mapping[str, Any], objects: Mapping[str, Any], read: Read) -> Any:
    """A factor in which parts may have been read already."""
    if len(tokens) == 1 and tokens[0].kind == "object":
        return objects[tokens[0].text]
    if any(token.kind == "object" for token in tokens):
        raise BadFormula(r"`\bmod` after a series or cases is not understood", "bind it in the code")
    return read(tokens, known)
