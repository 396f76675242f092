"""`generator check`: the rules for cards, held against a collection, and the ways out of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from difflib import get_close_matches

from generator.collection import Collection, shown
from generator.errors import Problem
from generator.notes import Location, Topic
from generator.rules import answers, clozes, evidence, likeness, screen, topics, wording
from generator.rules.card import Card
from generator.rules.finding import Finding
from generator.rules.registry import RULES, covers, is_known
from generator.settings import SETTINGS

NOTE_CHECKS = (wording.check, answers.check, clozes.check, evidence.check, screen.check)
_IGNORE_KEY = re.compile(r"^\s*ignore\b", re.MULTILINE)


def lint(collection: Collection, ignore: Sequence[str] = (), today: date | None = None) -> list[Problem]:
    """Hold every rule against a collection.

    Files that are malformed are left out: what stands in them may be nothing that anybody wrote.

    Args:
        collection: the notes.
        ignore: codes that the whole collection opts out of, from its settings.
        today: the day that expiry is judged by; now, unless given.

    Returns:
        What was found and not opted out of, and the opt-outs that are good for nothing.
    """
    broken = {problem.location.path for problem in collection.problems if problem.severity == "error"}
    sound = [
        own
        for topic in collection.topics
        if topic.path not in broken and (own := _written_here(topic)) is not None
    ]
    cards = [Card(topic, note) for topic in sound for note in topic.notes]
    found = list(_find(sound, cards, today or _today()))
    used: set[tuple[str, str]] = set()
    kept = [finding for finding in found if not _is_opted_out(finding, ignore, used)]
    problems = [
        Problem(finding.location, finding.what, finding.hint, RULES[finding.code].severity, finding.code)
        for finding in kept
    ]
    problems += _idle(collection, sound, cards, ignore, used)
    return sorted(problems, key=lambda problem: (problem.location, problem.code))


def _written_here(topic: Topic) -> Topic | None:
    """A topic without its imported notes, which were written to other rules; None where none is left."""
    notes = tuple(note for note in topic.notes if not note.type)
    return replace(topic, notes=notes) if notes or not topic.notes else None


def _find(sound: Sequence[Topic], cards: Sequence[Card], today: date) -> Iterator[Finding]:
    for topic in sound:
        yield from topics.check_topic(topic)
    for card in cards:
        for check in NOTE_CHECKS:
            yield from check(card)
        yield from evidence.check_expiry(card, today)
    yield from topics.check_decks(cards)
    yield from likeness.check(cards)


def _is_opted_out(finding: Finding, everywhere: Sequence[str], used: set[tuple[str, str]]) -> bool:
    """Whether somebody opted out of a finding; each opt-out that covers it counts as used."""
    ways = [("", code) for code in everywhere]
    ways += [(finding.topic.path, code) for code in finding.topic.ignore]
    if finding.note is not None:
        ways += [(str(finding.note.location), code) for code in finding.note.ignore]
    covering = [way for way in ways if covers(way[1], finding.code)]
    used.update(covering)
    return bool(covering)


def _idle(
    collection: Collection,
    sound: Iterable[Topic],
    cards: Iterable[Card],
    everywhere: Sequence[str],
    used: set[tuple[str, str]],
) -> Iterator[Problem]:
    """Opt-outs from rules that there are not, and those that suppress nothing."""
    settings = Location(shown(collection.root / SETTINGS), 1)
    owners = [("", settings, tuple(everywhere))]
    owners += [(topic.path, _ignore_line(topic), topic.ignore) for topic in sound]
    owners += [(str(card.note.location), card.note.location, card.note.ignore) for card in cards]
    for owner, location, codes in owners:
        for code in dict.fromkeys(codes):
            if not is_known(code):
                near = get_close_matches(code, RULES, 1)
                hint = f"did you mean '{near[0]}'?" if near else "`generator check --explain all` lists them"
                yield Problem(location, f"there is no rule '{code}' to ignore", hint, "warning", "R00b")
            elif (owner, code) not in used:
                what = f"the opt-out from {code} suppresses nothing"
                yield Problem(location, what, "take it away", "warning", "R00a")


def _ignore_line(topic: Topic) -> Location:
    found = _IGNORE_KEY.search(topic.text)
    return Location(topic.path, topic.text.count("\n", 0, found.end()) + 1 if found else 1)


def _today() -> date:
    """The day of the run; SOURCE_DATE_EPOCH sets it, as everywhere in reproducible builds."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(given), UTC).date() if given.isdigit() else date.today()
