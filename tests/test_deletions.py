"""Deletions in math, inside one another, with several numbers; Anki says what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anki.collection import Collection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.build import build
from generator.deletions import cut_math, ordinals
from tests.anki_engine import Learner
from tests.notes import HEAD, complaints, html_of, note_of, visible, write_notes


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
        ("$a = {{c1::b}}$", r"\(a = [...]\)", r"\(a = b\)"),
        ("$$\na = {{c1::b}}\n$$", r"\[a = [...]\]", r"\[a = b\]"),
        ("so $$a = {{c1::b}}$$", r"so \[a = [...]\]", r"so \[a = b\]"),
        (r"${{c1::\frac{a}{b}}} = c$", r"\([...] = c\)", r"\(\frac{a}{b} = c\)"),
        (r"${{c1::\frac{a}{b}::ratio}} = c$", r"\([ratio] = c\)", r"\(\frac{a}{b} = c\)"),
        (r"$x^{{{c1::2}}}$", r"\(x^{ [...]}\)", r"\(x^{ 2}\)"),
        (r"$\{{{c1::x}}\}$", r"\(\{ [...]\}\)", r"\(\{ x\}\)"),
        (r"${{c1::\{x\}}}$", r"\([...]\)", r"\(\{x\} \)"),
        (r"$x^{2^{n}} = {{c1::y}}$", r"\(x^{2^{n} } = [...]\)", r"\(x^{2^{n} } = y\)"),
        (r"${{c1::a}}: {b::c}$", r"\([...]: {b:{:}c}\)", r"\(a: {b:{:}c}\)"),
        (r"${{c1::{a::b}}}$", r"\([...]\)", r"\({a:{:}b} \)"),
        (r"$a {{c1::<}} b$", r"\(a [...] b\)", r"\(a < b\)"),
        (r"${{c1::a {{c2::b}}}} c$", r"\([...] c\)", r"\(a b c\)"),
        (r"${{c1,2::a}} b$", r"\([...] b\)", r"\(a b\)"),
        (r"{{c1::$a = {{c2::b}}$}} c", "[...] c", r"\(a = b\) c"),
        (r"| a |\n|---|\n| $b = {{c1::c}}$ |".replace(r"\n", "\n"), r"a \(b = [...]\)", r"a \(b = c\)"),
        (r"- {{c1::$\ce{H2O}$}}", "[...]", r"\(\ce{H2O}\)"),
        (r"$\ce{2H2 + {{c1::O2}} -> 2H2O}$", r"\(\ce{2H2 + [...] -> 2H2O}\)", r"\(\ce{2H2 + O2 -> 2H2O}\)"),
        ("{{c1::a::*so* `x::y`}} b", "[so x::y] b", "a b"),
        (r"{{c1::a::$x^{2^{n}}$}} b", r"[\(x^{2^{n} }\)] b", "a b"),
        (r"`\(` {{c1::a}} `\)`", r"\( [...] \)", r"\( a \)"),
        (r"\\( {{c1::a}} \\)", r"\( [...] \)", r"\( a \)"),
    ],
)
def test_anki_asks_for_what_the_deletion_holds_and_shows_the_rest(
    collection: Collection, body: str, question: str, answer: str
) -> None:
    found = shown_by_anki(collection, html_of(body))
    # TeX does not see the spaces that keep braces apart.
    assert ["".join(side.split()) for side in found] == ["".join(side.split()) for side in (question, answer)]


def test_markup_of_a_hint_reaches_the_card(collection: Collection) -> None:
    note = collection.new_note(collection.models.by_name("Cloze"))
    note["Text"] = html_of("{{c1::a::*so* `x`}}")
    assert "[<em>so</em> <code>x</code>]" in note.ephemeral_card(0).question()


def test_the_spelling_of_a_deletion_stays_inside_code_that_looks_like_math(collection: Collection) -> None:
    note = collection.new_note(collection.models.by_name("Cloze"))
    note["Text"] = html_of(r"`\(` {{c1::a}} `\)`")
    assert 'class="cloze"' in note.ephemeral_card(0).question(), "Anki strips markup between \\( and \\)"


@pytest.mark.parametrize(
    ("latex", "pieces"),
    [
        ("a", [("text", "a")]),
        ("{{c1::a}}", [("text", ""), ("open", "1"), ("text", "a"), ("close", ""), ("text", "")]),
        ("{{c1::a", None),
        ("{{c1::{a}}", None),
        (r"{{c1::\}}", None),
        ("a}}", [("text", "a}}")]),
        ("{{c1::a}b}}", [("text", ""), ("open", "1"), ("text", "a}b"), ("close", ""), ("text", "")]),
    ],
)
def test_math_is_cut_at_the_marks_of_its_deletions(latex: str, pieces: object) -> None:
    assert cut_math(latex) == pieces


@pytest.mark.parametrize(
    ("body", "cards"),
    [
        ("{{c1,2::a}} {{c4::b}}", (0, 1, 3)),
        ("{{c2::a {{c1::b}}}}", (0, 1)),
        ("$a = {{c3::b}}$", (2,)),
        ("a {{c2::b}}\n\n$$\n{{c1,5::c}}\n$$", (0, 1, 4)),
    ],
)
def test_each_number_makes_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, cards: tuple[int, ...]
) -> None:
    assert ordinals(note_of(body).answer) == cards
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    write_notes(tmp_path / "cards", HEAD + body)
    build(tmp_path / "cards", tmp_path / "decks")
    learner = Learner(tmp_path / "anki")
    learner.imports(tmp_path / "decks" / "cards.apkg")
    sides = learner.sides()
    assert tuple(ordinal for _, ordinal, _, _ in sides) == cards
    assert all("[...]" in question and "[...]" not in answer for _, _, question, answer in sides)
    assert not learner.col.get_empty_cards().notes, "Anki agrees on which cards there are"
    assert learner.is_sound()
    learner.closes()


def nested(depth: int) -> str:
    return "".join(f"{{{{c{number}::a " for number in range(1, depth + 1)) + "}}" * depth


def test_deletions_nest_as_deep_as_anki_reads_them(collection: Collection) -> None:
    question, answer = shown_by_anki(collection, html_of(nested(10)), 9)
    assert (question, answer) == ("a a a a a a a a a [...]", " ".join("a" * 10))
    assert "topic.md:3: more than 10 deletions inside one another" in complaints(HEAD + nested(11))[0]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("$a = {{c1::b$ }}", "topic.md:5: a deletion that opens inside math is not closed there"),
        ("a\n\n$$\n{{c1::{b}}\n$$", "topic.md:7: a deletion that opens inside math is not closed there"),
        ("{{c1::a::![b](c.png)}}", "topic.md:5: a file in a deletion's hint"),
        ("{{c1::a::[8](claim:b)}}", "topic.md:5: a claim in a deletion's hint"),
        ("{{c1::a::b {{c2::c}}}}", "topic.md:5: a deletion in a deletion's hint"),
        ("{{c1::a::$b {{c2::c}}$}}", "topic.md:5: a deletion in a deletion's hint"),
        ("$a = {{c65::b}}$", "topic.md:3: the deletion c65 makes no card"),
        ("a {{c1::b}}\n\n---\n\n$c = {{c2::d}}$", "topic.md:3: a deletion in the extra is never asked"),
    ],
)
def test_a_deletion_that_anki_would_not_ask_is_refused(body: str, complaint: str) -> None:
    assert complaint in "\n".join(complaints(HEAD + body))


def test_a_deletion_in_the_math_of_a_heading_is_refused() -> None:
    found = complaints("# T\n\n## What is $a = {{c1::b}}$? {#q}\n\n{{c2::c}}")
    assert "topic.md:3: a deletion in the heading is never asked" in found[0]


TEX = st.recursive(
    st.sampled_from(["a", " b ", "::", ":", r"\{", r"\}", r"\frac", "^", "<", "_1"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: "{" + "".join(parts) + "}"),
    max_leaves=6,
)
GROUPS = st.lists(TEX, min_size=1, max_size=4).map("".join)


def without_spaces(text: str) -> str:
    # All shielded, then none: `::{:}` reads alike whichever of its colons were, and were spaces between them.
    return "".join(text.split()).replace("::", ":{:}").replace(":{:}", "::")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=GROUPS, inside=GROUPS, after=GROUPS)
@example(before="a", inside=":", after="{:}")
def test_whatever_tex_stands_in_a_deletion_anki_hides_and_shows_exactly_that(
    collection: Collection, before: str, inside: str, after: str
) -> None:
    shielded = inside.replace("::", ":{:}")
    html = html_of(f"x $x {before}{{{{c1::{shielded}}}}}{after} x$ x")
    question, answer = shown_by_anki(collection, html)
    assert without_spaces(question) == without_spaces(rf"x \(x {before}[...]{after} x\) x")
    assert without_spaces(answer) == without_spaces(rf"x \(x {before}{inside}{after} x\) x")
