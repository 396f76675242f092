"""Tables that a claim fills: bound by their caption, compared cell by cell, rewritten as a whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator.notes import Claim, Table, Topic
from generator.parse import parse
from generator.render import render
from generator.source import Source
from tests.workplace import read_topic, run_tool, write
from verify.coverage import cover
from verify.filling import fill
from verify.listing import spelled
from verify.rewrite import Edit, rewrite
from verify.values import Incomparable, Refusal, Spread, Value, portray

HEAD = "# T\n\n```python claim\nrows = 1\n```\n\n## Q? {#q}\n\n"
CAPTION = "Table: [Two networks](claim:rows)\n"
TABLE = "| Model | Size |\n|-------|-----:|\n| A     | 11.7 M |\n| B     | 25.6 M |\n"
ROWS = [["A", 11_689_512], ["B", 25_557_032]]


def topic_of(body: str, newline: str = "\n") -> tuple[Topic, list[str]]:
    text = (HEAD + body).replace("\n", newline)
    topic, problems = parse(Source.of("t.md", text), Path("t.md"))
    assert topic is not None
    return topic, [problem.what for problem in problems]


def caption_of(body: str, newline: str = "\n") -> Claim:
    """The only claim of a note with this body."""
    topic, problems = topic_of(body, newline)
    (claim,) = topic.all_claims()
    assert not problems
    return claim


def table_of(table: str) -> Table:
    found = caption_of(f"{CAPTION}\n{table}").table
    assert found is not None
    return found


def filled(table: str, thing: object) -> tuple[str, str]:
    """The state of a table, and its text as it ought to be."""
    found = fill(table_of(table), portray(thing))
    return found.state, found.text + "\n"


@pytest.mark.parametrize(
    "body",
    [f"{CAPTION}\n{TABLE}", f"{TABLE}\n{CAPTION}", f"Words.\n\n{TABLE}\n{CAPTION}\nMore.\n"],
    ids=["above", "below", "among words"],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_caption_binds_the_table_beside_it(body: str, newline: str) -> None:
    table = caption_of(body, newline).table
    assert table is not None
    assert table.rows == (("Model", "Size"), ("A", "11.7 M"), ("B", "25.6 M"))
    assert table.text == TABLE.rstrip("\n").replace("\n", newline)
    text = (HEAD + body).replace("\n", newline)
    assert [[span.of(text) for span in row] for row in table.cells] == [list(row) for row in table.rows]


@pytest.mark.parametrize(
    "body", [f"{CAPTION}\n{TABLE}\n" * 3, f"{TABLE}\n{CAPTION}\n" * 3], ids=["above", "below"]
)
def test_captions_in_a_row_have_a_table_each(body: str) -> None:
    topic, problems = topic_of(body)
    spans = [claim.table.span for claim in topic.all_claims() if claim.table]
    assert not problems and len(set(spans)) == 3 and spans == sorted(spans)


@pytest.mark.parametrize(
    "rows",
    [
        "Model | Size\n---|---\nA | 1\n",
        "| Model | Size |\n|---|---|\n|A|1|\n",
        "| Model | Size |\n|---|---|\n| A \\| B | `x \\| y` |\n",
        "  | Model | Size |\n  |---|---|\n  | | 1 |\n",
        "| Model | Size |\n|---|---|\n| A |\n",
        "| Model | Size |\n|---|---|\n",
    ],
)
def test_cells_are_found_however_a_table_is_drawn(rows: str) -> None:
    table = table_of(rows)
    text = HEAD + f"{CAPTION}\n{rows}"
    for row, spans in zip(table.rows, table.cells, strict=True):
        shown = [span.of(text).replace("\\|", "|") for span in spans]
        assert shown == list(row)[: len(shown)] and not any(row[len(shown) :])


@pytest.mark.parametrize(
    "body",
    [
        "[faster](claim:rows)\n\n" + TABLE,
        "Table: see [this](claim:rows)\n\n" + TABLE,
        "Table: [this](claim:rows), so.\n\n" + TABLE,
        "Table: [71.8 %](cite:key)\n\n" + TABLE,
    ],
)
def test_other_paragraphs_bind_nothing(body: str) -> None:
    topic, _ = topic_of(body)
    assert all(claim.table is None for claim in topic.all_claims())


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (CAPTION, "a table's caption without its table"),
        (f"{CAPTION}\nWords.\n\n{TABLE}", "a table's caption without its table"),
        (f"{CAPTION}\n{TABLE}\n{CAPTION}", "a table's caption without its table"),
        (f"{TABLE}\n{CAPTION}\n{TABLE}", "a caption between two tables"),
        (f"- {CAPTION}\n  " + TABLE.replace("\n", "\n  "), "a table that a claim fills stands in a list"),
        (f"{CAPTION}\n| x |\n|---|\n| [1](claim:rows) |\n", "a cell of it has a link of its own"),
    ],
)
def test_a_caption_that_can_bind_no_table_is_an_error(body: str, what: str) -> None:
    _, problems = topic_of(body)
    assert any(what in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("thing", "cells", "columns"),
    [
        ([[1, 2.5], ["a", None]], [["exact", "number"], ["text", "text"]], ()),
        (((1,), (2,)), [["exact"], ["exact"]], ()),
        (
            [{"n": 1, "t": Spread(1, 0, 2)}, {"t": 3, "n": 2}],
            [["exact", "measured"], ["exact", "exact"]],
            ("n", "t"),
        ),
        ({"a": [1], "b": [2]}, [["text", "exact"], ["text", "exact"]], ()),
        ({"a": {"n": 1}, "b": {"n": 2}}, [["text", "exact"], ["text", "exact"]], ("", "n")),
        ({"a": 1, "b": 0.5}, [["text", "exact"], ["text", "number"]], ()),
        ([[np.int64(3), sympy.Symbol("K")]], [["exact", "formula"]], ()),
    ],
)
def test_a_list_or_dict_of_rows_is_a_table(
    thing: object, cells: list[list[str]], columns: tuple[str, ...]
) -> None:
    value = portray(thing)
    assert value.kind == "table"
    assert [[cell.kind for cell in row] for row in value.cells] == cells
    assert value.columns == columns
    assert Value.from_json(value.to_json()) == value


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ([1, 2], "a list cannot be compared with a text"),
        ((64, 55, 55), 'join it into a str such as "64×55×55"; a table is a list of rows'),
        ([], "cannot be compared"),
        ({}, "cannot be compared"),
        ([[]], "not equally long"),
        ([[1, 2], [3]], "not equally long"),
        ([{"a": 1}, {"b": 1}], "different keys"),
        ([[True]], "a cell of a table cannot be a truth"),
        ([[[1]], [[2]]], "cannot be compared"),
        ([[float("nan")]], "nan cannot be compared"),
        ([[object()]], "an object cannot be compared"),
        ([[0] * 30] * 30, "more than 400 cells"),
    ],
)
def test_what_is_no_table_of_values_is_refused(thing: object, message: str) -> None:
    with pytest.raises(Incomparable) as refused:
        portray(thing)
    assert message in str(refused.value)


def test_a_table_whose_cells_read_the_same_is_left_to_the_byte() -> None:
    assert filled(TABLE, ROWS) == ("holds", TABLE)


@pytest.mark.parametrize(
    ("table", "thing", "state", "after"),
    [
        (TABLE, [["A", 11_889_512], ["B", 25_557_032]], "changed", TABLE.replace("11.7 M", "11.9 M")),
        (TABLE, [["A", 11_689_512], ["C", 25_557_032]], "changed", TABLE.replace("| B ", "| C ")),
        (TABLE, [["A", 11_689_512]], "changed", TABLE.partition("| B")[0]),
        (TABLE, [*ROWS, ["C", 3_504_872]], "changed", TABLE + "| C | 3.50 M |\n"),
        ("| n |\n|---|\n| ? |\n", [[1], [2]], "new", "| n |\n|---|\n| 1 |\n| 2 |\n"),
        ("| n |\n|---|\n| ? % |\n", [[0.5], [0.25]], "new", "| n |\n|---|\n| 50.0 % |\n| 25.0 % |\n"),
        ("| n |\n|---|\n", [[1]], "changed", "| n |\n|---|\n| 1 |\n"),
        ("| x |\n|:-:|\n| 1 |\n", [{"n": 1, "m": "a|b"}], "changed", "| n | m |\n|---|---|\n| 1 | a\\|b |\n"),
        ("| n | m |\n|---|---|\n| 1 |\n", [[1, 2]], "changed", "| n | m |\n|---|---|\n| 1 | 2 |\n"),
        ("| n |\n|---|\n| **8.7×** |\n", [[9.43]], "changed", "| n |\n|---|\n| **9.4×** |\n"),
        ("| n |\n|---|\n| **8.7×** |\n", [[8.69]], "holds", "| n |\n|---|\n| **8.7×** |\n"),
        (
            "| n |\n|---|\n| $1.2 \\cdot 10^6$ |\n",
            [[1_234_567]],
            "holds",
            "| n |\n|---|\n| $1.2 \\cdot 10^6$ |\n",
        ),
        ("| n |\n|---|\n| about 8 |\n", [[8.69]], "changed", "| n |\n|---|\n| 8.69    |\n"),
        ("| t (ms) |\n|---|\n| 4.2 |\n", [[Spread(0.0042, 0.0042, 0.0042, unit="s")]], "holds", None),
        (
            "| t, ms |\n|---|\n| 4.1 |\n",
            [[Spread(0.0042, 0.0042, 0.0042, unit="s")]],
            "changed",
            "| t, ms |\n|---|\n| 4.2 |\n",
        ),
        ("| t (ms) |\n|---|\n| 4200 µs |\n", [[Spread(0.0042, 0.0042, 0.0042, unit="s")]], "holds", None),
        ("| Top-1 (%) |\n|---|\n| 69.8 |\n", [[0.6976]], "holds", None),
        ("| Weights (M) |\n|---|\n| ? |\n", [[11_689_512]], "new", "| Weights (M) |\n|---|\n| 11.7 |\n"),
        ("| Size (MiB) |\n|---|\n| 2 |\n", [[Spread(2**21, 2**21, 2**21, unit="bytes")]], "holds", None),
        (
            "| n |\n|---|\n| 97.123 % |\n",
            [[Spread(0.971, 0.969, 0.973)]],
            "unstable",
            "| n |\n|---|\n| 97.1 %   |\n",
        ),
        ("| n |\n|---|\n| $K$ |\n", [[sympy.Symbol("K")]], "holds", None),
        ("| n |\n|---|\n| ? |\n", [[sympy.Symbol("K") ** 2]], "new", "| n |\n|---|\n| $K^{2}$ |\n"),
        ("| t |\n|---|\n| 1.80× |\n", [[Spread(1.82, 1.81, 1.83, timing=True)]], "holds", None),
        (
            "| t |\n|---|\n| 1.80× |\n",
            [[Spread(2.5, 2.4, 2.6, timing=True)]],
            "changed",
            "| t |\n|---|\n| 2.5×  |\n",
        ),
    ],
)
def test_each_cell_is_compared_and_written_in_its_own_digits(
    table: str, thing: object, state: str, after: str | None
) -> None:
    assert filled(table, thing) == (state, after or table)


def test_what_differs_is_told_cell_by_cell() -> None:
    some = fill(table_of(TABLE), portray([["A", 11_889_512], ["C", 12_000_000]]))
    assert (
        some.told
        == "11.9 M for 11.7 M (row 1, Size); C for B (row 2, Model); 12.0 M for 25.6 M (row 2, Size)"
    )
    many = fill(table_of("| n |\n|---|\n" + "| 1 |\n" * 5), portray([[2]] * 5))
    assert many.told == "2 for 1 (row 1, n); 2 for 1 (row 2, n); 2 for 1 (row 3, n) and 2 more"


@pytest.mark.parametrize(
    ("table", "thing", "message"),
    [
        (TABLE, 3, "the claim is a exact, and no table"),
        (TABLE, [[1]], "the table has 2 columns, and the value 1"),
        ("| n |\n|---|\n| 4.2 |\n", [[Spread(1, 1, 1, unit="s")]], "row 1, n: the value is in s"),
        ("| n |\n|---|\n| ? |\n", [["a\nb"]], "row 1 of the table cannot be written"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_its_row(table: str, thing: object, message: str) -> None:
    with pytest.raises(Refusal) as refused:
        fill(table_of(table), portray(thing))
    assert message in str(refused.value)


TEXTS = st.text("ab |\\*_$`<é漢", max_size=6).map(str.strip)
NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9),
    st.fractions(max_denominator=99),
    st.floats(-1e9, 1e9),
    st.floats(-100, 100).map(lambda middle: Spread(middle, middle - 0.5, middle + 0.25)),
)
OLD = st.sampled_from(
    ["?", "8.7×", "? %", "**1.20**", "", "x", "294,912", "$2^{-25}$", "1.9–2.1×", "a \\| b"]
)


@settings(max_examples=150)
@given(data=st.data(), width=st.integers(1, 3), newline=st.sampled_from(["\n", "\r\n"]))
def test_a_table_that_was_filled_holds_and_nothing_around_it_moved(
    data: st.DataObject, width: int, newline: str
) -> None:
    cell: st.SearchStrategy[Any] = st.one_of(NUMBERS, TEXTS)
    rows = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=3))
    old = data.draw(st.lists(st.lists(OLD, min_size=width, max_size=width), max_size=3))
    lines = ["|" + " h |" * width, "|" + "---|" * width, *(f"| {' | '.join(row)} |" for row in old)]
    body = f"Before 7.\n\n{CAPTION}\n" + "\n".join(lines) + "\n\nAfter `|` it.\n"
    topic, _ = topic_of(body, newline)
    (claim,) = topic.all_claims()
    assert claim.table is not None
    try:
        found = fill(claim.table, portray(rows))
    except Refusal:
        assume(False)
        return
    text = rewrite(topic, [Edit(claim, found.text, None)])
    before, after = topic.text.split(claim.table.text)
    assert text.startswith(before) and text.endswith(after)
    again, problems = parse(Source.of("t.md", text), Path("t.md"))
    assert again is not None and not problems
    table = again.all_claims()[0].table
    assert table is not None
    second = fill(table, portray(rows))
    assert (second.state, second.text) == ("holds", table.text)


def test_the_deck_shows_the_table_and_holds_back_what_was_not_measured(tmp_path: Path) -> None:
    topic = read_topic(tmp_path, f"{HEAD}{CAPTION}\n{TABLE}")
    shown = render(topic.notes[0], topic, tmp_path / "cards", {})
    assert '<span class="measured">Two networks</span>' in shown.fields["Answer"]
    assert "11.7&nbsp;M</td>" in shown.fields["Answer"] and not shown.held_back
    asks = read_topic(tmp_path, f"{HEAD}{CAPTION}\n{TABLE.replace('25.6 M', '? M')}")
    assert render(asks.notes[0], asks, tmp_path / "cards", {}).held_back == (
        "cards/topic.md:9: rows is not measured yet",
    )
    marked = read_topic(tmp_path, f'{HEAD}Table: [Two networks](claim:rows "refuted")\n\n{TABLE}')
    assert render(marked.notes[0], marked, tmp_path / "cards", {}).held_back


def test_the_cells_of_a_bound_table_count_as_measured(tmp_path: Path) -> None:
    bound = cover([read_topic(tmp_path, f"{HEAD}{CAPTION}\n{TABLE}And 7.\n".replace("And", "\nAnd"))])
    assert (bound.measured, len(bound.bare)) == (2, 1)
    bare = cover([read_topic(tmp_path, f"{HEAD}So [1](claim:rows).\n\n{TABLE}")])
    assert (bare.measured, len(bare.bare)) == (1, 2)


def test_a_table_is_spelled_row_by_row() -> None:
    assert spelled(portray([["A", Fraction(1, 3)]])) == "a table of 1 × 2\n    text: A, exact: 1/3"


def test_a_table_is_filled_in_checked_and_mended_by_the_commands(tmp_path: Path) -> None:
    code = "rows = [{'Model': 'A', 'Weights': 11_689_512}, {'Model': 'B', 'Weights': 25_557_032}]"
    asked = "| Model | Weights |\n|---|---|\n| ? | ? M |\n"
    body = f"# T\n\n```python claim\n{code}\n```\n\n## Q? {{#q}}\n\n{CAPTION}\n{asked}\nSo it is.\n"
    note = write(tmp_path / "cards/t.md", body)
    done = run_tool("verify", "run", "cards", "--update", cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    full = body.replace("| ? | ? M |\n", "| A | 11.7 M |\n| B | 25.6 M |\n")
    assert note.read_text(encoding="utf-8") == full
    assert run_tool("verify", "check", "cards", cwd=tmp_path).code == 0
    note.write_text(full.replace("25.6", "25.9"), encoding="utf-8")
    wrong = run_tool("verify", "check", "cards", cwd=tmp_path)
    assert wrong.code == 1
    assert "changed    Two networks → 25.6 M for 25.9 M (row 2, Weights)  (rows)" in wrong.out
    run_tool("verify", "run", "cards", "--update", cwd=tmp_path)
    assert note.read_text(encoding="utf-8") == full
