"""Sounds and videos, imported and played by Anki itself; and that only what is used is packed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build import build
from generator.errors import CardError
from tests.anki_engine import Learner
from tests.notes import HEAD, rendered, write_notes


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    folder = tmp_path / "cards"
    folder.mkdir()
    for name in ("say.mp3", "a_b_c.ogg", "show.mp4", "show.webm", "unused.mp3", "it is.wav"):
        (folder / name).write_bytes(f"content of {name}".encode())
    (tmp_path / "secret.mp3").write_bytes(b"secret")
    (folder / "link.mp3").symlink_to(tmp_path / "secret.mp3")
    return folder


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


def build_and_import(cards: Path, learner: Learner, text: str) -> Path:
    """Build these notes, import them, and give the folder of the learner's media."""
    write_notes(cards, text)
    build(cards, cards.parent / "decks")
    learner.imports(cards.parent / "decks" / "cards.apkg")
    return Path(learner.col.media.dir())


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("Say: ![](say.mp3)", "say.mp3"),
        ("Say: [sound:say.mp3]", "say.mp3"),
        ("Say: [sound:a_b_c.ogg] _now_", "a_b_c.ogg"),
        ("Say: [sound:it is.wav]", "it is.wav"),
        ("Say: ![](it%20is.wav)", "it is.wav"),
        ("| a |\n|---|\n| [sound:say.mp3] |", "say.mp3"),
        ("Show: ![a film](show.mp4)", "show.mp4"),
        ("- ![](show.webm)", "show.webm"),
        ("It says {{c1::![](say.mp3)}}.", "say.mp3"),
    ],
)
def test_anki_plays_the_file_that_the_note_names(cards: Path, learner: Learner, body: str, name: str) -> None:
    media = build_and_import(cards, learner, HEAD + body)
    ((packed,),) = [list(media.iterdir())]
    assert packed.read_bytes() == f"content of {name}".encode()
    (tag,) = learner.note("q").cards()[0].answer_av_tags()
    assert tag.filename == packed.name
    assert not list(learner.col.media.check().missing) and not list(learner.col.media.check().unused)


def test_a_sound_in_a_deletion_is_not_played_before_it_is_asked(cards: Path, learner: Learner) -> None:
    build_and_import(cards, learner, HEAD + "It says {{c1::[sound:say.mp3]}}.")
    card = learner.note("q").cards()[0]
    assert not card.question_av_tags() and len(card.answer_av_tags()) == 1


def test_the_same_sound_twice_travels_once(cards: Path) -> None:
    found = rendered(HEAD + "![](say.mp3) [sound:say.mp3]\n\n---\n\n[sound:./say.mp3]", cards)
    assert len(found.media) == 1


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("a\n\n![](none.mp3)", "topic.md:7: the sound none.mp3 does not exist"),
        ("[sound:none.mp3]", "topic.md:5: the sound none.mp3 does not exist"),
        ("[sound:../secret.mp3]", "topic.md:5: the sound ../secret.mp3 lies outside the collection"),
        ("[sound:link.mp3]", "topic.md:5: the sound link.mp3 lies outside the collection"),
        ("[sound:https://a.org/b.mp3]", "topic.md:5: the sound https%3A//a.org/b.mp3 "),
        ("![](none.mp4)", "topic.md:5: the video none.mp4 does not exist"),
        ("[sound:topic.md]", "topic.md:5: topic.md is nothing that Anki shows or plays"),
    ],
)
def test_a_sound_that_cannot_be_used_is_refused_at_its_line(cards: Path, body: str, complaint: str) -> None:
    write_notes(cards, HEAD + body)
    with pytest.raises(CardError) as refused:
        build(cards, cards.parent / "decks")
    assert complaint in str(refused.value)


def test_a_picture_in_the_place_of_a_sound_is_refused(cards: Path) -> None:
    (cards / "a.png").write_bytes(b"png")
    assert "Anki does not play a.png" in str(rendered(HEAD + "[sound:a.png]", cards).problems[0])


def test_a_sound_is_no_answer_to_type(cards: Path) -> None:
    found = rendered("# T\n\n## Q? {#q .typed}\n\n[sound:say.mp3]", cards)
    assert found.problems[0].what == "a typed answer is one paragraph of plain text"


@pytest.mark.parametrize(
    "body",
    [
        "`[sound:say.mp3]`",
        "```\n[sound:say.mp3]\n```",
        "\\[sound:say.mp3]",
        "`[latex]x[/latex]` and \\[latex]x\\[/latex]",
        "[$]x[/$] [$$]x[/$$] [anki:tts lang=en]x[/anki:tts]",
    ],
)
def test_what_is_written_as_text_is_neither_played_nor_typeset(
    cards: Path, learner: Learner, body: str
) -> None:
    media = build_and_import(cards, learner, HEAD + body)
    card = learner.note("q").cards()[0]
    assert not card.answer_av_tags() and not list(media.iterdir())
    assert "<img" not in card.answer()
