"""Packages that nobody should have to trust: each is refused in words, and nothing is written."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from generator import archive as archive_module
from generator.__main__ import main
from generator.archive import Archive
from generator.build import build
from generator.errors import StateError
from generator.importing import import_package
from generator.unpack import bad_name, unpack
from tests.anki_engine import Learner
from tests.foreign_deck import add, export, fill

MODEL = {
    "id": 1600000000001, "name": "N", "type": 0, "css": "", "mod": 5,
    "flds": [{"name": "Front", "ord": 0}, {"name": "Back", "ord": 1}],
    "tmpls": [{"name": "C", "ord": 0, "qfmt": "{{Front}}", "afmt": "{{Back}}"}],
}  # fmt: skip
DECKS = {"7": {"id": 7, "name": "D::E", "desc": "of it"}}
NOTE = (1600000000002, "guid", MODEL["id"], 9, " a ", "front\x1fback")
CARD = (1, 1600000000002, 7, 0, 0, 0, 1)


def database(**changes: Any) -> bytes:
    """A collection with one note, some of it changed."""
    given = {
        "version": 11, "models": {str(MODEL["id"]): MODEL}, "decks": DECKS, "notes": [NOTE], "cards": [CARD],
        **changes,
    }  # fmt: skip
    made = sqlite3.connect(":memory:")
    made.executescript(
        "create table col (ver, models, decks);"
        "create table notes (id, guid, mid, mod, tags, flds);"
        "create table cards (id, nid, did, ord, odid, type, due);"
    )
    texts = [one if isinstance(one, str) else json.dumps(one) for one in (given["models"], given["decks"])]
    made.execute("insert into col values (?, ?, ?)", (given["version"], *texts))
    made.executemany("insert into notes values (?, ?, ?, ?, ?, ?)", given["notes"])
    made.executemany("insert into cards values (?, ?, ?, ?, ?, ?, ?)", given["cards"])
    for statement in given.get("then", ()):
        made.execute(statement)
    made.commit()
    return bytes(made.serialize())


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return buffer.getvalue()


def package(
    media: dict[str, str] | bytes | None = None, members: dict[str, bytes] | None = None, **changes: Any
) -> bytes:
    listing = media if isinstance(media, bytes) else json.dumps(media or {}).encode()
    return zipped({"collection.anki2": database(**changes), "media": listing, **(members or {})})


def newer(collection: bytes, media: bytes = b"") -> bytes:
    """A package in Anki's newer format."""
    packed = zstandard.ZstdCompressor().compress
    return zipped({"collection.anki21b": packed(collection), "media": packed(media)})


