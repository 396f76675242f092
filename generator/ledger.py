"""What learners were given: for every note its guid, the digest of its content, and when that last changed.

Anki takes a note from a package only when the note's `mod` is newer than its own, and then overwrites what
the learner edited. So `mod` has to move exactly when the content moved, and that needs a memory:
`decks/ledger.json`, one line per note, kept in version control beside the packages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from generator.errors import StateError
from generator.files import write_atomically
from generator.notes import MOST_CARDS

FORMAT = 2
"""Version of the file's format: 1 (2026-11) notes and note types; 2 (2026-11) what a note was called first,
its note type, its cards, its question, and when it was retired."""

# Made once: `json.dumps` with options makes an encoder at every call.
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_readable = json.JSONEncoder(ensure_ascii=False).encode

_STRIDE = MOST_CARDS
"""Milliseconds between the ids of two notes; a note's cards take the ids after its own."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build makes of a note."""

    id: str
    """The author's id."""
    deck: str
    """Its deck."""
    digest: str
    """Digest of its rendered content: note type, fields, tags."""
    was: str = ""
    """The id under which learners first got it, where that was another one."""
    notetype: int = 0
    """The id of its note type."""
    cards: tuple[int, ...] = ()
    """Which of the note type's cards it makes: template or deletion numbers, from 0."""
    question: str = ""
    """Digest of what it asks, by which a note that comes back is known."""
    given_guid: str = ""
    """What Anki knows an imported note by; empty where that is made from the id."""

    @property
    def guid(self) -> str:
        """What Anki knows it by."""
        return self.given_guid or guid_of(self.was or self.id)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of a note."""

    id: str
    """The author's id."""
    deck: str
    """The deck it was last built into."""
    digest: str
    """Digest of its rendered content: note type, fields, tags."""
    mod: int
    """When that content last changed, in seconds since 1970."""
    number: int
    """Anki's note id in the package, in milliseconds since 1970; its cards' ids follow it."""
    was: str = ""
    """The id that its guid comes from, where that is another one."""
    notetype: int = 0
    """The id of its note type; 0 in an entry of format 1, which says nothing of what follows either."""
    cards: tuple[int, ...] = ()
    """Which of the note type's cards it makes."""
    question: str = ""
    """Digest of what it asks."""
    retired: str = ""
    """The day of the build that missed it first, `2026-11-20`; empty for a note that is there."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The memory of all builds so far."""

    notes: Mapping[str, Entry]
    """By guid. Notes that are gone or held back keep their entry: what a learner has is not forgotten."""
    notetypes: Mapping[str, tuple[str, int]]
    """Digest and `mod` of each note type, by its id."""
    packages: tuple[str, ...] = ()
    """Names of the packages that the last build wrote; one that a later build has no notes for is removed."""
    root: str = ""
    """The folder of its notes, seen from the ledger's own, `../cards`; empty where they lie apart."""


@lru_cache(1 << 17)
def guid_of(note_id: str) -> str:
    """The guid of a note: from the author's id alone, so that no edit and no move makes it another note."""
    return hashlib.sha256(f"groundtruth:{note_id}".encode()).hexdigest()[:20]


def digest_of(thing: Any) -> str:
    """A digest of anything that JSON can hold; equal content has equal digests on every machine."""
    return hashlib.sha256(_canonical(thing).encode()).hexdigest()[:24]


def stamp(old: tuple[str, int] | None, digest: str, now: int) -> int:
    """The `mod` of a thing with this digest: the old one while nothing changed, else a later one.

    It is later than the old one even when two changes fall into one second or the clock was set back.
    """
    if old is None:
        return now
    return old[1] if old[0] == digest else max(now, old[1] + 1)


def root_beside(root: Path, out: Path) -> str:
    """How a ledger in `out` names the folder of its notes; empty unless they lie beside it."""
    above = out.resolve().parent
    root = root.resolve()
    return f"../{root.relative_to(above).as_posix()}" if root != above and root.is_relative_to(above) else ""


def check_owner(ledger: Ledger, file: Path, root: Path) -> None:
    """Keep two folders of notes from sharing a ledger, where each would retire the notes of the other.

    Raises:
        StateError: the ledger is that of other notes, which are still there.
    """
    owner = (file.parent / ledger.root).resolve()
    if not ledger.root or owner == root.resolve() or not any(owner.rglob("*.md")):
        return
    hint = f"give {root.name} a folder of its own: -o FOLDER, or `output` in its groundtruth.toml"
    raise StateError(f"{file}: is the ledger of the notes in {owner.name}", hint)


