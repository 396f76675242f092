"""A note as the rules read it: what a learner sees, in pieces that know their line and their source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from markdown_it.token import Token

from generator.notes import Location, Note, Topic
from generator.rules.finding import Finding

PieceKind = Literal["text", "code", "math", "gap"]
KINDS = frozenset({"define", "compute", "predict", "why", "contrast", "flaw"})
"""Tags that say what a card asks for."""

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»")
_MARKS = {"claim_open": "measured", "cite_open": "cited"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of visible text."""

    kind: PieceKind
    """Words, code or a formula; a gap is where one paragraph, cell or line ends."""
    text: str
    """The characters."""
    line: int
    """The line of the file that it stands in."""
    mark: str = ""
    """`measured`, `cited` or `given`, for the text of such a link; `link` for that of any other."""


@dataclass(frozen=True)
class Card:
    """A note with its texts."""

    topic: Topic
    """The file it stands in."""
    note: Note
    """The note itself."""

    @cached_property
    def asked(self) -> tuple[Piece, ...]:
        """The pieces of the heading."""
        return tuple(_inline_pieces(self.note.question, self.note.location.line))

    @cached_property
    def answered(self) -> tuple[Piece, ...]:
        """The pieces of the answer; for a cloze note, of its text with what is hidden."""
        return tuple(pieces(self.note.answer))

    @cached_property
    def added(self) -> tuple[Piece, ...]:
        """The pieces of the extra."""
        return tuple(pieces(self.note.extra))

    @cached_property
    def question(self) -> str:
        """The text of the heading."""
        return text_of(self.asked)

    @cached_property
    def answer(self) -> str:
        """The text of the answer."""
        return text_of(self.answered)

    @property
    def is_cloze(self) -> bool:
        """Whether the text is asked by its gaps."""
        return self.note.kind == "cloze"

    @property
    def tags(self) -> frozenset[str]:
        """The note's tags with those of its file."""
        return frozenset((*self.note.tags, *self.topic.tags))

    def finds(self, code: str, what: str, hint: str, line: int | None = None) -> Finding:
        """A finding about this note; its heading's line unless another is given."""
        location = self.note.location if line is None else Location(self.topic.path, line)
        return Finding(code, location, what, hint, self.topic, self.note)


def pieces(tokens: Sequence[Token]) -> Iterator[Piece]:
    """The visible text of block tokens, with a gap behind each block."""
    for token in tokens:
        line = token.map[0] + 1 if token.map else 0
        if token.type == "inline":
            yield from _inline_pieces(
                token.children or (), line, "measured" if token.meta.get("measured") else ""
            )
            yield Piece("gap", " ", line)
        elif token.type in ("fence", "code_block"):
            yield Piece("code", token.content, line)
            yield Piece("gap", " ", line)
        elif token.type.startswith("math_block"):
            yield Piece("math", token.content, line)
            yield Piece("gap", " ", line)


def _inline_pieces(children: Sequence[Token], line: int, mark: str = "") -> Iterator[Piece]:
    marks = [mark]
    for child in children:
        mark = next((mark for mark in reversed(marks) if mark), "")
        if child.type in _MARKS:
            marks.append(_MARKS[child.type])
        elif child.type == "link_open":
            marks.append("link")
        elif child.type == "span_open":
            marks.append("given" if "given" in str(child.attrs.get("class", "")).split() else "")
        elif child.type in ("claim_close", "cite_close", "link_close", "span_close") and marks:
            marks.pop()
        elif child.type in ("softbreak", "hardbreak"):
            line += 1
            yield Piece("gap", " ", line)
        elif child.type == "text":
            yield Piece("text", child.content, line, mark)
        elif child.type == "code_inline":
            yield Piece("code", child.content, line, mark)
        elif child.type.startswith("math"):
            yield Piece("math", child.content, line, mark)


def text_of(found: Iterable[Piece]) -> str:
    """The pieces in one line; a formula loses its spaces, so that it counts as one word."""
    joined = "".join("".join(piece.text.split()) if piece.kind == "math" else piece.text for piece in found)
    return " ".join(joined.split())


def words(text: str) -> list[str]:
    """The words of a text; signs that stand alone are none."""
    return [word for word in text.split() if any(character.isalnum() for character in word)]


def unquoted(text: str) -> str:
    """A text without what it quotes."""
    return _QUOTED.sub(" ", text)


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [part for part in re.split(r"(?<=[.!?])[\"”)]*\s+", text) if part.strip()]
