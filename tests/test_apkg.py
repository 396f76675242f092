"""Packages, opened with nothing but zipfile and sqlite3."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from generator.apkg import Content, notetype_digests, pack
from generator.ledger import Ledger, enter, guid_of
from generator.media import Media
from generator.notetypes import ALL, CLOZE, OCCLUSION, QUESTION

MONDAY = 1_790_000_000
"""A second of some day."""


def content(identity: str, **changes: Any) -> Content:
    notetype = changes.get("notetype", QUESTION)
    values = {
        "id": identity,
        "deck": "Vision::Convolutions",
        "notetype": notetype,
        "fields": tuple(identity if field.name == "Id" else "" for field in notetype.fields),
        "tags": (),
        "ordinals": (0,),
        "media": (),
    }
    return Content(**{**values, **changes})


def entered(contents: list[Content], before: Ledger | None = None, now: int = MONDAY) -> Ledger:
    rows = [each.built for each in contents]
    return enter(before or Ledger({}, {}), rows, notetype_digests(), now)


def packed(contents: list[Content], ledger: Ledger | None = None) -> bytes:
    return pack(contents, ledger or entered(contents), {"Vision": "About <b>vision</b>."})


@contextmanager
def opened(package: bytes) -> Iterator[sqlite3.Connection]:
    """The database in a package."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(zipfile.ZipFile(io.BytesIO(package)).read("collection.anki2"))
        yield connection
    finally:
        connection.close()


def rows(package: bytes, query: str) -> list[tuple[Any, ...]]:
    with opened(package) as connection:
        return connection.execute(query).fetchall()


