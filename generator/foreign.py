"""What came from an Anki deck that was not written here: its note types, and what Anki knew of its notes.

Anki skips a note whose note type differs from the one it has, so an imported note is built with the note
type that it came with, kept as a file in `notetypes/`. `imported.json` remembers the content and the `mod`
of every note at its import, so that Anki finds nothing to update until somebody edits one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from generator.errors import Problem, StateError
from generator.notes import Location

NOTETYPES, MEDIA, ORIGINS = "notetypes", "media", "imported.json"
FORMAT = 1
"""Version of `imported.json`: 1 (2026-11) notes, note types and deck descriptions."""

_TEXTS = ("css", "latexPre", "latexPost")
_TEMPLATE_TEXTS = ("qfmt", "afmt", "bqfmt", "bafmt")


@dataclass(frozen=True, slots=True)
class ForeignType:
    """A note type as Anki wrote it."""

    slug: str
    """The name of its file, without `.json`: what a note's `type` says."""
    raw: dict[str, Any] = field(hash=False)
    """All of it, in the terms of Anki's own JSON."""

    @property
    def id(self) -> int:
        """What Anki knows it by."""
        return int(self.raw["id"])

    @property
    def kind(self) -> Literal["normal", "cloze"]:
        """Whether its cards come from templates or from deletions."""
        return "cloze" if self.raw["type"] == 1 else "normal"

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, in order."""
        return tuple(str(one["name"]) for one in self.raw["flds"])

    @property
    def sort_field(self) -> int:
        """The index of the field that Anki's browser sorts by."""
        index = self.raw.get("sortf")
        return index if type(index) is int and 0 <= index < len(self.raw["flds"]) else 0

    @property
    def questions(self) -> tuple[str, ...]:
        """The question side of each of its templates, in order."""
        return tuple(str(one["qfmt"]) for one in self.raw["tmpls"])

    @property
    def look(self) -> str:
        """Everything in it that may name a media file: templates and CSS."""
        return "\n".join([*self.questions, *(str(one["afmt"]) for one in self.raw["tmpls"]), self.raw["css"]])


@dataclass(frozen=True, slots=True)
class Origin:
    """What Anki knew of a note when it was imported."""

    digest: str
    """Digest of its note type, fields and tags."""
    mod: int
    """When it had last changed, in seconds since 1970."""
    number: int
    """Anki's note id, in milliseconds since 1970; 0 when it had none of use."""
    cards: tuple[int, ...]
    """Ordinals of the cards that it had."""


@dataclass(frozen=True, slots=True)
class Origins:
    """All that `imported.json` files remember."""

    notes: Mapping[str, Origin] = field(default_factory=dict)
    """By guid."""
    notetypes: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Digest and `mod` of each note type, by its id."""
    decks: Mapping[str, str] = field(default_factory=dict)
    """The description of each deck, by name; HTML."""


def fault(raw: Any) -> str | None:
    """What keeps a note type's JSON from being used, or None."""
    if not isinstance(raw, dict):
        return "is not an object"
    if (
        type(raw.get("id")) is not int
        or not isinstance(raw.get("name"), str)
        or raw.get("type") not in (0, 1)
    ):
        return "has no id, name and type"
    if not isinstance(raw.get("css"), str):
        return "has no css"
    for part, texts in (("flds", ("name",)), ("tmpls", ("name", "qfmt", "afmt"))):
        rows = raw.get(part)
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            return f"has no {part}"
        if not all(isinstance(row.get(text), str) for row in rows for text in texts):
            return f"has no {' and '.join(texts)} in its {part}"
    return None


def written(raw: Mapping[str, Any]) -> str:
    """The text of a note type's file: JSON, in which templates and style sheets are lists of lines."""
    shown = {key: value.split("\n") if key in _TEXTS else value for key, value in raw.items()}
    shown["tmpls"] = [
        {key: value.split("\n") if key in _TEMPLATE_TEXTS else value for key, value in row.items()}
        for row in raw["tmpls"]
    ]
    return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"


def read_type(text: str, slug: str) -> ForeignType:
    """The note type that a file holds.

    Raises:
        ValueError: with what is wrong with it.
    """
    raw = json.loads(text)
    if isinstance(raw, dict) and isinstance(raw.get("tmpls"), list):
        _join(raw, _TEXTS)
        for row in raw["tmpls"]:
            if isinstance(row, dict):
                _join(row, _TEMPLATE_TEXTS)
    wrong = fault(raw)
    if wrong:
        raise ValueError(f"it {wrong}")
    return ForeignType(slug, raw)


