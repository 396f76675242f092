"""Tables that a claim fills: bound by their caption, `Table: [what it shows](claim:name)`, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from markdown_it.token import Token

from generator.errors import Problem
from generator.notes import Citation, Claim, Span, Table
from generator.source import Source

_CAPTION = "Table:"
_HINT = "write the table right above or below a paragraph that is 'Table: [what it shows](claim:name)'"
_PIPE = re.compile(r"(?<!\\)\|")


def cells_of(line: str) -> list[tuple[int, int]]:
    """From where to where the cells of a table's line reach, without the space around their texts."""
    begin, end = len(line) - len(line.lstrip()), len(line.rstrip())
    bars = [bar.start() for bar in _PIPE.finditer(line, begin, end)]
    if not bars or bars[0] != begin:
        bars.insert(0, begin - 1)
    if bars[-1] != end - 1:
        bars.append(end)
    found = []
    for left, right in pairwise(bars):
        text = line[left + 1 : right]
        lead = len(text) - len(text.lstrip())
        found.append((left + 1 + lead, left + 1 + max(lead, len(text.rstrip()))))
    return found


def bind_tables(
    source: Source,
    tokens: Sequence[Token],
    of_token: dict[int, list[Claim | Citation]],
    problems: list[Problem],
) -> None:
    """Give the claims of captions their tables, and mark the tokens of the cells that they fill.

    Args:
        source: the file.
        tokens: its block tokens; the links in them have been found.
        of_token: the links in each inline token, by its `id()`; captions are replaced in place.
        problems: receives what is wrong.
    """
    taken: set[int] = set()
    captions = list(_captions(tokens))
    starts = {index for index, _ in captions}
    for index, caption in captions:
        place = source.at(caption.map[0] if caption.map else 0)
        links = of_token.get(id(caption), [])
        if len(links) != 1 or not isinstance(links[0], Claim):
            continue  # the link itself is wrong, and that is reported
        beside = _tables_beside(tokens, index, taken, starts)
        if len(beside) != 1:
            what = "a table's caption without its table" if not beside else "a caption between two tables"
            problems.append(
                Problem(place, what, _HINT if not beside else "put a sentence before the other one")
            )
            continue
        opening = beside[0]
        taken.add(opening)
        inside = tokens[opening : _closing(tokens, opening)]
        if tokens[opening].level:
            what = "a table that a claim fills stands in a list or a quote"
            problems.append(
                Problem(source.at((tokens[opening].map or [0])[0]), what, "let it stand by itself")
            )
        elif any(of_token.get(id(token)) for token in inside):
            what = "a claim fills this table, and a cell of it has a link of its own"
            problems.append(Problem(place, what, "write the bare number: the caption's claim vouches for it"))
        elif (table := _table(source, inside)) is None:
            problems.append(
                Problem(place, "a table that cannot be traced to its cells", "write a row in a line")
            )
        else:
            _mark(inside)
            links[0] = replace(links[0], table=table)
            for child in caption.children or ():
                if child.type == "claim_open":
                    child.meta["link"] = links[0]


def _captions(tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """The captions of a document, and the index of their paragraph's first token."""
    for index, token in enumerate(tokens):
        children = token.children or []
        if (
            token.type == "inline"
            and token.content.startswith(_CAPTION)
            and tokens[index - 1].type == "paragraph_open"
            and len(children) > 2
            and (children[0].content.strip(), children[1].type) == (_CAPTION, "claim_open")
            and [child.type for child in children].count("claim_open") == 1
            and children[-1].type == "claim_close"
        ):
            yield index - 1, token


def _tables_beside(tokens: Sequence[Token], caption: int, taken: set[int], captions: set[int]) -> list[int]:
    """The indices of the tables that a caption may belong to: the one above it, the one below it.

    A table that an earlier caption has is none of them; nor is the one below, where a caption follows it and
    there is one above.
    """
    found: list[int] = []
    if caption and tokens[caption - 1].type == "table_close":
        opening = max(index for index in range(caption) if tokens[index].type == "table_open")
        found += [opening] * (opening not in taken)
    below = caption + 3
    if below < len(tokens) and tokens[below].type == "table_open":
        found += [below] * (not found or _closing(tokens, below) + 1 not in captions)
    return found


def _closing(tokens: Sequence[Token], opening: int) -> int:
    return next(index for index in range(opening, len(tokens)) if tokens[index].type == "table_close")


def _table(source: Source, inside: Sequence[Token]) -> Table | None:
    """The table with the spans of its cells; None where they are not those that the parser found."""
    first, after = inside[0].map or (0, 0)
    while after > first and not source.line(after - 1).strip():
        after -= 1
    rows: list[list[str]] = []
    for token in inside:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content)
    lines = [number for number in range(first, after) if number != first + 1]
    if len(lines) != len(rows):
        return None
    spans: list[tuple[Span, ...]] = []
    for number, row in zip(lines, rows, strict=True):
        line, start = source.line(number), source.starts[number]
        found = cells_of(line)[: len(row)]
        if [line[a:b].replace("\\|", "|") for a, b in found] != row[: len(found)] or any(row[len(found) :]):
            return None
        spans.append(tuple(Span(start + a, start + b) for a, b in found))
    whole = Span(source.starts[first], source.ends[after - 1])
    return Table(whole, whole.of(source.text), tuple(map(tuple, rows)), tuple(spans))


def _mark(inside: Sequence[Token]) -> None:
    """Tell whoever reads the tokens that a claim fills the table, and that its body is measured."""
    body = False
    inside[0].meta["filled"] = True
    for token in inside:
        body = body or token.type == "tbody_open"
        if body and token.type == "inline":
            token.meta["measured"] = True
