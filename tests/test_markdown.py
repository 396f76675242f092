r"""The Markdown of notes: what is math, what is a deletion, what is a price, what stays as written.

The first ten cases are those of which eight other tools get between none and eight wrong.
"""

from __future__ import annotations

import pytest
from markdown_it.token import Token

from generator.markdown import markdown
from tests.notes import HEAD, complaints, html_of


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("It costs $5 now and $10 later.", "<p>It costs $5 now and $10 later.</p>"),
        ("$a_1 * b_2 * c_3$", r"<p>\(a_1 * b_2 * c_3\)</p>"),
        (r"$a\,b$", r"<p>\(a\,b\)</p>"),
        (
            r"$$\begin{matrix} a & b \\ c & d \end{matrix}$$",
            r"<p>\[\begin{matrix} a &amp; b \\ c &amp; d \end{matrix}\]</p>",
        ),
        ("$a<b$", r"<p>\(a&lt;b\)</p>"),
        ("$$E=mc^2$$", r"<p>\[E=mc^2\]</p>"),
        ("$$\nE = mc^2\n+ 1\n$$", "<p>\\[E = mc^2\n+ 1\\]</p>"),
        ("```\necho $HOME $PATH\n```", '<pre class="code"><code>echo $HOME $PATH\n</code></pre>'),
        ("`$x$`", "<p><code>$x$</code></p>"),
        ("`{{ user }}`", "<p><code>{{ user }}</code></p>"),
    ],
    ids=[
        "prices are no math",
        "underscores and asterisks in math are no emphasis",
        "a backslash in math stays",
        "a matrix on one line",
        "less-than in math is escaped",
        "display math on one line",
        "display math on several lines",
        "variables of the shell in a code block",
        "dollars in code are no math",
        "braces in code stay",
    ],
)
def test_ten_cases_that_others_get_wrong(body: str, html: str) -> None:
    assert html_of(body) == html


@pytest.mark.parametrize(
    ("text", "math"),
    [
        ("$x$", ["x"]),
        ("($x$)", ["x"]),
        ("$x$, $y$", ["x", "y"]),
        ("$x$s", ["x"]),
        ("from $5 to $x$", ["x"]),
        ("US$5 and US$10", []),
        ("5$ and 10$", []),
        ("$ x $", []),
        ("$x $", []),
        ("$x$5", []),
        ("$20,000 and $30,000", []),
        (r"\$x\$", []),
        (r"$a\$b$", [r"a\$b"]),
        (r"$a\\$", ["a\\\\"]),
        ("$$x$$ here", ["x"]),
        ("[$x$](claim:y)", ["x"]),
        ("**$x$**", ["x"]),
        ("[a $5](b) and [$6](c)", []),
    ],
)
def test_math_and_money_are_told_apart(text: str, math: list[str]) -> None:
    (paragraph,) = (token for token in markdown().parse(text) if token.type == "inline")
    children = paragraph.children or []
    assert [child.content for child in children if child.type.startswith("math")] == math


def test_two_escaped_dollars_are_two_dollars() -> None:
    assert html_of(r"Write \$\$ twice.") == "<p>Write $$ twice.</p>"


def shape(tokens: list[Token]) -> str:
    """Inline tokens in one line: `‹1:` opens a deletion, `|` its hint, `›` closes it."""
    pieces = []
    for token in tokens:
        match token.type:
            case "cloze_open":
                pieces.append("‹" + ",".join(map(str, token.meta["numbers"])) + ":")
            case "cloze_hint":
                pieces.append("|" + token.content)
            case "cloze_close":
                pieces.append("›")
            case "math_inline":
                pieces.append(f"${token.content}$")
            case "code_inline":
                pieces.append(f"`{token.content}`")
            case "em_open" | "em_close":
                pieces.append("*")
            case "strong_open" | "strong_close":
                pieces.append("**")
            case _:
                pieces.append(token.content)
    return "".join(pieces)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {{c1::b}} c", "a ‹1:b› c"),
        ("{{c1::b::hint}}", "‹1:b|hint›"),
        ("{{c1::a}} {{c2::b}}", "‹1:a› ‹2:b›"),
        ("{{c1,2::a}}", "‹1,2:a›"),
        ("{{c12::a}}", "‹12:a›"),
        ("{{c1::a {{c2::b}} c}}", "‹1:a ‹2:b› c›"),
        ("{{c1::a {{c2::b::h2}}::h1}}", "‹1:a ‹2:b|h2›|h1›"),
        ("{{c1::a {{c2::b}}}}", "‹1:a ‹2:b››"),
        ("{{c1::a {{c2::b {{c3::c}}}}}}", "‹1:a ‹2:b ‹3:c›››"),
        ("{{c1::{{c2::{x}}}}}", "‹1:‹2:{x}››"),
        ("{{c1::{x}}}", "‹1:{x}›"),
        ("{{c1::{x} and {y}}}", "‹1:{x} and {y}›"),
        ("{{c1::a}}}", "‹1:a›}"),
        (r"{{c1::\{ opens}}", "‹1:{ opens›"),
        ("{{c1::{{x}}}}", "‹1:{{x}}›"),
        (r"{{c1::$\frac{a}{\text{b}}$}}", r"‹1:$\frac{a}{\text{b}}$›"),
        (r"{{c1::$x^{2^{n}}$::a power}}", r"‹1:$x^{2^{n}}$|a power›"),
        ("{{c1::`std::vector`}}", "‹1:`std::vector`›"),
        ("{{c1::`std::vector`::a container}}", "‹1:`std::vector`|a container›"),
        ("{{c1::`}}`}}", "‹1:`}}`›"),
        ("{{c1::`{{ user }}`}}", "‹1:`{{ user }}`›"),
        ("{{c1::*soft* and **hard**}}", "‹1:*soft* and **hard**›"),
        ("*{{c1::a}}*", "*‹1:a›*"),
        (r"{{c1::a\::b}}", "‹1:a::b›"),
        ("{{c1::a:b}}", "‹1:a:b›"),
        ("{{c1::a::b::c}}", "‹1:a|b::c›"),
        ("{{c1::}}", "‹1:›"),
        ("`{{c1::a}}`", "`{{c1::a}}`"),
        ("{{C1::a}}", "{{C1::a}}"),
        ("{{c1:a}}", "{{c1:a}}"),
        ("{{c::a}}", "{{c::a}}"),
        ("{{c1::a", "{{c1::a"),
        ("{{c" + "9" * 5000 + "::a}}", "{{c" + "9" * 5000 + "::a}}"),
    ],
)
def test_a_deletion_reaches_to_its_own_closing_braces(text: str, expected: str) -> None:
    (paragraph,) = (token for token in markdown().parse(text) if token.type == "inline")
    assert shape(paragraph.children or []) == expected


