"""What a rule is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from generator.errors import Severity
from generator.notes import Location, Note, Topic


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of one rule."""

    code: str
    """`R` with the rule's number in CONTRIBUTING.md, and a letter: `R01a`."""
    severity: Severity
    """Whether a card that breaks it is wrong, or only worth a look."""
    title: str
    """What is wrong when it fires, in one clause."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken."""

    code: str
    """The rule."""
    location: Location
    """The file and the line that the author has to look at."""
    what: str
    """What is wrong, in one clause."""
    hint: str
    """What the author can do about it."""
    topic: Topic
    """The file that it is about; its front matter may opt out."""
    note: Note | None = None
    """The note that it is about; its heading may opt out. None for what concerns a file or a deck."""
