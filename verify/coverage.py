"""Every number of every answer: measured, derived, given, cited — or bare."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it.token import Token

from generator.blocks import UNPARSABLE, syntax
from generator.notes import Claim, Location, Note, Topic
from verify.numbers import Unreadable, read, states_number
from verify.units import is_unit

_SUPERSCRIPT = "[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+"
_RAISED = rf"(?:\^\{{?[-−]?[0-9]+\}}?|{_SUPERSCRIPT})"
_NUMBER = re.compile(
    r"[0-9]+(?:[,.\u202f\u2009][0-9]+)*"
    rf"(?:[eE][-+−]?[0-9]+|\s*[×x·]\s*10{_RAISED}|{_RAISED}|(?<!/[0-9])/[0-9]+(?![0-9./]))?"
)
"""A number as people write it, whole: its digits, its power of ten, or its fraction bar."""
_ALL = re.compile(r".+", re.DOTALL)
_NAME_BEFORE = re.compile(r"[^\W\d_]\w*[-–./]?$")
_NAME_AFTER = re.compile(r"^-?[^\W\d_]")
_WORD_AFTER = re.compile(r"[^\W\d_]+")
_OPEN = {"claim_open": "measured", "cite_open": "cited"}


@dataclass(frozen=True, slots=True)
class Bare:
    """A number that nobody vouches for."""

    location: Location
    """The line it stands in (the first line of its paragraph, where that has several)."""
    text: str
    """The number, with a few characters around it."""

    def __str__(self) -> str:
        return f"{self.location}: bare number: … {self.text} …"


@dataclass(slots=True)
class Coverage:
    """Where the numbers of some notes come from."""

    measured: int = 0
    """In claim links: measured, computed or proved."""
    cited: int = 0
    """In cite links."""
    given: int = 0
    """Marked `{.given}`, or a literal of the note's own claim code, or part of the question."""
    bare: list[Bare] = field(default_factory=list)
    """The others."""

    @property
    def numbers(self) -> int:
        """All of them."""
        return self.measured + self.cited + self.given + len(self.bare)


def share(coverage: Coverage) -> float:
    """The share of the numbers that somebody vouches for; 1 where there are none."""
    return 1 - len(coverage.bare) / coverage.numbers if coverage.numbers else 1.0


def cover(topics: Iterable[Topic]) -> Coverage:
    """Count the numbers in the answers and extras of these files."""
    coverage = Coverage()
    for topic in topics:
        for note in topic.notes:
            known = _literals(block.code for block in (*topic.blocks, *note.blocks))
            known |= {_plain(text) for child in note.question for text in _NUMBER.findall(child.content)}
            _cover(topic, note, known, coverage)
    return coverage


def together(parts: Iterable[Coverage]) -> Coverage:
    """The numbers of several files, counted as one."""
    whole = Coverage()
    for part in parts:
        whole.measured += part.measured
        whole.cited += part.cited
        whole.given += part.given
        whole.bare += part.bare
    return whole


def _cover(topic: Topic, note: Note, known: set[str], coverage: Coverage) -> None:
    for token in (*note.answer, *note.extra):
        if token.type != "inline":
            continue
        for text, source, line, lead in _of_cell(token) if token.meta.get("measured") else _texts(token):
            # A claim that states one number is one, in whatever way it is written.
            for number in _ALL.finditer(text) if source == "claim" else _numbers(text, lead):
                if source in ("measured", "claim"):
                    coverage.measured += 1
                elif source == "cited":
                    coverage.cited += 1
                elif source == "given" or _is_known(number[0], known):
                    coverage.given += 1
                else:
                    around = text[max(0, number.start() - 20) : number.end() + 20]
                    place = Location(topic.path, line + 1)
                    coverage.bare.append(Bare(place, around.strip()))


def _of_cell(token: Token) -> Iterator[tuple[str, str, int, str]]:
    """The text of a cell that a claim fills; words and what is asked for have no number."""
    place = token.map[0] if token.map else 0
    if states_number(token.content.strip("*_")):
        yield token.content, "claim", place, ""
    else:
        yield token.content, "measured", place, ""


def _texts(token: Token) -> Iterator[tuple[str, str, int, str]]:
    """The texts of an inline token: where their numbers come from, their line's index, what stands before."""
    source, line, lead = "", token.map[0] if token.map else 0, ""
    spans: list[str] = []
    children: Sequence[Token] = token.children or ()
    for child in children:
        if child.type in _OPEN:
            source = _OPEN[child.type]
            link = child.meta.get("link")
            if isinstance(link, Claim) and states_number(link.text):
                source = "skipped"
                yield link.text, "claim", line, lead
        elif child.type in ("claim_close", "cite_close"):
            source = ""
        elif child.type == "span_open":
            spans.append("given" if "given" in str(child.attrs.get("class", "")).split() else "")
        elif child.type == "span_close" and spans:
            spans.pop()
        elif child.type in ("softbreak", "hardbreak"):
            line, lead = line + 1, ""
        elif source == "skipped":
            pass
        elif child.type == "text" or (source and child.type.startswith("math")):
            yield child.content, source or ("given" if "given" in spans else ""), line, lead
        lead += child.content


def _numbers(text: str, lead: str) -> Iterator[re.Match[str]]:
    """The numbers of a text; digits that belong to a name (INT8, **ResNet**-50, 2-D) are none."""
    for match in _NUMBER.finditer(text):
        before, after = lead + text[: match.start()], text[match.end() :]
        if _NAME_BEFORE.search(before):
            continue
        word = _WORD_AFTER.match(after)
        if _NAME_AFTER.search(after) and not (
            word and is_unit(word[0]) and not after[word.end() :][:1].isalnum()
        ):
            continue
        yield match


def _literals(codes: Iterable[str]) -> set[str]:
    """The numbers that stand in a note's claim code."""
    return {literal for code in codes for literal in _literals_of(code)}


@lru_cache(1024)
def _literals_of(code: str) -> frozenset[str]:
    try:
        tree = syntax(code)
    except UNPARSABLE:
        return frozenset()  # reported elsewhere, at its line
    return frozenset(
        _plain(repr(node.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    )


def _is_known(text: str, known: set[str]) -> bool:
    """Whether the note's own code or question has a number, or both numbers of a fraction."""
    return _plain(text) in known or ("/" in text and all(_plain(part) in known for part in text.split("/")))


def _plain(text: str) -> str:
    """A number without thousands separators and trailing zeros, however it is spelled."""
    try:
        return str(read(text).number)
    except Unreadable:  # a version, such as 2.11.0
        return text
