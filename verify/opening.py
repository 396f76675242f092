"""What a command works on: the notes, their tasks, this machine, and where its records lie."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from generator.collection import Collection, find_root, load
from generator.errors import StateError, UsageError, stop_on_errors
from generator.notes import Topic
from verify.claims import Task, check_figures, check_imports, plan
from verify.coverage import Coverage
from verify.environment import Machine, environment, missing, this_machine, told_apart
from verify.figures import fingerprint, shows
from verify.heirs import Heirs
from verify.reading import read
from verify.records import Record, Records


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that one command needs to know."""

    collection: Collection
    """All notes; they are well-formed."""
    topics: tuple[Topic, ...]
    """The files that the command line names."""
    tasks: tuple[Task, ...]
    """What those files have to be run, in order; restricted to a note where the command line names one."""
    heirs: Heirs
    """Every task of the whole collection, as far as records are found by it."""
    machine: Machine
    """This machine."""
    folder: Path
    """Where records lie, a file for each machine."""
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    """Where the numbers of each file come from, by its path, for commands that leave the prose unread."""

    def environment(self, task: Task) -> dict[str, str]:
        """The versions that a task's result depends on here."""
        return environment(task.packages, task.job.needs, self.machine)

    def lacking(self, task: Task) -> str:
        """What this machine lacks to run a task; empty when it lacks nothing."""
        return missing(task.job.needs, self.machine)

    def is_current(self, task: Task, record: Record | None) -> bool:
        """Whether a record answers every question that the texts ask, so that nothing has to be run."""
        if record is None or not record.is_current(task.job.digest, self.environment(task)):
            return False
        answered = {(found.name, found.latex) for found in record.derivations}
        answered |= {(name, value.formula) for name, value in record.values.items()}
        return (
            all(name in record.values or name in record.unportrayable for name in task.job.names)
            and answered >= set(task.job.formulas)
            and all(shows(record, name, fingerprint(target)) for name, target in task.figures)
        )

    def records(self) -> Records:
        """The records of this machine."""
        return Records(self.folder, self.machine.name, self.heirs, self.machine.processor)

    @property
    def away(self) -> str:
        """The collection's reference machine, where that is another one than this; else empty."""
        return self.away_from(self.machine.name, self.machine.device)

    def away_from(self, name: str, device: str) -> str:
        """The collection's reference machine, where that is another one than the machine of this name."""
        reference = self.collection.settings.reference_machine
        return "" if reference in (name, device) else reference


@contextmanager
def open_session(options: argparse.Namespace) -> Iterator[Session]:
    """Read the notes that the command line names, and plan what they have to be run.

    Raises:
        CardError: a card is malformed.
        UsageError: a path or a note is not there, or has no notes.
        StateError: the paths belong to several collections.
    """
    paths = [Path(path) for path in options.paths if Path(path).exists()]
    places = [place for path in options.paths if (place := _place(path)) is not None]
    names = [path for path in options.paths if not Path(path).exists() and _place(path) is None]
    files = [*paths, *(file for file, _ in places)]
    root = find_root(files[0] if files else Path(options.default or "."))
    for name in names:
        if "/" in name or name.endswith(".md") or not root.is_dir():
            raise UsageError(
                f"{name}: no such file or folder", "name notes, a folder of them, or a note's id"
            )
    decks = Path(options.decks) if options.decks else None
    # Prose is read again only where it is shown or looked at.
    reading = read(root, decks) if options.command in ("run", "check", "list") else None
    collection = reading.collection if reading else load(root)
    broken = any(problem.severity == "error" for problem in collection.problems)
    readable = () if broken else collection.topics
    problems = [*collection.problems, *check_imports(readable), *check_figures(readable, root)]
    stop_on_errors(sorted(problems, key=lambda problem: problem.location))
    drawn = Path(tempfile.mkdtemp(prefix="groundtruth-figures-"))
    try:
        tasks = plan(collection.topics, root, drawn)
        if reading:
            reading.keep()
        for file, line in places:
            note = _note_at(collection, file, line)
            names += [note] if note else []
            paths += [] if note else [file]
        topics, chosen = _named(collection, tasks, paths, names)
        decks = decks or collection.settings.folder(root)
        machine = told_apart(this_machine(options.machine), decks / "measured")
        coverage = reading.coverage if reading else {}
        yield Session(collection, topics, chosen, Heirs.of(tasks), machine, decks / "measured", coverage)
    finally:
        shutil.rmtree(drawn, ignore_errors=True)


def _place(text: str) -> tuple[Path, int] | None:
    """The file and line that `cards/t.md:12` names, as messages do; None for anything else."""
    path, _, line = text.rpartition(":")
    there = path and line.isdecimal() and not Path(text).exists() and Path(path).is_file()
    return (Path(path), int(line)) if there else None


def _note_at(collection: Collection, file: Path, line: int) -> str:
    """The id of the note that a line of a file belongs to; empty above the first one."""
    found = [
        note.id
        for topic, note in collection.notes()
        if topic.file.resolve() == file.resolve() and note.location.line <= line
    ]
    return found[-1] if found else ""


def _named(
    collection: Collection, tasks: list[Task], paths: list[Path], names: list[str]
) -> tuple[tuple[Topic, ...], tuple[Task, ...]]:
    """The files and tasks that these paths and note ids name."""
    wanted = [path.resolve() for path in paths]
    for path in wanted:
        if not path.is_relative_to(collection.root.resolve()):
            hint = "name paths of one collection at a time"
            raise StateError(f"{path}: not in the collection {collection.root}", hint)
    known = {note.id: topic for topic, note in collection.notes()}
    for name in names:
        if name not in known:
            raise UsageError(f"{name}: no such file, folder or note", "`verify list` shows the notes' claims")
    whole = {
        topic.path
        for topic in collection.topics
        if any(topic.file.resolve().is_relative_to(path) for path in wanted)
    }
    topics = tuple(t for t in collection.topics if t.path in whole or t in [known[name] for name in names])
    if not topics:
        raise UsageError(
            f"{', '.join(map(str, paths))}: no notes", "name Markdown files, or a folder of them"
        )
    chosen = tuple(
        task
        for task in tasks
        if task.topic.path in whole or any(claim.note in names for claim in task.claims)
    )
    return topics, chosen
