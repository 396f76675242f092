"""The bytes of an .apkg → its notes, note types, decks and media, as Anki has them."""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from generator import newer
from generator.archive import MOST_DATABASE, MOST_LISTING, Archive
from generator.errors import StateError
from generator.foreign import fault
from generator.ledger import guid_of
from generator.zstd import NEWER

OLD = ("collection.anki21", "collection.anki2")
_SCHEMA = 11
_TABLES = {"col", "notes", "cards"}
_MOST_STEPS = 20_000
"""Calls of the watchdog, each after 100,000 instructions of SQLite, before a query is taken for a trap."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class PackedNote:
    """A note in a package."""

    guid: str
    """What Anki knows it by, in every collection."""
    number: int
    """Its note id: the time it was made, in milliseconds since 1970."""
    notetype: int
    """The id of its note type."""
    mod: int
    """When it last changed, in seconds since 1970."""
    tags: tuple[str, ...]
    """In Anki's order."""
    fields: tuple[str, ...]
    """HTML, in its note type's order."""
    decks: tuple[str, ...]
    """The decks of its cards, by ordinal, without repetition; empty for a note without cards."""
    cards: tuple[int, ...]
    """Ordinals of its cards."""
    position: int
    """Where its first new card stands in the queue; -1 when it has none."""
    doubled: bool = False
    """Whether it shared its guid with a younger note of the package, and has one of its own now."""


@dataclass(frozen=True, slots=True)
class Package:
    """What a package holds."""

    notes: tuple[PackedNote, ...]
    """By position in the queue of new cards, then by age."""
    notetypes: dict[int, dict[str, Any]]
    """Anki's own JSON of each note type that a note has, by id."""
    decks: dict[str, str]
    """The description of each deck that a note is in, by name; HTML."""
    media: dict[str, str]
    """The member of the zip that holds each file, by the file's name."""


