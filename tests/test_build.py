"""A collection → packages and ledger, and what an author should know about it."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from pathlib import Path

import pytest

from generator.build import Report, build
from generator.decks import slug
from generator.errors import CardError, StateError
from generator.ledger import guid_of, read_ledger
from tests.notes import write_notes

TWO = """\
---
deck: Vision::Convolutions
---

# Topic

## One? {#one}

1

## Two? {#two}

2
"""


def build_at(root: Path, now: int, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now))
    return build(root, root.parent / "decks")


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """A collection of two notes."""
    write_notes(tmp_path / "cards", TWO)
    return tmp_path / "cards"


def files_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}


def test_there_is_a_package_for_the_whole_deck_and_one_for_each_part(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(cards, TWO.replace("::Convolutions", "::Pooling").replace("{#", "{#p-"), "pooling.md")
    report = build_at(cards, 100, monkeypatch)
    assert {file.name: notes for file, notes, _ in report.packages} == {
        "vision.apkg": 4,
        "vision--convolutions.apkg": 2,
        "vision--pooling.apkg": 2,
    }
    assert files_in(cards.parent / "decks").keys() == {"ledger.json"} | {
        file.name for file, _, _ in report.packages
    }
    for file, _, size in report.packages:
        assert file.stat().st_size == size


def test_each_kind_of_note_goes_into_the_package_with_its_fields_and_its_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# T\n\n## Basic? {#basic}\n\na\n\n## Term {#reversed .reversed}\n\nb\n\n"
    text += "## Name? {#typed .typed}\n\nc\n\n## Sizes {#cloze tags=core}\n\n{{c1::d}} {{c3,1::e}}\n"
    write_notes(tmp_path / "cards", text)
    build_at(tmp_path / "cards", 100, monkeypatch)
    archive = zipfile.ZipFile(tmp_path / "decks" / "cards.apkg")
    connection = sqlite3.connect(":memory:")
    connection.deserialize(archive.read("collection.anki2"))
    found = {
        guid: (fields.split("\x1f"), tags.split(), ordinals)
        for guid, fields, tags, ordinals in connection.execute(
            "select guid, flds, tags, group_concat(ord) from notes join cards on nid = notes.id group by nid"
        )
    }
    connection.close()
    for note_id, first, second, tags, ordinals in (
        ("basic", "Basic?", "<p>a</p>", [], "0"),
        ("reversed", "Term", "<p>b</p>", [], "0,1"),
        ("typed", "Name?", "<p>c</p>", [], "0"),
        ("cloze", "<p>{{c1::d}} {{c3,1::e}}</p>", "Sizes", ["core"], "0,2"),
    ):
        fields, found_tags, found_ordinals = found[guid_of(note_id)]
        assert (fields[:2], found_tags, found_ordinals) == ([first, second], tags, ordinals)
        assert note_id in fields


def test_the_first_build_has_only_new_notes_and_the_second_only_unchanged_ones(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_at(cards, 100, monkeypatch)
    assert (first.new, first.changed, first.unchanged) == (("one", "two"), (), 0)
    before = files_in(cards.parent / "decks")
    second = build_at(cards, 200, monkeypatch)
    assert (second.new, second.changed, second.unchanged) == ((), (), 2)
    assert files_in(cards.parent / "decks") == before


def test_a_changed_note_is_named_and_the_others_are_not(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_at(cards, 100, monkeypatch)
    write_notes(cards, TWO.replace("\n2\n", "\n2, of course\n") + "\n## Three? {#three}\n\n3\n")
    report = build_at(cards, 200, monkeypatch)
    assert (report.new, report.changed, report.unchanged) == (("three",), ("two",), 1)
    mods = {
        entry.id: entry.mod for entry in read_ledger(cards.parent / "decks" / "ledger.json").notes.values()
    }
    assert mods == {"one": 100, "two": 200, "three": 200}


def test_a_note_that_moved_to_another_deck_is_named(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_at(cards, 100, monkeypatch)
    write_notes(cards, TWO.replace("Convolutions", "Layers"))
    report = build_at(cards, 200, monkeypatch)
    assert report.moved == (
        ("one", "Vision::Convolutions", "Vision::Layers"),
        ("two", "Vision::Convolutions", "Vision::Layers"),
    )
    assert not report.changed
    assert not build_at(cards, 300, monkeypatch).moved


def test_a_note_that_is_gone_is_named(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_at(cards, 100, monkeypatch)
    write_notes(cards, TWO[: TWO.index("## Two?")])
    assert build_at(cards, 200, monkeypatch).gone == ("two",)


def test_a_note_that_is_held_back_is_not_packed_and_not_gone(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_at(cards, 100, monkeypatch)
    write_notes(
        cards,
        TWO.replace("\n2\n", "\n[?](claim:two)\n\n```python claim needs=cuda,tensorrt\ntwo = 2\n```\n"),
    )
    report = build_at(cards, 200, monkeypatch)
    (held,) = report.held_back
    assert (held.id, held.needs) == ("two", ("cuda", "tensorrt"))
    assert held.reasons == (f"{held.location.path}:13: two is not measured yet",)
    assert [notes for _, notes, _ in report.packages] == [1, 1]
    assert (report.gone, report.changed, report.unchanged) == ((), (), 1)


def test_a_mistake_in_one_note_stops_the_build_and_nothing_is_written(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_at(cards, 100, monkeypatch)
    before = files_in(cards.parent / "decks")
    write_notes(cards, TWO.replace("\n2\n", "\n![2](none.png)\n").replace("\n1\n", "\none\n"))
    with pytest.raises(CardError) as refused:
        build_at(cards, 200, monkeypatch)
    assert [problem.what for problem in refused.value.problems] == ["the image none.png does not exist"]
    assert files_in(cards.parent / "decks") == before


def test_a_mistake_in_an_introduction_is_told_once_however_many_notes_it_has(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# T\n\nAbout ![it](none.png).\n\n## One? {#one}\n\n1\n\n## Two? {#two}\n\n2\n"
    write_notes(cards, text)
    with pytest.raises(CardError) as refused:
        build_at(cards, 100, monkeypatch)
    assert [problem.what for problem in refused.value.problems] == ["the image none.png does not exist"]


def test_two_folders_of_notes_do_not_retire_each_other(tmp_path: Path) -> None:
    """Both would write to the `decks` beside them."""
    first, second = tmp_path / "first", tmp_path / "second"
    write_notes(first, "# A\n\n## Why? {#why}\n\nSo.\n")
    write_notes(second, "# B\n\n## How? {#how}\n\nThus.\n")
    build(first, tmp_path / "decks")
    before = files_in(tmp_path / "decks")
    with pytest.raises(StateError) as refused:
        build(second, tmp_path / "decks")
    assert refused.value.what.endswith("decks/ledger.json: is the ledger of the notes in first")
    assert refused.value.hint.startswith("give second a folder of its own: -o FOLDER")
    assert files_in(tmp_path / "decks") == before
    build(second, tmp_path / "other")
    build(first, tmp_path / "decks")
    assert files_in(tmp_path / "decks") == before


def test_a_folder_of_notes_that_is_renamed_takes_its_ledger_along(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes", "# A\n\n## Why? {#why}\n\nSo.\n")
    build(tmp_path / "notes", tmp_path / "decks")
    (tmp_path / "notes").rename(tmp_path / "cards")
    report = build(tmp_path / "cards", tmp_path / "decks")
    assert (report.new, report.gone) == ((), ())
    assert '"root": "../cards"' in (tmp_path / "decks/ledger.json").read_text()


def test_a_damaged_ledger_stops_the_build_and_nothing_is_written(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_at(cards, 100, monkeypatch)
    (cards.parent / "decks" / "ledger.json").write_text("{", encoding="utf-8")
    before = files_in(cards.parent / "decks")
    write_notes(cards, TWO.replace("\n1\n", "\none\n"))
    with pytest.raises(StateError, match="the ledger is damaged"):
        build_at(cards, 200, monkeypatch)
    assert files_in(cards.parent / "decks") == before


def test_a_warning_stops_nothing_and_is_reported(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notes(cards, TWO.replace("\n1\n", "\n<b>1</b>\n"))
    report = build_at(cards, 100, monkeypatch)
    assert [problem.what for problem in report.warnings] == ["raw HTML is shown as text: <b>"]
    assert len(report.new) == 2


def test_ledgers_of_two_merged_branches_build(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = cards.parent / "decks" / "ledger.json"
    build_at(cards, 100, monkeypatch)
    base = ledger.read_text(encoding="utf-8")
    lines = []
    for name in ("ours", "theirs"):
        ledger.write_text(base, encoding="utf-8")
        write_notes(cards, TWO + f"\n## {name}? {{#{name}}}\n\n3\n")
        build_at(cards, 100, monkeypatch)
        lines += [line for line in ledger.read_text(encoding="utf-8").splitlines() if f'"{name}"' in line]
    # As version control merges two branches that each added a line.
    head, _, tail = base.partition('"notes": {\n')
    ledger.write_text(head + '"notes": {\n' + "".join(f"{line.rstrip(',')},\n" for line in lines) + tail)
    write_notes(cards, TWO + "\n## ours? {#ours}\n\n3\n\n## theirs? {#theirs}\n\n3\n")
    report = build_at(cards, 200, monkeypatch)
    assert (report.new, report.changed, report.unchanged) == ((), (), 4)


def test_decks_that_would_share_a_file_are_refused(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notes(cards, TWO.replace("Vision::Convolutions", "Vision!").replace("{#", "{#v-"), "v.md")
    with pytest.raises(StateError) as refused:
        build_at(cards, 100, monkeypatch)
    assert str(refused.value) == (
        "vision.apkg: the decks 'Vision' and 'Vision!' would share this file\n  hint: rename one of the decks"
    )
    assert not (cards.parent / "decks").exists()


@pytest.mark.parametrize(
    ("deck", "name"),
    [
        ("Efficient Vision::Convolutions", "efficient-vision--convolutions"),
        ("C++ & CUDA", "c-cuda"),
        ("Größe::何", "größe--何"),
        ("../../etc", "etc"),
        ("a/b\\c", "a-b-c"),
        ("!?", "deck"),
    ],
)
def test_a_deck_names_its_file(deck: str, name: str) -> None:
    assert slug(deck) == name
    assert os.sep not in slug(deck)


def test_packages_without_their_ledger_are_no_new_beginning(tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "a.md").write_text("---\ndeck: D\n---\n\n# A\n\n## Q? {#q}\n\nA.\n", encoding="utf-8")
    build(cards, tmp_path / "decks")
    (tmp_path / "decks" / "ledger.json").unlink()
    before = (tmp_path / "decks" / "d.apkg").read_bytes()
    with pytest.raises(StateError, match="its ledger is gone"):
        build(cards, tmp_path / "decks")
    assert (tmp_path / "decks" / "d.apkg").read_bytes() == before
