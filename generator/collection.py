"""A folder of notes, read whole and checked as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from generator.blocks import assigned_names
from generator.errors import Problem
from generator.foreign import MEDIA, NOTETYPES
from generator.notes import Location, Note, Topic
from generator.order import study_order
from generator.parse import parse
from generator.references import Reference, read_references
from generator.settings import SETTINGS, Settings, read_settings
from generator.source import read_source

REFERENCES = "references.bib"
_SKIPPED = frozenset({"readme.md"})
_INSTALLED = frozenset({"node_modules", "site-packages", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Collection:
    """Every note below a folder."""

    root: Path
    """The folder."""
    topics: tuple[Topic, ...]
    """Its files that could be read, in the order of study."""
    references: dict[str, Reference]
    """The literature, by key."""
    problems: tuple[Problem, ...]
    """Everything wrong with it, errors and warnings."""
    settings: Settings = field(default=Settings())
    """What it says about itself."""

    def notes(self) -> Iterator[tuple[Topic, Note]]:
        """Every note with its topic, in order."""
        for topic in self.topics:
            for note in topic.notes:
                yield topic, note


def find_root(path: Path) -> Path:
    """The collection that a file or folder belongs to.

    It is the nearest folder upwards that holds `references.bib` or `groundtruth.toml`, is called `cards`, or
    has the tools' own `decks` beside it; failing that, the folder itself.
    """
    start = path if path.is_dir() else path.parent
    for folder in (start.resolve(), *start.resolve().parents):
        known = (folder / REFERENCES, folder / SETTINGS)
        decks = folder.parent / "decks"
        built = (decks / "ledger.json", decks / "measured")
        if folder.name == "cards" or any(file.is_file() for file in known) or any(f.exists() for f in built):
            return folder
    return start


def shown(file: Path) -> str:
    """A path as a person at this prompt would type it."""
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.as_posix()


def load(root: Path) -> Collection:
    """Read every note below a folder; what is wrong is collected, not raised."""
    around = read_around(root)
    topics: list[Topic] = []
    problems = list(around.problems)
    for file in find_files(root):
        topic, found = read_topic(file, root, around.settings)
        problems += found
        if topic is not None:
            topics.append(topic)
    return assemble(replace(around, problems=tuple(problems)), topics)


def read_around(root: Path) -> Collection:
    """What a collection has beside its notes: settings and literature."""
    settings, problems = read_settings(root, shown(root / SETTINGS))
    references, found = read_references(root / REFERENCES, shown(root / REFERENCES))
    return Collection(root, (), references, (*problems, *found), settings)


def read_topic(
    file: Path, root: Path, settings: Settings, raw: bytes | None = None
) -> tuple[Topic | None, list[Problem]]:
    """Read one file of a collection, and check it as far as it can be checked alone.

    Args:
        file: the file.
        root: the collection's folder.
        settings: the collection's settings.
        raw: the file's bytes, where they were read already.
    """
    source = read_source(file, shown(file), raw)
    if isinstance(source, Problem):
        return None, [source]
    topic, problems = parse(source, file, deck_of_folder(file, root, settings))
    if topic is None:
        return None, problems
    topic = replace(topic, tags=_tags(topic, root, settings))
    return topic, [*problems, *check_names(topic), *check_stated(topic)]


def assemble(around: Collection, topics: list[Topic]) -> Collection:
    """The collection of these topics, checked as a whole."""
    problems = [*around.problems, *_check_ids(topics), *_check_requires(topics)]
    topics, found = study_order(topics)
    problems += found
    for topic in topics:
        problems += _check_citations(topic, around.references)
    ordered = tuple(sorted(problems, key=lambda problem: problem.location))
    return replace(around, topics=tuple(topics), problems=ordered)


def find_files(root: Path) -> Iterator[Path]:
    """The Markdown files below a folder, by path.

    Hidden folders, installed packages, READMEs and links to the outside are left out.
    """
    inside = root.resolve()
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not _is_foreign(Path(folder, name))]
        found += [Path(folder, name) for name in names if name.endswith(".md") and not name.startswith(".")]
    for file in sorted(found, key=lambda file: file.relative_to(root).as_posix()):
        if file.name.lower() in _SKIPPED:
            continue
        if file.parent.name == MEDIA and (file.parent.parent / NOTETYPES).is_dir():
            continue  # a file that an imported deck shows
        if file.is_file() and file.resolve().is_relative_to(inside):
            yield file


def _is_foreign(folder: Path) -> bool:
    """Whether a folder holds what others wrote: hidden ones, and those of package managers."""
    return folder.name.startswith(".") or folder.name in _INSTALLED or (folder / "pyvenv.cfg").is_file()


def deck_of_folder(file: Path, root: Path, settings: Settings) -> str:
    """The deck of a file that names none: the folders it lies in, below the deck that the settings name."""
    parts = file.relative_to(root).parts[:-1]
    if not parts and not settings.deck:
        parts = (root.resolve().name,)
    names = [part.replace("-", " ").replace("_", " ").strip().capitalize() for part in parts]
    return "::".join([settings.deck, *names] if settings.deck else names)


def _tags(topic: Topic, root: Path, settings: Settings) -> tuple[str, ...]:
    """The tags of a file's notes: its own, those of all notes, and its folders' where the settings say so."""
    folders = topic.file.relative_to(root).parts[:-1] if settings.tags_from_folders else ()
    path = "::".join("-".join(part.split()) for part in folders)
    return tuple(dict.fromkeys((*topic.tags, *settings.tags, *((path,) if path else ()))))


def _check_ids(topics: Iterable[Topic]) -> Iterator[Problem]:
    notes = [note for topic in topics for note in topic.notes if note.id]
    first: dict[str, Location] = {}
    folded: dict[str, str] = {}
    for note in notes:
        if note.id in first:
            what = f"the id '{note.id}' belongs to the note at {first[note.id]} already"
            yield Problem(note.location, what, "give this note an id of its own")
        elif note.id.lower() in folded:
            what = f"the id '{note.id}' differs from '{folded[note.id.lower()]}' by capitals alone"
            yield Problem(note.location, what, "give this note an id of its own")
        first.setdefault(note.id, note.location)
        folded.setdefault(note.id.lower(), note.id)
    renamed: dict[str, Location] = {}
    for note in notes:
        if note.was and note.was != note.id and note.was in first:
            what = f"was={note.was} names the id of the note at {first[note.was]}"
            yield Problem(note.location, what, "give that note an id of its own, or take was away here")
        elif note.was and note.was in renamed:
            what = f"was={note.was} stands at {renamed[note.was]} already"
            yield Problem(note.location, what, "one note only can be the one that learners have: keep one")
        if note.was:
            renamed.setdefault(note.was, note.location)
    guids: dict[str, Location] = {}
    for note in notes:
        if note.guid and guids.setdefault(note.guid, note.location) != note.location:
            what = f"the note at {guids[note.guid]} has this guid already"
            hint = "Anki would take the two for one note: delete one, or take this guid out"
            yield Problem(note.location, what, hint)


def _check_requires(topics: list[Topic]) -> Iterator[Problem]:
    known = {topic.file.stem for topic in topics}
    for topic in topics:
        for name in topic.requires:
            if name not in known:
                yield Problem(
                    Location(topic.path, 1), f"requires '{name}', which is no topic", _closest(name, known)
                )


def check_names(topic: Topic) -> Iterator[Problem]:
    """Claim links whose name no block of their note or file binds."""
    shared = frozenset[str]().union(*(assigned_names(block.code) for block in topic.blocks))
    for note in (None, *topic.notes):
        blocks = topic.blocks if note is None else (*topic.blocks, *note.blocks)
        known = (
            shared if note is None else shared.union(*(assigned_names(block.code) for block in note.blocks))
        )
        for claim in topic.claims if note is None else note.claims:
            if not blocks:
                hint = "put a ```python claim block into the note, or above the first '##'"
                yield Problem(claim.location, f"claim '{claim.name}', but the note has no claim block", hint)
            elif claim.name not in known:
                what = f"no claim block that this text can see binds '{claim.name}'"
                yield Problem(claim.location, what, _closest(claim.name, known))


def check_stated(topic: Topic) -> Iterator[Problem]:
    """Notes whose own blocks no text rests on: were they refuted, nothing could hold the note back."""
    shared = frozenset[str]().union(*(assigned_names(block.code) for block in topic.blocks))
    for note in topic.notes:
        own = frozenset[str]().union(*(assigned_names(block.code) for block in note.blocks))
        named = {claim.name for claim in note.claims}
        # A name that nothing binds is reported as such, and may be the one that is missed here.
        if note.blocks and not named & own and named <= shared:
            what = "the note's text states nothing that its claim block finds"
            hint = "bind a bool, and words of the answer to it: [is the same](claim:name)"
            yield Problem(note.blocks[0].location, what, hint)


def _check_citations(topic: Topic, references: dict[str, Reference]) -> Iterator[Problem]:
    for note in topic.notes:
        for citation in note.citations:
            if citation.key not in references:
                what = f"no entry '{citation.key}' in {REFERENCES}"
                yield Problem(citation.location, what, _closest(citation.key, references))


def _closest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, 1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(names[:12])}" if names else "there is none yet"
