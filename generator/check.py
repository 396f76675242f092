"""`generator check`: mistakes in cards, as text or as JSON; writes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.build import compile_notes
from generator.collection import load
from generator.errors import Problem
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


def check(root: Path, strict: bool = False) -> Checked:
    """Look for everything that is wrong with the notes below a folder.

    Args:
        root: the collection's folder.
        strict: whether warnings count as errors; the collection's settings may say so, too.
    """
    collection = load(root)
    contents, held_back, problems = compile_notes(collection)
    problems = [*problems, *lint(collection, collection.settings.ignore)]
    if strict or collection.settings.strict:
        problems = [replace(problem, severity="error") for problem in problems]
    return Checked(len(contents) + len(held_back), len(held_back), _sorted(problems))


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
