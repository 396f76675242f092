"""What is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from generator.notes import Location

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong at one place."""

    location: Location
    """The file and the line that the author has to look at."""
    what: str
    """What is wrong, in one clause, without a full stop."""
    hint: str
    """What the author can do about it."""
    severity: Severity = "error"
    """An error stops the build; a warning does not."""
    code: str = ""
    """The rule of `generator check` that found it; empty for what makes a card malformed."""

    def __str__(self) -> str:
        mark = "warning: " if self.severity == "warning" else ""
        code = f" [{self.code}]" if self.code else ""
        return f"{self.location}: {mark}{self.what}{code}\n  hint: {self.hint}"


class CardError(Exception):
    """One or more cards are malformed; nothing was written.

    Args:
        problems: everything found, so that one run shows all of it.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda problem: problem.location))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StateError(Exception):
    """A file that the tools write (ledger, records, package) cannot be read or written.

    Args:
        what: what is wrong, beginning with the path.
        hint: the way out.
    """

    def __init__(self, what: str, hint: str) -> None:
        self.what = what
        self.hint = hint
        super().__init__(f"{what}\n  hint: {hint}")


class UsageError(Exception):
    """What was asked for on the command line makes no sense for this collection.

    Args:
        what: what is wrong.
        hint: the way out.
    """

    def __init__(self, what: str, hint: str) -> None:
        self.what = what
        self.hint = hint
        super().__init__(f"{what}\n  hint: {hint}")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, `1 note` or `2 notes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def stop_on_errors(problems: Sequence[Problem]) -> None:
    """Raise `CardError` when any of the problems is an error (warnings travel along)."""
    if any(problem.severity == "error" for problem in problems):
        raise CardError(problems)
