"""Measurements on disk: one JSON file per machine, in `decks/measured/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from generator.errors import StateError
from generator.files import locked, write_atomically
from verify.heirs import Heirs
from verify.jobs import Derivation, Outcome
from verify.journal import SUFFIX, Journal
from verify.sessions import Past
from verify.values import Value

FORMAT = 4
"""Version of the files' format: 1 (2026-11) records by owner; 2 (2026-11) timings with their history;
3 (2026-11) with how they were made; 4 (2026-11) figures with the file that shows them."""

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

    evidence: Sequence[Mapping[str, Any]] = ()
    """What timings say of themselves: modes, seeds, controls, raw times."""

    figures: Mapping[str, str] = field(default_factory=dict)
    """Of each figure, the fingerprint of its file; empty where that shows something else than was drawn."""

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
        evidence=outcome.evidence,
    )


class Records:
    """The records of one machine.

    What a run finds is appended to a journal (`verify/journal.py`) as it arrives, and put in its place in the
    file of records at the end.

    Args:
        folder: `decks/measured`.
        machine: the machine's name.
        heirs: the collection's tasks, to which records of their former names go over.
        processor: what tells this machine from others of the same device; empty where the device says it.

    Raises:
        StateError: a file is damaged or of a newer format; it is never overwritten then.
    """

    def __init__(self, folder: Path, machine: str, heirs: Heirs | None = None, processor: str = "") -> None:
        self.file = folder / f"{machine}.json"
        self.device = ""
        self._processor = processor
        self._heirs = heirs
        self.by_owner: dict[str, Record] = {}
        self._journal = Journal(folder / f"{machine}{SUFFIX}")
        self._seen: tuple[int, int, int] | None = None
        self._read()

    def put(self, owner: str, record: Record, device: str) -> Record:
        """Keep one more record, at once and beside those that another run wrote meanwhile.

        Returns:
            The record with what earlier sessions measured.
        """
        with locked(self.file.parent):
            self._read()
            self.device = device
            kept = self.by_owner[owner] = _continued(record, self.by_owner.get(owner))
            entry = {"format": FORMAT, "device": device, "owner": owner, "record": written_record(kept)}
            if self._processor:
                entry["processor"] = self._processor
            try:
                self._journal.append(entry)
            except OSError as error:
                raise _unwritable(self._journal.file, error) from error
        return kept

    def amend(self, owner: str, figures: Mapping[str, str]) -> None:
        """Say of a record's figures which files show them by now."""
        with locked(self.file.parent):
            self._read()
            before = self.by_owner[owner]
            self.by_owner[owner] = replace(before, figures={**before.figures, **figures})
            self._write(read=False)

    def settle(self) -> None:
        """Put what the journal says, also that of a run that was killed, in its place; then there is none."""
        if self._journal.file.exists():
            with locked(self.file.parent):
                self._write()

    def forget(self, owners: Iterable[str]) -> list[str]:
        """Drop the records of these owners; returns those that there were."""
        with locked(self.file.parent):
            self._read()
            gone = sorted(self.by_owner.keys() & set(owners))
            for owner in gone:
                del self.by_owner[owner]
            if gone:
                self._write(read=False)
        return gone

    def _read(self) -> None:
        """Read what changed since the last time: the journal first, for what it had may move to the file."""
        file = self._journal.file
        seen = self._look()
        if seen != self._seen:
            self._journal.rewind()
        try:
            found = [_known(entry, file) for entry in self._journal.unread()]
            file = self.file
            changed = bool(found) or seen != self._seen
            if seen != self._seen:
                if seen is not None:
                    whole = _known(json.loads(file.read_bytes()), file)
                    self.device = str(whole["device"])
                    self._processor = str(whole.get("processor", self._processor))
                    records = whole["records"].items()
                    self.by_owner = {owner: read_record(entry) for owner, entry in records}
                else:
                    self.by_owner = {}
                self._seen = seen
            file = self._journal.file
            for entry in found:
                self.device = str(entry["device"])
                self.by_owner[entry["owner"]] = read_record(entry["record"])
                self._processor = str(entry.get("processor", self._processor))
            if changed and self._heirs is not None:
                digests = {owner: record.digest for owner, record in self.by_owner.items()}
                self._heirs.settle(self.by_owner, digests)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            hint = "restore it from version control, or move it away: then everything is measured anew"
            if file != self.file:
                hint = "move it away: what that run found is measured anew"
            raise StateError(
                f"{file}: the records are damaged ({type(error).__name__}: {error})", hint
            ) from error

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self.file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _write(self, read: bool = True) -> None:
        if read:
            self._read()
        rows = [f"    {json.dumps(owner)}: {_line(self.by_owner[owner])}" for owner in sorted(self.by_owner)]
        processor = f'  "processor": {json.dumps(self._processor)},\n' if self._processor else ""
        head = (
            f'{{\n  "format": {FORMAT},\n  "device": {json.dumps(self.device)},\n{processor}  "records": {{\n'
        )
        write_atomically(self.file, (head + ",\n".join(rows) + "\n  }\n}\n").encode())
        self._seen = self._look()
        try:
            self._journal.remove()
        except OSError as error:
            raise _unwritable(self._journal.file, error) from error


def _known(found: Any, file: Path) -> dict[str, Any]:
    """A file's content, or a line of it.

    Raises:
        StateError: a newer tool wrote it.
        TypeError, KeyError: it is damaged.
    """
    if found["format"] > FORMAT:
        what = f"{file}: format {found['format']}, and this tool knows {FORMAT}"
        raise StateError(what, "update this tool; the records were written by a newer one")
    known: dict[str, Any] = found
    return known


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
    entry["evidence"] = list(record.evidence)
    entry["derivations"] = [asdict(derivation) for derivation in record.derivations]
    entry["history"] = {
        name: [[past.date, past.number, past.low, past.high] for past in sessions]
        for name, sessions in sorted(record.history.items())
    }
    needed = ("digest", "environment", "date", "seconds", "state")
    return {name: part for name, part in entry.items() if name in needed or part not in ({}, [], "", None)}


def _line(record: Record) -> str:
    return json.dumps(written_record(record), ensure_ascii=False)


def _unwritable(file: Path, error: OSError) -> StateError:
    return StateError(
        f"{file}: cannot be written ({error.strerror})", "check its folder and the space on disk"
    )


def all_records(folder: Path, heirs: Heirs | None = None) -> dict[str, Records]:
    """The records of every machine that was ever measured on, by its name."""
    names = (
        {file.stem for file in folder.iterdir() if file.suffix in (".json", SUFFIX)}
        if folder.is_dir()
        else ()
    )
    return {name: Records(folder, name, heirs) for name in sorted(names)}


def settle_all(folder: Path) -> None:
    """Put what the journals of all machines say in its place."""
    for records in all_records(folder).values():
        records.settle()
