"""What `verify run` and `verify check` do; what they say is in `verify/show.py`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from generator.collection import Collection, find_root, load
from generator.errors import StateError, stop_on_errors
from generator.notes import MARKS, UNASKED, Topic
from verify import show
from verify.claims import Task, check_figures, check_imports, plan
from verify.coverage import cover
from verify.environment import Machine, missing, this_machine, versions
from verify.records import Record, Records, all_records, record_of
from verify.rewrite import apply, edit_of
from verify.verdicts import Judgement, Verdict, device_of, judge

NOTHING = 2
"""The exit code for paths without notes, as for any other usage that makes no sense."""


def run(options: argparse.Namespace) -> int:
    """Run one command; returns the exit code."""
    root = find_root(Path(options.paths[0]))
    collection = load(root)
    readable = collection.topics if not _broken(collection) else ()
    problems = [*collection.problems, *check_imports(readable), *check_figures(readable, root)]
    stop_on_errors(sorted(problems, key=lambda problem: problem.location))
    topics = _selected(collection, [Path(path) for path in options.paths])
    if not topics:
        paths = ", ".join(options.paths)
        print(f"verify: {paths}: no notes\n  hint: name Markdown files, or a folder of them", file=sys.stderr)
        return NOTHING
    folder = (Path(options.decks) if options.decks else collection.settings.folder(root)) / "measured"
    machine = this_machine(options.machine)
    with _drawing_folder() as drawn:
        tasks = plan(topics, root, drawn)
        if options.command == "check":
            return _check(options, topics, tasks, machine, folder)
        if options.needs:
            tasks = [task for task in tasks if options.needs in task.job.needs]
        return _run(options, collection, tasks, machine, folder)


def _broken(collection: Collection) -> bool:
    return any(problem.severity == "error" for problem in collection.problems)


def _selected(collection: Collection, paths: Sequence[Path]) -> list[Topic]:
    """The topics that lie at or below one of these paths.

    Raises:
        StateError: a path belongs to another collection.
    """
    wanted = [path.resolve() for path in paths]
    for path in wanted:
        if not path.is_relative_to(collection.root.resolve()):
            hint = "name paths of one collection at a time"
            raise StateError(f"{path}: not in the collection {collection.root}", hint)
    return [
        topic
        for topic in collection.topics
        if any(topic.file.resolve().is_relative_to(path) for path in wanted)
    ]


@contextmanager
def _drawing_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="groundtruth-figures-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(
    options: argparse.Namespace,
    topics: Sequence[Topic],
    tasks: Sequence[Task],
    machine: Machine,
    folder: Path,
) -> int:
    records = all_records(folder)
    first = sorted(records.values(), key=lambda found: found.file.stem != machine.name)
    judged: list[Judgement] = []
    for task in tasks:
        here = [_from_records(task, index, machine, first) for index in range(len(task.claims))]
        judged += here
        show.task(task, here, options.verbose)
    coverage = cover(topics)
    show.coverage(coverage, options.bare)
    show.summary(judged, 0, 0.0)
    return show.exit_code(judged)


def _from_records(task: Task, index: int, machine: Machine, records: Sequence[Records]) -> Judgement:
    """The verdict that the records allow, this machine's first; for a timing, those of the one it names."""
    claim = task.claims[index]
    known = [
        found for found in records if found.by_owner.get(task.job.owner, _NOTHING).digest == task.job.digest
    ]
    if claim.title:
        known.sort(key=lambda found: found.device != device_of(claim.title or ""))
    for found in known:
        return judge(claim, task, found.by_owner[task.job.owner], found.device)
    lacking = missing(task.job.needs, machine)
    if lacking and claim.text.lstrip().startswith(UNASKED):
        return Judgement(claim, "skipped", what=lacking)
    return Judgement(claim, "new", what="no record of this claim's code", hint="`verify run` measures it")


_NOTHING = Record("", {}, "", 0.0, "failed")


