"""Writing missing ids into headings, and touching nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.collection import Collection
from generator.files import write_atomically
from generator.notes import Location, Note, Topic
from generator.source import Source

_STOP = frozenset(
    "a an and are as at by does do for from has have how in into is it its many much of on one or than that the their "
    "these this to was what when where which why with you".split()
)
_WORDS = 5
_BRACES = re.compile(r"\{(?P<inside>[^{}]*)\}\s*$")


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
    taken = {note.id for _, note in collection.notes() if note.id}
    found: list[NewId] = []
    for topic in collection.topics:
        lines: list[tuple[int, str]] = []
        for note in topic.notes:
            if not note.id:
                identity = _invent(note, taken)
                taken.add(identity)
                found.append(NewId(note.location, identity))
                lines.append((note.location.line - 1, identity))
        if write and lines:
            _insert(topic, lines)
    return found


def _invent(note: Note, taken: Iterable[str]) -> str:
    text = " ".join(child.content for child in note.question if child.type in ("text", "code_inline"))
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = [word for word in re.findall(r"[a-z0-9]+", ascii_text) if word not in _STOP]
    stem = "-".join(words[:_WORDS]) or "note"
    number, identity = 1, stem
    while identity in taken:
        number += 1
        identity = f"{stem}-{number}"
    return identity


def _insert(topic: Topic, lines: list[tuple[int, str]]) -> None:
    source = Source.of(topic.path, topic.text)
    text = topic.text
    for number, identity in reversed(lines):
        start, end = source.starts[number], source.ends[number]
        line = text[start:end]
        braces = _BRACES.search(line)
        if braces is not None and "#" not in braces["inside"] and not line[: braces.start()].endswith("{"):
            at = start + braces.start("inside")
            inserted = f"#{identity} " if braces["inside"].strip() else f"#{identity}"
        else:
            at, inserted = start + len(line.rstrip()), f" {{#{identity}}}"
        text = text[:at] + inserted + text[at:]
    write_atomically(Path(topic.file), text.encode("utf-8"))