def refused(tmp_path: Path, data: bytes) -> StateError:
    """The error that an import of these bytes ends in; nothing may have been written."""
    file = tmp_path / "deck.apkg"
    file.write_bytes(data)
    with pytest.raises(StateError) as caught:
        import_package(file, tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["deck.apkg"]
    assert caught.value.hint
    return caught.value


def test_a_small_package_is_read(tmp_path: Path) -> None:
    file = tmp_path / "deck.apkg"
    file.write_bytes(package({"0": "x.png"}, {"0": b"png"}))
    with Archive(file) as opened:
        found = unpack(opened)
    (note,) = found.notes
    assert (note.guid, note.fields, note.tags, note.decks) == ("guid", ("front", "back"), ("a",), ("D::E",))
    assert (found.media, found.decks) == ({"x.png": "0"}, {"D::E": "of it"})


def test_a_card_in_a_filtered_deck_belongs_to_its_home(tmp_path: Path) -> None:
    file = tmp_path / "deck.apkg"
    decks = {**DECKS, "8": {"id": 8, "name": "Filtered"}}
    file.write_bytes(package(decks=decks, cards=[(1, NOTE[0], 8, 0, 7, 0, 1)]))
    with Archive(file) as opened:
        assert unpack(opened).notes[0].decks == ("D::E",)


def test_ids_that_early_versions_wrote_as_texts_are_numbers(tmp_path: Path) -> None:
    key = str(MODEL["id"])
    file = tmp_path / "deck.apkg"
    file.write_bytes(package(models={key: {**MODEL, "id": key}}, decks={"7": {**DECKS["7"], "id": "7"}}))
    with Archive(file) as opened:
        found = unpack(opened)
    assert found.notetypes[MODEL["id"]]["id"] == MODEL["id"]  # type: ignore[index]
    assert found.notes[0].decks == ("D::E",)


@pytest.mark.parametrize(
    ("given", "name"), [("D::E\n", "D::E"), (" D :: e\u0301", "D::\u00e9"), ("D::\x07::", "D::blank::blank")]
)
def test_a_deck_is_called_as_anki_would_call_it(tmp_path: Path, given: str, name: str) -> None:
    file = tmp_path / "deck.apkg"
    file.write_bytes(package(decks={"7": {**DECKS["7"], "name": given}}))
    with Archive(file) as opened:
        assert unpack(opened).notes[0].decks == (name,)
    learner = Learner(tmp_path / "anki")
    assert learner.col.decks.name(learner.col.decks.id(given)) == name
    learner.closes()


def test_of_two_notes_with_one_guid_the_one_that_anki_finds_keeps_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deck.apkg"
    younger = (NOTE[0] + 5, *NOTE[1:5], "another\x1fback")
    file.write_bytes(package(notes=[NOTE, younger], cards=[CARD, (2, younger[0], *CARD[2:])]))
    assert main(["import", str(file), "-o", str(tmp_path / "out")]) == 0
    assert (
        "1 note had the guid of another: each has its own now, and is new to Anki" in capsys.readouterr().err
    )
    with Archive(file) as opened:
        first, second = unpack(opened).notes
    assert (first.guid != "guid", first.fields[0]) == (True, "front")
    assert (second.guid, second.fields[0]) == ("guid", "another")
    learner = Learner(tmp_path / "anki")
    for text in ("front", "another"):
        note = add(learner, "Basic", [text, "back"])
        note.guid = "guid"
        learner.col.update_note(note)
    folder = tmp_path / "both"
    import_package(export(learner, tmp_path / "both.apkg"), folder)
    build(folder, tmp_path / "decks")
    (made,) = (tmp_path / "decks").glob("*.apkg")
    done = learner.imports(made)
    assert (len(done.new), len(done.updated)) == (1, 0), "no note takes another one's reviews"
    learner.closes()


def test_both_of_ankis_formats_say_the_same(tmp_path: Path) -> None:
    learner = Learner(tmp_path / "anki")
    try:
        fill(learner)
        learner.studies(5)
        found = []
        for legacy in (True, False):
            with Archive(export(learner, tmp_path / f"{legacy}.apkg", legacy=legacy)) as opened:
                assert opened.newer is not legacy
                package = unpack(opened)
                data = {name: opened.read(member, 1 << 20) for name, member in package.media.items()}
                found.append((package.notes, _known(package.notetypes), package.decks, data))
        assert found[0] == found[1]
    finally:
        learner.closes()


def _known(notetypes: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Without what Anki works out anew, and what says when something was synchronised."""
    return {key: {**raw, "req": [], "usn": 0} for key, raw in notetypes.items()}


WIDE = {**MODEL, "flds": [*MODEL["flds"], {"name": "Third"}]}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (lambda: b"", "is no Anki package"),
        (lambda: b"PK\x03\x04 and then nothing", "is no Anki package"),
        (lambda: zipped({"photo.jpg": b"x"}), "is a zip file, but no Anki package"),
        (lambda: zipped({"collection.anki21b": b"x", "collection.anki2": b"x"}), "the package is damaged"),
        (lambda: newer(b"SQLite format 3\0"), "is no database"),
        (lambda: newer(database()), "has schema 11; 18 is what newer packages have"),
        (lambda: newer(database(), b"\x0a\x7f"), "media: a message is cut off"),
        (lambda: newer(database(), b"\x08\x01"), "media: a list holds something else"),
        (lambda: newer(database(), b"\x0a\x02\x08"), "media: a message is cut off"),
        (lambda: newer(database(), b"\xff" * 20), "media: a number is cut off"),
        (lambda: zipped({"collection.anki2": b"x"}), "is no database"),
        (lambda: package()[:-400], "is no Anki package"),
        (lambda: zipped({"collection.anki2": database()[:5000]}), "malformed"),
        (lambda: zipped({"collection.anki2": b"SQLite format 3\0" + b"\xff" * 5000}), "damaged"),
        (lambda: package(then=["drop table cards"]), "has no table cards"),
        (lambda: package(then=["drop table cards", "create view cards as select 1"]), "has no table cards"),
        (lambda: package(then=["delete from col"]), "has schema 0"),
        (lambda: package(version=18), "has schema 18"),
        (lambda: package(models="{"), "JSONDecodeError"),
        (lambda: package(models="[" * 100_000), "damaged"),
        (lambda: package(models=[1]), "AttributeError"),
        (lambda: package(models={}), "the note type of the note 'guid' is not an object"),
        (lambda: package(models={str(MODEL["id"]): {**MODEL, "flds": []}}), "has no flds"),
        (lambda: package(models={str(MODEL["id"]): {**MODEL, "tmpls": [{"name": 1}]}}), "in its tmpls"),
        (lambda: package(models={str(MODEL["id"]): {**MODEL, "id": "x"}}), "has no id, name and type"),
        (lambda: package(models={str(MODEL["id"]): {**MODEL, "id": 2}}), "has another id"),
        (lambda: package(models={str(MODEL["id"]): WIDE}), "has 2 fields instead of 3"),
        (lambda: package(decks={}), "is in no deck"),
        (lambda: package(decks={"7": {"id": 7}}), "KeyError"),
        (lambda: package(notes=[(*NOTE[:5], b"front")]), "a value of another kind"),
        (lambda: package(notes=[(*NOTE[:1], None, *NOTE[2:])]), "a value of another kind"),
        (lambda: package(notes=[(*NOTE[:1], "", *NOTE[2:])]), "a note has no guid"),
        (lambda: package(notes=[]), "holds no note"),
        (lambda: package(cards=[(1, NOTE[0], 7, "x", 0, 0, 1)]), "a card has a value of another kind"),
        (lambda: package(b"["), "media: "),
        (lambda: package(b"[]"), "media: is no list of files"),
        (lambda: package({"0": "x.png"}), "'x.png' is missing"),
        (lambda: package({"0": "x.png", "1": "x.png"}, {"0": b"", "1": b""}), "two media files are called"),
        (lambda: package({"0": "../../x.png"}, {"0": b""}), "has a name that leads elsewhere"),
        (lambda: package({"0": "a\\b.png"}, {"0": b""}), "has a name that leads elsewhere"),
        (lambda: package({"0": "nul.png"}, {"0": b""}), "Windows keeps for itself"),
        (lambda: package({"0": "a:b"}, {"0": b""}), "cannot have on Windows"),
        (lambda: package({"0": "x\ud800.png"}, {"0": b""}), "has a name that is no text"),
    ],
)  # fmt: skip
def test_what_anki_did_not_write_is_refused(tmp_path: Path, data: Callable[[], bytes], what: str) -> None:
    assert what in refused(tmp_path, data()).what


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/etc/passwd", "a/b", "x.png ", "x.", "COM1", "aux.tar.gz", "é" * 128, 7]
)
def test_a_name_that_no_file_can_have_everywhere(name: object) -> None:
    assert bad_name(name)


@pytest.mark.parametrize(
    "name", ["_x.css", "größe 100% #1.png", "console.png", "a'b&c.jpg", "日本語.mp3", ".hidden"]
)
def test_a_name_that_files_can_have(name: str) -> None:
    assert bad_name(name) is None


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MOST_BYTES", 1 << 20)
    data = package({"0": "x.png"}, {"0": bytes(2 << 20)})
    assert "unpacks to more than" in refused(tmp_path, data).what


def test_a_member_that_is_longer_than_the_zip_says_is_refused(tmp_path: Path) -> None:
    honest = package({"0": "x.png"}, {"0": bytes(50_000)})
    lying = honest.replace((50_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    assert lying != honest
    assert "damaged" in refused(tmp_path, lying).what


def test_a_query_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.unpack._MOST_STEPS", 3)
    notes = [(index, f"g{index}", *NOTE[2:]) for index in range(60_000)]
    assert "interrupted" in refused(tmp_path, package(notes=notes)).what


def test_flipped_bytes_end_in_words(tmp_path: Path) -> None:
    data = package({"0": "x.png"}, {"0": b"png"}, notes=[NOTE])
    for place in range(0, len(data), 7):
        file = tmp_path / "deck.apkg"
        file.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            import_package(file, tmp_path / f"out{place}")
        except StateError as error:
            assert error.hint
            assert not (tmp_path / f"out{place}").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "deck.apkg").write_bytes(package())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.md").write_text("mine")
    with pytest.raises(StateError, match="nothing is overwritten"):
        import_package(tmp_path / "deck.apkg", tmp_path / "out")
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["mine.md"]


def test_the_command_says_what_it_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("My Deck.apkg").write_bytes(package({"0": "x.png"}, {"0": b"png"}))
    assert main(["import", "My Deck.apkg"]) == 0
    said = capsys.readouterr()
    assert said.out == "my-deck/d--e.md  1 note\n"
    assert "2 fields in Markdown, 0 kept as HTML; 1 note type, 1 media file" in said.err
    assert sorted(one.name for one in Path("my-deck").iterdir()) == [
        "d--e.md",
        "imported.json",
        "media",
        "notetypes",
    ]
    assert main(["build", "my-deck"]) == 0
    assert main(["import", "My Deck.apkg"]) == 5
    assert main(["import", "nowhere.apkg"]) == 5
    assert "no such file" in capsys.readouterr().err
