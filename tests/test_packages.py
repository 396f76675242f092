"""Reading an .apkg, of this tool and of Anki."""

from __future__ import annotations

import io
import sqlite3
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from anki.collection import DeckIdLimit, ExportAnkiPackageOptions

from generator.build import build
from generator.errors import StateError
from generator.ledger import guid_of
from generator.packages import read_package, read_packages
from tests.anki_engine import Learner
from tests.notes import write_notes

NOTES = """\
---
deck: Vision::Layers
tags: [b, a]
---

# Topic

## One? {#one .reversed}

1

## Two {#two}

{{c1::a}} b {{c3::c}}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two notes."""
    write_notes(tmp_path / "cards", NOTES)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    build(tmp_path / "cards", tmp_path / "decks")
    return tmp_path / "decks" / "vision.apkg"


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


def test_the_notes_of_a_package_are_read(package: Path) -> None:
    one, two = read_package(package)
    assert (one.id, one.guid, one.mod) == ("one", guid_of("one"), 1_790_000_000)
    assert (one.deck, one.cards, one.tags) == ("Vision::Layers", (0, 1), ("a", "b"))
    assert dict(zip(one.names, one.fields, strict=True))["Question"] == "One?"
    assert (two.id, two.cards) == ("two", (0, 2))
    assert one.notetype != two.notetype


def exported(learner: Learner, file: Path, legacy: bool) -> Path:
    """What Anki's own export makes of the deck."""
    options = ExportAnkiPackageOptions(with_scheduling=True, with_media=True, legacy=legacy)
    deck = learner.col.decks.id("Vision")
    assert deck is not None
    learner.col.export_anki_package(out_path=str(file), options=options, limit=DeckIdLimit(deck))
    return file


def test_a_package_that_anki_exported_for_older_versions_is_read(
    package: Path, learner: Learner, tmp_path: Path
) -> None:
    learner.imports(package)
    file = exported(learner, tmp_path / "older.apkg", legacy=True)
    assert {note.guid: note for note in read_package(file)} == {
        note.guid: note for note in read_package(package)
    }


def test_a_package_in_ankis_newer_format_is_read_where_zstandard_is_there(
    package: Path, learner: Learner, tmp_path: Path
) -> None:
    learner.imports(package)
    file = exported(learner, tmp_path / "newer.apkg", legacy=False)
    with zipfile.ZipFile(file) as archive:
        assert "collection.anki21b" in archive.namelist()
    assert {note.guid: note for note in read_package(file)} == {
        note.guid: note for note in read_package(package)
    }


def test_a_damaged_package_in_the_newer_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.apkg"
    file.write_bytes(zipped(collection_anki21b=b"no zstandard"))
    with pytest.raises(StateError, match="the package is damaged"):
        read_package(file)


def test_without_a_library_for_it_the_newer_format_is_refused_with_a_way_out(
    package: Path, learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.imports(package)
    file = exported(learner, tmp_path / "newer.apkg", legacy=False)
    for name in ("compression", "compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StateError) as refused:
        read_package(file)
    assert str(refused.value) == (
        f"{file}: is in Anki's newer format, which needs zstandard to be read\n"
        "  hint: `pip install zstandard`, or export it with 'Support older Anki versions' ticked"
    )


def test_of_a_note_in_two_packages_the_newer_version_counts(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = package.read_bytes()
    copy = package.parent / "older.apkg"
    copy.write_bytes(older)
    write_notes(package.parent.parent / "cards", NOTES.replace("\n1\n", "\nI\n"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000060")
    build(package.parent.parent / "cards", package.parent)
    for order in ([package, copy], [copy, package]):
        assert "<p>I</p>" in read_packages(order)[guid_of("one")].fields


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return buffer.getvalue()


def empty_database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table notes (id)")
    data = connection.serialize()
    connection.close()
    return data


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the package is damaged (File is not a zip file)"),
        (b"PK\x03\x04", "the package is damaged (File is not a zip file)"),
        (zipped(media=b"{}"), "is a zip file, but no Anki package"),
        (zipped(collection_anki2=b"x"), "the package is damaged (ValueError: its collection is no database)"),
        (
            zipped(collection_anki2=b"SQLite format 3\0" + b"x" * 200),
            "the package is damaged (",
        ),
        (zipped(collection_anki2=empty_database()), "the package is damaged (no such table: col)"),
    ],
)
def test_what_is_no_package_is_refused_with_its_name(tmp_path: Path, data: bytes, what: str) -> None:
    file = tmp_path / "x.apkg"
    file.write_bytes(data)
    with pytest.raises(StateError) as refused:
        read_package(file)
    assert refused.value.what.startswith(f"{file}: {what}")


def test_a_package_with_any_byte_changed_is_read_or_refused(package: Path, tmp_path: Path) -> None:
    whole = package.read_bytes()
    file = tmp_path / "broken.apkg"
    for offset in range(0, len(whole), max(1, len(whole) // 300)):
        file.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :])
        try:
            read_package(file)
        except StateError as error:
            assert str(file) in error.what
