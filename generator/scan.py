"""Texts that look like markup but are none: an unclosed fence, math or deletion, and raw HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

from generator.deletions import cut_math
from generator.errors import Problem
from generator.markdown import CLOZE_OPEN, SCHEMES
from generator.notes import Location
from generator.source import Source

_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)(?:\s[^<>]*)?/?>|<!--")
_LINK = re.compile(r"\]\s*\(\s*(claim|cite):")
_SUSPECT = re.compile(r"[$<{]|\]\s*\(")
"""Without any of this, a text is nothing but text."""
_SINGLE_DOLLAR = re.compile(r"\$(?![\s\d])")


def scan_texts(source: Source, tokens: Sequence[Token], problems: list[Problem]) -> None:
    """Report what an author surely meant otherwise, each with the line it stands in."""
    for token in tokens:
        if token.type == "fence":
            _scan_fence(source, token, problems)
        elif token.type == "inline" and token.map is not None:
            _scan_inline(source, token, problems)
        elif token.type == "math_block" and token.map is not None:
            _scan_math(source.at(token.map[0]), token, problems)


def _scan_fence(source: Source, token: Token, problems: list[Problem]) -> None:
    if token.map is None:
        return
    last = source.line(min(token.map[1], len(source.starts)) - 1).strip().lstrip("> ")
    closed = (
        token.map[1] - token.map[0] > 1 and len(last) >= len(token.markup) and set(last) == {token.markup[0]}
    )
    if not closed:
        what = "the code fence that opens here is never closed"
        problems.append(Problem(source.at(token.map[0]), what, f"end it with a line {token.markup}"))


def _scan_inline(source: Source, token: Token, problems: list[Problem]) -> None:
    line = token.map[0] if token.map else 0
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        if child.type == "text" and not _SUSPECT.search(child.content):
            continue
        place = source.at(line)
        if child.type.startswith("math"):
            _scan_math(place, child, problems)
        if child.type == "cloze_hint":
            _scan_hint(place, child, problems)
        if child.type != "text":
            continue
        if CLOZE_OPEN.search(child.content):
            what = "a deletion that opens here is never closed"
            problems.append(Problem(place, what, "end it with }}, in the same paragraph"))
        if "$$" in child.content and "\\$" not in token.content:
            what = "display math that is never closed, or holds a blank line"
            problems.append(Problem(place, what, "end it with $$; write \\$\\$ for two dollar signs"))
        elif _SINGLE_DOLLAR.search(child.content) and "\\$" not in token.content:
            what = "a dollar sign that is neither math nor a price"
            problems.append(Problem(place, what, "close the math with $, or write \\$", "warning"))
        link = _LINK.search(child.content)
        if link:
            what = f"a {link[1]} link that is shown as text"
            problems.append(
                Problem(place, what, f"write [text]({link[1]}:name), without any space in between")
            )
        tag = _TAG.search(child.content)
        if tag and tag[0] in token.content.replace("\\<", ""):
            what = f"raw HTML is shown as text: {tag[0][:40]}"
            problems.append(Problem(place, what, "use Markdown, or put it in `backticks`", "warning"))


def _scan_math(place: Location, math: Token, problems: list[Problem]) -> None:
    if CLOZE_OPEN.search(math.content) and cut_math(math.content) is None:
        what = "a deletion that opens inside math is not closed there"
        problems.append(Problem(place, what, "write $a = {{c1::b}}$ or {{c1::$a = b$}}"))


def _scan_hint(place: Location, hint: Token, problems: list[Problem]) -> None:
    for child in hint.children or ():
        href = str(child.attrGet("href") or "")
        if child.type in ("image", "cloze_open") or href.startswith(SCHEMES):
            thing = {"image": "a file", "cloze_open": "a deletion"}.get(child.type, "a claim")
            what = f"{thing} in a deletion's hint"
            problems.append(Problem(place, what, "a hint is text, code and math"))
        if child.type.startswith("math") and CLOZE_OPEN.search(child.content):
            problems.append(
                Problem(place, "a deletion in a deletion's hint", "a hint is text, code and math")
            )
