"""What is nearly this language, and would pass for plain text without a word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token

from generator.blocks import is_claim_block
from generator.errors import Problem
from generator.markdown import SCHEMES
from generator.source import Source

_HEADING = re.compile(r"^##[^#\s]", re.MULTILINE)
_OPEN_BRACE = re.compile(r"\{#[^{}]*$")
_SCHEME = re.compile(r"(claims?|clam|cliam|cites?|cit):", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]]*\]\((?P<path>[^()<>\"']*\s[^()<>\"']*\.[A-Za-z0-9]{2,4})\)")
_DELETION = re.compile(r"\{\{c[0-9]+:(?!:)|(?<!\{)\{c[0-9]+::|\{\{c::")


def scan_near_misses(source: Source, tokens: Sequence[Token], problems: list[Problem]) -> None:
    """Report what misses its form by a character: headings, links, images, deletions, blocks, table rows."""
    columns = 0
    for index, token in enumerate(tokens):
        if token.map is None:
            continue
        if token.type == "thead_open":
            columns = _columns(tokens, index)
        place = source.at(token.map[0])
        if token.type == "heading_open":
            _heading(source, token, tokens[index + 1], problems)
        elif token.type == "fence" and "claim" in token.info.lower().split() and not is_claim_block(token):
            what = f"'{token.info.strip()}' opens no claim block"
            problems.append(Problem(place, what, "did you mean ```python claim?"))
        elif token.type == "tr_open" and tokens[index + 1].type == "td_open":
            _row(source, token.map[0], columns, problems)
        elif token.type == "inline":
            _inline(source, token, problems)


def _heading(source: Source, opening: Token, inline: Token, problems: list[Problem]) -> None:
    place = source.at(opening.map[0] if opening.map else 0)
    if opening.level == 0 and opening.tag not in ("h1", "h2") and "#" in opening.meta.get("attributes", ""):
        what = f"a heading with an id, and {opening.markup} is a heading inside a note"
        problems.append(Problem(place, what, "a note starts with two: '## Question {#id}'"))
    if opening.tag == "h2" and _OPEN_BRACE.search(inline.content):
        problems.append(
            Problem(place, "the brace of the note's id is never closed", "end the heading with }")
        )


def _columns(tokens: Sequence[Token], head: int) -> int:
    """How many columns a table's head has."""
    cells = 0
    while tokens[head].type != "thead_close":
        cells += tokens[head].type == "th_open"
        head += 1
    return cells


def _row(source: Source, line: int, columns: int, problems: list[Problem]) -> None:
    """Markdown leaves out the cells of a row that its head has no column for."""
    text = source.text[source.starts[line] : source.ends[line]].strip().lstrip("> \t")
    cells = escapedSplit(text.removeprefix("|"))
    if any(cell.strip() for cell in cells[columns:]):
        lost = cells[columns].strip()
        what = f"a table of {columns} columns has more cells in this row: Markdown would drop '{lost}'"
        hint = "write \\| for a bar inside a cell, also in code and math; or give the head another column"
        problems.append(Problem(source.at(line), what, hint))


def _inline(source: Source, token: Token, problems: list[Problem]) -> None:
    line = token.map[0] if token.map else 0
    heading = _HEADING.search(token.content)
    if heading:
        offset = token.content.count("\n", 0, heading.start())
        what = "a heading without a space behind ## is no heading"
        problems.append(Problem(source.at(line + offset), what, "write '## Question {#id}'"))
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type == "link_open":
            target = str(child.attrGet("href") or "")
            scheme = _SCHEME.match(target)
            if scheme and not target.startswith(SCHEMES):
                meant = "claim" if scheme[1].lower().startswith("cl") else "cite"
                what = f"a link to '{scheme[0]}' goes nowhere"
                problems.append(Problem(source.at(line), what, f"did you mean '{meant}:'?"))
        elif child.type == "text":
            image = _IMAGE.search(child.content)
            if image:
                what = f"the image {image['path']} has a space in its name, and is shown as text"
                hint = f"write ![…](<{image['path']}>), or rename the file"
                problems.append(Problem(source.at(line), what, hint))
            if _DELETION.search(child.content):
                what = "nearly a deletion, and shown as text"
                problems.append(Problem(source.at(line), what, "write {{c1::hidden}}", "warning"))
