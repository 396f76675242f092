"""The real Anki engine, driven the way a learner drives it: import, study, edit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anki.collection import Collection, ImportAnkiPackageRequest
from anki.import_export_pb2 import ImportAnkiPackageOptions


@dataclass(frozen=True, slots=True)
class Imported:
    """What Anki says an import did, as sets of Anki note ids."""

    new: frozenset[int]
    """Notes it had not."""
    updated: frozenset[int]
    """Notes it replaced."""
    duplicate: frozenset[int]
    """Notes it left alone."""
    conflicting: frozenset[int]
    """Notes it skipped because their note type differs."""


class Learner:
    """A person with an Anki collection of their own.

    Args:
        folder: where the collection lives.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.col = Collection(str(folder / "collection.anki2"))

    def imports(self, package: Path) -> Imported:
        """Import a package with Anki's default options."""
        request = ImportAnkiPackageRequest(package_path=str(package), options=ImportAnkiPackageOptions())
        log = self.col.import_anki_package(request).log
        kinds = ("new", "updated", "duplicate", "conflicting")
        return Imported(*(frozenset(entry.id.nid for entry in getattr(log, kind)) for kind in kinds))

    def note(self, note_id: str) -> Any:
        """The note with this author's id."""
        (found,) = self.col.find_notes(f'"Id:{note_id}"')
        return self.col.get_note(found)

    def ids(self) -> dict[str, int]:
        """Anki's note id for every author's id."""
        return {self.col.get_note(nid)["Id"]: int(nid) for nid in self.col.find_notes("")}

    def studies(self, cards: int) -> list[int]:
        """Answer that many new cards 'good', whatever deck they are in; returns their card ids."""
        answered = []
        for cid in self.col.find_cards("is:new", order="c.due, c.id")[:cards]:
            card = self.col.get_card(cid)
            card.start_timer()
            self.col.sched.answerCard(card, 3)  # 3 is "good"
            answered.append(int(cid))
        return answered

    def schedule(self) -> dict[tuple[str, int], tuple[int, ...]]:
        """All that Anki knows about when each card is due, by author's id and ordinal."""
        rows = self.col.db.all(
            "select nid, ord, did, type, queue, due, ivl, factor, reps, lapses, left from cards"
        )
        names = {nid: name for name, nid in self.ids().items()}
        return {(names[nid], ordinal): tuple(rest) for nid, ordinal, *rest in rows}

    def is_sound(self) -> bool:
        """Whether Anki's own check of the database finds nothing to mend."""
        report, ok = self.col.fix_integrity()
        return bool(ok) and len(report.strip().splitlines()) == 1

    def sides(self) -> list[tuple[str, int, str, str]]:
        """Author's id, ordinal, question and answer of every card, as HTML without the style sheet."""
        found = []
        for cid in self.col.find_cards(""):
            card = self.col.get_card(cid)
            strip = re.compile(r"<style>.*?</style>", re.DOTALL)
            question, answer = (strip.sub("", side) for side in (card.question(), card.answer()))
            found.append((card.note()["Id"], card.ord, question, answer))
        return found

    def closes(self) -> None:
        """Close the collection."""
        self.col.close()


def visible(html: str) -> str:
    """The text that a learner sees on a side, roughly: no tags, entities decoded."""
    from html import unescape

    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())
