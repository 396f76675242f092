"""The notes of a collection, chosen and listed; and those that are retired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from generator.collection import Collection
from generator.decks import is_within
from generator.ledger import Ledger
from generator.notes import Note


@dataclass(frozen=True, slots=True)
class Listed:
    """A note in a list."""

    location: str
    """Its heading, `path:line`; empty for a note that is gone."""
    id: str
    """The author's id."""
    kind: str
    """Its kind; empty for a note that is gone."""
    deck: str
    """Its deck; the last one, for a note that is gone."""
    tags: tuple[str, ...]
    """Its tags, those of its topic included."""
    question: str
    """What it asks; empty for a note that is gone."""
    retired: str = ""
    """The day of the build that missed it first; empty for a note that is there."""

    def __str__(self) -> str:
        if self.retired:
            return f"retired {self.retired}  {self.id}  {self.deck}"
        return f"{self.location}  {self.id or '(no id)'}  {self.kind}  {self.deck}  {self.question}"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which notes are wanted; what is empty leaves all."""

    tag: str = ""
    """With this tag, or one below it."""
    deck: str = ""
    """In this deck, or one below it."""
    kind: str = ""
    """Of this kind."""
    id: str = ""
    """With an id like this; `*` and `?` stand for anything."""

    def takes(self, note: Listed) -> bool:
        """Whether a note is wanted."""
        return (
            (not self.tag or any(is_within(tag, self.tag) for tag in note.tags))
            and is_within(note.deck, self.deck)
            and (not self.kind or note.kind == self.kind)
            and (not self.id or fnmatchcase(note.id, self.id))
        )


def list_notes(collection: Collection, choice: Choice, held: Iterable[str] | None = None) -> Iterator[Listed]:
    """The notes that are wanted, in the order of study.

    Args:
        collection: the notes.
        choice: which of them.
        held: ids of notes that are held back, to list these alone; None for all.
    """
    only = None if held is None else frozenset(held)
    for topic, note in collection.notes():
        tags = tuple(dict.fromkeys((*topic.tags, *note.tags)))
        listed = Listed(str(note.location), note.id, note.kind, topic.deck, tags, _question(note))
        if choice.takes(listed) and (only is None or note.id in only):
            yield listed


def list_retired(ledger: Ledger, choice: Choice) -> list[Listed]:
    """The notes that learners may have and the collection has no more, by id."""
    found = [
        Listed("", entry.id, "", entry.deck, (), "", entry.retired)
        for entry in ledger.notes.values()
        if entry.retired
    ]
    return sorted((note for note in found if choice.takes(note)), key=lambda note: note.id)


def search(ids: Sequence[str]) -> str:
    """What finds these notes in Anki's browser."""
    return " OR ".join(f'"Id:{identity}"' for identity in ids)


def _question(note: Note) -> str:
    return " ".join("".join(child.content or " " for child in note.question).split())
