"""A collection → packages and ledger, and what an author should know about it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from generator.adopt import Adopter, clashes, seed
from generator.apkg import Content, foreign_digests, notetype_digests, pack
from generator.collection import Collection, shown
from generator.decks import is_within, packages_of
from generator.deletions import ordinals
from generator.describe import describe, pages_of
from generator.errors import Problem, StateError, UsageError, stop_on_errors
from generator.files import locked, write_atomically
from generator.foreign import ForeignType, read_origins
from generator.gather import gather
from generator.history import check_history, note_guid
from generator.ledger import Ledger, check_owner, enter, read_ledger, retire, root_beside, write_ledger
from generator.notes import Location, Note, Topic
from generator.notetypes import notetype_of
from generator.render import Rendered, held_back_by, render
from generator.theme import THEME, Theme, read_theme

LEDGER = "ledger.json"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A note that is not in the deck, because a number in it is not known to be true."""

    location: Location
    """The note's heading."""
    id: str
    """The note."""
    reasons: tuple[str, ...]
    """One for each claim that is in the way."""
    needs: tuple[str, ...]
    """What a machine must have to measure it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did."""

    packages: tuple[tuple[Path, int, int], ...]
    """Each package with its number of notes and its size in bytes."""
    outdated: tuple[Path, ...]
    """Packages of earlier builds that were removed, because no note goes into them any more."""
    new: tuple[str, ...]
    """Ids of notes that no earlier build had."""
    changed: tuple[str, ...]
    """Ids of notes whose content differs from the last build; learners get them on the next import."""
    unchanged: int
    """Number of notes that an import will leave alone."""
    moved: tuple[tuple[str, str, str], ...]
    """Id, old deck, new deck: an import leaves cards that a learner has in the old deck."""
    gone: tuple[str, ...]
    """Ids of notes that the last build had and the collection has no more; an import never deletes."""
    held_back: tuple[HeldBack, ...]
    """Notes that are not in the packages."""
    warnings: tuple[Problem, ...]
    """What an author should look at."""


def compile_notes(collection: Collection) -> tuple[list[Content], list[HeldBack], list[Problem]]:
    """Render every note of a collection; nothing is written.

    Returns:
        What goes into packages, in the order of study; what is held back; everything that is wrong.
    """
    contents, held_back, problems = render_notes(collection)
    problems += clashes(contents, {note.id: note.location for _, note in collection.notes()})
    problems += read_theme(collection.root, shown(collection.root / THEME))[1]
    return contents, held_back, sorted(problems, key=lambda problem: problem.location)


