"""Which tasks a command is about: by tag, claim, need, and by what became of them before."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from generator.errors import StateError, UsageError
from generator.notes import Topic
from generator.parse import parse
from generator.source import Source
from verify.claims import Task, plan
from verify.opening import Session
from verify.verdicts import judge

State = tuple[str, tuple[tuple[str, str, str | None], ...]]
"""The digest of a task's code, and name, text and title of each of its links."""


def choose(session: Session, options: argparse.Namespace) -> list[Task]:
    """The tasks that satisfy every filter of the command line.

    Raises:
        UsageError: no note has such a tag, or no claim such a name.
        StateError: `--changed` names a revision that git does not know, or there is no git.
    """
    _known("tag", options.tag, {tag for task in session.tasks for tag in _tags(task)})
    _known("claim", options.claim, {claim.name for task in session.tasks for claim in task.claims})
    tests: list[Callable[[Task], bool]] = []
    if options.tag:
        tests.append(lambda task: bool(set(options.tag) & _tags(task)))
    if options.claim:
        tests.append(lambda task: any(claim.name in options.claim for claim in task.claims))
    if options.needs:
        tests.append(lambda task: options.needs in task.job.needs)
    if options.untimed:
        tests.append(lambda task: not task.job.alone)
    if options.stale or options.failed:
        tests.append(_by_record(session, options))
    if options.changed is not None:
        before = _before(session, options.changed)
        tests.append(lambda task: _states(task) != before.get(task.job.owner))
    return [task for task in session.tasks if all(test(task) for test in tests)]


def _known(option: str, wanted: Sequence[str] | None, known: set[str]) -> None:
    """A name that nothing has is a slip, not an empty selection."""
    for name in wanted or ():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "`verify list --json` shows what there is"
            raise UsageError(f"--{option} {name}: no {option} of these notes is called so", hint)


def _tags(task: Task) -> set[str]:
    """The tags of the notes that state a task's values."""
    notes = {claim.note for claim in task.claims}
    return {tag for note in task.topic.notes if note.id in notes for tag in note.tags} | {*task.topic.tags}


def _by_record(session: Session, options: argparse.Namespace) -> Callable[[Task], bool]:
    records = session.records()

    def test(task: Task) -> bool:
        record = records.by_owner.get(task.job.owner)
        stale = not session.is_current(task, record) and not session.lacking(task)
        if options.stale and stale:
            return True
        if not options.failed or record is None:
            return False
        # A record of older code counts: who mends what failed wants to see just that again.
        verdicts = [
            judge(claim, task, record, session.machine.device, away=session.away).verdict
            for claim in task.claims
        ]
        return record.state != "done" or any(verdict not in ("holds", "elsewhere") for verdict in verdicts)

    return test


def _states(task: Task) -> State:
    """What a task computes and what its links say of it."""
    return task.job.digest, tuple((claim.name, claim.text, claim.title) for claim in task.claims)


def _before(session: Session, revision: str) -> dict[str, State]:
    """What each task computed and stated at a revision of the collection's git repository."""
    root = session.collection.root.resolve()
    listed = _git(root, "ls-tree", "-r", "-z", "--name-only", revision, "--", ".")
    topics: list[Topic] = []
    for name in filter(None, listed.split("\0")):
        if name.endswith(".md"):
            text = _git(root, "show", f"{revision}:./{name}")
            topics += _topics(root, name, text)
    return {task.job.owner: _states(task) for task in plan(topics, root, root)}


def _topics(root: Path, name: str, text: str) -> Iterable[Topic]:
    topic, problems = parse(Source.of(name, text), root / name)
    sound = topic is not None and not any(problem.severity == "error" for problem in problems)
    return [topic] if topic is not None and sound else []


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True)
    except OSError as error:
        raise StateError("--changed asks git, and git cannot be run", "install git, or name notes") from error
    except subprocess.CalledProcessError as error:
        what = error.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        hint = "name a revision, and files before --changed: `verify run FILES --changed HEAD`"
        hint = hint if "not a git repository" not in what else "name files or notes instead"
        raise StateError(f"--changed: {what.splitlines()[0]}", hint) from error
    return done.stdout.decode("utf-8", "replace")
