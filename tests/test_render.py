"""A note → its fields as HTML; cloze fields are shown by Anki itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from anki.collection import Collection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import generator
from generator.parse import parse
from generator.references import Reference
from generator.render import Rendered, render
from generator.source import Source
from tests.notes import HEAD, html_of, rendered, visible

HOWARD = Reference("howard2017", "Howard et al.", "2017", "MobileNets", "https://arxiv.org/abs/1704.04861")
EMPTY = dict.fromkeys(("Extra", "Evidence", "Source", "Hint", "Expires", "Introduction"), "") | {
    "Topic": "Topic",
    "Id": "q",
}


def fields(text: str) -> dict[str, str]:
    return rendered(text, references={"howard2017": HOWARD}).fields


# The fields of each kind


def test_a_basic_note_has_a_question_and_an_answer() -> None:
    assert fields("# Topic\n\n## Why *so*? {#q}\n\nBecause.\n\n---\n\nA reason.") == EMPTY | {
        "Question": "Why <em>so</em>?",
        "Answer": "<p>Because.</p>",
        "Extra": "<p>A reason.</p>",
    }


def test_every_note_of_a_topic_has_its_introduction(tmp_path: Path) -> None:
    name = write_picture(tmp_path)
    before = "# Topic\n\nIt is *large*: [3](claim:n) of $x$. ![A](fig.svg)\n\n```python claim\nn = 3\n```\n\n"
    found = rendered(
        before + "Really [so](cite:howard2017).\n\n## Why? {#q}\n\nBecause.", tmp_path, {"howard2017": HOWARD}
    )
    assert visible(found.fields["Introduction"]) == "It is large: 3 of \\(x\\). Really so."
    assert f'<img src="{name}" alt="A">' in found.fields["Introduction"]
    assert [media.name for media in found.media] == [name]
    cloze = rendered(before + "## Why? {#q}\n\nIt {==is==}.", tmp_path)
    assert visible(cloze.fields["Introduction"]) == "It is large: 3 of \\(x\\)."


@pytest.mark.parametrize(
    "introduction", ["[?](claim:n) of them.", '[3](claim:n "refuted")', '![A](none.svg "claim:n")']
)
def test_an_introduction_that_is_not_measured_is_left_out_but_holds_no_note_back(
    tmp_path: Path, introduction: str
) -> None:
    text = f"# Topic\n\n{introduction}\n\n```python claim\nn = 3\n```\n\n## Why? {{#q}}\n\nBecause."
    found = rendered(text, tmp_path)
    assert (found.fields["Introduction"], found.held_back, found.problems) == ("", (), ())


def test_a_reversed_note_says_that_it_is() -> None:
    assert fields("# Topic\n\n## Term {#q .reversed}\n\nMeaning.") == EMPTY | {
        "Question": "Term",
        "Answer": "<p>Meaning.</p>",
        "Reversed": "1",
    }


def test_a_typed_note_has_the_plain_text_to_type() -> None:
    assert fields("# Topic\n\n## Q? {#q .typed}\n\na **b** `c<d` & e\nf") == EMPTY | {
        "Question": "Q?",
        "Answer": "<p>a <strong>b</strong> <code>c&lt;d</code> &amp; e\nf</p>",
        "Typed": "a b c&lt;d &amp; e f",
    }


def test_a_cloze_note_has_a_text_and_its_heading_is_the_context() -> None:
    assert fields("# Topic\n\n## Sizes {#q}\n\na {{c1::b::h}} {{c2::c}}") == EMPTY | {
        "Context": "Sizes",
        "Text": "<p>a {{c1::b::h}} {{c2::c}}</p>",
    }


def test_a_topic_and_a_hint_are_plain_text() -> None:
    found = fields('# A < *b* & c\n\n## Q? {#q hint="x < y & *z*"}\n\na')
    assert found["Topic"] == "A &lt; b &amp; c"
    assert found["Hint"] == "x &lt; y &amp; *z*"


@pytest.mark.parametrize(
    "body", ["a\n\nb", "- a", "$x$", "a $x$", "![a](b.png)", "```\na\n```", "> a", "| a |\n|---|\n| b |"]
)
def test_a_typed_answer_is_one_paragraph_of_plain_text(body: str) -> None:
    problems = rendered("# T\n\n## Q? {#q .typed}\n\n" + body).problems
    assert "topic.md:3: a typed answer is one paragraph of plain text" in "\n".join(
        f"{problem.location.path}:{problem.location.line}: {problem.what}" for problem in problems
    )


# What stands in them


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("a<b", "<p>a&lt;b</p>"),
        (
            "[8](claim:v)",
            '<p><span class="measured">8</span></p>',
        ),
        (
            '[8](claim:v "H200 & \\"co\\"")',
            '<p><span class="measured" title="H200 &amp; &quot;co&quot;">8</span></p>',
        ),
        ("[**8** `x`](claim:v)", '<p><span class="measured"><strong>8</strong> <code>x</code></span></p>'),
        (
            r"[$\frac{1}{N}$](claim:v)",
            r'<p><span class="measured">\(\frac{1}{N}\)</span></p>',
        ),
        (
            '[71.8 %](cite:howard2017 "Table 4")',
            '<p><span class="cited" title="Table 4">71.8&nbsp;%</span></p>',
        ),
        (
            "| a | b |\n|---|--:|\n| *1* | x\\|y |",
            '<div class="table"><table>\n<thead>\n<tr>\n<th>a</th>\n'
            '<th style="text-align:right">b</th>\n</tr>\n'
            '</thead>\n<tbody>\n<tr>\n<td><em>1</em></td>\n<td style="text-align:right">x|y</td>\n</tr>\n'
            "</tbody>\n</table></div>",
        ),
        (
            "```nonsense\na<b\n```",
            '<pre class="code"><code>a&lt;b\n</code></pre>',
        ),
        (
            "```python\nx < 1\n```",
            '<pre class="code"><code><span class="h-n">x</span> <span class="h-o">&lt;</span> '
            '<span class="h-mi">1</span>\n</code></pre>',
        ),
        ("    a<b", '<pre class="code"><code>a&lt;b\n</code></pre>'),
        ("```\n<script>\n```", '<pre class="code"><code>&lt;script&gt;\n</code></pre>'),
    ],
)
def test_markdown_becomes_html_that_anki_shows(body: str, html: str) -> None:
    assert html_of(body) == html


def write_picture(folder: Path, content: bytes = b"<svg/>") -> str:
    """Put a picture beside the notes; returns the name that it has in Anki."""
    (folder / "fig.svg").write_bytes(content)
    return f"gt-{hashlib.sha256(content).hexdigest()[:24]}.svg"


def test_an_image_is_shown_under_the_name_of_its_content(tmp_path: Path) -> None:
    name = write_picture(tmp_path)
    found = rendered(HEAD + 'A ![a *b* "c" & d](fig.svg){width="80%"}', tmp_path)
    assert found.fields["Answer"] == (
        f'<p>A <img src="{name}" alt="a b &quot;c&quot; &amp; d" width="80%"></p>'
    )
    assert [(media.name, media.file) for media in found.media] == [(name, tmp_path / "fig.svg")]


def test_an_image_that_stands_in_several_fields_travels_once(tmp_path: Path) -> None:
    name = write_picture(tmp_path)
    found = rendered("# T\n\n## ![q](fig.svg)? {#q}\n\n![a](fig.svg)\n\n---\n\n![e](./fig.svg)", tmp_path)
    assert [media.name for media in found.media] == [name]
    assert all(name in found.fields[field] for field in ("Question", "Answer", "Extra"))


def test_an_image_that_cannot_be_used_is_a_problem_at_its_line(tmp_path: Path) -> None:
    found = rendered(HEAD + "a\n\n- b\n- ![c](none.png)", tmp_path)
    assert [str(problem) for problem in found.problems] == [
        "topic.md:8: the image none.png does not exist\n"
        "  hint: check the path: it starts at the note's folder"
    ]
    assert "img" not in found.fields["Answer"]


# Sources and evidence


def test_each_source_is_named_once_for_each_place_in_it() -> None:
    body = '[1](cite:howard2017) [2](cite:howard2017 "Table 4") [3](cite:howard2017)'
    link = 'Howard et al. (2017): <a href="https://arxiv.org/abs/1704.04861">MobileNets</a>'
    assert fields(HEAD + body)["Source"] == f"{link}<br>{link}, Table 4"


EVIDENCE = """\
# Topic

