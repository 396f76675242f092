"""What `verify` says: a line for each claim, then a summary; results on stdout, progress on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from generator.errors import count
from verify.claims import Task
from verify.coverage import Coverage
from verify.records import Record
from verify.running import Result
from verify.verdicts import Judgement, Verdict

_COLOURS: dict[str, str] = {
    "holds": "32",
    "changed": "31;1",
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
    "holds",
    "elsewhere",
    "skipped",
)
"""Verdicts in the order in which they are counted up: what needs somebody comes first."""

_WRONG: frozenset[str] = frozenset({"changed", "new", "unstable", "refuted"})
_OUTPUT_LINES = 8


class Clock:
    """A stopwatch."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._start


class Progress:
    """A line on the terminal that says how far a run is; nothing where nobody watches.

    Args:
        tasks: how many claim blocks there are.
        device: what they run on.
    """

    def __init__(self, tasks: int, device: str) -> None:
        self._tasks = tasks
        self._device = device
        self._waiting = 0
        self._done = 0
        self._clock = Clock()
        self._watched = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def begins(self, waiting: int) -> None:
        """Say what is about to run."""
        self._waiting = waiting
        rest = f", {self._tasks - waiting:,} need no run" if self._tasks > waiting else ""
        print(f"running {count(waiting, 'claim block')} on {self._device}{rest}", file=sys.stderr, flush=True)

    def warns(self, line: str) -> None:
        """Say what the system does not allow."""
        self.clear()
        print(f"verify: {line}", file=sys.stderr, flush=True)

    def ends(self, result: Result) -> None:
        """Count a result, and show how many are left."""
        self._done += result.ran
        if self._watched and self._done < self._waiting:
            text = f"[{self._done}/{self._waiting}] {self._clock.seconds():.0f} s"
            print(text, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._watched and self._waiting:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def result(found: Result, verbose: bool) -> None:
    """Print the verdict of each of a task's claims."""
    for judgement in found.judgements:
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
    sys.stdout.flush()


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
    for text in output.strip().splitlines()[-_OUTPUT_LINES:]:
        print(f"    | {text}")


def coverage(found: Coverage, listed: bool) -> None:
    """Print where the numbers come from."""
    if listed:
        for bare in found.bare:
            print(bare)
    print(f"{count(found.numbers, 'number')}: {counted(found)}")


def counted(found: Coverage) -> str:
    """Where numbers come from, in words."""
    kinds = (
        (found.measured, "measured"),
        (found.cited, "cited"),
        (found.given, "given"),
        (len(found.bare), "bare"),
    )
    return ", ".join(f"{number:,} {kind}" for number, kind in kinds)


def summary(results: Sequence[Result], ran: int, seconds: float) -> None:
    """Print how many claims came to which verdict."""
    judgements = [judgement for found in results for judgement in found.judgements]
    verdicts = Counter(judgement.verdict for judgement in judgements)
    parts = [f"{verdicts[verdict]:,} {_painted(verdict).strip()}" for verdict in ORDER if verdicts[verdict]]
    took = f"; ran {count(ran, 'claim block')} in {seconds:.0f} s" if ran else ""
    print(f"{count(len(judgements), 'claim')}: {', '.join(parts) or 'none'}{took}")


def written(path: str, edits: int) -> None:
    """Say that a file was rewritten."""
    print(f"{path}: {count(edits, 'answer')} written", file=sys.stderr)


def code_of(found: Result) -> int:
    """What the shell is told of a result: 4 where code failed to run, 1 where a number is wrong, else 0."""
    verdicts = {judgement.verdict for judgement in found.judgements}
    code = 4 if "failed" in verdicts else 1 if verdicts & _WRONG else 0
    # Assertions have no link that could be judged.
    state = found.record.state if found.ran and found.record is not None else "done"
    return max(code, {"failed": 4, "refuted": 1}.get(state, 0))


def _painted(verdict: str) -> str:
    padded = f"{verdict:<9}"
    return f"\033[{_COLOURS[verdict]}m{padded}\033[0m" if _wants_colour() else padded


def _wants_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
