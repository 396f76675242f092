"""Notes and ledger → the bytes of an .apkg, with genanki.

genanki stamps every note with the time of the build and its zip entries with the clock; both would make Anki
report every note as updated and no two builds equal. Here each note brings its own `mod` and ids, and the zip
has no clock.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import genanki

from generator.foreign import ForeignType
from generator.ledger import Built, Entry, Ledger, digest_of, guid_of
from generator.media import Media
from generator.notes import MOST_CARDS
from generator.notetypes import ALL, NoteType
from generator.theme import OURS, Theme

_CLOCK = (1980, 1, 1, 0, 0, 0)
_PAGE = 16_384
"""Bytes of a page of the database. A note with coloured code fills half a page of SQLite's usual size; the
other would stay empty: twice the memory, and a package larger by a tenth."""
_AT_A_TIME = 500
"""Rows that are inserted together."""
_SQLITE_WRITER = slice(96, 100)
"""Bytes of a SQLite header that name the library's version, and nothing about the content."""


_KEPT = 4
"""Anki lets nobody delete the first fields of its image occlusion note type; the fifth is for comments."""


@dataclass(frozen=True, slots=True)
class Content:
    """A note as it goes into a package."""

    id: str
    """The author's id."""
    deck: str
    """Its deck."""
    notetype: NoteType | ForeignType
    """Its note type."""
    fields: tuple[str, ...]
    """HTML, in the note type's order."""
    tags: tuple[str, ...]
    """Sorted."""
    ordinals: tuple[int, ...]
    """Which of the note type's cards it makes: template or deletion numbers, from 0."""
    media: tuple[Media, ...]
    """The files its fields show."""
    was: str = ""
    """The id under which learners first got it, where that was another one."""

    given_guid: str = ""
    """What Anki knows an imported note by; empty where that is made from the id."""

    @property
    def guid(self) -> str:
        """What Anki knows it by."""
        return self.given_guid or guid_of(self.was or self.id)

    @property
    def digest(self) -> str:
        """What the learner would see changes exactly when this does."""
        return digest_of([self.notetype.id, self.fields, self.tags, self.ordinals])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its fields."""
        return tuple(field if isinstance(field, str) else field.name for field in self.notetype.fields)

    @property
    def asks(self) -> str:
        """The field that says what the note asks, HTML: the first one, but above an image its heading."""
        return self.fields[self.names.index("Header") if "Header" in self.names else 0]

    @property
    def built(self) -> Built:
        """What the ledger is told of it."""
        question = digest_of(self.asks)[:8]
        return Built(
            self.id,
            self.deck,
            self.digest,
            self.was,
            self.notetype.id,
            self.ordinals,
            question,
            self.given_guid,
        )


class _Note(genanki.Note):  # type: ignore[misc]
    """A genanki note with a `mod`, ids and cards of its own."""

    def __init__(self, content: Content, entry: Entry, model: genanki.Model, due: int) -> None:
        self._entry = entry
        self._ordinals = content.ordinals
        super().__init__(
            model=model,
            fields=list(content.fields),
            tags=list(content.tags),
            guid=content.guid,
            due=due,
        )

    @property
    def cards(self) -> list[genanki.Card]:
        """One card for each ordinal; genanki's own search misses `{{c1,2::…}}`."""
        return [genanki.Card(ordinal) for ordinal in self._ordinals]

    def write_to_db(
        self, cursor: sqlite3.Cursor, timestamp: float, deck_id: int, id_gen: Iterator[int]
    ) -> None:
        number = self._entry.number
        cards = (
            # Imported notes alone have more cards than there is room for between two notes' numbers.
            number + ordinal if ordinal < MOST_CARDS else number * 512 + ordinal
            for ordinal in self._ordinals
        )
        ids = iter((number, *cards))
        super().write_to_db(cursor, self._entry.mod, deck_id, ids)

    def _check_invalid_html_tags_in_fields(self) -> None:
        """Nothing: genanki takes `<` in highlighted code and math for broken tags; render.py escapes them."""


class _Rows:
    """A cursor that keeps the rows genanki inserts one by one, and inserts them all at a time."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self.lastrowid = 0

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement; a row for a note or a card waits."""
        if not statement.startswith("INSERT INTO"):
            return self._cursor.execute(statement, values)
        self.lastrowid = values[0]
        waiting = self._rows.setdefault(statement, [])
        waiting.append(values)
        if len(waiting) >= _AT_A_TIME:
            self.flush()
        return self._cursor

    def executescript(self, script: str) -> sqlite3.Cursor:
        """Run a script."""
        return self._cursor.executescript(script)

    def flush(self) -> None:
        """Insert what waits."""
        for statement, rows in self._rows.items():
            self._cursor.executemany(statement, rows)
        self._rows.clear()