def test_a_deletion_ends_in_its_paragraph() -> None:
    assert complaints(HEAD + "a {{c1::b\n\nc}} d") == [
        "topic.md:5: a deletion that opens here is never closed\n"
        "  hint: end it with }}, in the same paragraph"
    ]


def test_a_thousand_open_deletions_cost_no_more_than_one_glance() -> None:
    # A parser that tries every opening again for every other one would not come back.
    (paragraph,) = (token for token in markdown().parse("{{c1::" * 1000) if token.type == "inline")
    assert shape(paragraph.children or []) == "{{c1::" * 1000


@pytest.mark.parametrize(
    ("heading", "attributes", "text"),
    [
        ("## Why? {#why}", "#why", "Why?"),
        ("## Why? {#why .typed}", "#why .typed", "Why?"),
        ('## Why? {#why tags="a b" hint="c, d."}', '#why tags="a b" hint="c, d."', "Why?"),
        ("## Why? { #why }", "#why", "Why?"),
        ("## Why? {#why}   ", "#why", "Why?"),
        ("## Why? {#why} ##", "#why", "Why?"),
        ("## {#why}", "#why", ""),
        ("## Why?", None, "Why?"),
        ("## Why {}", None, "Why {}"),
        ("## Why{#why}", None, "Why{#why}"),
        ("## Why {#why} so?", None, "Why {#why} so?"),
        ("## Why $x^{2}$?", None, "Why $x^{2}$?"),
        ("## Why $\\frac{a}{b}$ {#why}", "#why", "Why $\\frac{a}{b}$"),
        ("- ## Why? {#why}", None, "Why? {#why}"),
    ],
)
def test_braces_at_the_end_of_a_heading_are_its_attributes(
    heading: str, attributes: str | None, text: str
) -> None:
    tokens = markdown().parse(heading)
    (opening,) = (token for token in tokens if token.type == "heading_open")
    (inline,) = (token for token in tokens if token.type == "inline")
    assert (opening.meta.get("attributes"), inline.content) == (attributes, text)


def test_a_line_that_ends_in_braces_is_left_alone_when_it_is_no_heading() -> None:
    assert html_of("A set {a}\n") == "<p>A set {a}</p>"


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("<!-- a -->", "<p>&lt;!-- a --&gt;</p>"),
        ("<div>\n\n*a*\n\n</div>", "<p>&lt;div&gt;</p>\n<p><em>a</em></p>\n<p>&lt;/div&gt;</p>"),
    ],
)
def test_raw_html_is_text_and_the_author_is_told(body: str, html: str) -> None:
    from generator.notes import Note
    from generator.render import render
    from tests.notes import parsed

    topic, problems = parsed(HEAD + body)
    assert {(problem.severity, problem.what.partition(":")[0]) for problem in problems} == {
        ("warning", "raw HTML is shown as text")
    }
    note: Note = topic.notes[0]
    assert render(note, topic, topic.file.parent, {}).fields["Answer"] == html


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("a < b, a<b, b>c & d", "<p>a &lt; b, a&lt;b, b&gt;c &amp; d</p>"),
        ("&lt;b&gt; &amp; &copy;", "<p>&lt;b&gt; &amp; ©</p>"),
        (r"\<b>", "<p>&lt;b&gt;</p>"),
        ("`a<b>c`", "<p><code>a&lt;b&gt;c</code></p>"),
        ("~~old~~ **new** *soft*", "<p><s>old</s> <strong>new</strong> <em>soft</em></p>"),
        ("[3×3]{.given}", '<p><span class="given">3×3</span></p>'),
        ("[a](https://example.org/?a=1&b=2)", '<p><a href="https://example.org/?a=1&amp;b=2">a</a></p>'),
        ("a\\\nb", "<p>a<br />\nb</p>"),
    ],
)
def test_the_rest_is_commonmark(body: str, html: str) -> None:
    assert html_of(body) == html


def test_a_destination_that_runs_a_script_is_no_link() -> None:
    assert html_of("[a](javascript:alert(1))") == "<p>[a](javascript:alert(1))</p>"
