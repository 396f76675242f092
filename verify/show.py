"""What `verify` says of results: a line for each claim, then a summary."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from generator.errors import count
from generator.notes import Location
from verify.claims import Task
from verify.coverage import Coverage
from verify.records import Record
from verify.running import Result
from verify.traces import told
from verify.verdicts import Judgement, Verdict

_COLOURS: dict[str, str] = {
    "holds": "32",
    "changed": "31;1",
    "changed?": "33",
    "new": "33;1",
    "elsewhere": "36",
    "skipped": "36",
    "unstable": "35;1",
    "refuted": "31;1",
    "failed": "31;1",
}
ORDER: tuple[Verdict, ...] = (
    "changed",
    "new",
    "unstable",
    "refuted",
    "failed",
    "changed?",
    "holds",
    "elsewhere",
    "skipped",
)
"""Verdicts in the order in which they are counted up: what needs somebody comes first."""

_WRONG: frozenset[str] = frozenset({"changed", "new", "unstable", "refuted"})
_OUTPUT_LINES = 8


def result(found: Result, verbose: bool) -> None:
    """Print the verdict of each of a task's claims."""
    for judgement in found.judgements if verbose else _at_once(found.judgements):
        # What was just measured is shown as it arrives; what holds as it did before is only counted.
        if verbose or found.ran or judgement.verdict != "holds" or judgement.what:
            _line(judgement)
    record = found.record
    if record is not None and record.state != "done":
        _stopped(found.task, record, found.output)
    elif record is not None and found.ran:
        if not found.judgements:
            place = found.task.job.sources[0]
            print(f"{place.path}:{place.line}: {_painted('holds')}  the assertions")
        if verbose:
            _printed(found.output)
            print(f"  {record.seconds:.1f} s", file=sys.stderr)
    elif _state(found) == "new":
        place = found.task.job.sources[0]
        print(
            f"{place.path}:{place.line}: {_painted('new')}  the assertions\n    hint: `verify run` tries them"
        )
    sys.stdout.flush()


def _at_once(judgements: Sequence[Judgement]) -> Sequence[Judgement]:
    """The same, but claims that are all skipped for one reason in a single line."""
    if len(judgements) < 2 or {(each.verdict, each.what) for each in judgements} != {
        ("skipped", judgements[0].what)
    }:
        return judgements
    first = judgements[0]
    print(
        f"{first.claim.location}: {_painted('skipped')}  {count(len(judgements), 'claim')}"
        f"  ({', '.join(dict.fromkeys(each.claim.name for each in judgements))})"
    )
    print(f"    {first.what}")
    return ()


def _line(judgement: Judgement) -> None:
    claim, verdict = judgement.claim, judgement.verdict
    text = f"figure: {claim.text}" if claim.is_figure else claim.text
    if verdict in ("changed", "new") and judgement.measured:
        text = f"{claim.text} → {judgement.measured}"
    print(f"{claim.location}: {_painted(verdict)}  {text}  ({claim.name})")
    # Why a block stopped is said once for all of its claims.
    if judgement.what and (verdict not in ("refuted", "failed") or judgement.line is None):
        print(f"    {judgement.what}")
    if judgement.hint and judgement.line is None:
        print(f"    hint: {judgement.hint}")


def _stopped(task: Task, record: Record, output: str) -> None:
    """Say once why a task's code did not reach its end."""
    line = record.line or task.job.sources[-1].line
    print(f"{task.topic.path}:{line}: {record.what}")
    if record.hint:
        print(f"    hint: {record.hint}")
    _printed(output)


def _printed(output: str) -> None:
    lines = told(output).split("\n") if output.strip() else []
    if len(lines) > _OUTPUT_LINES:
        print(f"    | … ({count(len(lines) - _OUTPUT_LINES, 'line')} before)")
    for text in lines[-_OUTPUT_LINES:]:
        if any(lines):
            print(f"    | {_visible(text)}")


def coverage(found: Coverage, listed: bool, lists: str) -> None:
    """Print where the numbers come from.

    Args:
        found: the numbers.
        listed: list those that nobody vouches for.
        lists: the command that does so.
    """
    if listed:
        for bare in found.bare:
            print(bare)
    print(f"{count(found.numbers, 'number')}: {counted(found)}")
    if found.bare and not listed:
        print(f"  hint: `{lists}` lists the bare ones", file=sys.stderr)


