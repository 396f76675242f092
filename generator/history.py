"""What learners already have, held against what the notes say now: renamed, retired and reused ids.

A guid is a promise: whoever has a note under it gets the next version of that note, and keeps the reviews. So
an id that a note had once is never given to another note, and a renamed note names the id it began with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from generator.attributes import encoded
from generator.errors import Problem
from generator.ledger import Built, Entry, Ledger, guid_of
from generator.notes import Note
from generator.notetypes import ALL, QUESTION


def check_history(notes: Sequence[Note], built: Mapping[str, Built], ledger: Ledger) -> list[Problem]:
    """What the next import would do to a learner's reviews that the author cannot want.

    Args:
        notes: every note of the collection, held back or not.
        built: what was made of those that are not held back, by id.
        ledger: what learners were given so far.

    Returns:
        Errors where an id would name another note than it did; warnings where cards or reviews would be lost.
    """
    named = {entry.id: guid for guid, entry in ledger.notes.items()}
    problems: list[Problem] = []
    for note in notes:
        problem = _check_id(note, built.get(note.id), ledger, named)
        if problem is not None:
            problems.append(problem)
            continue
        made, entry = built.get(note.id), ledger.notes.get(note_guid(note))
        if made is not None and entry is not None and entry.notetype and entry.digest != made.digest:
            problems += losses(note, entry.notetype, entry.cards, made.notetype, made.cards)
    return problems + _check_renames(notes, built, ledger)


def note_guid(note: Note) -> str:
    """What Anki knows a note by."""
    return note.guid or guid_of(note.was or note.id)


def _check_id(note: Note, made: Built | None, ledger: Ledger, named: Mapping[str, str]) -> Problem | None:
    """Whether the note's id and `was` mean what they meant in earlier builds."""
    at, guid = note.location, note_guid(note)
    if note.id in named and named[note.id] != guid:
        return _wrong_name(note, ledger.notes[named[note.id]], named[note.id])
    entry = ledger.notes.get(guid)
    if note.was and entry is None and ledger.notes:
        other = ledger.notes.get(named.get(note.was, ""))
        if other is not None:
            what = f"learners have '{note.was}' as the note that was '{other.was}' first"
            return Problem(at, what, f"write was={other.was}")
        near = get_close_matches(note.was, named, 1)
        hint = f"did you mean '{near[0]}'?" if near else "take it away, unless learners have such a note"
        return Problem(at, f"no build so far had a note '{note.was}'", hint, "warning")
    if entry is None or note.was or note.guid or made is None or made.question == entry.question:
        return None
    if entry.retired or entry.id != note.id:
        gone = f"is gone since {entry.retired}" if entry.retired else f"is '{entry.id}' now"
        what = f"the id '{note.id}' was that of a note that {gone}"
        hint = f"give this note an id of its own; if it is the same note, write {{#{note.id} was={note.id}}}"
        return Problem(at, what, hint)
    return None


def _wrong_name(note: Note, holder: Entry, guid: str) -> Problem:
    """The note's id is that of another guid."""
    if note.guid or guid != guid_of(holder.was or holder.id):
        what = f"learners have '{note.id}' as a note with another guid"
        hint = "give this note an id of its own"
        if not note.guid:
            hint = f'put the guid of the imported note back, guid="{encoded(guid)}", or {hint}'
        return Problem(note.location, what, hint)
    if not note.was:
        what = f"learners have '{note.id}' as the note that was '{holder.was}' first"
        hint = f"write {{#{note.id} was={holder.was}}} again, or they get it a second time"
    elif holder.retired:
        what = f"the id '{note.id}' was that of a note that is gone since {holder.retired}"
        hint = f"give the note that was '{note.was}' another id"
    else:
        what = f"learners have '{note.id}' as a note of its own, not as '{note.was}'"
        hint = f"take was={note.was} away"
    return Problem(note.location, what, hint)


def losses(
    note: Note, old_type: int, old_cards: Iterable[int], new_type: int, new_cards: Iterable[int]
) -> list[Problem]:
    """Warnings where a note's new version has no place for the reviews of the old one."""
    if old_type != new_type:
        name = next((each.name for each in ALL if each.id == new_type), str(new_type))
        what = f"'{note.id}' becomes a note of type '{name}': Anki skips it, learners keep the old one"
        hint = "give it a new id: they get it as a new note, and delete the old one"
        return [Problem(note.location, what, hint, "warning")]
    lost = sorted({*old_cards} - {*new_cards})
    if not lost:
        return []
    if new_type == QUESTION.id:
        what = f"'{note.id}' is no longer asked in reverse: learners keep an empty card and lose its reviews"
        hint = "keep .reversed, if the card was a good one"
    else:
        numbers = " and no ".join(f"c{ordinal + 1}" for ordinal in lost)
        what = f"'{note.id}' has no {numbers} any more: learners keep an empty card and lose its reviews"
        hint = "let every deletion that stays keep its number"
    return [Problem(note.location, what, hint, "warning")]


def _check_renames(notes: Sequence[Note], built: Mapping[str, Built], ledger: Ledger) -> list[Problem]:
    """Notes that look like ones that are gone: most likely the author changed the id."""
    there = {note_guid(note) for note in notes}
    gone: dict[str, Entry] = {
        entry.question: entry
        for guid, entry in ledger.notes.items()
        if guid not in there and entry.question and not entry.retired
    }
    problems = []
    for note in notes:
        made = built.get(note.id)
        old = gone.get(made.question) if made is not None and note_guid(note) not in ledger.notes else None
        if old is not None:
            what = f"'{note.id}' asks what '{old.id}' asked, which is gone: learners will have both"
            hint = (
                f"if it is the same note, write {{#{note.id} was={old.was or old.id}}} before the next build"
            )
            problems.append(Problem(note.location, what, hint, "warning"))
    return problems
