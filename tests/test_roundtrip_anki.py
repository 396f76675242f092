"""Whatever note text the generator accepts, Anki imports, and it shows the same text: fuzzed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.build import build
from generator.collection import load
from generator.render import render
from tests.anki_engine import Learner
from tests.notes import visible, write_notes
from tests.test_commonmark import PIECES, SPACES

NUMBERS = count(1)
FUZZ = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(slots=True)
class Workbench:
    """A folder in which collections are built, and somebody who imports all of them."""

    folder: Path
    """Where they are built."""
    learner: Learner
    """Who imports them."""

    def cards(self, notes: dict[str, str]) -> Path:
        """A folder with a file for each of these notes, by id."""
        folder = self.folder / str(next(NUMBERS)) / "cards"
        for note_id, body in notes.items():
            write_notes(folder, f"# Topic\n\n## Question? {{#{note_id}}}\n\n{body}\n", f"{note_id}.md")
        return folder

    def imports(self, cards: Path) -> None:
        """Build these notes and import them; all must arrive."""
        build(cards, cards.parent / "decks")
        before = self.learner.col.note_count()
        done = self.learner.imports(cards.parent / "decks" / "cards.apkg")
        assert len(done.new) == self.learner.col.note_count() - before == len(list(cards.iterdir()))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("roundtrip")
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1790000000")
    learner = Learner(folder / "anki")
    yield Workbench(folder, learner)
    assert learner.is_sound()
    learner.closes()


MARKUP = st.sampled_from(
    [
        "$",
        "$$",
        "$x$",
        "$a<b$",
        "~~",
        "|",
        "| a |\n|---|\n| b |\n",
        "{{",
        "}}",
        "::",
        "{.a}",
        "[sound:",
        "\x1f",
    ]
)
BODIES = st.lists(st.tuples(PIECES | MARKUP, SPACES), min_size=1, max_size=12).map(
    lambda parts: "word " + "".join(piece + space for piece, space in parts) + "\n\nword"
)


@FUZZ
@given(bodies=st.lists(BODIES, min_size=1, max_size=12))
def test_a_text_is_seen_in_anki_as_our_html_shows_it(bench: Workbench, bodies: list[str]) -> None:
    accepted: dict[str, str] = {}
    expected: dict[str, str] = {}
    for body in bodies:
        note_id = f"t{next(NUMBERS)}"
        collection = load(bench.cards({note_id: body}))
        ((topic, note),) = collection.notes() if len(list(collection.notes())) == 1 else ((None, None),)
        if topic is None or note is None or any(each.severity == "error" for each in collection.problems):
            continue
        rendered = render(note, topic, collection.root, {})
        if note.kind != "basic" or rendered.problems:
            continue
        fields = rendered.fields
        shown = (fields["Topic"], fields["Question"], fields["Answer"], fields["Extra"])
        accepted[note_id] = body
        expected[note_id] = " ".join(visible(field) for field in shown if visible(field))
    if not accepted:
        return
    bench.imports(bench.cards(accepted))
    for note_id, text in expected.items():
        (card,) = bench.learner.note(note_id).cards()
        assert visible(card.answer()) == text
        assert not card.answer_av_tags()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Something inline, and what is to be seen of it."""

    markdown: str
    """How it is written."""
    seen: str
    """What a learner sees of it (math: what MathJax gets)."""


def escaped(text: str) -> str:
    """Markdown that shows exactly this text."""
    return "".join(f"\\{sign}" if sign.isascii() and not sign.isalnum() else sign for sign in text)


PLAIN = st.sampled_from(["a", "}}", "{{", "::", ":", "}", "<b>", "&", "$5", r"\(", "[...]", "é", "[sound:x]"])
CODE = st.sampled_from(["std::vector", "{{ user }}", "}}", "x", r"\(", "a[::2]", "{", "<T>"])
TEX = st.sampled_from(["a", r"\frac{a}{\text{b}}", "x^{2^{n}}", "a<b", r"\{x\}", "a:b", r"\ce{H2O}"])
CHUNKS = (
    PLAIN.map(lambda text: Chunk(escaped(text), text))
    | CODE.map(lambda code: Chunk(f"`{code}`", code))
    | TEX.map(lambda tex: Chunk(f"${tex}$", rf"\({tex}\)"))
    | st.just(Chunk("*soft*", "soft"))
    | st.just(Chunk("[docs](https://a.org/b::c)", "docs"))
)
TEXTS = st.lists(CHUNKS, min_size=1, max_size=3)


@dataclass(frozen=True, slots=True)
class Gap:
    """A deletion."""

    number: int
    """The card that asks for it."""
    inside: tuple[Chunk, ...]
    """What it hides."""
    hint: tuple[Chunk, ...]
    """What stands in its place; may be empty."""


GAPS = st.builds(Gap, st.integers(1, 3), TEXTS.map(tuple), st.just(()) | TEXTS.map(tuple))
CLOZES = st.lists(TEXTS | GAPS, min_size=1, max_size=5).filter(
    lambda parts: any(isinstance(part, Gap) for part in parts)
)


def written(parts: list[list[Chunk] | Gap]) -> str:
    """The Markdown of a cloze note's text."""

    def words(chunks: list[Chunk] | tuple[Chunk, ...]) -> str:
        return " ".join(chunk.markdown for chunk in chunks)

    return "x " + " y ".join(
        f"{{{{c{part.number}::{words(part.inside)}{'::' if part.hint else ''}{words(part.hint)}}}}}"
        if isinstance(part, Gap)
        else words(part)
        for part in parts
    )


def seen(parts: list[list[Chunk] | Gap], asked: int | None) -> str:
    """What a learner sees of it while a card asks for a number, or on its answer side."""

    def words(chunks: list[Chunk] | tuple[Chunk, ...]) -> str:
        return " ".join(chunk.seen for chunk in chunks)

    def gap(part: Gap) -> str:
        return words(part.inside) if part.number != asked else f"[{words(part.hint) or '...'}]"

    return "x " + " y ".join(gap(part) if isinstance(part, Gap) else words(part) for part in parts)


def without_spaces(text: str) -> str:
    """TeX does not see the spaces that keep braces apart, nor the empty group between colons."""
    return "".join(text.replace(":{:}", "::").split())


@FUZZ
@given(notes=st.lists(CLOZES, min_size=1, max_size=12))
def test_the_front_of_a_cloze_card_hides_and_its_back_shows(
    bench: Workbench, notes: list[list[list[Chunk] | Gap]]
) -> None:
    named = {f"c{next(NUMBERS)}": parts for parts in notes}
    bench.imports(bench.cards({note_id: written(parts) for note_id, parts in named.items()}))
    for note_id, parts in named.items():
        cards = bench.learner.note(note_id).cards()
        numbers = sorted({part.number for part in parts if isinstance(part, Gap)})
        assert [card.ord + 1 for card in cards] == numbers
        for card, number in zip(cards, numbers, strict=True):
            head = "TopicQuestion?"
            assert without_spaces(visible(card.question())) == head + without_spaces(seen(parts, number))
            assert without_spaces(visible(card.answer())) == head + without_spaces(seen(parts, None))
