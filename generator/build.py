"""A collection → packages and ledger, and what an author should know about it."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.apkg import Content, notetype_digests, pack
from generator.collection import Collection, load, shown
from generator.deletions import ordinals
from generator.describe import describe, pages_of
from generator.errors import Problem, StateError, stop_on_errors
from generator.files import write_atomically
from generator.ledger import Ledger, enter, guid_of, read_ledger, write_ledger
from generator.notes import Location, Note, Topic
from generator.notetypes import notetype_of
from generator.render import Rendered, render
from generator.theme import THEME, read_theme

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
    """Ids of notes of earlier builds that the collection has no more; an import never deletes."""
    held_back: tuple[HeldBack, ...]
    """Notes that are not in the packages."""
    warnings: tuple[Problem, ...]
    """What an author should look at."""


def compile_notes(collection: Collection) -> tuple[list[Content], list[HeldBack], list[Problem]]:
    """Render every note of a collection; nothing is written.

    Returns:
        What goes into packages, in the order of study; what is held back; everything that is wrong.
    """
    contents: list[Content] = []
    held_back: list[HeldBack] = []
    problems = [*collection.problems, *read_theme(collection.root, shown(collection.root / THEME))[1]]
    for topic, note in collection.notes():
        rendered = render(note, topic, collection.root, collection.references)
        problems += rendered.problems
        if rendered.held_back:
            blocks = (*note.blocks, *topic.blocks)
            needs = tuple(dict.fromkeys(need for block in blocks for need in block.needs))
            held_back.append(HeldBack(note.location, note.id, rendered.held_back, needs))
        else:
            contents.append(_content(note, topic, rendered))
    return contents, held_back, sorted(problems, key=lambda problem: problem.location)


def build(root: Path, out: Path | None = None) -> Report:
    """Compile a collection into one package per top-level deck and one per sub-deck.

    Args:
        root: the collection's folder.
        out: the folder for packages and ledger; None leaves it to the settings.

    Raises:
        CardError: a card is malformed; nothing was written.
        StateError: the ledger cannot be read, or a file cannot be written.
    """
    collection = load(root)
    contents, held_back, problems = compile_notes(collection)
    stop_on_errors(problems)
    out = out if out is not None else collection.settings.folder(root)
    before = read_ledger(out / LEDGER)
    rows = [(content.id, content.deck, content.digest) for content in contents]
    theme, _ = read_theme(root, shown(root / THEME))
    after = enter(before, rows, notetype_digests(theme), _now())
    pages = describe(collection, contents, after)
    packages: list[tuple[Path, int, int]] = []
    for name, members in _packages(contents).items():
        data = pack(members, after, pages_of(pages, members), theme)
        write_atomically(out / name, data)
        packages.append((out / name, len(members), len(data)))
    written = {file.name for file, _, _ in packages}
    outdated = [out / name for name in before.packages if name not in written and (out / name).is_file()]
    for file in outdated:
        # It would go on showing notes that are gone, held back, or in a deck of another name.
        file.unlink()
    write_ledger(replace(after, packages=tuple(written)), out / LEDGER)
    return _report(contents, held_back, problems, before, after, packages, outdated)


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
    )


def _packages(contents: Sequence[Content]) -> dict[str, list[Content]]:
    """The notes of each package file: a file for a whole deck, and one for each of its sub-decks."""
    packages: dict[str, list[Content]] = {}
    names: dict[str, str] = {}
    for content in contents:
        top, *_ = content.deck.split("::")
        for deck in dict.fromkeys((top, content.deck)):
            file = f"{slug(deck)}.apkg"
            if names.setdefault(file, deck) != deck:
                hint = "rename one of the decks"
                raise StateError(
                    f"{file}: the decks '{names[file]}' and '{deck}' would share this file", hint
                )
            packages.setdefault(file, []).append(content)
    return packages


def slug(deck: str) -> str:
    """A deck's name as a file name: `Efficient Vision::Convolutions` is `efficient-vision--convolutions`."""
    plain = unicodedata.normalize("NFKC", deck).lower().replace("::", "\0")
    return re.sub(r"[^\w\0]+", "-", plain).strip("-").replace("\0", "--") or "deck"


def _now() -> int:
    """The time of the build; SOURCE_DATE_EPOCH sets it, as everywhere in reproducible builds."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(given) if given.isdigit() else int(time.time())


def _report(
    contents: Sequence[Content],
    held_back: Sequence[HeldBack],
    problems: Sequence[Problem],
    before: Ledger,
    after: Ledger,
    packages: Sequence[tuple[Path, int, int]],
    outdated: Sequence[Path],
) -> Report:
    new, changed, moved = [], [], []
    for content in contents:
        old, entry = before.notes.get(guid_of(content.id)), after.notes[guid_of(content.id)]
        if old is None:
            new.append(content.id)
            continue
        if old.digest != entry.digest:
            changed.append(content.id)
        if old.deck != entry.deck:
            moved.append((content.id, old.deck, entry.deck))
    kept = {content.id for content in contents} | {note.id for note in held_back}
    return Report(
        packages=tuple((Path(shown(file)), notes, size) for file, notes, size in packages),
        outdated=tuple(Path(shown(file)) for file in outdated),
        new=tuple(new),
        changed=tuple(changed),
        unchanged=len(contents) - len(new) - len(changed),
        moved=tuple(moved),
        gone=tuple(sorted(entry.id for entry in after.notes.values() if entry.id not in kept)),
        held_back=tuple(held_back),
        warnings=tuple(problem for problem in problems if problem.severity == "warning"),
    )
