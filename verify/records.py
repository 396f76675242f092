"""Measurements on disk: one JSON file per machine, in `decks/measured/`."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from generator.errors import StateError
from generator.files import write_atomically
from verify.heirs import Heirs
from verify.jobs import Derivation, Outcome
from verify.sessions import Past
from verify.values import Value

FORMAT = 2
"""Version of the files' format: 1 (2026-11) records by owner; 2 (2026-11) timings with their history."""

SESSIONS = 20
"""Earlier sessions of a timing that are kept."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one run of one task's code found."""

    digest: str
    """Digest of the code that was run."""
    environment: Mapping[str, str]
    """Versions of what the code imports."""
    date: str
    """The day of the run, as in 2026-11-20."""
    seconds: float
    """How long it took."""
    state: str
    """`done`, `refuted` or `failed`, as in `Outcome`."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """The values, by name."""
    derivations: tuple[Derivation, ...] = ()
    """What came of proving formulas."""
    unportrayable: Mapping[str, str] = field(default_factory=dict)
    """Names whose value says nothing, with the reason."""
    what: str = ""
    """What was wrong, for a run that was refuted or failed."""
    hint: str = ""
    """What the author can do about it."""
    line: int | None = None
    """The card's line at which it stopped."""
    history: Mapping[str, tuple[Past, ...]] = field(default_factory=dict)
    """Of each timing, what earlier sessions of the same code and versions measured, the last one last."""

    def is_current(self, digest: str, environment: Mapping[str, str]) -> bool:
        """Whether running the same code again could find nothing new."""
        return self.state == "done" and self.digest == digest and dict(self.environment) == dict(environment)


def record_of(outcome: Outcome, environment: Mapping[str, str], date: str) -> Record:
    """What an outcome leaves behind."""
    return Record(
        digest=outcome.job.digest,
        environment=environment,
        date=date,
        seconds=round(outcome.seconds, 2),
        state=outcome.state,
        values={name: Value.from_json(value) for name, value in outcome.values.items()},
        derivations=outcome.derivations,
        unportrayable=dict(outcome.unportrayable),
        what=outcome.what,
        hint=outcome.hint,
        line=outcome.line,
    )


class Records:
    """The records of one machine.

    Args:
        folder: `decks/measured`.
        machine: the machine's name.
        heirs: the collection's tasks, to which records of their former names go over.
        processor: what tells this machine from others of the same device; empty where the device says it.

    Raises:
        StateError: the file is damaged or of a newer format; it is never overwritten then.
    """

    def __init__(self, folder: Path, machine: str, heirs: Heirs | None = None, processor: str = "") -> None:
        self.file = folder / f"{machine}.json"
        self.device = ""
        self._processor = processor
        self._heirs = heirs
        self.by_owner: dict[str, Record] = {}
        self._read()

    def put(self, owner: str, record: Record, device: str) -> Record:
        """Keep one more record, at once and beside those that another run wrote meanwhile.

        Returns:
            The record with what earlier sessions measured.
        """
        with _lock(self.file):
            self._read()
            self.device = device
            kept = self.by_owner[owner] = _continued(record, self.by_owner.get(owner))
            self._write()
        return kept

    def forget(self, owners: Iterable[str]) -> list[str]:
        """Drop the records of these owners; returns those that there were."""
        with _lock(self.file):
            self._read()
            gone = sorted(self.by_owner.keys() & set(owners))
            for owner in gone:
                del self.by_owner[owner]
            if gone:
                self._write()
        return gone

    def _read(self) -> None:
        if not self.file.exists():
            return
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
            if found["format"] > FORMAT:
                what = f"{self.file}: format {found['format']}, and this tool knows {FORMAT}"
                raise StateError(what, "update this tool; the records were written by a newer one")
            self.device = str(found["device"])
            self._processor = str(found.get("processor", self._processor))
            self.by_owner = {owner: read_record(entry) for owner, entry in found["records"].items()}
            if self._heirs is not None:
                digests = {owner: record.digest for owner, record in self.by_owner.items()}
                self._heirs.settle(self.by_owner, digests)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            hint = "restore it from version control, or move it away: then everything is measured anew"
            raise StateError(
                f"{self.file}: the records are damaged ({type(error).__name__}: {error})", hint
            ) from error

    def _write(self) -> None:
        rows = [f"    {json.dumps(owner)}: {_line(self.by_owner[owner])}" for owner in sorted(self.by_owner)]
        processor = f'  "processor": {json.dumps(self._processor)},\n' if self._processor else ""
        head = (
            f'{{\n  "format": {FORMAT},\n  "device": {json.dumps(self.device)},\n{processor}  "records": {{\n'
        )
        write_atomically(self.file, (head + ",\n".join(rows) + "\n  }\n}\n").encode())


def _continued(record: Record, before: Record | None) -> Record:
    """A record with the sessions before it; other code or other versions begin a new series."""
    series = (record.digest, dict(record.environment))
    if before is None or (before.digest, dict(before.environment)) != series:
        return record
    history = dict(before.history)
    for name, value in before.values.items():
        if before.state == "done" and value.kind == "timing":
            low, high = value.interval
            past = Past(before.date, float(value.exactly), float(low), float(high))
            history[name] = (*history.get(name, ()), past)[-SESSIONS:]
    return replace(record, history=history)


def read_record(entry: Mapping[str, Any]) -> Record:
    """The record that `written_record` made plain.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    entry = dict(entry)
    values = {name: Value.from_json(value) for name, value in entry.pop("values", {}).items()}
    derivations = tuple(Derivation(**derivation) for derivation in entry.pop("derivations", ()))
    history = {
        name: tuple(Past(*session) for session in sessions)
        for name, sessions in entry.pop("history", {}).items()
    }
    return Record(**entry, values=values, derivations=derivations, history=history)


def written_record(record: Record) -> dict[str, Any]:
    """A record as plain JSON values, without what is empty."""
    entry: dict[str, Any] = {name: getattr(record, name) for name in Record.__slots__}
    entry["values"] = {name: value.to_json() for name, value in sorted(record.values.items())}
    entry["derivations"] = [asdict(derivation) for derivation in record.derivations]
    entry["history"] = {
        name: [[past.date, past.number, past.low, past.high] for past in sessions]
        for name, sessions in sorted(record.history.items())
    }
    needed = ("digest", "environment", "date", "seconds", "state")
    return {name: part for name, part in entry.items() if name in needed or part not in ({}, [], "", None)}


def _line(record: Record) -> str:
    return json.dumps(written_record(record), ensure_ascii=False)


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    """Keep other runs from writing into the same folder at the same time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file.parent, os.O_RDONLY)
    except OSError as error:
        raise StateError(f"{file}: cannot be written ({error.strerror})", "check its folder") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def all_records(folder: Path, heirs: Heirs | None = None) -> dict[str, Records]:
    """The records of every machine that was ever measured on, by its name."""
    names = sorted(file.stem for file in folder.glob("*.json")) if folder.is_dir() else []
    return {name: Records(folder, name, heirs) for name in names}