def unpack(archive: Archive) -> Package:
    """Read a package; everything in it is checked, since anybody may have made it.

    Raises:
        StateError: it is no package, or a damaged one.
    """
    name = next((name for name in (NEWER, *OLD) if name in archive.members), None)
    if name is None:
        raise StateError(
            f"{archive.file}: is a zip file, but no Anki package", "export the deck in Anki: File → Export"
        )
    media = _media(archive)
    try:
        with closing(_opened(archive, archive.read(name, MOST_DATABASE))) as database:
            return _read(archive, database, media)
    except (sqlite3.Error, OverflowError, MemoryError) as error:
        raise archive.damaged(f"{name}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise archive.damaged(f"{name}: {type(error).__name__}: {error}") from error


def _opened(archive: Archive, data: bytes) -> sqlite3.Connection:
    if not data.startswith(b"SQLite format 3\0") or len(data) < 100:
        raise archive.damaged("its collection is no database")
    plain = bytearray(data)
    plain[18:20] = b"\1\1"  # a database in memory has no write-ahead log
    database = sqlite3.connect(":memory:")
    steps = iter(range(_MOST_STEPS))
    try:
        database.deserialize(bytes(plain))
        database.set_progress_handler(lambda: next(steps, None) is None, 100_000)
        database.execute("PRAGMA trusted_schema = OFF")
        # Anki's newer tables are sorted without regard to capitals, by a rule that SQLite does not bring.
        database.create_collation("unicase", lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables >= _TABLES:
            raise archive.damaged(f"its collection has no table {min(_TABLES - tables)}")
    except BaseException:
        database.close()
        raise
    return database


def _read(archive: Archive, database: sqlite3.Connection, media: dict[str, str]) -> Package:
    types, decks = _older(archive, database) if not archive.newer else _newer(archive, database)
    names: dict[int, str] = {}
    described: dict[str, str] = {}
    for raw in decks:
        if type(raw["id"]) is not int or not isinstance(raw["name"], str):
            raise archive.damaged("a deck has no id and name")
        name = _deck_name(raw["name"])
        names[raw["id"]] = name
        described[name] = str(raw["desc"]) if isinstance(raw.get("desc"), str) else ""
    notes = tuple(sorted(_notes(archive, database, names), key=lambda note: (note.position, note.number)))
    for note in notes:
        wrong = fault(types.get(note.notetype))
        if wrong or types[note.notetype]["id"] != note.notetype:
            raise archive.damaged(f"the note type of the note {note.guid!r} {wrong or 'has another id'}")
        wanted = len(types[note.notetype]["flds"])
        if len(note.fields) != wanted:
            raise archive.damaged(f"the note {note.guid!r} has {len(note.fields)} fields instead of {wanted}")
    used = {note.notetype for note in notes}
    parts = [deck.split("::") for note in notes for deck in note.decks]
    # Decks above one have pages as well.
    shown = {"::".join(names[:length]) for names in parts for length in range(1, len(names) + 1)}
    return Package(
        notes,
        {key: raw for key, raw in types.items() if key in used},
        {deck: text for deck, text in described.items() if deck in shown},
        media,
    )


def _older(
    archive: Archive, database: sqlite3.Connection
) -> tuple[dict[int, dict[str, Any]], list[dict[str, Any]]]:
    """Note types and decks of a collection that keeps them as JSON in one row."""
    version, models, decks = database.execute("SELECT ver, models, decks FROM col").fetchone() or (0, "", "")
    if version != _SCHEMA:
        raise archive.damaged(f"its collection has schema {version}; {_SCHEMA} is what packages have")
    types = {int(key): raw for key, raw in json.loads(models).items()}
    places = list(json.loads(decks).values())
    for raw in (*types.values(), *places):
        # Early versions of Anki wrote some ids as texts.
        if isinstance(raw, dict) and isinstance(raw.get("id"), str) and raw["id"].isdecimal():
            raw["id"] = int(raw["id"])
    return types, places


def _newer(
    archive: Archive, database: sqlite3.Connection
) -> tuple[dict[int, dict[str, Any]], list[dict[str, Any]]]:
    """The same of one that has tables for them."""
    (version,) = database.execute("SELECT ver FROM col").fetchone() or (0,)
    if version != newer.SCHEMA:
        raise archive.damaged(
            f"its collection has schema {version}; {newer.SCHEMA} is what newer packages have"
        )
    return newer.notetypes(database), list(newer.decks(database).values())


def _deck_name(name: str) -> str:
    """A name as Anki makes it valid: no control characters, no blanks around a level, none of them empty."""
    levels = unicodedata.normalize("NFC", name).split("::")
    return "::".join(_CONTROL.sub("", level).strip() or "blank" for level in levels)


def _notes(archive: Archive, database: sqlite3.Connection, decks: dict[int, str]) -> Iterator[PackedNote]:
    cards: dict[int, list[tuple[int, str, int]]] = {}
    for row in database.execute("SELECT nid, ord, did, odid, type, due FROM cards ORDER BY nid, ord"):
        if not all(type(value) is int for value in row):
            raise archive.damaged("a card has a value of another kind")
        note_id, ordinal, deck, home, kind, due = row
        name = decks.get(home or deck)  # a card in a filtered deck belongs to another one
        if name is None or not 0 <= ordinal < 1000:
            raise archive.damaged(f"the card {ordinal} of the note {note_id} is in no deck")
        cards.setdefault(note_id, []).append((ordinal, name, due if kind == 0 else -1))
    seen: set[str] = set()
    # Where two notes share a guid, Anki finds the one with the larger id; so that one keeps it.
    for row in database.execute("SELECT id, guid, mid, mod, tags, flds FROM notes ORDER BY id DESC"):
        number, guid, notetype, mod, tags, fields = row
        guid = str(guid) if type(guid) is int else guid
        if not all(type(value) is int for value in (number, notetype, mod)) or not all(
            isinstance(value, str) for value in (guid, tags, fields)
        ):
            raise archive.damaged("a note has a value of another kind")
        if not guid:
            raise archive.damaged("a note has no guid")
        doubled = guid in seen
        if doubled:
            guid = guid_of(f"{guid} of the note {number}")
        seen.add(guid)
        own = cards.get(number, [])
        yield PackedNote(
            guid=guid,
            number=number,
            notetype=notetype,
            mod=mod,
            tags=tuple(tags.split()),
            fields=tuple(fields.split("\x1f")),
            decks=tuple(dict.fromkeys(name for _, name, _ in own)),
            cards=tuple(dict.fromkeys(ordinal for ordinal, _, _ in own)),
            position=min((due for _, _, due in own if due >= 0), default=-1),
            doubled=doubled,
        )


def _media(archive: Archive) -> dict[str, str]:
    """Where each file lies in the zip, by its name; names are used as file names, so they are checked."""
    if "media" not in archive.members:
        return {}
    try:
        listing = archive.read("media", MOST_LISTING)
        found = newer.media(listing) if archive.newer else json.loads(listing or b"{}")
    except (ValueError, RecursionError) as error:
        raise archive.damaged(f"media: {error}") from error
    if not isinstance(found, dict):
        raise archive.damaged("media: is no list of files")
    media: dict[str, str] = {}
    for member, name in found.items():
        wrong = bad_name(name)
        if wrong:
            raise StateError(
                f"{archive.file}: the media file {name!r} {wrong}",
                "rename it in Anki (Tools → Check Media finds it), and export the deck again",
            )
        if name in media:
            raise archive.damaged(f"two media files are called {name!r}")
        if member not in archive.members:
            raise archive.damaged(f"the media file {name!r} is missing")
        media[name] = member
    return media


def bad_name(name: object) -> str | None:
    """Why no file can be called so on every system, or None."""
    if not isinstance(name, str) or not name:
        return "has no name"
    if "/" in name or "\\" in name or name in (".", ".."):
        return "has a name that leads elsewhere"
    if _FORBIDDEN.search(name):
        return "has a character in its name that files cannot have on Windows"
    if name[-1] in ". ":
        return "ends in a dot or a space, which files cannot on Windows"
    if _RESERVED.fullmatch(name):
        return "has a name that Windows keeps for itself"
    try:
        if len(name.encode()) > 255:
            return "has a name of more than 255 bytes"
    except UnicodeEncodeError:
        return "has a name that is no text"
    return None