class _Model(genanki.Model):  # type: ignore[misc]
    """A genanki model with a `mod` of its own."""

    def __init__(self, notetype: NoteType, mod: int, theme: Theme) -> None:
        self._mod = mod
        self._stock = notetype.stock
        super().__init__(
            model_id=notetype.id,
            name=notetype.name,
            fields=[
                {"name": field.name, "id": field.id, "font": "Arial"}
                | ({} if field.tag is None else {"tag": field.tag, "preventDeletion": field.tag < _KEPT})
                for field in notetype.fields
            ],
            templates=[
                {
                    "name": template.name,
                    "id": template.id,
                    "qfmt": theme.template(template.front),
                    "afmt": theme.template(template.back),
                }
                for template in notetype.templates
            ],
            css=theme.css,
            model_type=self.CLOZE if notetype.kind == "cloze" else self.FRONT_BACK,
        )

    def to_json(self, timestamp: float, deck_id: int) -> dict[str, Any]:
        made: dict[str, Any] = super().to_json(self._mod, deck_id)
        made["originalStockKind"] = self._stock
        return made


class _ForeignModel(genanki.Model):  # type: ignore[misc]
    """The note type of an imported deck, as it came."""

    def __init__(self, notetype: ForeignType, mod: int) -> None:
        self._mod = mod
        self._raw = notetype.raw
        super().__init__(
            model_id=notetype.id,
            name=str(notetype.raw["name"]),
            fields=[{"name": name} for name in notetype.fields],
            sort_field_index=notetype.sort_field,
        )

    def to_json(self, timestamp: float, deck_id: int) -> dict[str, Any]:
        return {**self._raw, "mod": self._mod, "usn": -1}


def foreign_digests(types: Iterable[ForeignType]) -> dict[str, str]:
    """A digest of all that an imported note type says but when it changed, by its id."""
    return {
        str(notetype.id): digest_of({key: value for key, value in notetype.raw.items() if key != "mod"})
        for notetype in types
    }


def notetype_digests(theme: Theme = OURS) -> dict[str, str]:
    """A digest of all that a note type says in this look, by its id."""
    return {
        str(notetype.id): digest_of(
            [
                notetype.name,
                [[field.name, field.id] for field in notetype.fields],
                [
                    [
                        template.name,
                        template.id,
                        theme.template(template.front),
                        theme.template(template.back),
                    ]
                    for template in notetype.templates
                ],
                theme.css,
            ]
        )
        for notetype in ALL
    }


def pack(
    contents: Sequence[Content], ledger: Ledger, descriptions: Mapping[str, str], theme: Theme = OURS
) -> bytes:
    """The bytes of a package; the same arguments give the same bytes everywhere.

    Args:
        contents: its notes, in the order in which new cards are to be shown.
        ledger: with an entry for every one of them, and for the note types.
        descriptions: what Anki shows on a deck's page, by deck; HTML.
        theme: how the cards look.
    """
    models: dict[int, genanki.Model] = {}
    for notetype in (*ALL, *(content.notetype for content in contents)):
        if notetype.id not in models:
            models[notetype.id] = _model(notetype, ledger.notetypes[str(notetype.id)][1], theme)
    decks: dict[str, genanki.Deck] = {}
    for name in sorted({content.deck for content in contents} | descriptions.keys()):
        decks[name] = genanki.Deck(_deck_id(name), name, descriptions.get(name, ""))
    for due, content in enumerate(contents, start=1):
        entry = ledger.notes[content.guid]
        decks[content.deck].add_note(_Note(content, entry, models[content.notetype.id], due))
    return _zip(_database(decks.values()), [media for content in contents for media in content.media])


def _model(notetype: NoteType | ForeignType, mod: int, theme: Theme) -> genanki.Model:
    if isinstance(notetype, ForeignType):
        return _ForeignModel(notetype, mod)
    return _Model(notetype, mod, theme)


def _deck_id(name: str) -> int:
    """A number for a deck; Anki goes by its name, but every package has its own `Default` under 1."""
    if name.casefold() == "default":
        return 1
    return 1_000_000_000_000 + int(hashlib.sha256(name.encode()).hexdigest()[:10], 16)


def _database(decks: Iterable[genanki.Deck]) -> bytearray:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        rows = _Rows(connection.cursor())
        genanki.Package(list(decks)).write_to_db(rows, 0, iter(()))
        rows.flush()
        connection.commit()
        connection.execute("VACUUM")
        data = bytearray(connection.serialize())
    finally:
        connection.close()
    data[_SQLITE_WRITER] = (3_040_000).to_bytes(4, "big")
    return data


def _zip(database: bytearray, media: Iterable[Media]) -> bytes:
    files = {item.name: item.file for item in media}
    names = sorted(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        _add(package, "collection.anki2", database)
        _add(package, "media", json.dumps({str(index): name for index, name in enumerate(names)}).encode())
        for index, name in enumerate(names):
            _add(package, str(index), files[name].read_bytes())
    return buffer.getvalue()


def _add(package: zipfile.ZipFile, name: str, data: bytes | bytearray) -> None:
    entry = zipfile.ZipInfo(name, _CLOCK)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    package.writestr(entry, data)
