"""A Python list or dict of rows → the value of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from verify.values import Incomparable, Value

LARGEST = 400
"""Cells that a table may have; more is no table of a flash card."""


def portray_table(thing: object, portray: Callable[[object], Value]) -> Value | None:
    """The table that a Python object is; None for one that is none.

    A list of dicts has the keys as headings; a list of lists (or tuples) leaves the headings to the author; a
    dict begins each row with its key, and goes on with the value: a cell, a list, or a dict by its headings.

    Args:
        thing: the object.
        portray: portrays a cell; a cell may also be None, which is an empty one.

    Raises:
        Incomparable: rows that differ in length or keys, too many cells, or a cell that no text can state.
    """
    rows: list[Any]
    names: list[Any] | None = None
    if isinstance(thing, Mapping):
        rows, names = list(thing.values()), list(thing)
        if not any(isinstance(row, Mapping) or _is_row(row) for row in rows):
            rows = [[row] for row in rows]
    elif isinstance(thing, list | tuple):
        rows = list(thing)
    else:
        return None
    columns: tuple[str, ...] = ()
    if rows and all(isinstance(row, Mapping) for row in rows):
        keys = list(rows[0])
        if any(set(row) != set(keys) for row in rows):
            raise Incomparable("the rows of the table have different keys", "give each row the same keys")
        columns = tuple(map(str, keys))
        rows = [[row[key] for key in keys] for row in rows]
        if names is not None:
            columns = ("", *columns)
    elif not rows or not all(_is_row(row) for row in rows):
        return None
    if names is not None:
        rows = [[str(name), *row] for name, row in zip(names, rows, strict=True)]
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        raise Incomparable("the rows of the table are not equally long", "give each row one cell per column")
    if len(rows) * len(rows[0]) > LARGEST:
        raise Incomparable(f"a table of more than {LARGEST} cells", "show less, or draw a figure")
    return Value(
        "table", cells=tuple(tuple(_cell(cell, portray) for cell in row) for row in rows), columns=columns
    )


def _is_row(row: object) -> bool:
    return isinstance(row, Sequence) and not isinstance(row, str | bytes)


def _cell(thing: object, portray: Callable[[object], Value]) -> Value:
    found = Value("text") if thing is None else portray(thing)
    if found.kind in ("truth", "figure", "table"):
        what = f"a cell of a table cannot be a {found.kind}"
        raise Incomparable(what, "put a number, a str, a spread or None into it")
    return found
