"""Running tasks: what has a valid record is judged by it, the rest is run and recorded as it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from generator.notes import MARKS, Claim
from verify.claims import Task
from verify.figures import fingerprint, held, shows
from verify.hints import of_drift, of_percent
from verify.kept import trainings_of
from verify.opening import Session
from verify.records import Record, Records, all_records, record_of
from verify.verdicts import Judgement, device_of, judge


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one machine knows of a task."""

    machine: str
    """The machine's name."""
    device: str
    """The machine as cards name it."""
    record: Record
    """What running the task's code as it is now found there."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one task."""

    task: Task
    """What was asked."""
    judgements: tuple[Judgement, ...]
    """The verdict of each of its links, in order."""
    record: Record | None = None
    """What is known of it on the machine in question; None when it has not been run."""
    ran: bool = False
    """Whether it was run just now."""
    output: str = ""
    """The end of what its code printed."""
    known: tuple[Evidence, ...] = ()
    """What every machine knows of it, this one first; only looked up where nothing was to be run."""
    machine: str = ""
    """The machine that ran it just now."""

    def evidence_for(self, claim: Claim) -> Evidence | None:
        """What a link is held against: this machine's record, or that of the machine that its title names.

        A figure is held against that of a machine that drew what is shown, if there is one.
        """
        if claim.is_figure:
            mark = fingerprint(dict(self.task.figures)[claim.name])
            return min(self.known, key=lambda known: not shows(known.record, claim.name, mark), default=None)
        named = device_of(claim.title or "")
        return min(self.known, key=lambda known: bool(named) and known.device != named, default=None)


def results_of_records(session: Session, tasks: Sequence[Task]) -> Iterator[Result]:
    """What the records say of these tasks; nothing is run."""
    records = all_records(session.folder, session.heirs)
    order = (session.machine.name, session.collection.settings.reference_machine)
    first = sorted(records.values(), key=lambda found: [found.file.stem != name for name in order])
    for task in tasks:
        known = tuple(
            Evidence(found.file.stem, found.device, record)
            for found in first
            if (record := found.by_owner.get(task.job.owner)) and record.digest == task.job.digest
        )
        result = Result(task, (), known[0].record if known else None, known=known)
        judged = (_by_records(session, result, claim) for claim in task.claims)
        yield replace(result, judgements=tuple(_hinted(result, judgement) for judgement in judged))


def run_tasks(
    session: Session,
    tasks: Sequence[Task],
    *,
    force: bool = False,
    workers: int | None = None,
    timeout: float | None = None,
    announce: Callable[[Sequence[str]], None] = lambda owners: None,
    warn: Callable[[str], None] = lambda line: None,
) -> Iterator[Result]:
    """Judge every task, after running those that have no valid record on this machine.

    What this machine lacks the hardware for is held against what other machines found of the same code.

    Args:
        session: what the command works on.
        tasks: what to judge.
        force: run the others, too, and use no trainings of earlier runs.
        workers: how many may run at the same time; by default one per core.
        timeout: seconds that a task may take, whatever its blocks say.
        announce: told the owners of those that are going to be run, before the first one is.
        warn: told what the system does not allow.
    """
    records = session.records()
    waiting: dict[str, Task] = {}
    beyond = {task.job.owner: lacking for task in tasks if (lacking := session.lacking(task))}
    for found in results_of_records(session, [task for task in tasks if task.job.owner in beyond]):
        why = beyond[found.task.job.owner]
        unknown = tuple(_not_here(found.task, index, why) for index in range(len(found.task.claims)))
        yield found if found.known else Result(found.task, unknown)
    for task in tasks:
        if task.job.owner in beyond:
            continue
        record = records.by_owner.get(task.job.owner)
        if record is not None and not force and session.is_current(task, record):
            yield Result(task, _judged(session, task, record), record)
        else:
            waiting[task.job.owner] = task
    if not waiting:
        records.settle()
        return
    announce(list(waiting))
    try:
        yield from _run_waiting(session, waiting, records, force, workers, timeout, warn)
    finally:
        records.settle()