def _join(raw: dict[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        if isinstance(raw.get(key), list):
            raw[key] = "\n".join(str(line) for line in raw[key])


def find_type(slug: str, folder: Path, root: Path, place: Location) -> ForeignType | Problem:
    """The note type of a note, from the nearest `notetypes/` upwards that holds it.

    Args:
        slug: what the note's `type` says.
        folder: where the note's file lies.
        root: the collection's folder; nothing above it is read.
        place: the note.
    """
    known: list[str] = []
    for candidate in upwards(folder, root, NOTETYPES):
        names = sorted(file.stem for file in candidate.glob("*.json"))
        known += names
        if slug not in names:
            continue
        file = candidate / f"{slug}.json"
        if not file.resolve().is_relative_to(root.resolve()):
            continue
        try:
            return read_type(file.read_text(encoding="utf-8"), slug)
        except (OSError, ValueError, RecursionError) as error:
            what = f"the note type {NOTETYPES}/{slug}.json cannot be read: {error}"
            return Problem(place, what, "restore the file from version control, or import the deck again")
    near = get_close_matches(slug, known, 1)
    hint = (
        f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}" if known else "there is none"
    )
    return Problem(place, f"no note type '{slug}' in {NOTETYPES}/", hint)


def upwards(folder: Path, root: Path, name: str) -> list[Path]:
    """The folders of this name beside a folder and beside each one above it, as far as the root."""
    inside, top = folder.resolve(), root.resolve()
    return [
        above / name
        for above in (inside, *inside.parents)
        if above.is_relative_to(top) and (above / name).is_dir()
    ]


def read_origins(folders: Iterable[Path], root: Path) -> Origins:
    """What every `imported.json` remembers that lies in one of these folders or above it.

    Raises:
        StateError: one is damaged, or of a newer format.
    """
    notes: dict[str, Origin] = {}
    types: dict[str, tuple[str, int]] = {}
    decks: dict[str, str] = {}
    for file in dict.fromkeys(found for folder in dict.fromkeys(folders) for found in _origins(folder, root)):
        status = file.stat()
        one = _read_origins(file, status.st_mtime_ns, status.st_size)
        notes |= one.notes
        types |= one.notetypes
        decks |= one.decks
    return Origins(notes, types, decks)


def _origins(folder: Path, root: Path) -> list[Path]:
    inside, top = folder.resolve(), root.resolve()
    above = [each / ORIGINS for each in (inside, *inside.parents) if each.is_relative_to(top)]
    return [file for file in above if file.is_file() and file.resolve().is_relative_to(top)]


@lru_cache(maxsize=8)
def _read_origins(file: Path, changed: int, size: int) -> Origins:
    """One file; a large one serves many files of notes, so it is kept while it stays as it is."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["format"] > FORMAT:
            hint = "update this tool; the file was written by a newer one"
            raise StateError(f"{file}: format {found['format']}, and this tool knows {FORMAT}", hint)
        return Origins(
            {
                guid: Origin(str(digest), int(mod), int(number), tuple(int(card) for card in cards))
                for guid, (digest, mod, number, cards) in found["notes"].items()
            },
            {key: (str(digest), int(mod)) for key, (digest, mod) in found["notetypes"].items()},
            {str(name): str(text) for name, text in found["decks"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        hint = "restore it from version control; without it every note counts as changed in Anki"
        raise StateError(f"{file}: is damaged ({type(error).__name__}: {error})", hint) from error


def rests_on(folder: Path, root: Path) -> list[bytes]:
    """Everything beside the notes of a folder that imported notes in it are made from."""
    parts: list[bytes] = []
    try:
        parts += [file.read_bytes() for file in _origins(folder, root)]
        for types in upwards(folder, root, NOTETYPES):
            for file in sorted(types.glob("*.json")):
                parts += [os.fsencode(file), file.read_bytes()]
        for shelf in upwards(folder, root, MEDIA):
            parts += [os.fsencode(file) for file in sorted(shelf.iterdir())]
    except OSError:
        parts.append(b"unreadable")  # whoever needs it says so
    return parts


def written_origins(origins: Origins) -> str:
    """The text of an `imported.json`, one line per note."""

    def lines(rows: Sequence[tuple[str, Any]]) -> str:
        inside = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in rows)
        return f"{{\n{inside}\n  }}" if inside else "{}"

    notes = [
        (guid, [one.digest, one.mod, one.number, list(one.cards)])
        for guid, one in sorted(origins.notes.items())
    ]
    return (
        f'{{\n  "format": {FORMAT},\n  "notes": {lines(notes)},\n'
        f'  "notetypes": {lines(sorted(origins.notetypes.items()))},\n'
        f'  "decks": {lines(sorted(origins.decks.items()))}\n}}\n'
    )
