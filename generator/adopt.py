"""An imported note → what goes into a package: its own note type, fields, files and cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from generator.apkg import Content
from generator.cards import deletion_ordinals, template_ordinals
from generator.errors import Problem
from generator.foreign import ForeignType, Origins, find_type, read_origins
from generator.ledger import Entry, Ledger, digest_of, guid_of
from generator.notes import Location, Note, Topic
from generator.sections import foreign_fields
from generator.shelves import Shelves


class Adopter:
    """Makes contents of imported notes; note types and media folders are read once.

    Args:
        root: the collection's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._origins: dict[Path, Origins] = {}
        self._shelves = Shelves(root)
        self._types: dict[tuple[str, Path], ForeignType] = {}

    def adopt(self, note: Note, topic: Topic) -> tuple[Content | None, list[Problem]]:
        """The content of an imported note, or None for one without a usable note type; what is wrong."""
        key = (note.type, topic.file.parent)
        if key not in self._types:
            found = find_type(note.type, topic.file.parent, self._root, note.location)
            if isinstance(found, Problem):
                return None, [found]
            self._types[key] = found
        notetype = self._types[key]
        named, images, problems = foreign_fields(note, notetype)
        fields = tuple(named.values())
        media, missing = self._shelves.media_of(note, topic, fields, images, notetype.look)
        guid = note.guid or guid_of(note.id)
        tags = tuple(sorted({*topic.tags, *note.tags}))
        folder = topic.file.parent
        if folder not in self._origins:
            self._origins[folder] = read_origins([folder], self._root)
        origin = self._origins[folder].notes.get(guid)
        if origin is not None and origin.digest == origin_digest(notetype.id, fields, tags):
            ordinals = origin.cards
        elif notetype.kind == "cloze":
            ordinals = deletion_ordinals(fields)
        else:
            ordinals = template_ordinals(notetype.questions, named)
        content = Content(
            id=note.id,
            deck=topic.deck,
            notetype=notetype,
            fields=fields,
            tags=tags,
            ordinals=ordinals,
            media=media,
            given_guid=note.guid,
        )
        return content, [*problems, *missing]


def origin_digest(type_id: int, fields: Sequence[str], tags: Sequence[str]) -> str:
    """What a note's content is compared by with its content at the import."""
    return digest_of([type_id, list(fields), sorted(set(tags))])


def seed(ledger: Ledger, contents: Iterable[Content], origins: Origins) -> Ledger:
    """The ledger with what Anki knew of imported notes and note types that no build has had yet.

    Such a note counts as one that the learner has: it moves when it was edited since the import, and else
    stays as it is, with the `mod` that it came with.
    """
    notes, types = dict(ledger.notes), dict(ledger.notetypes)
    for content in contents:
        origin = origins.notes.get(content.guid)
        if origin is None:
            continue
        key = str(content.notetype.id)
        if key in origins.notetypes:
            types.setdefault(key, origins.notetypes[key])
        if content.guid not in notes:
            unchanged = origin.digest == origin_digest(content.notetype.id, content.fields, content.tags)
            digest, question = (content.digest, content.built.question) if unchanged else ("edited", "")
            notes[content.guid] = Entry(
                id=content.id,
                deck=content.deck,
                digest=digest,
                mod=origin.mod,
                number=origin.number,
                notetype=content.notetype.id,
                cards=origin.cards,
                question=question,
            )
    return replace(ledger, notes=notes, notetypes=types)


def clashes(contents: Sequence[Content], places: Mapping[str, Location]) -> list[Problem]:
    """Imported notes that cannot be in one collection: one guid, note type id or file name for two things.

    Args:
        contents: all notes of the collection.
        places: where each note stands, by id.
    """
    problems: list[Problem] = []
    guids: dict[str, Content] = {}
    types: dict[int, Content] = {}
    files: dict[str, Path] = {}
    for content in contents:
        place = places[content.id]
        first = guids.setdefault(content.guid, content)
        if first is not content and bool(first.given_guid) != bool(content.given_guid):
            what = f"Anki would take this note for '{first.id}': the two have one guid"
            problems.append(Problem(place, what, "delete one of them"))
        other = types.setdefault(content.notetype.id, content)
        if other.notetype is not content.notetype and other.notetype != content.notetype:
            what = f"its note type has the id of another one, that of '{other.id}'"
            hint = "let both files in notetypes/ say the same, or keep the decks in collections of their own"
            problems.append(Problem(place, what, hint))
        for media in content.media:
            same = files.setdefault(media.name, media.file)
            if same != media.file and same.read_bytes() != media.file.read_bytes():
                what = f"two files are called {media.name}: {same} and {media.file}"
                problems.append(Problem(place, what, "give one of them, and what shows it, another name"))
    return problems
