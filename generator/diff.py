"""What the next import would change for a learner who has the packages of an earlier build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.apkg import Content
from generator.build import HeldBack, Plan
from generator.errors import Problem
from generator.history import losses, note_guid
from generator.notes import Location, Note
from generator.packages import PackedNote
from generator.words import visible


@dataclass(frozen=True, slots=True)
class Named:
    """A note, as a line names it."""

    id: str
    """The author's id."""
    location: Location | None
    """Its heading; None for a note that the collection has no more."""
    question: str
    """What it asks: visible text."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field (or the tags) of a note that is not what it was."""

    name: str
    """Its name."""
    before: str
    """Its visible text in the package."""
    after: str
    """Its visible text now; the same where only markup differs."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A note that the import would replace."""

    note: Named
    """The note."""
    fields: tuple[FieldChange, ...]
    """What differs."""
    added: tuple[int, ...]
    """Numbers, from 1, of cards that it had not."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A note that is in another deck now; an import leaves cards where they are."""

    note: Named
    """The note."""
    before: str
    """The deck in the package."""
    after: str
    """The deck now."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What lies between a collection and packages of it."""

    new: tuple[Named, ...]
    """Notes that the packages have not."""
    changed: tuple[Changed, ...]
    """Notes that an import would replace, because their `mod` is newer."""
    unchanged: int
    """Number of notes that an import would leave alone."""
    skipped: tuple[Named, ...]
    """Notes whose note type is another one now: Anki skips them."""
    ignored: tuple[Named, ...]
    """Notes that differ and are no newer than in the package: Anki keeps what it has."""
    moved: tuple[Moved, ...]
    """Notes in another deck."""
    removed: tuple[Named, ...]
    """Notes that the collection has no more; an import never deletes."""
    held_back: tuple[HeldBack, ...]
    """Notes that would not be built."""
    lost: tuple[Problem, ...]
    """Where reviews would be lost."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.new or self.changed or self.skipped or self.ignored or self.moved or self.removed)


def differ(planned: Plan, packed: Mapping[str, PackedNote]) -> Difference:
    """Hold what a build would write against packages.

    Args:
        planned: what would be written.
        packed: the notes of the packages by guid.
    """
    notes: dict[str, Note] = {note.id: note for _, note in planned.collection.notes()}
    there = {note_guid(note) for note in notes.values()}
    new, changed, skipped, ignored, moved = [], [], [], [], []
    lost: list[Problem] = []
    unchanged = 0
    for content in planned.contents:
        note, old = notes[content.id], packed.get(content.guid)
        named = Named(content.id, note.location, visible(content.asks))
        if old is None:
            new.append(named)
            continue
        lost += losses(note, old.notetype, old.cards, content.notetype.id, content.ordinals)
        if old.deck and old.deck != content.deck:
            moved.append(Moved(named, old.deck, content.deck))
        fields = _fields(content, old)
        if old.notetype != content.notetype.id:
            skipped.append(named)
        elif planned.after.notes[content.guid].mod > old.mod:
            added = tuple(ordinal + 1 for ordinal in content.ordinals if ordinal not in old.cards)
            changed.append(Changed(named, fields, added))
        elif fields:
            ignored.append(named)
        else:
            unchanged += 1
    return Difference(
        new=tuple(new),
        changed=tuple(changed),
        unchanged=unchanged,
        skipped=tuple(skipped),
        ignored=tuple(ignored),
        moved=tuple(moved),
        removed=tuple(
            Named(old.id, None, visible(old.asks)) for guid, old in packed.items() if guid not in there
        ),
        held_back=planned.held_back,
        lost=tuple(lost),
    )


def last_packages(planned: Plan) -> list[Path]:
    """The packages of the last build, as far as they are still there."""
    return [planned.out / name for name in planned.before.packages if (planned.out / name).is_file()]


def _fields(content: Content, old: PackedNote) -> tuple[FieldChange, ...]:
    names = content.names
    before = dict(zip(names, old.fields, strict=False))
    shown = [
        FieldChange(name, visible(before.get(name, "")), visible(after))
        for name, after in zip(names, content.fields, strict=True)
        if before.get(name, "") != after
    ]
    if old.tags != content.tags:
        shown.append(FieldChange("Tags", " ".join(old.tags), " ".join(content.tags)))
    return tuple(shown)
