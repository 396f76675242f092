"""What `generator diff` says, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from generator.diff import Changed, Difference, Named
from generator.words import compare, spell

_LONG = 60
"""Characters of a question that a line shows."""


def tell(difference: Difference, colour: bool = False) -> Iterator[str]:
    """The lines for a person.

    Args:
        difference: what was found.
        colour: whether to mark words by colour, on a terminal, or by signs.
    """
    for new in difference.new:
        yield f"{_place(new)}: new: {new.id}: {_short(new.question)}"
    for changed in difference.changed:
        yield f"{_place(changed.note)}: changed: {changed.note.id}"
        yield from _fields(changed, colour)
    for skipped in difference.skipped:
        yield f"{_place(skipped)}: skipped: {skipped.id}: has another note type, Anki keeps the old note"
    for ignored in difference.ignored:
        yield f"{_place(ignored)}: ignored: {ignored.id}: it differs, but the package's version is no older"
    for moved in difference.moved:
        yield (
            f"{_place(moved.note)}: moved: {moved.note.id} from '{moved.before}' to '{moved.after}'; "
            "an import leaves its cards where they are"
        )
    for removed in difference.removed:
        yield f"removed: {removed.id}: {_short(removed.question)}; an import never deletes"
    for held in difference.held_back:
        yield f"{held.location}: held back: {held.id}: {'; '.join(_bare(reason) for reason in held.reasons)}"
    for problem in difference.lost:
        yield str(problem)


def summary(difference: Difference) -> str:
    """How much of each there is."""
    counts = {
        "new": len(difference.new),
        "changed": len(difference.changed),
        "unchanged": difference.unchanged,
        "skipped": len(difference.skipped),
        "ignored": len(difference.ignored),
        "moved": len(difference.moved),
        "removed": len(difference.removed),
        "held back": len(difference.held_back),
    }
    always = ("new", "changed", "unchanged")
    words = [f"{number} {word}" for word, number in counts.items() if number or word in always]
    lost = len(difference.lost)
    return ", ".join(words + ([f"{lost} would lose reviews"] if lost else []))


def as_json(difference: Difference) -> str:
    """The same for programs."""
    found: dict[str, Any] = asdict(difference)
    found["lost"] = [
        {"location": str(each.location), "what": each.what, "hint": each.hint} for each in difference.lost
    ]
    return json.dumps(_plain(found), ensure_ascii=False, indent=2)


def _plain(value: Any) -> Any:
    """Places as `path:line`, as everywhere."""
    if isinstance(value, dict):
        if value.keys() == {"path", "line"}:
            return f"{value['path']}:{value['line']}"
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _fields(changed: Changed, colour: bool) -> Iterator[str]:
    for field in changed.fields:
        if field.name == "Id":
            yield f"  renamed from '{field.before}'"
        elif field.before == field.after:
            yield f"  {field.name}: the same words, marked up otherwise"
        else:
            yield f"  {field.name}: {spell(compare(field.before, field.after), colour)}"
    if not changed.fields and not changed.added:
        yield "  the same content, in a newer version: no ledger remembers the one that is there"
    if changed.added:
        yield f"  new cards: {', '.join(map(str, changed.added))}"


def _place(note: Named) -> str:
    return str(note.location) if note.location else note.id


def _bare(reason: str) -> str:
    """A reason without its place, which the line has already."""
    return reason.partition(": ")[2] or reason


def _short(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 1].rstrip() + "…"
