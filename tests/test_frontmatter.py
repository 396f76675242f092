"""The YAML at the top of a file."""

from __future__ import annotations

import pytest

from generator.frontmatter import FrontMatter, read_front_matter
from tests.notes import HEAD, parsed, topic_of


def front(text: str) -> FrontMatter:
    found, problems = read_front_matter(text, "a.md")
    assert not problems, "\n".join(map(str, problems))
    return found


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("", FrontMatter()),
        ("# only a comment", FrontMatter()),
        ("deck: Vision::Convolutions", FrontMatter("Vision::Convolutions")),
        ("deck: 'Vision :: Convolutions '", FrontMatter("Vision::Convolutions")),
        ('deck: "Vision: an overview"', FrontMatter("Vision: an overview")),
        ("tags: [convolution, depthwise]", FrontMatter(tags=("convolution", "depthwise"))),
        ("tags:\n  - convolution\n  - depthwise", FrontMatter(tags=("convolution", "depthwise"))),
        ("tags: convolution depthwise", FrontMatter(tags=("convolution", "depthwise"))),
        ("tags:", FrontMatter()),
        ("requires: [padding, stride]", FrontMatter(requires=("padding", "stride"))),
        ("title: kept for other tools", FrontMatter()),
        ("aliases: [IoU, Jaccard index]", FrontMatter(aliases=("IoU", "Jaccard index"))),
        ("core: true", FrontMatter(core=True)),
        ("core: false", FrontMatter()),
        ("expires: 2027-05-01", FrontMatter(expires="2027-05-01")),
        ("expires:", FrontMatter()),
        ("ignore: [R05, R13a]", FrontMatter(ignore=("R05", "R13a"))),
        ("ignore: R05, R13a", FrontMatter(ignore=("R05", "R13a"))),
    ],
)
def test_a_file_says_its_deck_its_tags_and_what_comes_first(yaml: str, expected: FrontMatter) -> None:
    assert front(yaml) == expected


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("deck: 2024", FrontMatter("2024")),
        ("deck: 2024-99-99", FrontMatter("2024-99-99")),
        ("tags: [no, on, 2024, 1.50, 0b_]", FrontMatter(tags=("no", "on", "2024", "1.50", "0b_"))),
        ("tags: 8", FrontMatter(tags=("8",))),
    ],
)
def test_every_value_is_a_text_whatever_yaml_would_make_of_it(yaml: str, expected: FrontMatter) -> None:
    assert front(yaml) == expected


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        (
            "deck: D\ntags: [a\n",
            "a.md:4: broken YAML: expected ',' or ']', but got '<stream end>'\n"
            "  hint: quote a text that holds ': ' or starts with a special character",
        ),
        (
            "deck: a: b",
            "a.md:2: broken YAML: mapping values are not allowed here\n"
            "  hint: quote a text that holds ': ' or starts with a special character",
        ),
        (
            "deck: D\n\ntags: \x01",
            "a.md:4: broken YAML: special characters are not allowed\n"
            "  hint: quote a text that holds ': ' or starts with a special character",
        ),
        (
            "[" * 5000,
            "a.md:2: broken YAML: it cannot be read\n"
            "  hint: quote a text that holds ': ' or starts with a special character",
        ),
        (
            "just words",
            "a.md:2: the front matter is not a list of keys and values\n"
            "  hint: write one 'key: value' per line, for example 'deck: Vision::Convolutions'",
        ),
        (
            "- a",
            "a.md:2: the front matter is not a list of keys and values\n"
            "  hint: write one 'key: value' per line, for example 'deck: Vision::Convolutions'",
        ),
        (
            "tags: [a]\ndeck:",
            "a.md:3: the deck has no usable name\n"
            "  hint: write a name, with :: between levels: 'deck: Vision::Convolutions'",
        ),
        (
            "deck: A::::B",
            "a.md:2: the deck has no usable name\n"
            "  hint: write a name, with :: between levels: 'deck: Vision::Convolutions'",
        ),
        (
            "deck: [A]",
            "a.md:2: the deck has no usable name\n"
            "  hint: write a name, with :: between levels: 'deck: Vision::Convolutions'",
        ),
        (
            "deck: D\ntags: [two words]",
            "a.md:3: the tag 'two words' contains a space\n  hint: join the words with a hyphen",
        ),
        ("tags: {a: b}", "a.md:2: 'tags' is not a list of words\n  hint: write 'tags: [one, two]'"),
        (
            "requires: [[a]]",
            "a.md:2: 'requires' is not a list of words\n  hint: write 'requires: [one, two]'",
        ),
        (
            "tags: [a, '']",
            "a.md:2: 'tags' is not a list of words\n  hint: write 'tags: [one, two]'",
        ),
        (
            "deck: D\n\ntag: [a]",
            "a.md:4: warning: unknown key 'tag' in the front matter\n  hint: did you mean 'tags'?",
        ),
        (
            "core: maybe",
            "a.md:2: 'core' is neither true nor false\n"
            "  hint: write 'core: true' for a topic that is asked from several angles",
        ),
        (
            "expires: in May",
            "a.md:2: 'expires' is no date\n  hint: write 'expires: 2027-05-01': year, month, day",
        ),
        (
            "author: me",
            "a.md:2: warning: unknown key 'author' in the front matter\n"
            "  hint: it is ignored; known keys: deck, tags, requires, title, aliases, core, expires, ignore",
        ),
    ],
)
def test_a_refusal_says_where_and_what_and_how_to_mend_it(yaml: str, expected: str) -> None:
    _, problems = read_front_matter(yaml, "a.md")
    assert [str(problem) for problem in problems] == [expected]


def test_a_line_separator_in_a_value_moves_no_line() -> None:
    # YAML takes U+2028 for the end of a line; editors and the rest of this tool do not.
    _, problems = read_front_matter('deck: "a\u2028b"\nauthor: me', "a.md")
    assert [problem.location.line for problem in problems] == [3]


@pytest.mark.parametrize(
    "text", ["---\n{}\n---\n", "---\r\n{}\r\n---\r\n", "\ufeff---\n{}\n---\n", "--- \n{}\n---\t\n"]
)
def test_the_fences_are_lines_of_three_dashes_at_the_top(text: str) -> None:
    assert topic_of(text.format("deck: A::B") + HEAD + "a").deck == "A::B"


def test_dashes_further_down_are_no_front_matter() -> None:
    topic, problems = parsed("# T\n\n---\n\n## Q? {#q}\n\na\n")
    assert not problems
    assert topic.deck == "Default"
