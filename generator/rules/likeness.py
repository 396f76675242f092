"""Notes that are taken for one another: the same question twice, or almost (rule 10)."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from generator.rules.card import Card
from generator.rules.finding import Finding, Rule

ALIKE = 0.85

RULES = (
    Rule("R10a", "error", "two notes ask the same"),
    Rule("R10b", "warning", "two notes ask almost the same, and are not told apart"),
    Rule("R10c", "warning", "a contrast that the other note does not return"),
)

_TOKEN = re.compile(r"\\?\w+|[^\w\s]")
_SIGNS = re.compile(r"[\s.?!:;,\"“”'’`]+")


def check(cards: Sequence[Card]) -> Iterator[Finding]:
    """Questions that a learner cannot tell apart, over the whole collection."""
    by_id = {card.note.id: card for card in cards if card.note.id}
    for card in cards:
        yield from _check_contrast(card, by_id)
    first: dict[str, Card] = {}
    different: list[Card] = []
    for card in cards:
        same = first.setdefault(_normalized(front(card)), card)
        if same is card:
            different.append(card)
        else:
            what = f"this asks the same as '{same.note.id}' at {same.note.location}"
            yield card.finds("R10a", what, "say in each what makes it another question, or delete one")
    for one, other, likeness in _pairs(different):
        told_apart = other.note.id in one.note.contrast and one.note.id in other.note.contrast
        if told_apart or _normalized(one.answer) == _normalized(other.answer):
            continue
        what = f"this asks almost the same as '{one.note.id}' at {one.note.location} ({likeness:.2f} alike)"
        hint = f'word them apart, or write contrast="{one.note.id}" here and contrast="{other.note.id}" there'
        yield other.finds("R10b", what, hint)


def front(card: Card) -> str:
    """What a learner is asked; of a cloze note, its text."""
    return f"{card.question} {card.answer}" if card.is_cloze else card.question


def _check_contrast(card: Card, by_id: dict[str, Card]) -> Iterator[Finding]:
    for name in card.note.contrast:
        other = by_id.get(name)
        if other is None:
            yield card.finds("R10c", f"there is no note '{name}' to contrast with", "name the id of a note")
        elif card.note.id not in other.note.contrast:
            what = f"'{name}' at {other.note.location} does not name this note in turn"
            yield card.finds("R10c", what, f'write contrast="{card.note.id}" there')


def _normalized(text: str) -> str:
    return _SIGNS.sub(" ", text).strip().casefold()


def _pairs(cards: Sequence[Card]) -> Iterator[tuple[Card, Card, float]]:
    """Every two cards whose questions have a token cosine above the threshold, the later one second.

    Of two sets as alike as that, each has one of its rarest tokens in common with the other (the prefix
    filter of Bayardo, Ma and Srikant 2007), so only cards that share a rare token are compared at all.
    """
    tokens = [frozenset(_TOKEN.findall(front(card).casefold())) - {"?", ".", ","} for card in cards]
    frequency = Counter(token for each in tokens for token in each)
    holders: dict[str, list[int]] = defaultdict(list)
    for number, mine in enumerate(tokens):
        rare = sorted(mine, key=lambda token: (frequency[token], token))
        rare = rare[: len(rare) - math.ceil(ALIKE**2 * len(rare)) + 1]
        candidates = {other for token in rare for other in holders[token]}
        for other in sorted(candidates):
            theirs = tokens[other]
            likeness = len(mine & theirs) / math.sqrt(len(mine) * len(theirs))
            if likeness > ALIKE:
                yield cards[other], cards[number], likeness
        for token in rare:
            holders[token].append(number)
