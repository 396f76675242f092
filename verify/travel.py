"""`verify export-jobs` and `merge`, and `verify run --on ray`: claims on other machines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from generator.errors import UsageError, count
from verify.claims import Task
from verify.elsewhere import run_elsewhere, taken, unmeasured
from verify.errands import Errand, read_results, write_jobs
from verify.opening import Session
from verify.records import settle_all
from verify.running import Result
from verify.selection import choose
from verify.updating import keep_figures, place_figures


def run_on(
    session: Session,
    tasks: Sequence[Task],
    force: bool,
    announce: Callable[[Sequence[str]], None],
    warn: Callable[[str], None],
) -> Iterator[Result]:
    """The results of `verify run --on ray`.

    Raises:
        UsageError: Ray is not installed, or no cluster answers.
    """
    from verify.cluster import NoCluster, run_on_ray

    prefer = session.collection.settings.reference_machine
    try:
        yield from run_elsewhere(
            session, tasks, partial(run_on_ray, prefer=prefer, warn=warn), force=force, announce=announce
        )
    except NoCluster as error:
        raise UsageError(error.what, error.hint) from error
    finally:
        settle_all(session.folder)


def export_jobs(session: Session, options: argparse.Namespace) -> int:
    """Write the jobs that no machine has a record of into a file; where it lies is the result."""
    tasks = unmeasured(session, choose(session, options), options.force)
    write_jobs(Path(options.output), [Errand.of(task) for task in tasks])
    print(options.output)
    hint = f"`verify run-jobs {options.output}` runs them on another machine, `verify merge` brings them back"
    print(f"{count(len(tasks), 'job')}\n  hint: {hint}", file=sys.stderr)
    return 0


def merge(session: Session, options: argparse.Namespace) -> int:
    """Take the findings of files into the records, where their code is that of the notes as they are now."""
    findings = [finding for file in options.results for finding in read_results(Path(file))]
    tasks = {task.job.owner: task for task in session.tasks}
    merged, old = 0, []
    for finding in findings:
        task = tasks.get(finding.owner)
        if task is None or finding.record is None or finding.record.digest != task.job.digest:
            old.append(finding.owner)
            continue
        result = taken(session, task, finding)
        # Figures of another machine can be drawn nowhere else; so they are put in their places at once.
        keep_figures(session, [(result, place_figures(result))])
        merged += 1
    settle_all(session.folder)
    for owner in dict.fromkeys(old):
        print(f"{owner}: left out, its code is another one by now", file=sys.stderr)
    machines = sorted({finding.machine for finding in findings})
    print(f"{count(merged, 'record')} of {', '.join(machines) or 'no machine'}, {len(old)} left out")
    if merged:
        print("  hint: `verify run --update` writes what they say into the notes", file=sys.stderr)
    return 0