def collection_row(package: bytes, column: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(rows(package, f"select {column} from col")[0][0])
    return found


def test_a_package_is_a_sound_zip_with_a_sound_database() -> None:
    package = packed([content("a")])
    archive = zipfile.ZipFile(io.BytesIO(package))
    assert archive.testzip() is None
    assert archive.namelist() == ["collection.anki2", "media"]
    assert rows(package, "pragma integrity_check") == [("ok",)]


def test_a_note_has_its_guid_its_own_mod_its_fields_and_its_tags() -> None:
    first = [content("a"), content("b")]
    ledger = entered(first)
    fields = tuple(f"<i>{field.name}</i>" for field in QUESTION.fields)
    second = [content("a"), content("b", fields=fields, tags=("core", "why"))]
    package = packed(second, entered(second, ledger, MONDAY + 60))
    found = rows(package, "select guid, mid, mod, tags, flds from notes order by id")
    assert [row[:4] for row in found] == [
        (guid_of("a"), 1761400000001, MONDAY, "  "),
        (guid_of("b"), 1761400000001, MONDAY + 60, " core why "),
    ]
    assert tuple(found[1][4].split("\x1f")) == fields


@pytest.mark.parametrize("name", ["Default", "default"])
def test_anki_s_own_default_deck_is_in_a_package_once(name: str) -> None:
    # Anki would rename one of two decks of that name, and which one is chance.
    package = packed([content("a", deck=name)])
    decks = [deck["name"] for deck in collection_row(package, "decks").values()]
    assert [deck for deck in decks if deck.casefold() == "default"] == [name]
    assert rows(package, "select did from cards") == [(1,)]


def test_the_cards_of_a_note_come_from_its_ordinals() -> None:
    package = packed(
        [
            content("basic"),
            content("reversed", ordinals=(0, 1)),
            content("cloze", notetype=CLOZE, ordinals=(0, 2)),
        ]
    )
    found = rows(package, "select guid, ord from cards join notes on nid = notes.id order by cards.id")
    assert found == [
        (guid_of("basic"), 0),
        (guid_of("reversed"), 0),
        (guid_of("reversed"), 1),
        (guid_of("cloze"), 0),
        (guid_of("cloze"), 2),
    ]


def test_one_deletion_with_two_numbers_gives_two_cards() -> None:
    # genanki's own search for deletions finds none here, and writes a note without any card.
    fields = ("{{c1,2::both}}", *[""] * (len(CLOZE.fields) - 1))
    package = packed([content("a", notetype=CLOZE, fields=fields, ordinals=(0, 1))])
    assert rows(package, "select ord from cards order by ord") == [(0,), (1,)]


def test_ids_are_the_ledgers_and_never_collide() -> None:
    contents = [content(name, notetype=CLOZE, ordinals=tuple(range(64))) for name in "abc"]
    ledger = entered(contents)
    package = packed(contents, ledger)
    assert [row[0] for row in rows(package, "select id from notes order by id")] == [
        MONDAY * 1000,
        MONDAY * 1000 + 64,
        MONDAY * 1000 + 128,
    ]
    cards = [row[0] for row in rows(package, "select id from cards")]
    assert len(set(cards)) == 3 * 64


def test_new_cards_are_due_in_the_order_of_the_notes() -> None:
    contents = [content("z"), content("a", ordinals=(0, 1)), content("m", deck="Vision::Pooling")]
    ledger = entered(list(reversed(contents)))
    found = rows(packed(contents, ledger), "select guid, due from cards join notes on nid = notes.id")
    assert dict(found) == {guid_of("z"): 1, guid_of("a"): 2, guid_of("m"): 3}
    assert rows(packed(contents, ledger), "select distinct type, queue, reps from cards") == [(0, 0, 0)]


def test_decks_have_the_names_and_descriptions_that_were_given() -> None:
    package = packed([content("a"), content("b", deck="Vision::Pooling")])
    decks = collection_row(package, "decks")
    described = {deck["name"]: deck["desc"] for deck in decks.values() if deck["name"] != "Default"}
    assert described == {"Vision": "About <b>vision</b>.", "Vision::Convolutions": "", "Vision::Pooling": ""}
    placed = rows(package, "select guid, did from cards join notes on nid = notes.id")
    names = {guid: decks[str(deck)]["name"] for guid, deck in placed}
    assert names == {guid_of("a"): "Vision::Convolutions", guid_of("b"): "Vision::Pooling"}


@pytest.mark.parametrize("notetype", ALL, ids=lambda notetype: notetype.name)
def test_a_note_type_has_its_fixed_ids_and_a_mod_of_its_own(notetype: Any) -> None:
    contents = [content("a"), content("b", notetype=CLOZE), content("c", notetype=OCCLUSION)]
    ledger = entered(contents)
    package = packed([*contents, content("d")], entered([*contents, content("d")], ledger, MONDAY + 60))
    model = collection_row(package, "models")[str(notetype.id)]
    assert model["mod"] == MONDAY
    assert model["type"] == (notetype.kind == "cloze")
    assert [(field["name"], field["id"]) for field in model["flds"]] == [
        (field.name, field.id) for field in notetype.fields
    ]
    assert [(template["name"], template["id"]) for template in model["tmpls"]] == [
        (template.name, template.id) for template in notetype.templates
    ]


# Media


def picture(folder: Path, name: str, data: bytes) -> Media:
    file = folder / name
    file.write_bytes(data)
    return Media(f"gt-{hashlib.sha256(data).hexdigest()[:24]}.png", file)


def test_media_travel_once_under_the_names_of_their_content(tmp_path: Path) -> None:
    one, two = picture(tmp_path, "1.png", b"one"), picture(tmp_path, "2.png", b"two")
    again = picture(tmp_path, "again.png", b"one")
    package = packed([content("a", media=(two, one)), content("b", media=(again,))])
    archive = zipfile.ZipFile(io.BytesIO(package))
    names = json.loads(archive.read("media"))
    assert sorted(names.values()) == sorted([one.name, two.name])
    assert {name: archive.read(index) for index, name in names.items()} == {
        one.name: b"one",
        two.name: b"two",
    }
    assert archive.namelist() == ["collection.anki2", "media", "0", "1"]


# The same input, the same bytes


def test_the_same_notes_give_the_same_bytes_whenever_and_wherever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [content("a", tags=("x", "y")), content("b", notetype=CLOZE)]
    ledger = entered(contents)
    before = packed(contents, ledger)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.chdir(tmp_path)
    assert packed(contents, ledger) == before


def test_neither_the_clock_nor_a_name_of_this_machine_is_in_a_package() -> None:
    package = packed([content("a")])
    for entry in zipfile.ZipFile(io.BytesIO(package)).infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert (entry.create_system, entry.external_attr >> 16) == (3, 0o644)
    ((crt, mod, scm),) = rows(package, "select crt, mod, scm from col")
    with opened(packed([content("a")])) as again:
        assert again.execute("select crt, mod, scm from col").fetchall() == [(crt, mod, scm)]


SCRIPT = """
import hashlib
from tests.test_apkg import CLOZE, content, packed
contents = [content(name, deck=f"D::{name}", tags=("x", name)) for name in "cab"]
contents += [content("k", notetype=CLOZE, ordinals=(0, 1))]
print(hashlib.sha256(packed(contents)).hexdigest())
"""


def test_the_bytes_do_not_depend_on_the_order_of_hashes() -> None:
    def digest(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"Etc/GMT+{seed}"}
        root = Path(__file__).parent.parent
        return subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert digest("1") == digest("2") != ""


def test_a_changed_note_gives_other_bytes() -> None:
    contents = [content("a"), content("b")]
    ledger = entered(contents)
    changed = [content("a"), content("b", tags=("new",))]
    assert packed(contents, ledger) != packed(changed, entered(changed, ledger))


def test_packing_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # genanki's own way of writing leaves one behind for every package.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    packed([content("a")])
    assert list(tmp_path.iterdir()) == []


def test_unescaped_looking_fields_are_passed_on_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    fields = (r"\(a<b\)", *[""] * (len(QUESTION.fields) - 1))
    package = packed([content("a", fields=fields)])
    assert [row[0].split("\x1f")[0] for row in rows(package, "select flds from notes")] == [r"\(a<b\)"]
    assert not recwarn.list


# What counts as a change


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": ("new", *[""] * (len(QUESTION.fields) - 1))},
        {"tags": ("new",)},
        {"ordinals": (0, 1)},
        {"notetype": CLOZE},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_note_changes_with_its_fields_its_tags_its_cards_and_its_note_type(changes: dict[str, Any]) -> None:
    assert content("a", **changes).digest != content("a").digest


@pytest.mark.parametrize("changes", [{"deck": "Other"}, {"media": (Media("gt-1.png", Path("x")),)}])
def test_a_note_does_not_change_with_its_deck_or_with_where_its_media_lie(changes: dict[str, Any]) -> None:
    # An import never moves cards to another deck, and an image's name, its content, stands in a field.
    assert content("a", **changes).digest == content("a").digest