def render_notes(collection: Collection) -> tuple[list[Content], list[HeldBack], list[Problem]]:
    """Render the notes of a collection, or of one of its files; what they rest on is known to `gather.py`."""
    contents: list[Content] = []
    held_back: list[HeldBack] = []
    problems = list(collection.problems)
    adopter = Adopter(collection.root)
    for topic, note in collection.notes():
        if note.type:
            content, found = adopter.adopt(note, topic)
            problems += found
            reasons = held_back_by(note)
            if reasons:
                held_back.append(HeldBack(note.location, note.id, reasons, _needs(note, topic)))
            elif content is not None:
                contents.append(content)
            continue
        rendered = render(note, topic, collection.root, collection.references)
        problems += rendered.problems
        if rendered.held_back:
            held_back.append(HeldBack(note.location, note.id, rendered.held_back, _needs(note, topic)))
        else:
            contents.append(_content(note, topic, rendered))
    # What is wrong with a topic's introduction is found again in each of its notes.
    return contents, held_back, list(dict.fromkeys(problems))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build is going to write, and why."""

    collection: Collection
    """The notes."""
    out: Path
    """The folder for packages and ledger."""
    contents: tuple[Content, ...]
    """What goes into packages, in the order of study."""
    held_back: tuple[HeldBack, ...]
    """What does not, yet."""
    problems: tuple[Problem, ...]
    """Warnings; an error would have stopped the plan."""
    before: Ledger
    """What learners have."""
    seen: tuple[int, int, int] | None
    """Which file the ledger was, to know whether another build wrote one since; None for none."""
    after: Ledger
    """What they will have."""
    gone: tuple[str, ...]
    """Guids of notes that the last build had and the collection has no more."""
    packages: dict[str, list[Content]]
    """The notes of each package file, by its name."""
    theme: Theme
    """How cards look."""
    remembers: bool
    """Whether an earlier build has left a ledger."""
    imported_pages: Mapping[str, str]
    """What Anki showed on the pages of imported decks, by deck; HTML."""


def plan(root: Path, out: Path | None = None, deck: str = "") -> Plan:
    """Find out what a build would do; nothing is written but the cache.

    Args:
        root: the collection's folder.
        out: the folder for packages and ledger; None leaves it to the settings.
        deck: plan for this deck and its sub-decks only; empty for all.

    Raises:
        CardError: a card is malformed.
        StateError: the ledger cannot be read.
        UsageError: no note goes into the deck.
    """
    gathered = gather(root, out, render_notes)
    collection, contents, held_back = gathered.collection, gathered.contents, gathered.held_back
    theme, found = read_theme(root, shown(root / THEME))
    problems = sorted([*gathered.problems, *found], key=lambda problem: problem.location)
    stop_on_errors(problems)
    out = out if out is not None else collection.settings.folder(root)
    problems += clashes(contents, {note.id: note.location for _, note in collection.notes()})
    stop_on_errors(problems)
    seen = _identity(out / LEDGER)
    ledger = read_ledger(out / LEDGER)
    check_owner(ledger, out / LEDGER, root)
    origins = read_origins((topic.file.parent for topic in collection.topics), root)
    before = seed(ledger, contents, origins)
    notes = [note for _, note in collection.notes()]
    built = {content.id: content.built for content in contents}
    problems += check_history(notes, built, before)
    stop_on_errors(problems)
    packages = packages_of(contents, deck)
    if deck:
        decks = {note.id: topic.deck for topic, note in collection.notes()}
        _check_deck(deck, decks.values())
        contents = [content for content in contents if is_within(content.deck, deck)]
        held_back = [held for held in held_back if is_within(decks[held.id], deck)]
    now = _now()
    there = {note_guid(note) for note in notes}
    gone = [
        guid
        for guid, entry in before.notes.items()
        if guid not in there and not entry.retired and is_within(entry.deck, deck)
    ]
    foreign = [content.notetype for content in contents if isinstance(content.notetype, ForeignType)]
    types = notetype_digests(theme) | foreign_digests(foreign)
    after = enter(before, [built[content.id] for content in contents], types, now)
    return Plan(
        collection=collection,
        out=out,
        contents=tuple(contents),
        held_back=tuple(held_back),
        problems=tuple(sorted(problems, key=lambda problem: problem.location)),
        before=before,
        seen=seen,
        after=replace(retire(after, gone, now), root=root_beside(root, out)),
        gone=tuple(gone),
        packages=packages,
        theme=theme,
        remembers=bool(ledger.notes),
        imported_pages=origins.decks,
    )


def build(root: Path, out: Path | None = None, deck: str = "") -> Report:
    """Compile a collection into one package per top-level deck and one per sub-deck.

    Args:
        root: the collection's folder.
        out: the folder for packages and ledger; None leaves it to the settings.
        deck: build this deck and its sub-decks only; empty for all. The others stay as they were built last.

    Raises:
        CardError: a card is malformed; nothing was written.
        StateError: the ledger cannot be read, or a file cannot be written.
        UsageError: no note goes into the deck.
    """
    planned = plan(root, out, deck)
    with locked(planned.out):
        if _identity(planned.out / LEDGER) != planned.seen:
            planned = plan(root, out, deck)
        return _write(planned, deck)


def _identity(file: Path) -> tuple[int, int, int] | None:
    """Tells a file from the one that replaces it."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _write(planned: Plan, deck: str) -> Report:
    out, known = planned.out, planned.before.packages
    orphans = [name for name in planned.packages if not planned.remembers and (out / name).is_file()]
    if orphans:
        what = f"{shown(out / orphans[0])}: a package of an earlier build, and its ledger is gone"
        hint = f"bring {LEDGER} back: without it every note counts as changed; or remove the packages"
        raise StateError(what, hint)
    outdated = [out / name for name in known if not deck and name not in planned.packages]
    outdated = [file for file in outdated if file.is_file()]
    # The ledger comes first: whatever a learner may get from here on, also when this build is killed between
    # two packages, is in it; and the next build makes the same packages from it.
    write_ledger(replace(planned.after, packages=tuple({*known, *planned.packages})), out / LEDGER)
    # An import in Anki overwrites a deck's page, so imported decks keep the one that they had.
    pages = {
        **describe(planned.collection, planned.contents, planned.after),
        **planned.imported_pages,
    }
    packages: list[tuple[Path, int, int]] = []
    for name, members in planned.packages.items():
        data = pack(members, planned.after, pages_of(pages, members), planned.theme)
        write_atomically(out / name, data)
        packages.append((out / name, len(members), len(data)))
    for file in outdated:
        # It would go on showing notes that are gone, held back, or in a deck of another name.
        file.unlink()
    kept = {*planned.packages, *(known if deck else ())}
    if not kept.issuperset(known):
        write_ledger(replace(planned.after, packages=tuple(kept)), out / LEDGER)
    return _report(planned, packages, outdated)


