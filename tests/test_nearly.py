"""What misses this language by a character is said, and not passed on as plain text."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.parse import parse
from generator.source import Source

NEAR = {
    "##What is it? {#q}": (5, "a heading without a space behind ## is no heading"),
    "### What is it? {#q}": (5, "a heading with an id, and ### is a heading inside a note"),
    "## What is it? {#q": (5, "the brace of the note's id is never closed"),
    "A [9](Claim:x).": (5, "a link to 'Claim:' goes nowhere"),
    "One\nand [9](claims:x).": (6, "a link to 'claims:' goes nowhere"),
    "A [9](cit:x).": (5, "a link to 'cit:' goes nowhere"),
    "![x](my pic.png)": (5, "the image my pic.png has a space in its name, and is shown as text"),
    "```py claim\nx = 1\n```": (5, "'py claim' opens no claim block"),
    "```claim\nx = 1\n```": (5, "'claim' opens no claim block"),
    "```Python Claim\nx = 1\n```": (5, "'Python Claim' opens no claim block"),
    "It is {{c1:hidden}}.": (5, "nearly a deletion, and shown as text"),
    "It is {c1::hidden}.": (5, "nearly a deletion, and shown as text"),
    "It is {{c::hidden}}.": (5, "nearly a deletion, and shown as text"),
    "| a | b |\n|---|---|\n| 1 | `x | y` |": (
        7,
        "a table of 2 columns has more cells in this row: Markdown would drop 'y`'",
    ),
    "> a | b\n> ---|---\n> 1 | 2 | 3": (
        7,
        "a table of 2 columns has more cells in this row: Markdown would drop '3'",
    ),
}


@pytest.mark.parametrize(("text", "expected"), NEAR.items(), ids=list(NEAR))
def test_a_near_miss_is_named_at_its_line(text: str, expected: tuple[int, str]) -> None:
    source = Source.of("t.md", f"# T\n\n## Q? {{#first}}\n\n{text}\n")
    _, problems = parse(source, Path("t.md"))
    assert expected in [(problem.location.line, problem.what) for problem in problems]


@pytest.mark.parametrize(
    "text",
    [
        "### A heading inside",
        "| a | b |\n|---|---|\n| 1 | `x \\| y` |\n| 1 | 2 | |\n| 1 |\n1 | $\\|x\\|$ |",
        "#hashtag and C## sharp",
        "[a](https://example.org/claims:x) and [b](#claim)",
        "![x](<my pic.png>)",
        "`{{c1:hidden}}` and {{ user }}",
        "```python\nclaim = 1\n```",
        "{{c1::hidden}}",
    ],
)
def test_what_is_meant_as_it_stands_is_left_alone(text: str) -> None:
    source = Source.of("t.md", f"# T\n\n## Q? {{#first}}\n\n{text}\n")
    _, problems = parse(source, Path("t.md"))
    assert [problem.what for problem in problems if "image" not in problem.what] == []
