"""A collection's own look: what it may replace, what it may not break, and that learners get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.build import build
from generator.errors import CardError
from generator.theme import OURS, Theme, read_theme, template_files
from tests.anki_engine import Learner
from tests.notes import HEAD, write_notes


def themed(folder: Path, texts: dict[str, str]) -> Path:
    """A collection of one note with these files in its theme."""
    cards = folder / "cards"
    write_notes(cards, HEAD + "Answer.")
    (cards / "theme").mkdir(exist_ok=True)
    for name, text in texts.items():
        (cards / "theme" / name).write_text(text, encoding="utf-8")
    return cards


def complaints(folder: Path, texts: dict[str, str]) -> str:
    return "\n".join(map(str, read_theme(themed(folder, texts), "cards/theme")[1]))


def test_without_a_folder_the_look_is_ours(tmp_path: Path) -> None:
    assert read_theme(tmp_path, "theme") == (Theme(), []) == (OURS, [])


def test_a_style_sheet_comes_after_ours(tmp_path: Path) -> None:
    theme, problems = read_theme(themed(tmp_path, {"card.css": ".card { font-size: 30px; }"}), "theme")
    assert not problems
    assert theme.css == OURS.css + ".card { font-size: 30px; }\n"


def test_a_template_takes_the_place_of_ours_and_may_use_the_shared_parts(tmp_path: Path) -> None:
    texts = {"question.html": "<!-- above -->\n<b>{{Question}}</b>", "_above.html": "<i>{{Topic}}</i>\n"}
    theme, problems = read_theme(themed(tmp_path, texts), "theme")
    assert not problems
    assert theme.template("question.html") == "<i>{{Topic}}</i>\n<b>{{Question}}</b>\n"
    assert theme.template("answer.html").count("<i>{{Topic}}</i>") == 1
    assert "{{cloze:Text}}" in theme.template("cloze_question.html")


def test_every_template_of_ours_can_be_read_as_a_theme(tmp_path: Path) -> None:
    assert complaints(tmp_path, {name: OURS.template(name) for name in template_files()}) == ""


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (
            "question.html",
            "<p>\n{{Qestion}}",
            "theme/question.html:2: no note type has a field 'Qestion'\n  hint: did you mean 'Question'?",
        ),
        (
            "cloze_question.html",
            "{{cloze:Txt}}",
            "cloze_question.html:1: no note type has a field 'Txt'",
        ),
        (
            "cloze_question.html",
            "{{Text}}",
            "question.html:1: a template without the deletions makes no card\n  hint: write {{cloze:Text}}",
        ),
        (
            "question.html",
            "{{#Extra}}\n{{Question}}",
            "question.html:1: the section of 'Extra' is never closed\n  hint: end it with {{/Extra}}",
        ),
        ("question.html", "{{Question}}{{/Extra}}", "question.html:1: {{/Extra}} closes what is not open"),
        ("question.html", "What?", "question.html:1: a question side without a field makes no card"),
        ("_below.html", "{{Answer}}", "'Groundtruth Cloze' has no field 'Answer'"),
        (
            "qestion.html",
            "a",
            "qestion.html:1: there is no template called 'qestion.html'\n  hint: did you mean 'question",
        ),
        ("style.css", "a", "cards/theme/style.css:1: there is no template called 'style.css'"),
        ("card.css", ".card {}\n@import 'x.css';", "card.css:2: the style sheet fetches something: @import"),
        ("card.css", "a { background: url(https://a.b/c.png) }", "the style sheet fetches something"),
    ],
)
def test_a_look_that_would_break_cards_is_refused_at_its_line(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    assert complaint in complaints(tmp_path, {name: text})
    with pytest.raises(CardError):
        build(tmp_path / "cards", tmp_path / "decks")
    assert not (tmp_path / "decks").exists()


def test_a_theme_outside_the_collection_is_not_read(tmp_path: Path) -> None:
    cards = themed(tmp_path, {})
    (tmp_path / "secret.css").write_text("a", encoding="utf-8")
    (cards / "theme" / "card.css").symlink_to(tmp_path / "secret.css")
    theme, problems = read_theme(cards, "theme")
    assert theme == OURS and problems[0].what == "the file lies outside the collection"


def test_learners_get_a_changed_look_and_keep_their_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = Learner(tmp_path / "anki")
    for when, size in ((1_790_000_000, "30px"), (1_790_086_400, "40px")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(when))
        texts = {"card.css": f"b {{ font-size: {size}; }}", "question.html": "<b>{{Question}}</b>"}
        report = build(themed(tmp_path, texts), tmp_path / "decks")
        done = learner.imports(tmp_path / "decks" / "cards.apkg")
        assert not done.conflicting
        (card,) = learner.note("q").cards()
        assert f"b {{ font-size: {size}; }}" in card.question() and "<b>Question?</b>" in card.question()
    assert (report.new, report.changed) == ((), ())
    assert learner.is_sound()
    learner.closes()