def _run(
    options: argparse.Namespace, collection: Collection, tasks: Sequence[Task], machine: Machine, folder: Path
) -> int:
    records = Records(folder, machine.name)
    judged: list[Judgement] = []
    failed: list[Task] = []
    waiting: dict[str, Task] = {}
    for task in tasks:
        environment = _environment(task, machine)
        lacking = missing(task.job.needs, machine)
        record = records.by_owner.get(task.job.owner)
        if lacking:
            here = [_not_here(task, index, lacking) for index in range(len(task.claims))]
        elif record is not None and not options.force and _is_current(task, record, environment):
            here = [judge(claim, task, record, machine.device) for claim in task.claims]
        else:
            waiting[task.job.owner] = task
            continue
        judged += here
        show.task(task, here, options.verbose)
    seconds = 0.0
    if waiting:
        from verify.runner import run as run_jobs

        show.start(len(waiting), len(tasks), machine)
        clock = show.Clock()
        for outcome in run_jobs([task.job for task in waiting.values()], workers=options.jobs):
            task = waiting[outcome.job.owner]
            record = record_of(outcome, _environment(task, machine), date.today().isoformat())
            records.put(task.job.owner, record, machine.device)
            drawn = dict(task.job.figures)
            here = [
                judge(
                    claim, task, record, machine.device, Path(drawn[claim.name]) if claim.is_figure else None
                )
                for claim in task.claims
            ]
            if record.state != "done":
                failed.append(task)
            judged += here
            show.task(task, here, options.verbose, record, outcome.output)
        seconds = clock.seconds()
    if {task.job.owner for task in tasks} >= {
        task.job.owner for task in plan(collection.topics, collection.root, folder)
    }:
        records.forget(records.by_owner.keys() - {task.job.owner for task in tasks})
    if options.update:
        judged = _update(options, tasks, judged)
    show.summary(judged, len(waiting), seconds)
    return max(
        show.exit_code(judged), *(show.state_code(records.by_owner[t.job.owner].state) for t in failed), 0
    )


def _environment(task: Task, machine: Machine) -> dict[str, str]:
    found = versions(task.packages)
    return {**found, "driver": machine.driver} if task.job.needs else found


def _is_current(task: Task, record: Record, environment: dict[str, str]) -> bool:
    """Whether a record answers every question that the texts ask, so that nothing has to be run."""
    answered = {(found.name, found.latex) for found in record.derivations}
    answered |= {(name, value.formula) for name, value in record.values.items()}
    return (
        record.is_current(task.job.digest, environment)
        and all(name in record.values or name in record.unportrayable for name in task.job.names)
        and answered >= set(task.job.formulas)
        and all(target.is_file() for _, target in task.figures)
    )


def _not_here(task: Task, index: int, lacking: str) -> Judgement:
    claim = task.claims[index]
    if claim.title and not claim.text.lstrip().startswith(UNASKED):
        return Judgement(claim, "elsewhere", what=f"measured on {device_of(claim.title)}; {lacking}")
    return Judgement(claim, "skipped", what=lacking)


def _update(options: argparse.Namespace, tasks: Sequence[Task], judged: list[Judgement]) -> list[Judgement]:
    """Write what was found into the files; returns the judgements that are left to care about.

    Raises:
        StateError: a file could not be rewritten; the others were.
    """
    by_claim = {id(judgement.claim): judgement for judgement in judged}
    by_topic: dict[Path, tuple[Topic, list[Task]]] = {}
    for task in tasks:
        by_topic.setdefault(task.topic.file, (task.topic, []))[1].append(task)
    stuck: list[StateError] = []
    for topic, members in by_topic.values():
        mine = [by_claim[id(claim)] for task in members for claim in task.claims if id(claim) in by_claim]
        edits = [edit for judgement in mine if (edit := edit_of(judgement, options.adopt)) is not None]
        try:
            if apply(topic, edits):
                show.written(topic.path, len(edits))
        except StateError as error:
            stuck.append(error)
        for task in members:
            _place_figures(task, by_claim)
    if stuck:
        raise stuck[0]
    return [_mended(judgement, options.adopt) for judgement in judged]


def _place_figures(task: Task, by_claim: dict[int, Judgement]) -> None:
    drawn = dict(task.job.figures)
    for claim in task.claims:
        judgement = by_claim.get(id(claim))
        if claim.is_figure and judgement is not None and judgement.verdict in ("new", "changed"):
            source, target = Path(drawn[claim.name]), dict(task.figures)[claim.name]
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
                show.written(str(target), 1)


def _mended(judgement: Judgement, adopt: bool) -> Judgement:
    """The judgement of the text as it is now."""
    match judgement.verdict:
        case "new" | "changed":
            return replace(judgement, verdict="holds")
        case "unstable" if judgement.measured != judgement.claim.text:
            return replace(judgement, verdict="holds")
        case "elsewhere" if adopt:
            mark: Verdict = "refuted" if judgement.title == "refuted" else "failed"
            return replace(judgement, verdict=mark if judgement.title in MARKS else "holds")
    return judgement
