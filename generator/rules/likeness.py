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
_SIGN_TOKENS = frozenset("?.,")
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
    for card, matches in _alike(different):
        yield from _first_confusion(card, matches)


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


def _first_confusion(card: Card, matches: Iterator[tuple[Card, float]]) -> Iterator[Finding]:
    """The first of the matches that a learner takes for this note; a thousand of one pattern need no more."""
    for match, likeness in matches:
        one, other = sorted((card, match), key=lambda each: each.note.location)
        told_apart = other.note.id in one.note.contrast and one.note.id in other.note.contrast
        if told_apart or _normalized(one.answer) == _normalized(other.answer):
            continue
        what = f"this asks almost the same as '{one.note.id}' at {one.note.location} ({likeness:.2f} alike)"
        hint = f'word them apart, or write contrast="{one.note.id}" here and contrast="{other.note.id}" there'
        yield other.finds("R10b", what, hint)
        return


def _alike(cards: Sequence[Card]) -> Iterator[tuple[Card, Iterator[tuple[Card, float]]]]:
    """Each card with those of no more tokens whose questions have a token cosine above the threshold.

    Two sets as alike as that share one of their rarest tokens (the prefix filter of Bayardo, Ma and Srikant
    2007). So questions of one pattern, `What is the capital of …?`, are not compared with one another: what
    they share is no rare token.
    """
    tokens = [frozenset(_TOKEN.findall(front(card).casefold())) - _SIGN_TOKENS for card in cards]
    frequency = Counter(token for each in tokens for token in each)
    holders: dict[str, list[int]] = defaultdict(list)
    for number in sorted(range(len(cards)), key=lambda number: (len(tokens[number]), number)):
        rarest = sorted(tokens[number], key=lambda token: (frequency[token], token))
        # A partner that has fewer tokens has ALIKE² times as many at least, one that has more shares ALIKE
        # of ours at least; whoever has more tokens asks, so less has to be found under the fewer ones.
        asked = rarest[: len(rarest) - math.ceil(ALIKE**2 * len(rarest)) + 1]
        yield cards[number], _matches(number, asked, holders, cards, tokens)
        for token in rarest[: len(rarest) - math.ceil(ALIKE * len(rarest)) + 1]:
            holders[token].append(number)


def _matches(
    number: int,
    asked: Sequence[str],
    holders: dict[str, list[int]],
    cards: Sequence[Card],
    tokens: Sequence[frozenset[str]],
) -> Iterator[tuple[Card, float]]:
    mine, seen = tokens[number], set[int]()
    for token in asked:
        for other in holders.get(token, ()):
            if other in seen:
                continue
            seen.add(other)
            likeness = len(mine & tokens[other]) / math.sqrt(len(mine) * len(tokens[other]))
            if likeness > ALIKE:
                yield cards[other], likeness
