"""What a report is about: the claims of files, what the records say of them, and sums over both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from generator.notes import Note, Topic
from verify.coverage import Coverage, cover
from verify.listing import row_of
from verify.running import Evidence, Result
from verify.verdicts import Judgement

ASSERTIONS = "the assertions"
"""What stands for a block that states no number and only asserts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One claim link, or the assertions of a block that no link rests on."""

    verdict: str
    """What it is worth."""
    name: str
    """The name of its value."""
    judgement: Judgement | None
    """What became of the link; None for assertions."""
    evidence: Evidence | None
    """The record that it was judged by; None where there is none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The code of one note, or a file's own, with the links that rest on it."""

    result: Result
    """The task and what the records say of it."""
    rows: tuple[Row, ...]
    """Its links, in order."""
    notes: tuple[Note, ...]
    """The notes that show its values, in order."""

    @property
    def owner(self) -> str:
        """What its record is called."""
        return self.result.task.job.owner

    @property
    def seconds(self) -> float:
        """How long the code ran last."""
        return max((known.record.seconds for known in self.result.known), default=0.0)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One file of notes."""

    topic: Topic
    """The file."""
    entries: tuple[Entry, ...]
    """Its code, in the order of the file."""
    coverage: Coverage
    """Where its numbers come from."""

    @property
    def verdicts(self) -> Counter[str]:
        """How many of its claims came to which verdict."""
        return Counter(row.verdict for entry in self.entries for row in entry.rows)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that claims of the report were measured on."""

    name: str
    """Its name."""
    device: str
    """What cards call it."""
    claims: int
    """How many claims are judged by its records."""
    first: str
    """The oldest day of a record."""
    last: str
    """The newest day of a record."""
    versions: Mapping[str, tuple[str, ...]]
    """The versions that its records were measured with, by package; more than one where they differ."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a report says."""

    title: str
    """What the collection is called."""
    reference: str
    """The machine whose timings the texts are meant to state; empty where the settings name none."""
    chapters: tuple[Chapter, ...]
    """The files that have claims, in the order of study."""
    coverage: Coverage
    """Where the numbers of all these files come from."""

    @property
    def verdicts(self) -> Counter[str]:
        """How many claims came to which verdict."""
        return sum((chapter.verdicts for chapter in self.chapters), Counter[str]())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The code of all files."""
        return tuple(entry for chapter in self.chapters for entry in chapter.entries)


def gather(title: str, reference: str, topics: Sequence[Topic], results: Iterable[Result]) -> Facts:
    """The facts about some files.

    Args:
        title: what the collection is called.
        reference: the collection's reference machine.
        topics: the files, in the order of study.
        results: what the records say of their tasks.
    """
    by_file: dict[str, list[Entry]] = {}
    for result in results:
        by_file.setdefault(result.task.topic.path, []).append(_entry(result))
    shown = [topic for topic in topics if topic.path in by_file]
    chapters = tuple(Chapter(topic, tuple(by_file[topic.path]), cover([topic])) for topic in shown)
    return Facts(title, reference, chapters, cover(shown))


def machines(facts: Facts) -> list[Machine]:
    """The machines that the report's records come from, the busiest first."""
    members: dict[str, list[Evidence]] = {}
    claims = Counter[str]()
    for entry in facts.entries:
        claims.update(row.evidence.machine for row in entry.rows if row.evidence)
        for known in entry.result.known:
            members.setdefault(known.machine, []).append(known)
    found = [_machine(name, known, claims[name]) for name, known in members.items()]
    return sorted(found, key=lambda machine: (-machine.claims, machine.name))


def slowest(entries: Iterable[Entry], number: int) -> list[Entry]:
    """The entries whose code took longest."""
    timed = [entry for entry in entries if entry.seconds > 0]
    return sorted(timed, key=lambda entry: (-entry.seconds, entry.owner))[:number]


def searched(row: Row, entry: Entry) -> str:
    """The words by which a reader may look for a row."""
    words = [entry.owner, row.name, row.verdict]
    if row.judgement is not None:
        found = row_of(row.judgement)
        words += [str(found.get(key) or "") for key in ("place", "note", "text", "measured", "what")]
    return " ".join(filter(None, words)).lower()


def _entry(result: Result) -> Entry:
    shown = {judgement.claim.note for judgement in result.judgements}
    if result.task.note is not None:
        shown.add(result.task.note.id)
    rows = tuple(
        Row(judgement.verdict, judgement.claim.name, judgement, result.evidence_for(judgement.claim))
        for judgement in result.judgements
    )
    rows = rows or (Row(_asserted(result), ASSERTIONS, None, next(iter(result.known), None)),)
    return Entry(result, rows, tuple(note for note in result.task.topic.notes if note.id in shown))


def _asserted(result: Result) -> str:
    """The verdict of code that nothing but assertions rest on."""
    if not result.known:
        return "skipped" if result.task.job.needs else "new"
    return {"done": "holds", "refuted": "refuted"}.get(result.known[0].record.state, "failed")


def _machine(name: str, known: Sequence[Evidence], claims: int) -> Machine:
    dates = sorted(each.record.date for each in known)
    versions: dict[str, set[str]] = {}
    for each in known:
        for package, version in each.record.environment.items():
            if version:
                versions.setdefault(package, set()).add(version)
    spelled = {package: tuple(sorted(found)) for package, found in sorted(versions.items())}
    return Machine(name, known[0].device, claims, dates[0], dates[-1], spelled)
