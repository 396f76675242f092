"""Which cards Anki makes of a note, from its note type's templates and the HTML of its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_EMPTY = re.compile(r"(?:\s|</?(?:br|div) ?/?>)*", re.IGNORECASE)
"""What Anki takes for an empty field."""
_TAG = re.compile(r"<!--.*?-->|\{\{(?P<inside>.*?)\}\}", re.DOTALL)
_DELETION = re.compile(r"\{\{c(?P<numbers>[0-9,]+)::|(?P<close>\}\})")


def template_ordinals(questions: Sequence[str], fields: Mapping[str, str]) -> tuple[int, ...]:
    """The templates that make a card: those whose question side shows a field that is not empty.

    Args:
        questions: the question side of each template, in order.
        fields: the note's fields by name, as HTML.

    Returns:
        Their indices; the first template's when none does, since Anki keeps a note from having no card.
    """
    filled = frozenset(name for name, html in fields.items() if not _EMPTY.fullmatch(html))
    return tuple(index for index, side in enumerate(questions) if _shows(side, filled)) or (0,)


def _shows(question: str, filled: frozenset[str]) -> bool:
    """Whether a question side shows any filled field; sections that are left out do not count."""
    open_sections: list[bool] = []
    for tag in _TAG.finditer(question):
        inside = (tag["inside"] or "").strip()
        mark, name = inside[:1], inside[1:].strip()
        if mark == "#":
            open_sections.append(name in filled)
        elif mark == "^":
            open_sections.append(name not in filled)
        elif mark == "/":
            if open_sections:
                open_sections.pop()
        elif inside.rpartition(":")[2].strip() in filled and all(open_sections):
            return True
    return False


def deletion_ordinals(fields: Sequence[str]) -> tuple[int, ...]:
    """The cards of a cloze note: one for each number of a closed deletion, `{{c1::…}}` or `{{c1,2::…}}`."""
    found: set[int] = set()
    for html in fields:
        under_way: list[str] = []
        for mark in _DELETION.finditer(html):
            if mark["numbers"]:
                under_way.append(mark["numbers"])
            elif under_way:
                found |= {int(number) for number in under_way.pop().split(",") if number}
    return tuple(sorted({min(number, 500) - 1 for number in found if number > 0})) or (0,)