def _check_deck(deck: str, known: Iterable[str]) -> None:
    names = sorted(set(known))
    if not any(is_within(name, deck) for name in names):
        near = get_close_matches(deck, names, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names[:12])}"
        raise UsageError(f"there is no deck '{deck}'", hint)


def _needs(note: Note, topic: Topic) -> tuple[str, ...]:
    """What a machine must have to run a note's code."""
    return tuple(dict.fromkeys(need for block in (*note.blocks, *topic.blocks) for need in block.needs))


def _content(note: Note, topic: Topic, rendered: Rendered) -> Content:
    notetype = notetype_of(note.kind)
    if note.kind == "cloze":
        cards = ordinals(note.answer)
    elif note.kind == "occlusion":
        cards = tuple(sorted({mask.number - 1 for mask in note.masks}))
    else:
        cards = (0, 1) if note.kind == "reversed" else (0,)
    return Content(
        id=note.id,
        deck=topic.deck,
        notetype=notetype,
        fields=tuple(rendered.fields.get(field.name, "") for field in notetype.fields),
        tags=tuple(sorted({*topic.tags, *note.tags})),
        ordinals=cards,
        media=rendered.media,
        was=note.was if note.was != note.id else "",
        given_guid=note.guid,
    )


def _now() -> int:
    """The time of the build; SOURCE_DATE_EPOCH sets it, as everywhere in reproducible builds."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(given) if given.isdigit() else int(time.time())


def _report(planned: Plan, packages: Sequence[tuple[Path, int, int]], outdated: Sequence[Path]) -> Report:
    new, changed, moved = [], [], []
    for content in planned.contents:
        old, entry = planned.before.notes.get(content.guid), planned.after.notes[content.guid]
        if old is None:
            new.append(content.id)
            continue
        if old.digest != entry.digest:
            changed.append(content.id)
        if old.deck != entry.deck:
            moved.append((content.id, old.deck, entry.deck))
    return Report(
        packages=tuple((Path(shown(file)), notes, size) for file, notes, size in packages),
        outdated=tuple(Path(shown(file)) for file in outdated),
        new=tuple(new),
        changed=tuple(changed),
        unchanged=len(planned.contents) - len(new) - len(changed),
        moved=tuple(moved),
        gone=tuple(sorted(planned.before.notes[guid].id for guid in planned.gone)),
        held_back=planned.held_back,
        warnings=planned.problems,
    )
