"""Which cards a note has, held against the cards that Anki itself makes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from generator.cards import deletion_ordinals, template_ordinals
from tests.anki_engine import Learner

QUESTIONS = [
    "{{A}}", "{{#A}}{{B}}{{/A}}", "{{^A}}x{{B}}{{/A}}", "{{#A}}static{{/A}}{{B}}", "<!-- {{A}} -->{{B}}",
    "{{type:A}}", "{{hint:C}} {{Tags}}", "{{#B}}{{^A}}{{C}}{{/A}}{{/B}}", "{{furigana:text:C}}", "{{ A }}",
    "{{Tags}}", "{{#A}}{{#B}}{{C}}{{/B}}{{/A}}", "{{^C}}{{A}}{{/C}}", "{{^C}}{{^B}}{{A}}{{/B}}{{/C}}",
]  # fmt: skip
TEXTS = [
    "{{c1::a}}",
    "{{c1,3::a}} {{c2::b}}", "{{c1::a {{c2::b}} c}}", "{{c1::a", "{{c1::a}} {{c5::b", "{{c0::a}}",
    "none", "{{c1::}}", "{{C1::x}}", "{{c600::x}}", "x }} {{c2::y}}", "{{c1:x}}", r"\({{c1::x^{2}}}\)",
    "{{c1::a::b::c}}", "{{c1::x}} }} {{c4::{{x}}}}", "{{c1,::a}}", "{{c,2::a}}", "<b>{{c2::<i>x</i>}}</b>",
]  # fmt: skip


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


def test_templates_make_the_cards_that_anki_makes(learner: Learner) -> None:
    models = learner.col.models
    made = models.new("T")
    for field in "ABC":
        models.add_field(made, models.new_field(field))
    for index, question in enumerate(QUESTIONS):
        template = models.new_template(f"c{index}")
        template["qfmt"], template["afmt"] = f"{question}<i>{index}</i>", "{{A}}"
        models.add_template(made, template)
    models.add(made)
    questions = [template["qfmt"] for template in models.by_name("T")["tmpls"]]
    for values in product(("", "x", "<br>"), ("", "y", "<div> </div>\n<br />"), ("", "z", "&nbsp;")):
        note = learner.col.new_note(models.by_name("T"))
        note.fields = list(values)
        learner.col.add_note(note, 1)
        wanted = tuple(sorted(card.ord for card in note.cards()))
        assert template_ordinals(questions, dict(zip("ABC", values, strict=True))) == wanted, values


@pytest.mark.parametrize("text", TEXTS)
def test_deletions_make_the_cards_that_anki_makes(learner: Learner, text: str) -> None:
    note = learner.col.new_note(learner.col.models.by_name("Cloze"))
    note.fields = [text, "{{c9::extra}}"] if text == "none" else [text, ""]
    learner.col.add_note(note, 1)
    assert deletion_ordinals(note.fields) == tuple(sorted(card.ord for card in note.cards()))
