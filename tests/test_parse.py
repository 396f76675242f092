"""Text → notes, every claim with its exact span."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.notes import Block, Claim, Location, Span
from generator.parse import plain_text
from tests.notes import HEAD, complaints, note_of, parsed, topic_of

SEPARABLE = """\
---
deck: Vision::Convolutions
tags: [convolution, depthwise]
requires: [convolution-layer]
---

# Depthwise separable convolutions

A filter per channel, then a mix of [128](claim:channels) channels.

```python claim
channels = 128
```

## How many weights does it have? {#dwsep-weights tags="compute core" hint="Count both layers."}

[33,920](claim:separable) of them.

```python claim needs=cuda timeout=120
separable = 33_920
```

---

As [Howard](cite:howard2017 "Table 4") says.

## What is it called? {#dwsep-name .typed}

depthwise separable
"""


def test_a_file_is_one_topic() -> None:
    topic = topic_of(SEPARABLE)
    assert topic.title == "Depthwise separable convolutions"
    assert topic.deck == "Vision::Convolutions"
    assert topic.tags == ("convolution", "depthwise")
    assert topic.requires == ("convolution-layer",)
    assert [token.content for token in topic.introduction if token.type == "inline"] == [
        "A filter per channel, then a mix of [128](claim:channels) channels."
    ]
    assert topic.text == SEPARABLE


def test_a_heading_of_level_two_starts_a_note_and_a_thematic_break_its_extra() -> None:
    weights, name = topic_of(SEPARABLE).notes
    assert (weights.id, weights.kind, weights.location) == (
        "dwsep-weights",
        "basic",
        Location("topic.md", 15),
    )
    assert "".join(token.content for token in weights.question) == "How many weights does it have?"
    assert [token.content for token in weights.answer if token.type == "inline"] == [
        "[33,920](claim:separable) of them."
    ]
    assert [token.content for token in weights.extra if token.type == "inline"] == [
        'As [Howard](cite:howard2017 "Table 4") says.'
    ]
    assert weights.tags == ("compute", "core")
    assert weights.hint == "Count both layers."
    assert (name.id, name.kind, name.location.line) == ("dwsep-name", "typed", 27)
    assert not name.extra


def test_a_claim_block_belongs_to_the_file_or_to_its_note_and_is_no_part_of_the_text() -> None:
    topic = topic_of(SEPARABLE)
    assert topic.blocks == (Block("channels = 128\n", Location("topic.md", 12)),)
    weights, name = topic.notes
    assert weights.blocks == (
        Block("separable = 33_920\n", Location("topic.md", 20), needs=("cuda",), timeout=120.0),
    )
    assert not name.blocks
    assert not [token for token in (*topic.introduction, *weights.answer) if token.type == "fence"]


def test_a_claim_belongs_to_the_note_that_it_stands_in() -> None:
    topic = topic_of(SEPARABLE)
    assert [(claim.name, claim.note) for claim in topic.all_claims()] == [
        ("channels", None),
        ("separable", "dwsep-weights"),
    ]


def test_a_citation_names_its_source_and_the_place_in_it() -> None:
    (citation,) = topic_of(SEPARABLE).notes[0].citations
    assert (citation.key, citation.text, citation.place) == ("howard2017", "Howard", "Table 4")
    assert citation.location == Location("topic.md", 25)


def test_code_that_is_no_claim_stays_in_the_answer() -> None:
    note = note_of("```python\nx = 1\n```")
    assert [token.type for token in note.answer] == ["fence"]
    assert not note.blocks


@pytest.mark.parametrize(
    ("heading", "body", "kind"),
    [
        ("## Q? {#q}", "a", "basic"),
        ("## Q? {#q .basic}", "a", "basic"),
        ("## Q? {#q .reversed}", "a", "reversed"),
        ("## Q? {#q .typed}", "a", "typed"),
        ("## Q? {#q}", "a {{c1::b}}", "cloze"),
        ("## Q? {#q .cloze}", "- a\n- > {{c1::b}}", "cloze"),
        ("## Q? {#q}", "`{{c1::b}}`", "basic"),
        ("## Q? {#q}", "| a |\n|---|\n| {{c1::b}} |", "cloze"),
    ],
)
def test_the_kind_is_what_the_heading_says_or_cloze_where_there_is_a_deletion(
    heading: str, body: str, kind: str
) -> None:
    assert note_of(body, heading).kind == kind


def test_headings_below_the_second_level_are_part_of_the_answer() -> None:
    note = note_of("a\n\n### Then\n\nb")
    assert [token.content for token in note.answer if token.type == "inline"] == ["a", "Then", "b"]


def test_only_the_first_thematic_break_separates() -> None:
    note = note_of("a\n\n---\n\nb\n\n***\n\nc")
    assert [token.type for token in note.extra if token.type in ("inline", "hr")] == [
        "inline",
        "hr",
        "inline",
    ]


def test_a_thematic_break_inside_a_list_separates_nothing() -> None:
    assert not note_of("- a\n\n  ---\n\n  b").extra


# Spans


def claims_of(text: str) -> list[Claim]:
    topic, problems = parsed(text)
    assert not [problem for problem in problems if problem.severity == "error"], problems
    return list(topic.all_claims())


@pytest.mark.parametrize(
    "body",
    [
        "It is §.",
        "§",
        "- one\n- is §\n  - and § below",
        "1. §\n2. §",
        "-\t§",
        "> §\n> and §",
        "> - > §",
        "> a lazy\nline with §",
        "| a | b |\n|---|---|\n| § | § |\n| x | § |",
        "a | b\n--|--\n§ | §",
        "| \\| | § |\n|---|---|\n| `a\\|b` | § |",
        "> | a |\n> |---|\n> | § |",
        "*§* and **§** and ***§***",
        "**bold *and § soft***",
        "~~§~~",
        "{{c1::§}} is hidden",
        "{{c1::a § b::hint}} and {{c2::§}}",
        "{{c1::outer {{c2::§}}}}",
        "`code` § `code`",
        "$x$ § $y$",
        "### §",
        "𝄞 § 𝄞",
        "a\u2028§ b\u2028",
        "a\x0c§\x0b",
        "\u00a0\n§",
        "<b>§</b>",
        "&amp; § &copy;",
        "\\* § \\*",
        "![alt](a.png) §",
        "[a](b) § [c](d)",
        "[§]{.given}",
        "§§",
        "§  \n§\\\n§",
        "    \t\n§",
        "a\n\n---\n\n§",
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
def test_a_claim_is_found_where_it_stands(body: str, ending: str, mark: str) -> None:
    expected, pieces = [], (HEAD + body).split("§")
    text = mark + pieces[0]
    for number, piece in enumerate(pieces[1:]):
        inside, title = f"{number}.5×", f' "H200, {number}"' if number % 2 else ""
        expected.append((f"v{number}", inside, title))
        text += f"[{inside}](claim:v{number}{title})" + piece
    text = text.replace("\n", ending)
    found = claims_of(text)
    assert [(claim.name, claim.span.of(text), claim.title_span.of(text)) for claim in found] == expected
    for claim in found:
        before = text[: claim.span.start].replace("\r\n", "\n").replace("\r", "\n")
        assert claim.location.line == before.count("\n") + 1
        assert text[claim.span.start - 1] == "[" and text[claim.title_span.end] == ")"


@pytest.mark.parametrize(
    ("link", "text", "title", "title_text"),
    [
        ("[8.7×](claim:v)", "8.7×", None, ""),
        ('[8.7×](claim:v "H200, 2026-11")', "8.7×", "H200, 2026-11", ' "H200, 2026-11"'),
        ("[8.7×](claim:v 'H200')", "8.7×", "H200", " 'H200'"),
        ("[8.7×](claim:v (H200))", "8.7×", "H200", " (H200)"),
        ('[8.7×]( claim:v  "H200" )', "8.7×", "H200", '  "H200" '),
        ("[8.7×](<claim:v>)", "8.7×", None, ""),
        ('[8.7×](claim:v "a \\" b")', "8.7×", 'a " b', ' "a \\" b"'),
        ('[8.7×](claim:v\n"H200")', "8.7×", "H200", '\n"H200"'),
        ("[?](claim:v)", "?", None, ""),
        ("[? %](claim:v)", "? %", None, ""),
        ("[**8**](claim:v)", "**8**", None, ""),
        ("[`8`](claim:v)", "`8`", None, ""),
        ("[a [b] c](claim:v)", "a [b] c", None, ""),
        ("[a \\] c](claim:v)", "a \\] c", None, ""),
        ("[ 8 ](claim:v)", " 8 ", None, ""),
        (r"[$\frac{1}{N} + \frac{1}{K^2}$](claim:v)", r"$\frac{1}{N} + \frac{1}{K^2}$", None, ""),
        ("[$[0, 1)$](claim:v)", "$[0, 1)$", None, ""),
    ],
)
def test_a_claim_link_is_a_text_and_a_name_and_maybe_a_title(
    link: str, text: str, title: str | None, title_text: str
) -> None:
    whole = HEAD + f"It is {link} so."
    (claim,) = claims_of(whole)
    assert (claim.name, claim.text, claim.title) == ("v", text, title)
    assert (claim.span.of(whole), claim.title_span.of(whole)) == (text, title_text)


def test_a_claim_whose_text_is_broken_over_two_lines_of_a_quote_spans_the_quote_sign() -> None:
    whole = HEAD + "> [much\n> faster](claim:v)"
    (claim,) = claims_of(whole)
    assert claim.text == "much\nfaster"
    assert claim.span.of(whole) == "much\n> faster"


def test_a_pipe_in_a_cell_is_written_with_a_backslash_and_the_span_has_it() -> None:
    whole = HEAD + '| a |\n|---|\n| [x\\|y](claim:v "p\\|q") |'
    (claim,) = claims_of(whole)
    assert (claim.text, claim.title) == ("x|y", "p|q")
    assert (claim.span.of(whole), claim.title_span.of(whole)) == ("x\\|y", ' "p\\|q"')


def test_a_figure_names_the_claim_that_draws_it() -> None:
    whole = HEAD + '![Latency](figures/latency.svg "claim:plot")'
    (claim,) = claims_of(whole)
    assert (claim.name, claim.text, claim.is_figure, claim.title) == ("plot", "Latency", True, None)
    assert claim.location.line == 5


@pytest.mark.parametrize(
    "body", ["`[8](claim:v)`", "```\n[8](claim:v)\n```", "    [8](claim:v)", "$[8](claim:v)$"]
)
def test_code_and_math_hold_no_claims(body: str) -> None:
    assert not claims_of(HEAD + body)


TEXTS = st.text(string.ascii_letters + string.digits + " .,×%µ-+𝄞é\u2028\u00a0", min_size=1).filter(
    lambda text: text.strip()
)
TITLES = st.one_of(
    st.just(""), st.text(string.ascii_letters + " ,-é").map(lambda title: f' "{title}"'), st.just("  'x'")
)
AROUND = st.sampled_from(
    [
        "§",
        "a § b",
        "*§*",
        "**§**",
        "~~§~~",
        "x **y *§* z**",
        "{{c1::§}}",
        "{{c2::a § b::h}}",
        "`c` § $m$",
        "\\[ §",
        "&lt; §",
        "§ §",
        "<b>§</b>",
        "5 $ §",
        "![i](i.png) §",
        "𝄞§",
        "\u2028§",
    ]
)
BLOCKS = st.sampled_from(
    [
        "§",
        "- §",
        "* a\n\n  §",
        "3. §",
        "> §",
        "> > §",
        "> - §",
        "- > §",
        "-\t§",
        "### § ###",
        "a\n§",
        "a  \n  §",
        "> a\n§",
        "| a |\n|---|\n| § |",
        "x|y\n-|-\n§|`\\|`",
        "- | a |\n  |---|\n  | § |",
        "\xa0\n§",
    ]
)


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(BLOCKS, AROUND, st.lists(st.tuples(TEXTS, TITLES), min_size=2, max_size=2)), max_size=6
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\ufeff", "---\ndeck: D\n---\n"]),
)
def test_wherever_a_claim_is_put_its_span_is_its_text(
    places: list[tuple[str, str, list[tuple[str, str]]]], ending: str, top: str
) -> None:
    text, expected = top + HEAD, list[tuple[str, str, str]]()
    for block, around, links in places:
        inline = around
        for inside, title in links[: around.count("§")]:
            name = f"v{len(expected)}"
            inline = inline.replace("§", f"[{inside}](claim:{name}{title})", 1)
            expected.append((name, inside, title))
        text += block.replace("§", inline) + "\n\n"
    text = text.replace("\n", ending)
    topic, _ = parsed(text)
    found = [(claim.name, claim.span.of(text), claim.title_span.of(text)) for claim in topic.notes[0].claims]
    assert found == expected


# What is held back


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("[8](claim:v)", None),
        ('[8](claim:v "H200")', None),
        ("[?](claim:v)", "not measured yet"),
        ("[? %](claim:v)", "not measured yet"),
        ("[?×](claim:v)", "not measured yet"),
        ('[?](claim:v "failed")', "not measured yet"),
        ('[8](claim:v "refuted")', "refuted"),
        ('[8](claim:v "failed")', "failed"),
        ('[8](claim:v "it failed once")', None),
    ],
)
def test_a_claim_without_a_number_or_with_a_mark_holds_its_note_back(link: str, reason: str | None) -> None:
    (claim,) = claims_of(HEAD + link)
    assert claim.held_back == reason


# Refusals


def test_a_faultless_file_has_no_complaints() -> None:
    assert complaints(SEPARABLE) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            "topic.md:1: the file is empty\n"
            "  hint: write '# Title' and a note under '## Question {#id}', or delete the file",
        ),
        (
            "\ufeff \n\u00a0\n",
            "topic.md:1: the file is empty\n"
            "  hint: write '# Title' and a note under '## Question {#id}', or delete the file",
        ),
        (
            "## Q? {#q}\n\na",
            "topic.md:1: the file has no title\n  hint: write '# Title' above the first note",
        ),
        (
            "# T\n\n## Q? {#q}\n\na\n\n# U",
            "topic.md:7: a second title, 'U' after 'T'\n  hint: one file is one topic; notes start with '##'",
        ),
        (
            "# T\n\nText.",
            "topic.md:1: warning: the file has no notes\n"
            "  hint: write a note: '## Question {#id}' and its answer below",
        ),
        (
            "---\ndeck: D\n\n# T\n\n## Q? {#q}\n\na",
            "topic.md:1: the front matter is never closed\n  hint: end it with a line '---'",
        ),
        (
            "# T\n\n## Q?\n\na",
            "topic.md:3: the note has no id\n"
            "  hint: end the heading with {#some-id}, or let `generator ids --write` write ids in",
        ),
        ("# T\n\n## {#q}\n\na", "topic.md:3: the note has no question\n  hint: write it after '##'"),
        ("# T\n\n## Q? {#q}", "topic.md:3: the note has no answer\n  hint: write it below the heading"),
        (
            HEAD + "---\n\nwhy",
            "topic.md:3: the note has no answer\n  hint: write it below the heading, above the '---'",
        ),
        (
            HEAD + "```python claim\nx = 1\n```",
            "topic.md:3: the note has no answer\n  hint: write it below the heading",
        ),
        (
            "# T\n\n## Q? {#q .nope}\n\na",
            "topic.md:3: there is no kind of note called '.nope'\n"
            "  hint: known: basic, reversed, cloze, typed, occlusion",
        ),
        (
            "# T\n\n## Q? {#q .cloze}\n\na",
            "topic.md:3: a cloze note without a deletion has no card\n  hint: write {{c1::…}} in its text",
        ),
        (
            "# T\n\n## Q? {#q .typed}\n\na {{c1::b}}",
            "topic.md:3: a typed note with a deletion\n  hint: take '.typed' away, or the {{c1::…}}",
        ),
        (
            "# T\n\n## A {{c1::b}}? {#q}\n\na",
            "topic.md:3: a deletion in the heading is never asked\n"
            "  hint: move {{c1::…}} into the text above '---'",
        ),
        (
            HEAD + "a\n\n---\n\n{{c1::b}}",
            "topic.md:3: a deletion in the extra is never asked\n"
            "  hint: move {{c1::…}} into the text above '---'",
        ),
        (
            HEAD + "{{c0::a}} {{c1::b}}",
            "topic.md:3: the deletion c0 makes no card\n  hint: number deletions from c1 to c64",
        ),
        (
            HEAD + "{{c1,65::a}}",
            "topic.md:3: the deletion c65 makes no card\n  hint: number deletions from c1 to c64",
        ),
        (
            HEAD + "- a\n- [8](claim:a-b)",
            "topic.md:6: 'a-b' is not a name\n"
            "  hint: after 'claim:' comes the name of a value, as in [8.7×](claim:saving)",
        ),
        (
            HEAD + "[8](claim:)",
            "topic.md:5: '' is not a name\n"
            "  hint: after 'claim:' comes the name of a value, as in [8.7×](claim:saving)",
        ),
        (
            HEAD + "[](claim:v)",
            "topic.md:5: a claim link without a text\n  hint: write [?](claim:name) to have it filled in",
        ),
        (
            HEAD + "[ ](cite:v)",
            "topic.md:5: a cite link without a text\n  hint: write the figure in the brackets",
        ),
        (
            HEAD + "a\n[8](claim: v)",
            "topic.md:6: a claim link that is shown as text\n"
            "  hint: write [text](claim:name), without any space in between",
        ),
        (
            HEAD + "[8] (cite:v)",
            "topic.md:5: a cite link that is shown as text\n"
            "  hint: write [text](cite:name), without any space in between",
        ),
        (
            HEAD + "<claim:v>",
            "topic.md:5: a claim link that cannot be traced to its text\n"
            '  hint: write the link in full: [8.7×](claim:name) or [71.8 %](cite:key "Table 4")',
        ),
        (
            HEAD + "[8][r]\n\n[r]: claim:v",
            "topic.md:5: a claim link that cannot be traced to its text\n"
            '  hint: write the link in full: [8.7×](claim:name) or [71.8 %](cite:key "Table 4")',
        ),
        (
            HEAD + "[`](claim:v)`](claim:w)",
            "topic.md:5: a claim link that cannot be traced to its text\n"
            '  hint: write the link in full: [8.7×](claim:name) or [71.8 %](cite:key "Table 4")',
        ),
        (
            HEAD + '![a](b.svg "claim:1st")',
            "topic.md:5: '1st' is not a name\n"
            '  hint: write ![what it shows](figures/name.svg "claim:name")',
        ),
        (
            HEAD + "a\n\n```python\nx = 1",
            "topic.md:7: the code fence that opens here is never closed\n  hint: end it with a line ```",
        ),
        (
            HEAD + "a\n\n$$\nx\n",
            "topic.md:7: display math that is never closed, or holds a blank line\n"
            "  hint: end it with $$; write \\$\\$ for two dollar signs",
        ),
        (
            HEAD + "a $x",
            "topic.md:5: warning: a dollar sign that is neither math nor a price\n"
            "  hint: close the math with $, or write \\$",
        ),
        (
            HEAD + "a\nb <br> c",
            "topic.md:6: warning: raw HTML is shown as text: <br>\n"
            "  hint: use Markdown, or put it in `backticks`",
        ),
        (
            HEAD + "a\n\n```python claim\nx = 1\ny = (\n```",
            "topic.md:9: the claim's code is no Python: '(' was never closed\n"
            "  hint: mend the code of the block",
        ),
        (
            HEAD + "a\n\n- ```python claim\n  x = 1\n  ```",
            "topic.md:7: a claim block inside a list or a quote\n  hint: let it stand at the margin",
        ),
        (
            HEAD + "a\n\n```python claim needs=tpu\nx = 1\n```",
            "topic.md:7: nothing is known about needs=tpu\n  hint: known: cuda, tensorrt",
        ),
        (
            HEAD + "a\n\n```python claim timeout=soon\nx = 1\n```",
            "topic.md:7: cannot read 'timeout=soon' after 'python claim'\n"
            "  hint: write ```python claim needs=cuda timeout=120",
        ),
        (
            HEAD + "a\n\n```python claim timeout=0\nx = 1\n```",
            "topic.md:7: cannot read 'timeout=0' after 'python claim'\n"
            "  hint: write ```python claim needs=cuda timeout=120",
        ),
    ],
)
def test_a_refusal_says_where_and_what_and_how_to_mend_it(text: str, expected: str) -> None:
    assert complaints(text) == [expected]


def test_the_line_of_a_complaint_counts_the_front_matter_and_every_kind_of_line_end() -> None:
    for ending in ("\n", "\r\n", "\r"):
        text = ("\ufeff---\ndeck: D\n---\n\u2028\x0c\n" + HEAD + "a\n\n[8](claim:a-b)").replace("\n", ending)
        assert [complaint.partition(": ")[0] for complaint in complaints(text)] == ["topic.md:11"]


def test_dashes_right_below_a_text_make_it_a_heading_and_the_author_is_told() -> None:
    assert complaints(HEAD + "answer\n---\n\nwhy") == [
        "topic.md:3: the note has no answer\n  hint: write it below the heading",
        "topic.md:5: the text above a line of dashes became a heading\n"
        "  hint: put a blank line before '---' (for the extra), or write the heading as '## …'",
    ]


def test_all_that_is_wrong_with_a_file_is_said_at_once() -> None:
    found = complaints("## Q?\n\n## {#q .nope}\n\n[8](claim:1)")
    assert [complaint.splitlines()[0] for complaint in found] == [
        "topic.md:1: the file has no title",
        "topic.md:1: the note has no id",
        "topic.md:1: the note has no answer",
        "topic.md:3: there is no kind of note called '.nope'",
        "topic.md:3: the note has no question",
        "topic.md:5: '1' is not a name",
    ]


def test_a_file_of_nothing_but_link_definitions_is_refused_like_any_other() -> None:
    assert [complaint.splitlines()[0] for complaint in complaints("[a]: b\n")] == [
        "topic.md:1: the file has no title",
        "topic.md:1: warning: the file has no notes",
    ]


def test_the_plain_text_of_a_heading_has_no_markup() -> None:
    topic = topic_of("# A *soft* `b` $x$\n\n## Q? {#q}\n\na")
    assert topic.title == "A soft b x"
    (note,) = topic.notes
    assert plain_text(note.answer[1]) == "a"


def test_a_span_of_nothing_is_nothing() -> None:
    assert Span(2, 2).of("abc") == ""
