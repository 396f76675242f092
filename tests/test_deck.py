"""The real notes: what they claim is recorded, and what Anki makes of them can be studied."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build import Report, build
from generator.collection import load
from tests.anki_engine import Imported, Learner, visible
from verify.__main__ import main as verify

REPOSITORY = Path(__file__).parent.parent
CARDS = REPOSITORY / "cards"
MATH = re.compile(r"\\\(|\\\)|\\\[|\\\]")
CODE = re.compile(r"<(pre|code)\b.*?</\1>", re.DOTALL)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The deck, built beside a copy of the ledger so that nothing here is touched."""
    out = tmp_path_factory.mktemp("decks")
    shutil.copy(REPOSITORY / "decks" / "ledger.json", out)
    return out / "efficient-vision.apkg", build(CARDS, out)


@pytest.fixture(scope="module")
def first_import(
    built: tuple[Path, Report], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Learner, Imported]]:
    learner = Learner(tmp_path_factory.mktemp("anki"))
    yield learner, learner.imports(built[0])
    learner.closes()


def test_every_note_is_new_to_a_new_learner(
    built: tuple[Path, Report], first_import: tuple[Learner, Imported]
) -> None:
    (_, notes, _), *_ = built[1].packages
    assert len(first_import[1].new) == notes >= 70
    assert not first_import[1].conflicting
    assert first_import[0].is_sound()


def test_a_second_import_changes_nothing(
    built: tuple[Path, Report], first_import: tuple[Learner, Imported]
) -> None:
    again = first_import[0].imports(built[0])
    assert not again.new and not again.updated and not again.conflicting
    assert again.duplicate == first_import[1].new


def test_the_package_in_the_repository_is_the_one_that_these_notes_build(built: tuple[Path, Report]) -> None:
    report = built[1]
    assert (report.new, report.changed, report.moved, report.gone) == ((), (), (), ()), (
        "run `make deck` and commit decks/"
    )


def test_only_notes_that_need_a_gpu_are_held_back(built: tuple[Path, Report]) -> None:
    assert all(held.needs for held in built[1].held_back)


def test_every_card_can_be_studied(first_import: tuple[Learner, Imported]) -> None:
    sides = first_import[0].sides()
    assert len(sides) >= 70
    for note_id, ordinal, question, answer in sides:
        for name, html in (("question", question), ("answer", answer)):
            where = f"{note_id}, card {ordinal}, {name}"
            text = visible(CODE.sub(" ", html))
            assert len(visible(html)) > 20, f"{where}: hardly anything to see"
            assert "claim:" not in html and "cite:" not in html, f"{where}: a raw link"
            assert "$" not in text, f"{where}: math that was not rendered"
            assert "{{" not in text.replace("{{c", "") or "\\(" in text, f"{where}: a raw deletion"
            opened = None
            for mark in MATH.findall(CODE.sub(" ", html)):
                closes = mark in ("\\)", "\\]")
                assert closes == (opened is not None), f"{where}: MathJax delimiters out of balance"
                assert not closes or opened == {"\\)": "\\(", "\\]": "\\["}[mark], (
                    f"{where}: delimiters do not match"
                )
                opened = None if closes else mark
            assert opened is None, f"{where}: math that never ends"


def test_the_answer_says_more_than_the_question(first_import: tuple[Learner, Imported]) -> None:
    for note_id, ordinal, question, answer in first_import[0].sides():
        assert visible(answer) != visible(question), f"{note_id}, card {ordinal}"


def test_no_question_gives_a_measured_number_away(first_import: tuple[Learner, Imported]) -> None:
    for note_id, ordinal, question, _ in first_import[0].sides():
        if ordinal == 0 and "cloze" not in question:
            assert 'class="measured"' not in question, f"{note_id}: an answer's number stands in the question"


def test_every_claim_has_a_record_that_agrees_with_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(["check", str(CARDS)]) == 0, capsys.readouterr().out
    assert ", 0 bare" in capsys.readouterr().out, "every number is measured, cited or given"


def test_every_topic_explains_before_it_asks() -> None:
    for topic in load(CARDS).topics:
        text = " ".join(token.content for token in topic.introduction if token.type == "inline")
        ends = re.findall(r"[.?!](?=\s|$)", text)
        assert len(ends) >= 2, f"{topic.path}: fewer than two sentences above the first note"