def counted(found: Coverage) -> str:
    """Where numbers come from, in words."""
    kinds = (
        (found.measured, "measured"),
        (found.cited, "cited"),
        (found.given, "given"),
        (len(found.bare), "bare"),
    )
    return ", ".join(f"{number:,} {kind}" for number, kind in kinds)


def durations(results: Sequence[Result], number: int) -> None:
    """Print the claim blocks that take longest; those that were not run now, by their records.

    Args:
        results: what became of the tasks.
        number: how many at most; 0 for all.
    """
    timed = [(found.record, found) for found in results if found.record is not None]
    timed.sort(key=lambda pair: (-pair[0].seconds, pair[1].task.job.owner))
    print(f"slowest {count(len(timed[: number or None]), 'claim block')}:")
    for record, found in timed[: number or None]:
        source = found.task.job.sources[-1]
        before = "" if found.ran else f"  (on {record.date})"
        print(f"{record.seconds:>8.2f} s  {source.path}:{source.line}  {found.task.job.owner}{before}")


def summary(results: Sequence[Result], took: str, not_chosen: int = 0, not_reached: int = 0) -> None:
    """Print how many claims came to which verdict.

    Args:
        results: what became of the tasks.
        took: what was run, and how long that took.
        not_chosen: claims of the files that the options left out.
        not_reached: claims that were chosen, and not come to any more.
    """
    judgements = [judgement for found in results for judgement in found.judgements]
    verdicts = Counter(judgement.verdict for judgement in judgements)
    parts = [f"{verdicts[verdict]:,} {_painted(verdict, 0)}" for verdict in ORDER if verdicts[verdict]]
    rest = [
        f"{not_chosen:,} not chosen" if not_chosen else "",
        f"stopped at the first that is wrong, {not_reached:,} not reached" if not_reached else "",
        took,
    ]
    counted = f"{count(len(judgements), 'claim')}: {', '.join(parts) or 'none'}"
    print("; ".join([counted, *filter(None, rest)]))


def printed(results: Sequence[Result]) -> None:
    """Say that claims printed something that was not shown."""
    number = sum(
        bool(found.output.strip()) and found.record is not None and found.record.state == "done"
        for found in results
    )
    if number:
        print(f"{count(number, 'claim block')} printed something; -v shows it", file=sys.stderr)


def prints(places: Sequence[Location]) -> None:
    """Say which lines of claims print."""
    for place in places:
        print(f"{place}: note: the code prints, and nobody reads it")
        print(f"    hint: `verify run --force -v {place}` shows it")


def gone(found: Mapping[str, Sequence[str]]) -> None:
    """Say that there are records of notes that the collection does not have.

    Args:
        found: their owners, by machine.
    """
    owners = sorted({owner for each in found.values() for owner in each})
    if owners:
        some = ", ".join(owners[:3]) + (", …" if len(owners) > 3 else "")
        what = f"{count(len(owners), 'record')} of what the notes do not have any more ({some})"
        print(f"{what}; `verify forget` drops them", file=sys.stderr)


def written(path: str, edits: int) -> None:
    """Say that a file was rewritten."""
    print(f"{path}: {count(edits, 'answer')} written", file=sys.stderr)


def code_of(found: Result) -> int:
    """What the shell is told of a result: 4 where code failed to run, 1 where a number is wrong, else 0."""
    verdicts = {judgement.verdict for judgement in found.judgements}
    code = 4 if "failed" in verdicts else 1 if verdicts & _WRONG else 0
    # Assertions have no link that could be judged.
    return max(code, {"failed": 4, "refuted": 1, "new": 1}.get(_state(found), 0))


def _state(found: Result) -> str:
    """What became of a task's code, or `new` for assertions that were never tried where they could be."""
    if found.record is not None:
        return found.record.state
    return "new" if not found.judgements and not found.ran and not found.task.job.needs else "done"


def _visible(text: str) -> str:
    """A line without what would move the cursor or colour the rest of the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "\ufffd" for letter in text)


def _painted(verdict: str, width: int = 9) -> str:
    padded = f"{verdict:<{width}}"
    return f"\033[{_COLOURS[verdict]}m{padded}\033[0m" if _wants_colour() else padded


def _wants_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