```python claim
from math import prod
```

```python claim
unrelated = 5
```

```python claim
standard = prod([3, 3])
```

## Question? {#q}

[9](claim:standard "NVIDIA H200, 2026-11") and [2](claim:half "NVIDIA H200, 2026-11")

```python claim
half = 2
```

## Another? {#r}

Words.
"""


def test_the_evidence_is_the_code_that_the_note_rests_on_and_no_other() -> None:
    code = visible(fields(EVIDENCE)["Evidence"])
    assert code == "from math import prod standard = prod([3, 3]) half = 2 Measured on NVIDIA H200, 2026-11."


def test_a_note_without_claims_has_no_evidence() -> None:
    topic, _ = parse(Source.of("topic.md", EVIDENCE), Path("topic.md"))
    assert topic is not None
    assert render(topic.notes[1], topic, Path(), {}).fields["Evidence"] == ""


def test_a_note_whose_block_only_asserts_shows_what_it_asserts() -> None:
    text = "# T\n\n```python claim\nx = 1\n```\n\n```python claim\ny = 2\n```\n\n## Q? {#q}\n\na\n\n"
    text += "```python claim\nassert x < 3\n```"
    assert visible(fields(text)["Evidence"]) == "x = 1 assert x < 3"


def test_a_mark_is_no_place_where_anything_was_measured() -> None:
    assert "Measured" not in fields(HEAD + '[8](claim:v "failed")')["Evidence"]


# Held back


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ("[8](claim:v)", ()),
        ("[?](claim:v)", ("topic.md:5: v is not measured yet",)),
        ('a\n[8](claim:v "refuted")', ("topic.md:6: v is refuted",)),
        (
            '[8](claim:v "failed")\n\n---\n\n[? %](claim:w)',
            ("topic.md:5: v is failed", "topic.md:9: w is not measured yet"),
        ),
        ('![a](none.svg "claim:plot")', ("topic.md:5: the figure none.svg is not drawn yet",)),
        ('![a](fig.svg "claim:plot")', ()),
    ],
)
def test_a_note_says_why_it_must_not_be_in_a_deck(
    tmp_path: Path, body: str, reasons: tuple[str, ...]
) -> None:
    write_picture(tmp_path)
    found = rendered(HEAD + body, tmp_path)
    assert found.held_back == reasons
    assert not found.problems


def test_only_a_picture_that_a_claim_drew_stands_on_the_card_s_own_ground_at_night(tmp_path: Path) -> None:
    """Others may have black lines on nothing, and get paper."""
    name = write_picture(tmp_path)
    html = rendered(HEAD + '![drawn](fig.svg "claim:plot") ![brought](fig.svg)', tmp_path).fields["Answer"]
    assert re.findall(r'alt="(\w+)"( class="drawn")?>', html) == [
        ("drawn", ' class="drawn"'),
        ("brought", ""),
    ]
    assert html.count(f'src="{name}"') == 2
    style = (Path(generator.__file__).parent / "templates/card.css").read_text()
    assert ".nightMode img.drawn { background: none;" in style.split(".nightMode img {")[1]


def test_a_figure_outside_the_collection_is_refused_and_not_merely_held_back(tmp_path: Path) -> None:
    found = rendered(HEAD + '![a](../x.svg "claim:plot")', tmp_path)
    assert [problem.what for problem in found.problems] == ["the image ../x.svg lies outside the collection"]
    assert not found.held_back


# Cloze notes, shown by Anki


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    col = Collection(str(tmp_path_factory.mktemp("anki") / "collection.anki2"))
    yield col
    col.close()


def shown_by_anki(collection: Collection, html: str, ordinal: int = 0) -> tuple[str, str]:
    """What Anki shows on both sides of a cloze note with this text."""
    note = collection.new_note(collection.models.by_name("Cloze"))
    note["Text"] = html
    card = note.ephemeral_card(ordinal)
    return visible(card.question()), visible(card.answer())


@pytest.mark.parametrize(
    ("body", "question", "answer"),
    [
        ("a {{c1::b}} c", "a [...] c", "a b c"),
        ("a {{c1::b::hint}} c", "a [hint] c", "a b c"),
        ("{{c1::a}} {{c2::b}}", "[...] b", "a b"),
        ("{{c1,2::a}} b", "[...] b", "a b"),
        ("{{c1::a {{c2::b}}}} c", "[...] c", "a b c"),
        ("{{c2::a {{c1::b}}}} c", "a [...] c", "a b c"),
        ("{{c1::{x}}} is", "[...] is", "{x} is"),
        ("{{c1::`std::vector`}} is", "[...] is", "std::vector is"),
        ("{{c1::`std::vector`::type}} is", "[type] is", "std::vector is"),
        ("{{c1::`{{ user }}`}} is", "[...] is", "{{ user }} is"),
        (r"{{c1::a\::b}} is", "[...] is", "a::b is"),
        (r"{{c1::a \}\} b}} is", "[...] is", "a }} b is"),
        ("{{c1::&#125;&#125; &#58;&#58;}} is", "[...] is", "}} :: is"),
        ("{{c1::a}} `{{c2::b}}`", "[...] {{c2::b}}", "a {{c2::b}}"),
        (r"{{c1::$\frac{a}{\text{b}}$}} is", "[...] is", r"\(\frac{a}{\text{b} }\) is"),
        (r"{{c1::$x^{2^{n}}$::a power}}", "[a power]", r"\(x^{2^{n} }\)"),
        ("{{c1::$a::b$}} is", "[...] is", r"\(a:{:}b\) is"),
        (r"$\sqrt{{a}}$ is {{c1::b}}", r"\(\sqrt{ {a} }\) is [...]", r"\(\sqrt{ {a} }\) is b"),
        ("{{c1::a<b}}", "[...]", "a<b"),
        ("{{c1::x::a<b}} is", "[a<b] is", "x is"),
        ("{{c1::*soft* **hard**}}", "[...]", "soft hard"),
        ("{{c1::[docs](https://docs.rs/a::b 'c::d }}')}} is", "[...] is", "docs is"),
        ('{{c1::[8](claim:v "a::b }}")}} is', "[...] is", "8 is"),
        ("{{c1::[8]{.a::b}}} is", "[...] is", "8 is"),
        ("- {{c1::a}}\n- b", "[...] b", "a b"),
        ("```python\nd = {{1}}; x[::2]\n```\n\n{{c1::a}}", "d = {{1}}; x[::2] [...]", "d = {{1}}; x[::2] a"),
        ("$$\n\\frac{1}{{2}}\n$$\n\n{{c1::a}}", r"\[\frac{1}{ {2} }\] [...]", r"\[\frac{1}{ {2} }\] a"),
    ],
)
def test_anki_hides_what_is_to_be_hidden_and_shows_the_rest_as_written(
    collection: Collection, body: str, question: str, answer: str
) -> None:
    html = html_of(body).replace("</li>", " </li>")
    assert shown_by_anki(collection, html) == (question, answer)


def test_an_image_in_a_deletion_is_hidden_whole(collection: Collection, tmp_path: Path) -> None:
    name = write_picture(tmp_path)
    text = rendered(HEAD + "{{c1::![a::b }}](fig.svg)}} is", tmp_path).fields["Text"]
    assert shown_by_anki(collection, text) == ("[...] is", "is")
    assert f'<img src="{name}" alt="a&#58;&#58;b &#125;&#125;">' in text


WRITTEN = st.lists(
    st.sampled_from(
        ["a", "b c", "{", "}", "::", ":", "{{", "}}", "c1", "<b>", "&", "$", "\\", "`", "é", "𝄞", "|"]
    ),
    min_size=1,
    max_size=8,
).map("".join)


def literally(text: str) -> str:
    """Markdown that shows exactly this text: every ASCII sign of punctuation behind a backslash."""
    return "".join(
        f"\\{character}"
        if character.isascii() and not character.isalnum() and character != " "
        else character
        for character in text
    )


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inside=WRITTEN, outside=WRITTEN)
def test_whatever_is_written_in_a_deletion_anki_hides_and_shows_exactly_that(
    collection: Collection, inside: str, outside: str
) -> None:
    body = f"x {{{{c1::x {literally(inside)} x}}}} x {literally(outside)} x"
    found = _render_whatever_it_warns_of(HEAD + body)
    question, answer = shown_by_anki(collection, found.fields["Text"])
    assert question == " ".join(f"x [...] x {outside} x".split())
    assert answer == " ".join(f"x x {inside} x x {outside} x".split())


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=WRITTEN.filter(lambda text: "`" not in text))
def test_whatever_code_stands_in_a_deletion_anki_hides_and_shows_exactly_that(
    collection: Collection, code: str
) -> None:
    found = _render_whatever_it_warns_of(HEAD + f"x {{{{c1::`` {code} ``::hint}}}} x")
    assert shown_by_anki(collection, found.fields["Text"]) == (
        "x [hint] x",
        " ".join(f"x {code} x".split()),
    )


def _render_whatever_it_warns_of(text: str) -> Rendered:
    topic, _ = parse(Source.of("topic.md", text), Path("topic.md"))
    assert topic is not None
    return render(topic.notes[0], topic, Path(), {})


def test_an_answer_expires_on_the_day_of_its_note_or_else_of_its_file() -> None:
    head = "---\nexpires: 2027-05-01\n---\n\n# Topic\n\n"
    assert rendered(head + "## Q? {#q}\n\nA\n").fields["Expires"] == "2027-05-01"
    assert rendered(head + "## Q? {#q expires=2027-02-01}\n\nA\n").fields["Expires"] == "2027-02-01"
