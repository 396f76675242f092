"""The answer: short, one fact, no long list, no clue in the question (rules 1, 5, 8 and 13)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.rules.card import Card, Piece, unquoted, words
from generator.rules.finding import Finding, Rule
from generator.rules.vocabulary import content_words, is_same_word

LONG_ANSWER, LONGEST_ANSWER = 15, 25
MOST_ITEMS, MOST_COMMAS = 3, 2
MOST_DIGITS = 3

RULES = (
    Rule("R01a", "warning", f"the answer has more than {LONG_ANSWER} words"),
    Rule("R01b", "error", f"the answer has more than {LONGEST_ANSWER} words"),
    Rule("R01d", "warning", "a semicolon in the answer: two facts"),
    Rule("R05a", "warning", f"the answer lists more than {MOST_ITEMS} things"),
    Rule("R05b", "warning", f"the answer has more than {MOST_COMMAS} commas: a list in disguise"),
    Rule("R08a", "warning", f"a measured number of more than {MOST_DIGITS} significant digits"),
    Rule("R13a", "warning", "the question gives the answer away"),
    Rule("R13b", "warning", "a multiple choice question"),
)

_DECIMAL = re.compile(r"(?<![\w.,])\d[\d,]*\.\d+(?![\w.]*\.\d)")
_DIGIT = re.compile(r"\d")
_COMMA = re.compile(r",(?!\d{3}\b)")
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
"""A shape such as (96, 3, 11, 11) is one thing."""
_CHOICE = re.compile(
    r"\bwhich of (?:the following|these)\b|(?:^|\s)\(?a\)\s.*\s\(?b\)\s", re.IGNORECASE | re.DOTALL
)


def check(card: Card) -> Iterator[Finding]:
    """What is wrong with a note's answer; a cloze note's is in its gaps, which have rules of their own."""
    yield from _check_digits(card)
    yield from _check_choice(card)
    if not card.is_cloze:
        yield from _check_length(card)
        yield from _check_lists(card)
        yield from _check_clues(card)


def _check_length(card: Card) -> Iterator[Finding]:
    length = len(words(card.answer))
    if length > LONG_ANSWER:
        code, limit = ("R01b", LONGEST_ANSWER) if length > LONGEST_ANSWER else ("R01a", LONG_ANSWER)
        what = f"the answer has {length} words, more than {limit}"
        yield card.finds(code, what, "keep the one fact that is asked; the rest goes below '---'")
    for piece in card.answered:
        if piece.kind == "text" and ";" in piece.text:
            hint = "one of them goes below '---', or becomes a card of its own"
            yield card.finds("R01d", "a semicolon in the answer joins two facts", hint, piece.line)


def _check_lists(card: Card) -> Iterator[Finding]:
    items = [token for token in card.note.answer if token.type == "list_item_open"]
    if len(items) > MOST_ITEMS:
        line = items[0].map[0] + 1 if items[0].map else None
        what = f"the answer lists {len(items)} things, more than {MOST_ITEMS}"
        hint = "make a card of each, or a chain of cloze notes that overlap"
        yield card.finds("R05a", what, hint, line)
    prose = " ".join(piece.text for piece in card.answered if piece.kind in ("text", "gap"))
    commas = len(_COMMA.findall(_IN_BRACKETS.sub("", prose)))
    if commas > MOST_COMMAS:
        what = f"the answer has {commas} commas, more than {MOST_COMMAS}"
        yield card.finds("R05b", what, "a list is several facts: ask for one of them, or split the note")


def _check_digits(card: Card) -> Iterator[Finding]:
    for piece in (*card.answered, *card.added):
        if piece.kind != "text" or piece.mark == "cited":
            continue
        for number in _DECIMAL.findall(piece.text):
            digits = number.replace(",", "").replace(".", "").lstrip("0")
            if len(digits) > MOST_DIGITS:
                what = f"{number} has {len(digits)} significant digits"
                hint = (
                    f"a learner keeps {MOST_DIGITS}: round it; `verify` compares in the digits that you write"
                )
                yield card.finds("R08a", what, hint, piece.line)


def _check_clues(card: Card) -> Iterator[Finding]:
    topic = card.topic
    if any(piece.kind in ("math", "code") or _DIGIT.search(piece.text) for piece in card.answered):
        return  # the number or the formula is what is asked; the words around it say what it belongs to
    known = content_words(" ".join((topic.title, *topic.tags, *topic.aliases)))
    asked = content_words(_words_of(card.asked))
    telling = [
        word
        for word in dict.fromkeys(content_words(_words_of(card.answered)))
        if not any(is_same_word(word, name) for name in known)
    ]
    clues = [word for word in telling if any(is_same_word(word, other) for other in asked)]
    if clues and 2 * len(clues) > len(telling):
        listed = ", ".join(f"'{word}'" for word in clues)
        what = f"the question gives the answer away: {listed} in both"
        yield card.finds("R13a", what, "ask with other words than those of the answer")


def _words_of(found: tuple[Piece, ...]) -> str:
    return " ".join(piece.text for piece in found if piece.kind == "text")


def _check_choice(card: Card) -> Iterator[Finding]:
    if _CHOICE.search(unquoted(card.question)):
        hint = "ask for the answer itself: recognizing it among others is no recall"
        yield card.finds("R13b", "the question offers a choice", hint)
