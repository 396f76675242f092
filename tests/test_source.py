"""A file's text: true line numbers, and the way back from parsed content to its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import Problem
from generator.markdown import markdown
from generator.notes import Location, Span
from generator.source import Cursor, Source, join_span, read_source, trace

ODD = "ab \t\n\r\u2028\u2029\x0b\x0c\x1c\x85\xa0𝄞é"
"""Letters, every character that Python takes for a line end or a space, and one beyond the 16-bit plane."""


def lines(text: str) -> list[str]:
    source = Source.of("a.md", text)
    return [source.line(index) for index in range(len(source.starts))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", ["a", "b"]),
        ("a\r\nb", ["a", "b"]),
        ("a\rb", ["a", "b"]),
        ("a\n\rb", ["a", "", "b"]),
        ("a\r\r\nb", ["a", "", "b"]),
        ("a\n", ["a", ""]),
        ("", [""]),
        ("a\u2028b\u2029c\x85d", ["a\u2028b\u2029c\x85d"]),
        ("a\x0cb\x0bc\x1cd", ["a\x0cb\x0bc\x1cd"]),
        ("\ta\tb", ["\ta\tb"]),
        ("\ufeffa\nb", ["a", "b"]),
        ("a\n\ufeffb", ["a", "\ufeffb"]),
        ("𝄞\n𝄞𝄞", ["𝄞", "𝄞𝄞"]),
    ],
    ids=repr,
)
def test_a_line_ends_where_commonmark_ends_it_and_nowhere_else(text: str, expected: list[str]) -> None:
    assert lines(text) == expected


@given(st.text(ODD))
def test_the_lines_are_those_that_the_markdown_parser_sees(text: str) -> None:
    # The parser's first step is to write every line end as \n; then it splits there.
    assert lines(text) == text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@given(st.text(ODD), st.data())
def test_the_place_of_a_character_counts_the_line_ends_before_it(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    # Between \r and \n the line has not ended yet.
    inside = text[offset - 1 : offset + 1] == "\r\n" if offset else False
    expected = before.count("\n") + 1 - inside
    assert Source.of("a.md", text).location(offset) == Location("a.md", expected)


def test_a_byte_order_mark_is_kept_in_the_text_and_hidden_from_the_parser() -> None:
    source = Source.of("a.md", "\ufeff# T\n")
    assert source.text == "\ufeff# T\n"
    assert source.body == "# T\n"
    assert source.location(0) == source.location(1) == Location("a.md", 1)


def offsets_of(text: str) -> list[tuple[str, list[int] | None]]:
    """The content of every inline token of a text, and where its characters were found."""
    source, found = Source.of("a.md", text), list[tuple[str, list[int] | None]]()
    cursor, in_cell = Cursor(), False
    for token in markdown().parse(source.body):
        if token.type in ("th_open", "td_open", "th_close", "td_close"):
            in_cell = token.nesting == 1
        if token.type == "inline" and token.map is not None:
            offsets = trace(source, token.content, token.map[0], cursor if in_cell else None)
            found.append((token.content, offsets))
    return found


@pytest.mark.parametrize(
    ("text", "content", "expected"),
    [
        ("a b", "a b", [0, 1, 2, 3]),
        ("- a", "a", [2, 3]),
        ("> -\ta", "a", [4, 5]),
        ("> \xa0\n> a", "a", [6, 7]),
        ("## a ## ", "a", [3, 4]),
        ("\ufeffa", "a", [1, 2]),
        ("𝄞a", "𝄞a", [0, 1, 2]),
        ("> a\r\n> b", "a\nb", [2, 3, 7, 8]),
        ("> a\nb", "a\nb", [2, 3, 4, 5]),
        ("a  \nb", "a  \nb", [0, 1, 1, 1, 4, 5]),
    ],
    ids=repr,
)
def test_every_character_is_traced_to_its_place(text: str, content: str, expected: list[int]) -> None:
    assert offsets_of(text) == [(content, expected)]


def test_cells_of_a_row_that_hold_the_same_text_are_told_apart() -> None:
    text = "| x | x |\n|---|---|\n| 1 | 11 |\n| \\|1 | 1 |\n"
    found = [(content, offsets[0]) for content, offsets in offsets_of(text) if offsets]
    last = text.index("| \\|1")
    assert found == [("x", 2), ("x", 6), ("1", 22), ("11", 26), ("|1", last + 3), ("1", last + 8)]


PIECES = st.sampled_from(
    [
        "a",
        "b c",
        "[8](claim:x)",
        "`c`",
        "*e*",
        "\\|",
        " | ",
        "- ",
        "> ",
        "1. ",
        "    ",
        "\t",
        "#",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "\u2028",
        "\x0c",
        "𝄞",
        "\xa0",
        "| a | b |\n|---|---|\n| c |",
        "{#x}",
        "$x$",
        "{{c1::",
        "}}",
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_whatever_the_markdown_each_visible_character_is_found_where_it_stands(text: str) -> None:
    for content, offsets in offsets_of(text):
        assert offsets is not None
        assert len(offsets) == len(content) + 1
        assert offsets == sorted(offsets)
        for character, offset in zip(content, offsets, strict=False):
            if not character.isspace():
                assert text[offset] == character


def test_a_content_that_does_not_stand_on_its_line_is_not_traced() -> None:
    source = Source.of("a.md", "one\ntwo")
    assert trace(source, "three", 0) is None
    assert trace(source, "two\nthree", 1) is None


def test_a_span_goes_from_its_first_to_after_its_last_character() -> None:
    offsets = [3, 4, 9, 10]
    assert join_span(offsets, 0, 2) == Span(3, 5)
    assert join_span(offsets, 0, 3) == Span(3, 10)
    assert join_span(offsets, 2, 2) == Span(9, 9)


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_bytes(b"\xef\xbb\xbf# \xc3\xa9\r\nb\rc\n")
    source = read_source(file, "a.md")
    assert isinstance(source, Source)
    assert source.text == "\ufeff# é\r\nb\rc\n"


def test_a_file_that_is_not_utf_8_is_a_problem_at_the_line_of_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_bytes("# é\r\n\rcaf".encode() + b"\xe9\n")
    problem = read_source(file, "cards/a.md")
    assert str(problem) == "cards/a.md:3: not valid UTF-8: byte 0xe9\n  hint: save the file in UTF-8"


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    problem = read_source(tmp_path / "none.md", "none.md")
    assert isinstance(problem, Problem)
    assert str(problem) == (
        "none.md:1: cannot be read: No such file or directory\n  hint: check the file and its permissions"
    )