def enter(ledger: Ledger, notes: Sequence[Built], types: Mapping[str, str], now: int) -> Ledger:
    """The ledger after a build.

    Args:
        ledger: as it was.
        notes: the notes in the build, in order.
        types: digest of each note type by its id.
        now: the time of the build, in seconds since 1970.
    """
    entries = _apart(ledger.notes)
    last = max((entry.number for entry in entries.values()), default=0)
    for note in notes:
        old = entries.get(note.guid)
        if old is None:
            last = max(last + _STRIDE, now * 1000)
            mod, number = now, last
        else:
            mod, number = stamp((old.digest, old.mod), note.digest, now), old.number
        entries[note.guid] = Entry(
            note.id, note.deck, note.digest, mod, number, note.was, note.notetype, note.cards, note.question
        )
    stamped = {key: (digest, stamp(ledger.notetypes.get(key), digest, now)) for key, digest in types.items()}
    return Ledger(entries, {**ledger.notetypes, **stamped}, ledger.packages, ledger.root)


def retire(ledger: Ledger, guids: Iterable[str], now: int) -> Ledger:
    """The ledger with these notes marked as gone; their ids are never given to other notes."""
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    gone = {guid: replace(ledger.notes[guid], retired=day) for guid in guids}
    return replace(ledger, notes={**ledger.notes, **gone})


def _apart(notes: Mapping[str, Entry]) -> dict[str, Entry]:
    """The notes with numbers that leave room for their cards; those of two merged branches may not."""
    moved, last = dict(notes), -_STRIDE
    for guid, entry in sorted(notes.items(), key=lambda item: (item[1].number, item[1].id)):
        last = max(entry.number, last + _STRIDE)
        if entry.number != last:
            moved[guid] = replace(entry, number=last)
    return moved


def read_ledger(file: Path) -> Ledger:
    """Read the ledger; a file that is not there is an empty ledger.

    Raises:
        StateError: it is damaged, or of a newer format. It is never overwritten then.
    """
    if not file.exists():
        return Ledger({}, {})
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["format"] > FORMAT:
            hint = "update this tool; the ledger was written by a newer one"
            raise StateError(f"{file}: format {found['format']}, and this tool knows {FORMAT}", hint)
        notes = {guid: _entry(entry) for guid, entry in found["notes"].items()}
        types = {key: (str(digest), int(mod)) for key, (digest, mod) in found["notetypes"].items()}
        packages = tuple(
            name for name in found.get("packages", ()) if Path(name).name == name and name.endswith(".apkg")
        )
        root = str(found.get("root", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "restore it from version control; without it every note would count as changed in Anki"
        raise StateError(f"{file}: the ledger is damaged ({type(error).__name__}: {error})", hint) from error
    return Ledger(notes, types, packages, root)


def _entry(values: dict[str, Any]) -> Entry:
    entry = Entry(**{**values, "cards": tuple(values.get("cards", ()))})
    texts = (entry.id, entry.deck, entry.digest, entry.was, entry.question, entry.retired)
    numbers = (entry.mod, entry.number, entry.notetype, *entry.cards)
    if not all(type(text) is str for text in texts) or not all(type(number) is int for number in numbers):
        raise ValueError(f"the note '{entry.id}' has a value of another type")
    return entry


def write_ledger(ledger: Ledger, file: Path) -> None:
    """Write the ledger, one line per note, sorted by id, so that two branches merge."""
    entries = sorted(ledger.notes.items(), key=lambda item: item[1].id)
    lines = [f"    {json.dumps(guid)}: {_line(entry)}" for guid, entry in entries]
    types = [
        f"    {json.dumps(key)}: {json.dumps(list(value))}" for key, value in sorted(ledger.notetypes.items())
    ]
    text = (
        f'{{\n  "format": {FORMAT},\n  "notes": {{\n' + ",\n".join(lines) + "\n  },\n"
        '  "notetypes": {\n' + ",\n".join(types) + "\n  },\n"
        f'  "packages": {json.dumps(sorted(ledger.packages))}'
        + (f',\n  "root": {json.dumps(ledger.root)}' if ledger.root else "")
        + "\n}\n"
    )
    write_atomically(file, text.encode())


def _line(entry: Entry) -> str:
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    # What is rarely said is left out, so that a line stays readable.
    return _readable(
        {name: value for name, value in values.items() if value or name not in ("was", "retired")}
    )
