"""A table in the text held against a table's value, cell by cell; and the table as it ought to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from generator.notes import Table, asks
from generator.tables import cells_of
from verify.agreement import agree, fitted
from verify.markup import escaped, unescaped
from verify.numbers import Unreadable, Written, read, read_question
from verify.sessions import standing
from verify.units import unit_of
from verify.values import Refusal, Value
from verify.writing import write

State = Literal["new", "changed", "unstable", "holds"]

SHOWN = 3
"""Cells that are told of by their texts; of more, only the number is."""

_EMPHASIS = re.compile(r"(?P<mark>\*\*|__|\*|_)(?P<inner>.+)(?P=mark)")
_HEADING_UNIT = re.compile(r".*(?:\((?P<bracketed>[^()]+)\)|,\s*(?P<last>\S+))\s*")


@dataclass(frozen=True, slots=True)
class Filled:
    """A table of the text, held against its value."""

    state: State
    """`new` while a cell asks, else `changed`, `unstable` or `holds`, by the worst of its cells."""
    text: str
    """The table's Markdown as it ought to be: what holds is left as it stands."""
    told: str
    """The cells that differ, in words."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell: how it stands, and what it ought to say."""

    state: State
    text: str
    style: Written | None
    """The way of writing that the rows below take over where they have none of their own."""


def fill(table: Table, value: Value) -> Filled:
    """Hold a table against its value.

    A heading's unit, as in `Latency (ms)`, is that of the cells below that state none. Rows that the text
    lacks are written in the way of those above them.

    Raises:
        Refusal: the value is no table, has another number of columns than there are headings, or a cell
            cannot be written.
    """
    if value.kind != "table":
        raise Refusal(
            f"the claim is a {value.kind}, and no table", "make it a list of rows, or a list of dicts"
        )
    headings = list(table.rows[0])
    if not value.columns and len(value.cells[0]) != len(headings):
        what = f"the table has {len(headings)} columns, and the value {len(value.cells[0])}"
        raise Refusal(what, "give both the same columns, or make the value a list of dicts")
    heads = [_words(old, new) for old, new in zip([*headings, *[""] * 99], value.columns, strict=False)]
    wanted = [[cell.text for cell in heads] or headings]
    states = [cell.state for cell in heads]
    told: list[str] = []
    styles: list[Written | None] = [None] * len(value.cells[0])
    for number, row in enumerate(value.cells, start=1):
        old = list(table.rows[number]) if number < len(table.rows) else []
        line: list[str] = []
        for column, cell in enumerate(row):
            before = old[column] if column < len(old) else None
            heading = wanted[0][column]
            try:
                found = _cell(before, cell, styles[column], heading)
            except Refusal as error:
                raise Refusal(
                    f"row {number}, {heading or f'column {column + 1}'}: {error.what}", error.hint
                ) from error
            styles[column] = found.style
            states.append(found.state)
            line.append(found.text)
            if found.state in ("changed", "unstable"):
                told.append(f"{found.text} for {before or 'nothing'} (row {number}, {heading or column + 1})")
        wanted.append(line)
    if len(wanted) != len(table.rows):
        states.append("changed")
        told.append(f"{len(wanted) - 1} rows for {len(table.rows) - 1}")
    order: tuple[State, ...] = ("new", "changed", "unstable", "holds")
    state = min(states, key=order.index)
    text = _written(table, wanted)
    return Filled(state, text, _told(state, told, len(wanted) - 1))


def _told(state: State, cells: Sequence[str], rows: int) -> str:
    if state == "new":
        return f"{rows} row{'s' * (rows != 1)}"
    more = f" and {len(cells) - SHOWN} more" if len(cells) > SHOWN else ""
    return "; ".join(cells[:SHOWN]) + more


def _words(old: str, words: str) -> _Cell:
    words = words.strip()
    same = unescaped(old) == words
    # A bar needs its backslash from the table alone, which adds it when the row is written.
    return _Cell("holds" if same else "changed", old if same else escaped(words).replace("\\|", "|"), None)


def _cell(old: str | None, value: Value, style: Written | None, heading: str) -> _Cell:
    asked = old is not None and asks(old)
    if value.kind == "text" or value.number is None:
        text = f"${value.formula}$" if value.formula else value.text
        found = _words(old or "", text) if not value.formula else _Cell("changed", text, None)
        if old == found.text:
            return replace(found, state="holds")
        return replace(found, state="new" if asked else "changed")
    emphasis = _EMPHASIS.fullmatch(old or "")
    mark, inner = (emphasis["mark"], emphasis["inner"]) if emphasis else ("", old or "")
    if asked:
        own = read_question(inner)
        return _Cell("new", write(_in_unit(value, own, heading), own), own)
    try:
        written = read(inner)
    except Unreadable:
        return _Cell("changed", write(_in_unit(value, style, heading), style), style)
    shown = _in_unit(value, written, heading)
    state = agree(written, shown).state
    if state == "changed" and value.kind == "timing":
        # A table keeps no history of sessions: what one alone may deviate by is no change.
        measured = replace(shown, unit=value.unit)
        state = "holds" if standing(fitted(written, shown), measured, ()) == "agrees" else state
    text = inner if state == "holds" else write(shown, written)
    return _Cell(state, f"{mark}{text}{mark}", written)


def _in_unit(value: Value, style: Written | None, heading: str) -> Value:
    """The value in the unit that its heading names, where the cell's own text names none."""
    match = _HEADING_UNIT.fullmatch(heading)
    if match is None or (style is not None and style.label):
        return value
    label = unescaped(match["bracketed"] or match["last"])
    unit, has = unit_of(label), unit_of(value.unit)
    scale = Fraction(1, 100) if label == "%" and not value.unit else unit.scale / has.scale
    if unit.measures != has.measures and not (has.measures == "" and unit.is_counted):
        return value
    if not unit.measures and scale == 1:
        return value
    if value.kind == "exact":
        return replace(value, unit="", number=value.exactly / scale)
    low, high = (
        None if end is None else float(Fraction(repr(end)) / scale) for end in (value.low, value.high)
    )
    return replace(value, unit="", number=float(value.exactly / scale), low=low, high=high)


def _written(table: Table, wanted: Sequence[Sequence[str]]) -> str:
    """The table's Markdown with these cells; lines and columns that stay keep their layout.

    Raises:
        Refusal: a cell's text would not stay in its cell.
    """
    newline = next((end for end in ("\r\n", "\n", "\r") if end in table.text), "\n")
    lines = table.text.split(newline)
    old = [lines[0], *lines[2:]]
    width = len(wanted[0])
    rule = lines[1] if width == len(table.rows[0]) else "|" + "---|" * width
    new: list[str] = []
    for number, row in enumerate(wanted):
        line = old[number] if number < len(old) else ""
        cells = cells_of(line) if line else []
        texts = [text.replace("|", "\\|") for text in row]
        if len(cells) == width:
            for (begin, end), text in reversed(list(zip(cells, texts, strict=True))):
                room = len(line[end:]) - len(line[end:].lstrip(" ")) - 1
                room = max(0, min(room, len(text) - (end - begin))) if len(text) > end - begin else 0
                pad = " " * max(0, end - begin - len(text))
                line = line[:begin] + text + pad + line[end + room :]
        else:
            line = f"| {' | '.join(texts)} |"
        if [line[a:b] for a, b in cells_of(line)] != texts or set("\r\n") & set(line):
            raise Refusal(
                f"row {number} of the table cannot be written", "keep | and line ends out of its cells"
            )
        new.append(line)
    return newline.join([new[0], rule, *new[1:]])
