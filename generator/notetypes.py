"""The note types, fixed for good.

Anki matches a note type, its fields and its templates by their ids. A field that a later package adds makes
every note that somebody already has *conflicting*, and Anki skips it; so the lists below are frozen, and
hold spares. Names, templates and CSS may change: Anki updates those in place. `tests/test_notetypes.py`
pins ids, order and number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from generator.notes import Kind

SPARES = 5

_FORMER_SPARES = ("Introduction",)
"""Spares that have found a use, in order: `Spare 1`, …"""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a note type."""

    name: str
    """Its name in Anki; may change."""
    id: int
    """What Anki knows it by; never changes."""
    tag: int | None = None
    """Its part in a stock note type, by which Anki's own editor finds it under any name."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template of a note type: a kind of card."""

    name: str
    """Its name in Anki; may change."""
    id: int
    """What Anki knows it by; never changes."""
    front: str
    """The file of its question side, in `generator/templates/`."""
    back: str
    """The file of its answer side."""


@dataclass(frozen=True, slots=True)
class NoteType:
    """One note type."""

    name: str
    """Its name in Anki; may change."""
    id: int
    """What Anki knows it by; never changes."""
    kind: Literal["normal", "cloze"]
    """Whether its cards come from templates or from deletions."""
    fields: tuple[Field, ...]
    """Its fields, in order; the first one names a note in Anki's browser."""
    templates: tuple[Template, ...]
    """Its templates, in order."""
    stock: int = 0
    """The stock note type of Anki's that it is, by Anki's number; 0 for none."""


def _fields(base: int, names: tuple[str, ...], tagged: int = 0) -> tuple[Field, ...]:
    spares = tuple(f"Spare {number}" for number in range(len(_FORMER_SPARES) + 1, SPARES + 1))
    return tuple(
        Field(name, base + index, index if index < tagged else None)
        for index, name in enumerate((*names, *_FORMER_SPARES, *spares))
    )


_COMMON = ("Extra", "Evidence", "Source", "Topic", "Hint", "Related", "Expires", "Id")

QUESTION = NoteType(
    name="Groundtruth",
    id=1_761_400_000_001,
    kind="normal",
    # Basic, reversed and typed notes share one note type: a note that becomes another kind is no other note.
    fields=_fields(7_302_614_810_017_000, ("Question", "Answer", "Reversed", "Typed", *_COMMON)),
    templates=(
        Template("Question", 7_302_614_810_018_000, "question.html", "answer.html"),
        Template("Reversed", 7_302_614_810_018_001, "reversed_question.html", "reversed_answer.html"),
        # Makes no card while its field is empty; a template added later would make every note conflicting.
        Template("Spare", 7_302_614_810_018_002, "spare_question.html", "answer.html"),
    ),
)

CLOZE = NoteType(
    name="Groundtruth Cloze",
    id=1_761_400_000_002,
    kind="cloze",
    fields=_fields(7_302_614_810_027_000, ("Text", "Context", *_COMMON)),
    templates=(Template("Cloze", 7_302_614_810_028_000, "cloze_question.html", "cloze_answer.html"),),
)

OCCLUSION = NoteType(
    name="Groundtruth Image Occlusion",
    id=1_761_400_000_003,
    kind="cloze",
    # The fields of Anki's stock note type come first, in its order and with its tags: Anki's image occlusion
    # editor opens these notes. (Stock note types themselves have another id in every collection.)
    fields=_fields(
        7_302_614_810_037_000,
        ("Occlusion", "Image", "Header", "Back Extra", "Comments", *_COMMON[1:]),
        tagged=5,
    ),
    templates=(
        Template(
            "Image Occlusion", 7_302_614_810_038_000, "occlusion_question.html", "occlusion_answer.html"
        ),
    ),
    stock=6,
)

ALL = (QUESTION, CLOZE, OCCLUSION)
"""Every note type. A package holds those that its notes have."""


def notetype_of(kind: Kind) -> NoteType:
    """The note type of a kind of note."""
    return {"cloze": CLOZE, "occlusion": OCCLUSION}.get(kind, QUESTION)
