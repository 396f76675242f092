"""What a job's process left behind → its outcome."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any, NamedTuple

from verify.explain import FEWER, MEND, SMALLER
from verify.jobs import Derivation, Job, Outcome
from verify.sandbox import LARGEST_REPORT, Rooms
from verify.walls import PROCESSES

OUTPUT = 4000
"""Characters of printed output that are kept, from its end."""


class End(NamedTuple):
    """How a job's process ended, as the server reports it."""

    folder: str
    """The job's folder."""
    status: int
    """The exit code, or minus the signal."""
    late: bool
    """True when its time was up."""
    seconds: float
    """How long it lived."""
    processes: int = 0
    """When its time was up: how many processes it had; 0 where nobody could tell."""


def collect(job: Job, end: End) -> Outcome:
    """What came of a job whose process has ended; its figures are put in their places."""
    rooms = Rooms(Path(end.folder))
    output = tail(rooms.output)
    report = _report(rooms.report)
    if report is None:
        path, line = _last_line(job, rooms.trace)
        what, hint = _ended(job, end)
        return Outcome(
            job, "failed", what=what, hint=hint, path=path, line=line, output=output, seconds=end.seconds
        )
    report["derivations"] = tuple(Derivation(**each) for each in report.get("derivations", ()))
    if report["state"] == "done":
        report["unportrayable"] |= _place_figures(job, rooms.figures, report["unportrayable"])
    return Outcome(job, **report, output=output, seconds=end.seconds)


def _report(file: Path) -> dict[str, Any] | None:
    """The child's report, read as JSON and never unpickled; None when there is none."""
    try:
        if file.stat().st_size > LARGEST_REPORT:
            return None
        report = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None


def _ended(job: Job, end: End) -> tuple[str, str]:
    """What the end of a process without a report means, and what to do about it."""
    if end.processes * 2 > PROCESSES:
        return f"took longer than {job.timeout:g} s, with {end.processes} processes at its end", FEWER
    if end.late or end.status == -signal.SIGXCPU:
        more = "compute less, or give the block more time: `timeout=…` after the word `claim`"
        return f"took longer than {job.timeout:g} s", more
    if end.status == -signal.SIGKILL:
        return "the process was killed by SIGKILL: most likely the machine ran out of memory", SMALLER
    if end.status < 0:
        return f"the process was killed by {signal.Signals(-end.status).name}", MEND
    what = f"the process ended by itself with code {end.status} before its values were read"
    return what, "a claim ends with its last line"


def _last_line(job: Job, trace: Path) -> tuple[str | None, int | None]:
    """Where the code stood, by the trace that `faulthandler` wrote, the innermost frame first."""
    paths = {source.path for source in job.sources}
    last = tail(trace).rpartition("most recent call first")[2]
    for path, line in re.findall(r'File "(.+)", line (\d+)', last):
        if path in paths:
            return path, int(line)
    return None, None


def _place_figures(job: Job, drawn: Path, wrong: dict[str, str]) -> dict[str, str]:
    """Move the figures to their places, each in one step; return those that could not be written."""
    unwritten = {}
    for index, (name, path) in enumerate(job.figures):
        if name in wrong:
            continue
        try:
            _replace(Path(path), (drawn / f"{index}.svg").read_bytes())
        except OSError as error:
            unwritten[name] = f"the figure cannot be written: {error}"
    return unwritten


def _replace(place: Path, content: bytes) -> None:
    if place.is_file() and place.read_bytes() == content:
        return  # an unchanged figure keeps its time stamp
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(place)


def tail(file: Path) -> str:
    """The last `OUTPUT` characters of a file; empty where it cannot be read."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 4 * OUTPUT))
            return stream.read().decode(errors="replace")[-OUTPUT:]
    except OSError:
        return ""
