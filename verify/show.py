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
from verify.environment import Machine
from verify.records import Record
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
_ORDER: tuple[Verdict, ...] = (
    "changed",
    "new",
    "unstable",
    "refuted",
    "failed",
    "holds",
    "elsewhere",
    "skipped",
)
_WRONG: frozenset[str] = frozenset({"changed", "new", "unstable", "refuted"})
_OUTPUT_LINES = 8


class Clock:
    """A stopwatch."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._start


def start(waiting: int, tasks: int, machine: Machine) -> None:
    """Say what is about to run."""
    rest = f", {tasks - waiting:,} need no run" if tasks > waiting else ""
    print(f"running {count(waiting, 'claim block')} on {machine.device}{rest}", file=sys.stderr, flush=True)


def task(
    task: Task,
    judgements: Sequence[Judgement],
    verbose: bool,
    record: Record | None = None,
    output: str = "",
) -> None:
    """Print the verdict of each of a task's claims."""
    for judgement in judgements:
        # What was just measured is shown as it arrives; what holds as it did before is only counted.
        if verbose or record is not None or judgement.verdict != "holds" or judgement.what:
            _line(judgement)
    if record is not None and record.state != "done":
        _stopped(task, record, judgements, output)
    elif record is not None and not judgements:
        place = task.job.sources[0]
        print(f"{place.path}:{place.line}: {_painted('holds')}  the assertions")
    if verbose and record is not None:
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


def _stopped(task: Task, record: Record, judgements: Sequence[Judgement], output: str) -> None:
    """Say once why a task's code did not reach its end."""
    line = record.line or task.job.sources[-1].line
    print(f"{task.topic.path}:{line}: {record.what}")
    if record.hint:
        print(f"    hint: {record.hint}")
    for text in output.strip().splitlines()[-_OUTPUT_LINES:]:
        print(f"    | {text}")


def coverage(found: Coverage, listed: bool) -> None:
    """Print where the numbers come from."""
    if listed:
        for bare in found.bare:
            print(f"{bare.location}: bare number: … {bare.text} …")
    print(
        f"{count(found.numbers, 'number')}: {found.measured:,} measured, {found.cited:,} cited, "
        f"{found.given:,} given, {len(found.bare):,} bare"
    )


def summary(judgements: Sequence[Judgement], ran: int, seconds: float) -> None:
    """Print how many claims came to which verdict."""
    found = Counter(judgement.verdict for judgement in judgements)
    parts = [f"{found[verdict]:,} {_painted(verdict).strip()}" for verdict in _ORDER if found[verdict]]
    took = f"; ran {count(ran, 'claim block')} in {seconds:.0f} s" if ran else ""
    print(f"{count(len(judgements), 'claim')}: {', '.join(parts) or 'none'}{took}")


def written(path: str, edits: int) -> None:
    """Say that a file was rewritten."""
    print(f"{path}: {count(edits, 'answer')} written", file=sys.stderr)


def exit_code(judgements: Sequence[Judgement]) -> int:
    """What the shell is told: 4 for a claim that failed to run, 1 for a number that is wrong, else 0."""
    verdicts = {judgement.verdict for judgement in judgements}
    return 4 if "failed" in verdicts else 1 if verdicts & _WRONG else 0


def state_code(state: str) -> int:
    """The exit code that a run's end asks for, also where no link states its values."""
    return {"failed": 4, "refuted": 1}.get(state, 0)


def _painted(verdict: str) -> str:
    padded = f"{verdict:<9}"
    return f"\033[{_COLOURS[verdict]}m{padded}\033[0m" if _wants_colour() else padded


def _wants_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
