"""What Anki shows on the page of a deck: what it is, from when, measured where, under what terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from generator.apkg import Content
from generator.collection import Collection
from generator.errors import count
from generator.ledger import Ledger
from generator.notes import MARKS

_GREEN = "Numbers in <b>green</b> were computed or measured: unfold the evidence on the back."


def describe(collection: Collection, contents: Sequence[Content], ledger: Ledger) -> dict[str, str]:
    """The page of every deck and of every deck above one, as HTML.

    It says the same in whatever package the deck travels. Its date is that of the newest note, not the
    clock's, so that the same notes give the same bytes.

    Args:
        collection: the notes, and what the collection says about itself.
        contents: what goes into packages.
        ledger: with an entry for each of them.
    """
    machines = {
        note.id: {claim.title for claim in note.claims if claim.title and claim.title not in MARKS}
        for _, note in collection.notes()
    }
    members: dict[str, list[Content]] = {}
    for content in contents:
        for deck in _upwards(content.deck):
            members.setdefault(deck, []).append(content)
    return {deck: _page(collection, deck, inside, machines, ledger) for deck, inside in members.items()}


def pages_of(pages: Mapping[str, str], members: Sequence[Content]) -> dict[str, str]:
    """The pages that travel in a package with these notes: those of the decks that hold nothing else."""
    decks = {content.deck for content in members}
    shared = [set(_upwards(deck)) for deck in decks]
    common = max(set.intersection(*shared), key=len)
    return {deck: pages[deck] for deck in {*decks, common}}


def _upwards(deck: str) -> list[str]:
    """A deck and all decks above it."""
    parts = deck.split("::")
    return ["::".join(parts[: length + 1]) for length in range(len(parts))]


def _page(
    collection: Collection,
    deck: str,
    contents: Sequence[Content],
    machines: Mapping[str, Iterable[str]],
    ledger: Ledger,
) -> str:
    settings = collection.settings
    newest = max(ledger.notes[content.guid].mod for content in contents)
    places = sorted({place for content in contents for place in machines.get(content.id, ())})
    facts = [
        f"{count(len(contents), 'note')}, last changed on {datetime.fromtimestamp(newest, UTC):%Y-%m-%d}.",
        f"Measured on {escape('; '.join(places), quote=False)}." if places else "",
        f"Version {escape(settings.version, quote=False)}." if settings.version else "",
        f"License: {escape(settings.license, quote=False)}." if settings.license else "",
    ]
    title = escape(settings.title or deck.replace("::", " · "), quote=False)
    if settings.title and "::" in deck:
        title += f" · {escape(deck.partition('::')[2].replace('::', ' · '), quote=False)}"
    link = escape(settings.homepage)
    where = f'<br><a href="{link}">{link}</a>' if link else ""
    return f"<b>{title}</b><br>{' '.join(fact for fact in facts if fact)}<br>{_GREEN}{where}"
