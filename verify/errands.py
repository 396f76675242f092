"""Claims that run on other machines: what goes there and what comes back, as files that anybody can carry.

A file of jobs is written where the notes are and run where the hardware is; the file of results is merged
back. Both are JSON, an object on each line; results are appended as they arrive, so a run that was cut off
goes on.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from generator.errors import StateError
from verify.claims import PROTOCOL, Task
from verify.environment import Machine, environment, missing
from verify.jobs import Job
from verify.records import Record, read_record, record_of, written_record

FORMAT = 1
"""Version of both files."""
_JOBS, _RESULTS = "groundtruth jobs", "groundtruth results"
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Errand:
    """A job that leaves the machine where its note lies."""

    job: Job
    """What is to be run; its figures have names and no places."""
    packages: tuple[str, ...]
    """The packages whose versions the result depends on."""

    @classmethod
    def of(cls, task: Task) -> Errand:
        """The errand of a task."""
        figures = tuple((name, "") for name, _ in task.job.figures)
        return cls(replace(task.job, figures=figures), task.packages)

    def to_json(self) -> dict[str, Any]:
        """The errand as plain JSON values."""
        return {"job": self.job.to_json(), "packages": list(self.packages)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Errand:
        """The errand that `to_json` wrote down."""
        return cls(Job.from_json(data["job"]), tuple(data["packages"]))


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of an errand."""

    owner: str
    """The note, or `file:<path>`, that the job belongs to."""
    machine: str
    """The machine's name, for its file of records."""
    device: str
    """The machine as cards name it."""
    record: Record | None
    """What was found; None where nothing could be measured."""
    figures: Mapping[str, str] = field(default_factory=dict)
    """The figures that were drawn, as SVG, by the claim's name."""
    what: str = ""
    """Why there is no record."""
    output: str = ""
    """The end of what the code printed."""

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        plain = {name: getattr(self, name) for name in ("owner", "machine", "device", "what", "output")}
        kept = written_record(self.record) if self.record is not None else None
        return {**plain, "record": kept, "figures": dict(self.figures)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """The finding that `to_json` wrote down."""
        return cls(**{**data, "record": None if data["record"] is None else read_record(data["record"])})


def run_errands(
    errands: Sequence[Errand],
    machine: Machine,
    *,
    workers: int | None = None,
    warn: Callable[[str], None] = lambda line: None,
    command: str = "",
) -> Iterator[Finding]:
    """Run errands on this machine, each in a process of its own; findings come as they arrive.

    Args:
        errands: what to run.
        machine: this machine.
        workers: how many may run at the same time; by default one per core. With one they run in order.
        warn: told what the system does not allow.
        command: what to run on another machine where this one lacks what a claim needs; as for `missing`.
    """
    from verify.runner import run

    by_owner = {errand.job.owner: errand for errand in errands}
    with tempfile.TemporaryDirectory(prefix="groundtruth-figures-") as folder:
        jobs = []
        for number, errand in enumerate(errands):
            lacking = missing(errand.job.needs, machine, command)
            if lacking:
                yield Finding(errand.job.owner, machine.name, machine.device, None, what=lacking)
                continue
            drawn = tuple(
                (name, str(Path(folder, f"{number}-{index}.svg")))
                for index, (name, _) in enumerate(errand.job.figures)
            )
            jobs.append(replace(errand.job, figures=drawn))
        for outcome in run(jobs, workers=workers, gpus=machine.gpus, warn=warn):
            owner = outcome.job.owner
            if outcome.state == "skipped":
                what = f"{outcome.what}: {outcome.hint}"
                yield Finding(owner, machine.name, machine.device, None, what=what, output=outcome.output)
                continue
            found = environment(by_owner[owner].packages, outcome.job.needs, machine)
            record = record_of(outcome, found, date.today().isoformat())
            figures = {
                name: Path(place).read_text(encoding="utf-8")
                for name, place in outcome.job.figures
                if Path(place).is_file()
            }
            yield Finding(owner, machine.name, machine.device, record, figures, output=outcome.output)


def write_jobs(file: Path, errands: Iterable[Errand]) -> None:
    """Write a file of jobs.

    Raises:
        StateError: it cannot be written.
    """
    head = {"what": _JOBS, "format": FORMAT, "protocol": PROTOCOL, "tools": tools()}
    rows = [head, *(errand.to_json() for errand in errands)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StateError(f"{file}: cannot be written ({error.strerror})", "name another file") from error


def read_jobs(file: Path) -> list[Errand]:
    """The jobs of a file.

    Raises:
        StateError: it is no such file, is damaged, or was written by another version of these tools, whose
            measurements would not be those of the notes.
    """
    head, rows = _rows(file, _JOBS)
    if (head.get("protocol"), head.get("tools")) != (PROTOCOL, tools()):
        hint = "use the same version here as there, or export the jobs again with this one"
        raise StateError(f"{file}: was exported by another version of verify", hint)
    return [_read(file, number, Errand.from_json, row) for number, row in rows]


def append_result(file: Path, finding: Finding) -> None:
    """Add a finding to a file of results, which is made when it is not there.

    Raises:
        StateError: it cannot be written.
    """
    head = "" if file.exists() else json.dumps({"what": _RESULTS, "format": FORMAT}) + "\n"
    try:
        with file.open("a", encoding="utf-8") as out:
            out.write(head + json.dumps(finding.to_json(), ensure_ascii=False) + "\n")
    except OSError as error:
        raise StateError(f"{file}: cannot be written ({error.strerror})", "name another file") from error


def mend_results(file: Path) -> None:
    """Take away the last line of a file of results if it was cut off, so that more can be added.

    Raises:
        StateError: the file cannot be written.
    """
    try:
        content = file.read_bytes() if file.exists() else b""
        if not content.endswith(b"\n") and content:
            with file.open("r+b") as out:
                out.truncate(content.rfind(b"\n") + 1)
            if b"\n" not in content:
                file.unlink()
    except OSError as error:
        raise StateError(f"{file}: cannot be written ({error.strerror})", "name another file") from error


def read_results(file: Path) -> list[Finding]:
    """The findings of a file; a last line that was cut off is left out, as if it had not been reached.

    Raises:
        StateError: it is no such file, or is damaged.
    """
    _, rows = _rows(file, _RESULTS)
    return [_read(file, number, Finding.from_json, row) for number, row in rows]


@cache
def tools() -> str:
    """A digest of all of `verify` that has a part in what a claim's code finds."""
    here = Path(__file__).parent
    found = hashlib.sha256()
    for file in sorted(here.rglob("*.py")):
        found.update(file.relative_to(here).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:24]


def _rows(file: Path, what: str) -> tuple[dict[str, Any], list[tuple[int, dict[str, Any]]]]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise StateError(f"{file}: cannot be read ({reason})", "name a file of verify") from error
    found: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(lines[:-1], start=1):  # a whole line ends with a newline
        try:
            row = json.loads(line)
        except ValueError as error:
            raise _damaged(file, number, str(error)) from error
        if not isinstance(row, dict):
            raise _damaged(file, number, "is no object")
        found.append((number, row))
    if not found or found[0][1].get("what") != what:
        raise StateError(f"{file}: is no file of {what}", "`verify export-jobs` and `run-jobs` write them")
    (_, head), *rows = found
    if head.get("format") != FORMAT:
        hint = "update this tool; a newer one wrote the file"
        raise StateError(f"{file}: format {head.get('format')}, and this tool knows {FORMAT}", hint)
    return head, rows


def _read(file: Path, number: int, make: Callable[[dict[str, Any]], _Made], row: dict[str, Any]) -> _Made:
    try:
        return make(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file, number, f"{type(error).__name__}: {error}") from error


def _damaged(file: Path, number: int, why: str) -> StateError:
    return StateError(f"{file}:{number}: is damaged ({why})", "write it again, or take the line away")
