"""Files and decks: explained first, the core from several angles, more why than what (rules 2, 11, 12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.errors import count
from generator.notes import Location, Topic
from generator.rules.card import KINDS, Card, pieces, sentences, text_of
from generator.rules.finding import Finding, Rule

FEWEST_SENTENCES = 2
CORE_CARDS, OTHER_CARDS = (2, 6), (1, 3)
FEWEST_KINDS = 2
SMALL_DECK = 4
UNDERSTANDING = frozenset({"why", "predict", "contrast"})
LEAST_UNDERSTANDING, MOST_DEFINITIONS = 30, 25

RULES = (
    Rule("R02a", "warning", "nothing is explained before the first question"),
    Rule("R11a", "warning", f"a core topic has other than {CORE_CARDS[0]} to {CORE_CARDS[1]} notes"),
    Rule("R11b", "warning", "all notes of a core topic ask the same kind of question"),
    Rule("R11c", "warning", f"a topic that is not core has more than {OTHER_CARDS[1]} notes"),
    Rule("R12a", "warning", f"less than {LEAST_UNDERSTANDING} % of a deck asks why, what if, or contrasts"),
    Rule("R12b", "warning", f"more than {MOST_DEFINITIONS} % of a deck are bare definitions"),
)


def check_topic(topic: Topic) -> Iterator[Finding]:
    """What is wrong with a file as a whole."""
    if not topic.notes:
        return
    told = len(sentences(text_of(pieces(topic.introduction))))
    if told < FEWEST_SENTENCES:
        what = f"{'one sentence explains' if told else 'nothing explains'} the topic before it is asked"
        hint = "write two sentences or more between the title and the first '##'"
        yield _finds(topic, "R02a", what, hint)
    number = len(topic.notes)
    if not topic.core and number > OTHER_CARDS[1]:
        what = f"{number} notes on a topic that is not core; {OTHER_CARDS[0]} to {OTHER_CARDS[1]} will do"
        yield _finds(topic, "R11c", what, "write 'core: true' in the front matter, or split the file")
    if topic.core and not CORE_CARDS[0] <= number <= CORE_CARDS[1]:
        wanted = f"which has {CORE_CARDS[0]} to {CORE_CARDS[1]}"
        what = f"{count(number, 'note')} on a core topic, {wanted}"
        hint = "split it into two topics" if number > CORE_CARDS[1] else "ask it from another angle, too"
        yield _finds(topic, "R11a", what, hint)
    kinds = _kinds(topic)
    if topic.core and number > 1 and len(kinds) < FEWEST_KINDS:
        what = f"the notes of a core topic ask {count(len(kinds), 'kind')} of question"
        hint = f"ask from another angle, and tag it: {', '.join(sorted(KINDS))}"
        yield _finds(topic, "R11b", what, hint)


def _kinds(topic: Topic) -> set[str]:
    return {tag for note in topic.notes for tag in note.tags if tag in KINDS}


def check_decks(cards: Sequence[Card]) -> Iterator[Finding]:
    """What is wrong with the mixture of a deck; decks that nobody tagged, or of a few notes, have none."""
    decks: dict[str, list[Card]] = {}
    for card in cards:
        decks.setdefault(card.topic.deck, []).append(card)
    for deck, members in decks.items():
        if len(members) < SMALL_DECK or not any(card.tags & KINDS for card in members):
            continue
        first = min((card.topic for card in members), key=lambda topic: topic.path)
        understood = sum(bool(card.tags & UNDERSTANDING) for card in members)
        if 100 * understood < LEAST_UNDERSTANDING * len(members):
            what = f"{understood} of the {len(members)} notes of '{deck}' ask why, what if, or contrast"
            hint = f'at least {LEAST_UNDERSTANDING} % should, and say so: tags="why", "predict" or "contrast"'
            yield _finds(first, "R12a", what, hint)
        bare = sum(bool(card.tags & KINDS) and card.tags & KINDS <= {"define"} for card in members)
        if 100 * bare > MOST_DEFINITIONS * len(members):
            what = f"{bare} of the {len(members)} notes of '{deck}' are bare definitions"
            hint = f"at most {MOST_DEFINITIONS} % should be: ask what a thing does, costs, or is not"
            yield _finds(first, "R12b", what, hint)


def _finds(topic: Topic, code: str, what: str, hint: str) -> Finding:
    return Finding(code, Location(topic.path, 1), what, hint, topic)
