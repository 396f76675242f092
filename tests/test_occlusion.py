"""Image occlusion: read from a note, imported, rendered and opened by Anki itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build import build
from generator.notes import Mask
from tests.anki_engine import Learner
from tests.notes import complaints, rendered, topic_of, write_notes

HEAD = "# Net\n\n## Which layer is this? {#net .occlusion}\n\n"
BODY = "![A network](net.svg)\n\n- rect 0.10 0.20 0.30 0.15\n- rect 0.5 0 0.5 1\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200"><rect width="400" height="200"/></svg>'
MONDAY, TUESDAY = 1_790_000_000, 1_790_086_400


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "net.svg").write_bytes(SVG)
    return folder


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


def built(cards: Path, text: str, when: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_notes(cards, text)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(when))
    build(cards, cards.parent / "decks")
    return cards.parent / "decks" / "cards.apkg"


def test_masks_are_numbered_in_their_order_or_by_hand() -> None:
    assert topic_of(HEAD + BODY).notes[0].masks == (
        Mask(1, 0.1, 0.2, 0.3, 0.15),
        Mask(2, 0.5, 0.0, 0.5, 1.0),
    )
    by_hand = topic_of(
        HEAD + "![n](net.svg)\n- c3 rect 0 0 .1 .1\n- c1 rect .2 0 .1 .1\n- c3 rect 0.4 0 .1 .1"
    )
    assert [mask.number for mask in by_hand.notes[0].masks] == [3, 1, 3]


def test_the_fields_are_those_of_the_stock_note_type(cards: Path) -> None:
    found = rendered(HEAD + BODY + "\n---\n\nA reason.", cards)
    (media,) = found.media
    assert found.fields["Occlusion"] == (
        "{{c1::image-occlusion:rect:left=.1:top=.2:width=.3:height=.15:oi=1}}<br>"
        "{{c2::image-occlusion:rect:left=.5:top=0:width=.5:height=1:oi=1}}"
    )
    assert found.fields["Image"] == f'<img src="{media.name}" alt="A network">'
    assert found.fields["Header"] == "Which layer is this?"
    assert found.fields["Back Extra"] == "<p>A reason.</p>"


def test_one_mask_alone_may_hide(cards: Path) -> None:
    text = HEAD.replace(".occlusion", ".occlusion hide=one") + BODY
    assert ":oi=1" not in rendered(text, cards).fields["Occlusion"]


def test_anki_makes_a_card_for_each_number_and_covers_what_it_asks_for(
    cards: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEAD + "![n](net.svg)\n\n- c1 rect 0 0 .1 .1\n- c2 rect .2 0 .1 .1\n- c1 rect .4 0 .1 .1\n"
    learner.imports(built(cards, text, MONDAY, monkeypatch))
    assert learner.is_sound()
    (first, second) = learner.sides()
    for (_, ordinal, question, answer), asked in ((first, 2), (second, 1)):
        assert question.count('class="cloze"') == asked == answer.count('class="cloze-highlight"')
        assert question.count('class="cloze-inactive"') == 3 - asked
        assert f'class="cloze" data-ordinal="{ordinal + 1}" data-shape="rect"' in question
        assert '<canvas id="image-occlusion-canvas">' in question and "<img src=" in question


def test_anki_s_own_editor_opens_the_note(
    cards: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.imports(built(cards, HEAD + BODY + "\n---\n\nA reason.", MONDAY, monkeypatch))
    opened = learner.col.get_image_occlusion_note(note_id=learner.note("net").id).note
    assert opened.image_data == SVG
    assert opened.header == "Which layer is this?" and opened.back_extra == "<p>A reason.</p>"
    assert opened.occlude_inactive
    first, second = sorted(opened.occlusions, key=lambda occlusion: occlusion.ordinal)
    sides = {each.name: each.value for each in first.shapes[0].properties}
    assert (first.ordinal, second.ordinal) == (1, 2)
    assert (first.shapes[0].shape, sides["left"], sides["height"]) == ("rect", ".1", ".15")


def test_a_moved_mask_keeps_every_review(
    cards: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.imports(built(cards, HEAD + BODY, MONDAY, monkeypatch))
    learner.studies(2)
    before = learner.schedule()
    changed = BODY.replace("0.10 0.20", "0.12 0.20") + "- rect 0.4 0.4 0.05 0.05\n"
    done = learner.imports(built(cards, HEAD + changed, TUESDAY, monkeypatch))
    assert len(done.updated) == 1 and not done.new and not done.conflicting
    after = learner.schedule()
    assert {card: row for card, row in after.items() if card in before} == before
    assert set(after) - set(before) == {("net", 2)}, "the new mask has a card of its own"
    assert "left=.12:" in learner.note("net")["Occlusion"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("- rect 0 0 1 1", "topic.md:3: an occlusion note has one image, and this one has none"),
        ("![n](net.svg)", "topic.md:3: an occlusion note without a mask has no card"),
        ("![n](net.svg)\n![m](m.svg)\n\n- rect 0 0 1 1", "has one image, and this one has 2"),
        ("![n](net.svg)\n\n- rect 0 0 1", "topic.md:7: 'rect 0 0 1' is no mask"),
        ("![n](net.svg)\n\n- rect 0 0 1 1..2", "topic.md:7: 'rect 0 0 1 1..2' is no mask"),
        ("![n](net.svg)\n\n- rect 0.5 0 0.6 1", "does not lie inside the image"),
        ("![n](net.svg)\n\n- rect 0.5 0 0 1", "does not lie inside the image"),
        ("![n](net.svg)\n\n- c65 rect 0 0 1 1", "topic.md:7: the mask c65 makes no card"),
        (
            "![n](net.svg)\n\n- rect 0 0 1 1\n- c2 rect 0 0 1 1",
            "some masks have a number and others have none",
        ),
        (
            "Look: ![n](net.svg)\n\n- rect 0 0 1 1",
            "topic.md:5: an occlusion note has an image, a list of masks",
        ),
        ("![n](net.svg)\n\n- rect 0 0 1 1\n\n> So.", "topic.md:9: an occlusion note has an image"),
        ("![n](net.svg)\n\n- rect 0 0 1 1\n\n{{c1::a}}", "an occlusion note with a deletion"),
    ],
)
def test_what_is_no_occlusion_is_refused_at_its_line(body: str, complaint: str) -> None:
    assert any(complaint in found for found in complaints(HEAD + body)), complaints(HEAD + body)


def test_a_key_that_only_occlusion_notes_have_is_refused_elsewhere() -> None:
    assert "hide='one' means nothing here" in complaints("# T\n\n## Q? {#q hide=one}\n\na")[0]
    assert "hide='two' means nothing here" in complaints("# T\n\n## Q? {#q .occlusion hide=two}\n\na")[0]
