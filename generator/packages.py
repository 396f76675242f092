"""The notes in an .apkg, of this tool or of Anki, as far as a comparison needs them."""

from __future__ import annotations

import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from generator.errors import StateError
from generator.zstd import NEWER, unpacked

OLDER = ("collection.anki21", "collection.anki2")
_MOST = 2 << 30
"""Bytes of a database; a package that unpacks to more is none that this tool or a person made."""
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class PackedNote:
    """A note in a package."""

    guid: str
    """What Anki knows it by."""
    notetype: int
    """The id of its note type."""
    mod: int
    """When it last changed, in seconds since 1970."""
    names: tuple[str, ...]
    """The names of its note type's fields, in order."""
    fields: tuple[str, ...]
    """HTML, one text for each name."""
    tags: tuple[str, ...]
    """Sorted."""
    deck: str
    """The deck of its first card, with `::` between levels; empty for a note without cards."""
    cards: tuple[int, ...]
    """Which of the note type's cards it has: template or deletion numbers, from 0."""

    @property
    def asks(self) -> str:
        """The field that says what the note asks, HTML: the first one, but above an image its heading."""
        return self.fields[self.names.index("Header") if "Header" in self.names else 0]

    @property
    def id(self) -> str:
        """The author's id, for a note of this tool; for any other, its guid."""
        return dict(zip(self.names, self.fields, strict=False)).get("Id") or self.guid


def read_packages(files: Iterable[Path]) -> dict[str, PackedNote]:
    """The notes of several packages by guid; of a note in two of them, the newer version.

    Raises:
        StateError: a package cannot be read.
    """
    notes: dict[str, PackedNote] = {}
    for file in files:
        for note in read_package(file):
            if note.guid not in notes or notes[note.guid].mod < note.mod:
                notes[note.guid] = note
    return notes


def read_package(file: Path) -> list[PackedNote]:
    """The notes of a package.

    Raises:
        StateError: it is no package, is damaged, or is of Anki's newer format and nothing here unpacks that.
    """
    try:
        with zipfile.ZipFile(file) as package:
            members = set(package.namelist())
            name = next((name for name in (NEWER, *OLDER) if name in members), None)
            if name is None:
                hint = "name a file that `generator build` wrote or Anki exported"
                raise StateError(f"{file}: is a zip file, but no Anki package", hint)
            data = _read(package, name)
        if name == NEWER:
            data = unpacked(data, _MOST, file)
        with closing(_opened(data)) as database:
            return _notes(database, name == NEWER)
    except OSError as error:
        hint = "check its name and its permissions"
        raise StateError(f"{file}: cannot be read ({error.strerror or error})", hint) from error
    except (zipfile.BadZipFile, zlib.error, sqlite3.Error, EOFError) as error:
        raise _damaged(file, str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError, RuntimeError) as error:
        raise _damaged(file, f"{type(error).__name__}: {error}") from error


def _damaged(file: Path, why: str) -> StateError:
    return StateError(f"{file}: the package is damaged ({why})", "build or export it again")


def _read(package: zipfile.ZipFile, name: str) -> bytes:
    with package.open(name) as stream:
        return stream.read(_MOST + 1)


def _opened(data: bytes) -> sqlite3.Connection:
    if len(data) > _MOST:
        raise ValueError(f"it unpacks to more than {_MOST >> 30} GB")
    if not data.startswith(b"SQLite format 3\0") or len(data) < 100:
        raise ValueError("its collection is no database")
    plain = bytearray(data)
    plain[18:20] = b"\1\1"  # a database in memory has no write-ahead log
    database = sqlite3.connect(":memory:")
    database.deserialize(bytes(plain))
    # Anki's newer tables are sorted without regard to capitals, by a rule that SQLite does not bring.
    database.create_collation("unicase", lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
    return database


def _notes(database: sqlite3.Connection, newer: bool) -> list[PackedNote]:
    names, decks = _newer(database) if newer else _older(database)
    cards: dict[int, list[tuple[int, str]]] = {}
    for number, ordinal, deck in database.execute("select nid, ord, did from cards order by nid, ord"):
        cards.setdefault(number, []).append((ordinal, decks.get(deck, "")))
    return [
        PackedNote(
            guid=str(guid),
            notetype=notetype,
            mod=mod,
            names=tuple(names.get(notetype, ())),
            fields=tuple(fields.split(_SEPARATOR)),
            tags=tuple(sorted(tags.split())),
            deck=cards[number][0][1] if number in cards else "",
            cards=tuple(ordinal for ordinal, _ in cards.get(number, ())),
        )
        for number, guid, notetype, mod, tags, fields in database.execute(
            "select id, guid, mid, mod, tags, flds from notes order by id"
        )
    ]


def _older(database: sqlite3.Connection) -> tuple[dict[int, list[str]], dict[int, str]]:
    """Field names by note type, and deck names: JSON in one row."""
    models, decks = database.execute("select models, decks from col").fetchone()
    return (
        {int(key): [field["name"] for field in raw["flds"]] for key, raw in json.loads(models).items()},
        {int(key): str(raw["name"]) for key, raw in json.loads(decks).items()},
    )


def _newer(database: sqlite3.Connection) -> tuple[dict[int, list[str]], dict[int, str]]:
    """Field names by note type, and deck names: tables of their own."""
    names: dict[int, list[str]] = {}
    for notetype, name in database.execute("select ntid, name from fields order by ntid, ord"):
        names.setdefault(notetype, []).append(name)
    decks = database.execute("select id, name from decks")
    return names, {number: str(name).replace(_SEPARATOR, "::") for number, name in decks}
