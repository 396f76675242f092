"""Writing missing ids into headings, and touching nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path

from generator.attributes import BadAttributes, read_attributes
from generator.collection import Collection
from generator.files import write_atomically
from generator.markdown import HEADING_ATTRIBUTES
from generator.notes import Location, Note, Topic
from generator.source import Source

_STOP = frozenset(
    "a an and are as at by does do for from has have how in into is it its many much of on one or than that "  # noqa: SIM905
    "the their these this to was what when where which why with you".split()
)
_WORDS = 5
_LONGEST = 60
_HEADING = re.compile(r"(?P<text> {0,3}##(?!#).*?)(?:[ \t]+#+)?[ \t]*")
"""A heading's line; a closing sequence of `#` is no part of its text."""
_EMPTY = re.compile(r"\s\{\s*\}$")


@dataclass(frozen=True, slots=True)
class NewId:
    """An id for a note that has none."""

    location: Location
    """The note's heading."""
    id: str
    """The id; from now on it never changes, whatever becomes of the wording it was made from."""


def write_ids(collection: Collection, write: bool) -> list[NewId]:
    """Give every note without an id one that is made from its question.

    Args:
        collection: the notes; it may have other problems.
        write: whether to change the files, or only say what would be written.
    """
    # Ids that differ by capitals alone are refused, and every new one is in small letters.
    taken = {note.id.lower() for _, note in collection.notes() if note.id}
    found: list[NewId] = []
    for topic in collection.topics:
        source = Source.of(topic.path, topic.text)
        places: list[tuple[int, str]] = []
        for note in topic.notes:
            place = None if note.id else _place(source, note.location.line - 1)
            if place is None:
                continue
            identity = _invent(note, taken)
            taken.add(identity)
            found.append(NewId(note.location, identity))
            offset, pattern = place
            places.append((offset, pattern.format(identity)))
        if write and places:
            _insert(topic, places)
    return found


def _invent(note: Note, taken: Iterable[str]) -> str:
    text = " ".join(child.content for child in note.question if child.type in ("text", "code_inline"))
    stem = stem_of(text)
    number, identity = 1, stem
    while identity in taken:
        number += 1
        identity = f"{stem}-{number}"
    return identity


def stem_of(text: str) -> str:
    """What an id for a note with this question begins with: its first words of weight."""
    return slug_of(text, _WORDS)[:_LONGEST].strip("-") or "note"


def slug_of(text: str, most: int, without: Set[str] = _STOP) -> str:
    """The words of a text but those that carry little, joined by hyphens; at most so many, and maybe none."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "-".join([word for word in re.findall(r"[a-z0-9]+", bare) if word not in without][:most])


def _place(source: Source, number: int) -> tuple[int, str] | None:
    """Where in the file the id of the heading on this line goes, and how it is written there.

    Returns:
        None for a heading that its author has to mend first: it is a paragraph above dashes, or has braces
        that cannot be read and may hold an id.
    """
    heading = _HEADING.fullmatch(source.line(number))
    if heading is None:
        return None
    start, text = source.starts[number], heading["text"].rstrip()
    if _EMPTY.search(text):
        return start + text.rindex("{") + 1, "#{}"
    attributes = HEADING_ATTRIBUTES.search(text)
    if attributes is None:
        return start + len(text), " {{#{}}}"
    try:
        read_attributes(attributes["inside"].strip())
    except BadAttributes:
        return None
    return start + attributes.start("inside"), "#{} "


def _insert(topic: Topic, places: list[tuple[int, str]]) -> None:
    text = topic.text
    for offset, inserted in reversed(places):
        text = text[:offset] + inserted + text[offset:]
    write_atomically(Path(topic.file), text.encode("utf-8"))
