"""`generator check`: mistakes in cards, as text or as JSON; writes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.adopt import seed
from generator.apkg import Content
from generator.build import LEDGER, compile_notes
from generator.collection import Collection, load
from generator.errors import Problem
from generator.foreign import read_origins
from generator.history import check_history
from generator.ledger import read_ledger
from generator.lint import lint

FORMAT = 1
"""The version of the JSON; raised when a key changes its meaning."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    notes: int
    """How many notes were looked at."""
    held_back: int
    """How many of them are held back from the deck."""
    problems: tuple[Problem, ...]
    """Everything that is wrong, by place."""

    @property
    def has_errors(self) -> bool:
        """Whether anything is more than a warning."""
        return any(problem.severity == "error" for problem in self.problems)

    def as_json(self) -> str:
        """All of it for other programs: the notes' numbers, and a list of problems."""
        return json.dumps(
            {
                "format": FORMAT,
                "notes": self.notes,
                "held_back": self.held_back,
                "problems": [_as_row(problem) for problem in self.problems],
            },
            ensure_ascii=False,
            indent=2,
        )


def check(root: Path, strict: bool = False, out: Path | None = None) -> Checked:
    """Look for everything that is wrong with the notes below a folder.

    Args:
        root: the collection's folder.
        strict: whether warnings count as errors; the collection's settings may say so, too.
        out: the folder of the ledger, which knows what learners have; None leaves it to the settings.

    Raises:
        StateError: the ledger cannot be read.
    """
    collection = load(root)
    contents, held_back, problems = compile_notes(collection)
    if not any(problem.severity == "error" for problem in problems):
        problems += _history(collection, contents, out)
    problems = [*problems, *lint(collection, collection.settings.ignore)]
    if strict or collection.settings.strict:
        problems = [replace(problem, severity="error") for problem in problems]
    return Checked(len(contents) + len(held_back), len(held_back), _sorted(problems))


def _history(collection: Collection, contents: Sequence[Content], out: Path | None) -> list[Problem]:
    """What the next build would say of renamed, reused and changed notes, if there was one before."""
    file = (out if out is not None else collection.settings.folder(collection.root)) / LEDGER
    if not file.exists():
        return []
    origins = read_origins((topic.file.parent for topic in collection.topics), collection.root)
    built = {content.id: content.built for content in contents}
    return check_history(
        [note for _, note in collection.notes()], built, seed(read_ledger(file), contents, origins)
    )


def _sorted(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.location, problem.code)))


def _as_row(problem: Problem) -> dict[str, str | int | None]:
    return {
        "path": problem.location.path,
        "line": problem.location.line,
        "severity": problem.severity,
        "code": problem.code or None,
        "what": problem.what,
        "hint": problem.hint,
    }