def _run_waiting(
    session: Session,
    waiting: Mapping[str, Task],
    records: Records,
    force: bool,
    workers: int | None,
    timeout: float | None,
    warn: Callable[[str], None],
) -> Iterator[Result]:
    from verify.runner import run as run_jobs

    jobs = [replace(task.job, timeout=timeout or task.job.timeout) for task in waiting.values()]
    # By force, nothing that earlier runs left is trusted; the claims still share this run's trainings.
    kept = None if force else trainings_of(session.folder.parent, session.machine.name)
    drawing = any(task.figures for task in waiting.values())
    others = list(all_records(session.folder, session.heirs).values()) if drawing else []
    for outcome in run_jobs(jobs, workers=workers, trainings=kept, gpus=session.machine.gpus, warn=warn):
        task = waiting[outcome.job.owner]
        if outcome.state == "skipped":
            yield _unmeasured(session, task, f"{outcome.what}: {outcome.hint}", outcome.output)
            continue
        before = records.by_owner.get(task.job.owner)
        earlier = [before, *(each.by_owner.get(task.job.owner) for each in others)]
        drawn = {name: Path(place) for name, place in task.job.figures}
        record = replace(
            record_of(outcome, session.environment(task), date.today().isoformat()),
            figures=held(task, drawn, (each for each in earlier if each is not None)),
        )
        record = records.put(task.job.owner, record, session.machine.device)
        judged = _judged(session, task, record)
        if before is not None and before.is_current(record.digest, record.environment):
            pairs = zip(judged, _judged(session, task, before), strict=True)
            judged = tuple(of_drift(now, then, task, record) for now, then in pairs)
        yield Result(task, judged, record, True, outcome.output, machine=session.machine.name)


def _unmeasured(session: Session, task: Task, what: str, output: str) -> Result:
    """What a run is worth that gave no value: the texts stay, and so does the record of an earlier run."""
    record = session.records().by_owner.get(task.job.owner)
    if record is not None and session.is_current(task, record):
        judged = tuple(replace(each, what=each.what or what) for each in _judged(session, task, record))
        return Result(task, judged, record, True, output)
    return Result(
        task, tuple(_not_here(task, index, what) for index in range(len(task.claims))), None, True, output
    )


def strangers(session: Session) -> dict[str, list[str]]:
    """Of each machine, the owners of records that no note of the collection has any more."""
    found = {
        name: session.heirs.strangers(kept.by_owner)
        for name, kept in all_records(session.folder, session.heirs).items()
    }
    return {name: owners for name, owners in found.items() if owners}


def _judged(session: Session, task: Task, record: Record) -> tuple[Judgement, ...]:
    judged = (judge(claim, task, record, session.machine.device, session.away) for claim in task.claims)
    return tuple(of_percent(judgement, record) for judgement in judged)


def _by_records(session: Session, result: Result, claim: Claim) -> Judgement:
    """The verdict that the records allow, this machine's first; for a timing, those of the one it names."""
    evidence = result.evidence_for(claim)
    if evidence is not None:
        away = session.away_from(evidence.machine, evidence.device)
        found = judge(claim, result.task, evidence.record, evidence.device, away=away)
        named = device_of(claim.title or "")
        if found.verdict == "elsewhere" and claim.title not in MARKS and named not in ("", evidence.device):
            what = f"no record by {named}, which it names, of this claim's code"
            hint = "measure it there, or take this machine's over with `verify run --update --adopt`"
            return Judgement(claim, "new", what=what, hint=hint)
        return found
    lacking = session.lacking(result.task)
    figure = dict(result.task.figures).get(claim.name) if claim.is_figure else None
    asks = claim.asks if figure is None else not figure.exists()
    if lacking and asks:
        return Judgement(claim, "skipped", what=lacking)
    hint = lacking or "`verify run` measures it"
    return Judgement(claim, "new", what="no record of this claim's code", hint=hint)


def _hinted(result: Result, judgement: Judgement) -> Judgement:
    evidence = result.evidence_for(judgement.claim)
    return judgement if evidence is None else of_percent(judgement, evidence.record)


def _not_here(task: Task, index: int, lacking: str) -> Judgement:
    claim = task.claims[index]
    if claim.title and not claim.asks:
        return Judgement(claim, "elsewhere", what=f"measured on {device_of(claim.title)}; {lacking}")
    return Judgement(claim, "skipped", what=lacking)
