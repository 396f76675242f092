"""The question: one admissible answer, no yes or no, readable on its own (rules 1, 3, 4 and 6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.errors import count
from generator.rules.card import Card, sentences, unquoted, words
from generator.rules.finding import Finding, Rule
from generator.rules.vocabulary import content_words, is_same_word

LONGEST_QUESTION = 30
SHORTEST_QUESTION = 4

RULES = (
    Rule("R01c", "warning", f"the question has more than {LONGEST_QUESTION} words"),
    Rule("R03a", "warning", "the heading asks nothing: it does not end with a question mark"),
    Rule("R03b", "warning", "the question admits many answers"),
    Rule("R03c", "warning", "the answer is a number, and nothing says of what"),
    Rule("R04a", "warning", "a question that is answered by yes or no"),
    Rule("R04b", "warning", "the answer is yes or no, true or false"),
    Rule("R06a", "warning", "the question does not name its topic"),
    Rule("R06b", "warning", "the question points at something that is not on the card"),
    Rule("R06c", "warning", f"the question has fewer than {SHORTEST_QUESTION} words"),
    Rule("R06d", "warning", "a side of the card is nothing but a picture"),
)

_OPEN_STEM = re.compile(
    r"(?:^|[.:?!]\s+)(?:please\s+)?(?P<stem>explain|describe|discuss|tell me about)\b"
    r"|\b(?P<about>what about)\b|\b(?P<work>how (?:do|does) [^?]{1,80}? work)\s*\?",
    re.IGNORECASE,
)
_ENDS = ("?", "？", "؟", "\u037e")
"""Question marks: ours, the wide one, the Arabic and the Greek."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that put no spaces between words (Thai, Lao, Burmese, Khmer, Japanese, Chinese)."""
_YES_NO = frozenset({"is", "are", "does", "do", "can", "should", "will", "has"})
_YES = re.compile(r"^(yes|no|true|false)\s*(?:$|[.,:;!(–—-])", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"^[-−+≈~]?\d[\d,.\u202f\u2009]*$")
_QUANTITY = re.compile(
    r"\bhow (?:many|much|often|wide|high|large|big|long|deep|tall|far)\b"
    r"|\bpercent|\bin (?:pixels|bits|bytes)\b"
    r"|\b(?:ratio|count|share|fraction|number|factor|rank|size|stride|padding|dilation|width|value|output)\b"
    r"|\b(?:gives?|returns?)\b",
    re.IGNORECASE,
)
_POINTS_AWAY = re.compile(
    r"^(?:this|that|it|these|those|here)\b|\bthe (?:above|following|author|authors|paper)\b"
    r"|\b(?:shown|given|listed|described|mentioned|seen|see|named|defined) (?:above|below)\b"
    r"|\b(?:above|below)\s*[?.,:;)]",
    re.IGNORECASE,
)


def check(card: Card) -> Iterator[Finding]:
    """What is wrong with a note's question; of a cloze note's context line less is asked."""
    if not card.is_cloze:
        yield from _check_form(card)
        yield from _check_yes_no(card)
    yield from _check_context(card)


def _check_form(card: Card) -> Iterator[Finding]:
    length = len(words(card.question))
    if length > LONGEST_QUESTION:
        what = f"the question has {length} words, more than {LONGEST_QUESTION}"
        yield card.finds("R01c", what, "keep what the answer depends on; put the rest into the extra")
    if length < SHORTEST_QUESTION and card.question and not _UNSPACED.search(card.question):
        what = f"the question has {count(length, 'word')}, fewer than {SHORTEST_QUESTION}"
        yield card.finds("R06c", what, "ask a whole sentence that can be read on its own")
    if card.question and not card.question.rstrip(' "”’)*_').endswith(_ENDS):
        yield card.finds(
            "R03a", "the question does not end with '?'", "ask for the one thing that the answer is"
        )
    stem = _OPEN_STEM.search(unquoted(card.question))
    if stem is not None:
        asked = next(group for group in stem.groups() if group)
        what = f"the question admits many answers: '{asked}'"
        yield card.finds("R03b", what, "ask which, why, by how much: what has one answer")
    if _BARE_NUMBER.match(card.answer) and not _QUANTITY.search(card.question):
        what = f"the answer '{card.answer}' is a number without a unit, and the question names none"
        yield card.finds(
            "R03c", what, "add the unit, or ask 'How many …', 'What share …', 'By which factor …'"
        )


def _check_yes_no(card: Card) -> Iterator[Finding]:
    asking = [part for part in sentences(unquoted(card.question)) if part.rstrip().endswith("?")]
    for part in asking[-1:]:
        first = (words(part) or [""])[0].strip("\"“'(*").lower()
        if first in _YES_NO:
            what = f"the question starts with '{first}': it is answered by yes or no"
            yield card.finds("R04a", what, "ask why, when, by how much, or what happens instead")
    answer = _YES.match(card.answer)
    if answer is not None:
        what = f"the answer is '{answer[1]}'"
        yield card.finds("R04b", what, "ask for the reason or the number, and answer with that")


def _check_context(card: Card) -> Iterator[Finding]:
    text = f"{card.question} {card.answer}" if card.is_cloze else card.question
    topic = card.topic
    names = content_words(" ".join((topic.title, *topic.tags, *topic.aliases, topic.file.stem)))
    spoken = content_words(text)
    if names and spoken and not any(is_same_word(name, word) for name in names for word in spoken):
        what = f"the question does not name its topic, '{topic.title}'"
        yield card.finds("R06a", what, "name it, or list another name under 'aliases' in the front matter")
    away = _POINTS_AWAY.search(unquoted(card.question))
    if away is not None:
        what = f"'{away[0].rstrip(' ?.,:;)')}' in the question points at something that is not on the card"
        yield card.finds("R06b", what, "name the thing itself")
    for name, tokens, found in (
        ("question", card.note.question, card.asked),
        ("answer", card.note.answer, card.answered),
    ):
        children = [child for token in tokens for child in (token, *(token.children or ()))]
        if any(child.type == "image" for child in children) and not any(
            piece.text.strip() for piece in found
        ):
            what = f"the {name} is nothing but a picture"
            yield card.finds("R06d", what, "say in words what it shows, or asks")
