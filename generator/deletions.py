"""Cloze deletions: in math, where Markdown sees none, and the numbers of all that a text has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from markdown_it.token import Token

from generator.markdown import CLOZE_OPEN

DEEPEST = 10
"""How many deletions Anki reads inside one another; a deeper one it shows as text."""

Piece = tuple[Literal["text", "open", "hint", "close"], str]
"""A piece of math: TeX, or a mark of a deletion; an opening one carries its numbers, `1` or `1,2`."""


def cut_math(latex: str) -> list[Piece] | None:
    r"""Cut TeX at the marks of its deletions: `a = {{c1::\frac{b}{c}::hint}}`.

    Braces of TeX's own are counted, so that `}}` ends a deletion only where no group of it is open; a
    backslash takes the character behind it along.

    Returns:
        The pieces, or None when a deletion opens and never closes.
    """
    if CLOZE_OPEN.search(latex) is None:
        return [("text", latex)]
    pieces: list[Piece] = []
    outer: list[tuple[int, bool]] = []  # of each open deletion: groups open around it, hint seen around it
    groups, hinted, text, at = 0, False, "", 0

    def mark(kind: Literal["open", "hint", "close"], value: str = "") -> None:
        nonlocal text
        pieces.append(("text", text))
        pieces.append((kind, value))
        text = ""

    while at < len(latex):
        opening = CLOZE_OPEN.match(latex, at)
        if latex[at] == "\\":
            text += latex[at : at + 2]
            at += 2
        elif opening:
            outer.append((groups, hinted))
            groups, hinted = 0, False
            mark("open", opening[1])
            at = opening.end()
        elif outer and not groups and latex.startswith("}}", at):
            groups, hinted = outer.pop()
            mark("close")
            at += 2
        elif outer and not groups and not hinted and latex.startswith("::", at):
            hinted = True
            mark("hint")
            at += 2
        else:
            groups = max(0, groups + (latex[at] == "{") - (latex[at] == "}"))
            text += latex[at]
            at += 1
    pieces.append(("text", text))
    return None if outer else pieces


def deletions(tokens: Sequence[Token]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Every deletion in these block tokens, in order: its numbers, and how many others are open around it."""
    for token in tokens:
        depth = 0
        for child in token.children if token.children is not None else [token]:
            if child.type == "cloze_open":
                yield child.meta["numbers"], depth
            depth += (child.type == "cloze_open") - (child.type == "cloze_close")
            if child.type.startswith("math"):
                inside = depth
                for kind, value in cut_math(child.content) or ():
                    if kind == "open":
                        yield tuple(int(number) for number in value.split(",")), inside
                    inside += (kind == "open") - (kind == "close")


def ordinals(tokens: Sequence[Token]) -> tuple[int, ...]:
    """The cards that the deletions of a text make: their numbers, counted from 0."""
    return tuple(sorted({number - 1 for numbers, _ in deletions(tokens) for number in numbers if number > 0}))
