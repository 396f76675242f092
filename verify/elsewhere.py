"""Tasks that other machines run: what has to go, and what comes of what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from verify.claims import Task
from verify.errands import Errand, Finding
from verify.figures import held
from verify.opening import Session
from verify.records import Records, all_records
from verify.running import Result, results_of_records
from verify.verdicts import Judgement, judge


def unmeasured(session: Session, tasks: Sequence[Task], force: bool = False) -> list[Task]:
    """The tasks whose code, as it is now, no machine has a record of; all of them by force."""
    known = all_records(session.folder, session.heirs).values()
    return [
        task
        for task in tasks
        if force
        or not any(
            (record := records.by_owner.get(task.job.owner)) is not None
            and record.state == "done"
            and record.digest == task.job.digest
            and all(name in record.values or name in record.unportrayable for name in task.job.names)
            for records in known
        )
    ]


def run_elsewhere(
    session: Session,
    tasks: Sequence[Task],
    carry: Callable[[Sequence[Errand]], Iterable[Finding]],
    *,
    force: bool = False,
    announce: Callable[[Sequence[str]], None] = lambda owners: None,
) -> Iterator[Result]:
    """Judge every task, after other machines have run those that no machine has a record of.

    Args:
        session: what the command works on; it alone writes records.
        tasks: what to judge.
        carry: takes errands to other machines, and brings back what they found.
        force: run the others, too.
        announce: told the owners of those that are going to be run.
    """
    going = unmeasured(session, tasks, force)
    owners = {task.job.owner: task for task in going}
    yield from results_of_records(session, [task for task in tasks if task.job.owner not in owners])
    if not going:
        return
    announce(list(owners))
    for finding in carry([Errand.of(task) for task in going]):
        yield taken(session, owners[finding.owner], finding)


def taken(session: Session, task: Task, finding: Finding) -> Result:
    """Keep what a machine found of a task, and judge the task by it.

    Nothing is recorded of a claim that was lost on its way or that the machine could not measure.
    """
    if finding.record is None:
        lost = tuple(Judgement(claim, "skipped", what=finding.what) for claim in task.claims)
        return Result(task, lost, None, True, finding.output)
    drawn = {name: Path(place) for name, place in task.job.figures}
    for name, svg in finding.figures.items():
        if name in drawn:
            drawn[name].write_text(svg, encoding="utf-8")
    every = all_records(session.folder, session.heirs).values() if task.figures else ()
    known = [record for each in every if (record := each.by_owner.get(task.job.owner)) is not None]
    found = replace(finding.record, figures=held(task, drawn, known))
    kept = Records(session.folder, finding.machine, session.heirs)
    record = kept.put(task.job.owner, found, finding.device)
    away = session.away_from(finding.machine, finding.device)
    judged = tuple(judge(claim, task, record, finding.device, away) for claim in task.claims)
    return Result(task, judged, record, True, finding.output, machine=finding.machine)
