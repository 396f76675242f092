"""Where an answer comes from, how far it reaches, and until when (rules 9 and 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from generator.blocks import supporting, used_names
from generator.rules.card import Card, Piece, sentences, unquoted
from generator.rules.finding import Finding, Rule

LONGEST_STATUS = timedelta(days=180)
PASSING = frozenset({"status", "company"})
"""Tags of notes about what changes by itself."""

RULES = (
    Rule("R09a", "warning", "nothing vouches for the answer: no claim and no citation"),
    Rule("R09b", "warning", f"a status card that does not expire within {LONGEST_STATUS.days} days"),
    Rule("R09c", "warning", "the answer has expired"),
    Rule("R14a", "warning", "a word without bounds, and no number beside it"),
    Rule("R14b", "warning", "a latency without its device, precision or batch"),
    Rule("R14c", "warning", "a training result without its number of seeds"),
    Rule("R14d", "warning", "a claim that takes the time by itself"),
)

_UNBOUNDED = re.compile(r"\b(always|never|best|drastically|significantly)\b", re.IGNORECASE)
_DEVICE = re.compile(
    r"\b(?:cpu|gpu|thread|cores?|nvidia|amd|intel|arm|epyc|xeon|jetson|orin|[ahltbv]\d{1,3}s?|rtx|tensorrt|cuda)\b",
    re.IGNORECASE,
)
_PRECISION = re.compile(r"\b(?:fp|bf|tf|int|float|uint)-?\d{1,2}\b|\bdouble\b|\bhalf\b", re.IGNORECASE)
_BATCH = re.compile(r"\bbatch|\bbatches\b|\bsingle image\b", re.IGNORECASE)
_REPEATS = re.compile(r"\bseeds?\b|\binitiali[sz]ations?\b|\bruns\b|\bsplits\b", re.IGNORECASE)
_TIMING = frozenset({"compare", "latency"})
_SEEDED = frozenset({"spread"})
_CLOCK = re.compile(
    r"\b(?:(?:perf_counter|process_time|monotonic)(?:_ns)?|time\.time(?:_ns)?|timeit\.\w+|cuda\.Event)\s*\("
)
_MEASURED = "\x01"


def check(card: Card) -> Iterator[Finding]:
    """What is missing beside a note's answer."""
    note = card.note
    if not note.claims and not note.citations and not note.blocks:
        hint = "bind a claim to it, [8.7×](claim:name), or cite a source, [71.8 %](cite:key)"
        yield card.finds("R09a", "nothing vouches for the answer: it has no claim and no citation", hint)
    yield from _check_reach(card)
    yield from _check_clock(card)
    yield from _check_conditions(card)


def check_expiry(card: Card, today: date) -> Iterator[Finding]:
    """Whether a note's answer is out of date, or has no date where it needs one."""
    written = card.note.expires or card.topic.expires
    if not written:
        if card.tags & PASSING:
            hint = (
                "write expires=2027-05-01 into the heading, or 'expires: 2027-05-01' at the top of the file"
            )
            yield card.finds("R09b", f"a {min(card.tags & PASSING)} card that never expires", hint)
        return
    day = date.fromisoformat(written)
    if day < today:
        yield card.finds("R09c", f"the answer expired on {written}", "look it up again, and set a new date")
    elif card.tags & PASSING and day - today > LONGEST_STATUS:
        what = f"a {min(card.tags & PASSING)} card that expires in {(day - today).days} days"
        yield card.finds("R09b", what, f"look at it again after {LONGEST_STATUS.days} days at most")


def _check_reach(card: Card) -> Iterator[Finding]:
    for name, found in (("question", card.asked), ("answer", card.answered), ("extra", card.added)):
        for sentence in sentences(unquoted("".join(_marked(piece) for piece in found))):
            word = _UNBOUNDED.search(sentence)
            if word is not None and _MEASURED not in sentence and not re.search(r"\d", sentence):
                what = f"'{word[0]}' in the {name}, without a number"
                yield card.finds("R14a", what, "say how far it reaches: under which conditions, by how much")


def _marked(piece: Piece) -> str:
    """The text of a piece; a sign stands before what a measurement or a source vouches for."""
    if piece.mark in ("measured", "cited"):
        return _MEASURED + piece.text
    return piece.text if piece.kind in ("text", "gap") else " … "


def _check_clock(card: Card) -> Iterator[Finding]:
    note, topic = card.note, card.topic
    shared = supporting(topic.blocks, {claim.name for claim in note.claims})
    clock = next((found for block in (*shared, *note.blocks) if (found := _CLOCK.search(block.code))), None)
    if clock is not None:
        hint = "`compare` and `latency` warm up, repeat in fresh processes, and bind the value to its machine"
        yield card.finds("R14d", f"a claim that takes the time by itself, with {clock[0][:-1].strip()}", hint)


def _check_conditions(card: Card) -> Iterator[Finding]:
    note, topic = card.note, card.topic
    if not any(name in block.code for block in (*topic.blocks, *note.blocks) for name in _TIMING | _SEEDED):
        return
    shared = supporting(topic.blocks, {claim.name for claim in note.claims})
    used = frozenset[str]().union(*(used_names(block.code) for block in (*shared, *note.blocks)))
    text = " ".join(piece.text for piece in (*card.asked, *card.answered, *card.added))
    if used & _TIMING:
        missing = [
            name
            for name, pattern, where in (
                ("the device", _DEVICE, card.question),
                ("the precision", _PRECISION, text),
                ("the batch", _BATCH, text),
            )
            if not pattern.search(where)
        ]
        if missing:
            hint = "name the device in the question, precision and batch in the question or below '---'"
            yield card.finds("R14b", f"a latency without {' and '.join(missing)}", hint)
    if used & _SEEDED and not _REPEATS.search(text):
        hint = "say over how many seeds, and on which data, in the question"
        yield card.finds("R14c", "a result of trainings that does not say over how many seeds", hint)
