"""What each command of `verify` does; what it says is in `verify/show.py`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from generator.errors import StateError, UsageError, count
from generator.files import write_atomically
from verify import show
from verify.claims import Task
from verify.coverage import cover, share, together
from verify.listing import describe, rows
from verify.opening import Session, open_session
from verify.printing import prints
from verify.progress import Clock, Progress
from verify.records import Records
from verify.reports import as_json, as_junit
from verify.running import Result, results_of_records, run_tasks, strangers
from verify.selection import choose
from verify.travel import export_jobs, merge, run_on
from verify.updating import update


def run(options: argparse.Namespace) -> int:
    """Run one command; returns the exit code."""
    commands: dict[str, Callable[[Session, argparse.Namespace], int]] = {
        "run": _run,
        "check": _check,
        "list": _list,
        "show": _show,
        "coverage": _coverage,
        "report": _report,
        "export-jobs": export_jobs,
        "merge": merge,
        "forget": _forget,
    }
    with open_session(options) as session:
        return commands[options.command](session, options)


def _run(session: Session, options: argparse.Namespace) -> int:
    tasks = choose(session, options)
    clock = Clock()
    results: list[Result] = []
    with Progress(session.machine.device, session.away) as progress:
        arriving = (
            run_on(session, tasks, options.force, progress.begins, progress.warns)
            if options.on
            else run_tasks(
                session,
                tasks,
                force=options.force,
                workers=options.jobs,
                timeout=options.timeout,
                announce=progress.begins,
                warn=progress.warns,
            )
        )
        for result in arriving:
            results.append(result)
            progress.ends(result)
            if not options.json:
                with progress.aside():
                    show.result(result, options.verbose)
            if options.exitfirst and show.code_of(result):
                break
    if not options.json:
        if not options.verbose:
            show.printed(results)
        show.gone(strangers(session))
    seconds = clock.seconds()
    if options.update:
        results = update(session, results, options.adopt, show.written)
    if options.durations is not None and not options.json:
        show.durations(results, options.durations)
    return _conclude(session, tasks, results, options, seconds)


def _check(session: Session, options: argparse.Namespace) -> int:
    tasks = choose(session, options)
    results = list(results_of_records(session, tasks))
    if not options.json:
        for result in results:
            show.result(result, options.verbose)
        show.prints(prints(tasks))
        numbers = together(session.coverage[topic.path] for topic in session.topics)
        named = [] if options.paths == [options.default] else options.paths
        show.coverage(numbers, options.bare, shlex.join(["verify", "coverage", "--bare", *named]))
        show.gone(strangers(session))
    return _conclude(session, tasks, results, options, 0.0)


def _conclude(
    session: Session, tasks: list[Task], results: list[Result], options: argparse.Namespace, seconds: float
) -> int:
    if options.junit:
        write_atomically(Path(options.junit), as_junit(results).encode("utf-8"))
    if options.json:
        print(json.dumps(as_json(results), ensure_ascii=False, indent=2))
    else:
        chosen = sum(len(task.claims) for task in tasks)
        ran = sum(result.ran for result in results)
        show.summary(
            results,
            f"ran {count(ran, 'claim block')} in {seconds:.0f} s" if ran else "",
            not_chosen=sum(len(task.claims) for task in session.tasks) - chosen,
            not_reached=chosen - sum(len(result.judgements) for result in results),
        )
    return max((show.code_of(result) for result in results), default=0)


def _list(session: Session, options: argparse.Namespace) -> int:
    found = rows(results_of_records(session, choose(session, options)))
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return 0
    for row in found:
        print(f"{row['place']}  {row['verdict']:<9}  {row['note'] or '(file)'}  {row['name']}  {row['text']}")
    print(f"{len(found):,} claims", file=sys.stderr)
    return 0


def _show(session: Session, options: argparse.Namespace) -> int:
    """Everything that is known of the claims with a name, or of the claims of a note."""
    wanted = options.what
    results = [
        result
        for result in results_of_records(session, session.tasks)
        if result.task.job.owner == wanted
        or any(wanted in (judgement.claim.name, judgement.claim.note) for judgement in result.judgements)
    ]
    if not results:
        raise UsageError(f"{wanted}: no claim and no note is called so", "`verify list` shows what there is")
    print("\n\n".join(describe(result, wanted) for result in results))
    return 0


def _coverage(session: Session, options: argparse.Namespace) -> int:
    """Where the numbers come from, file by file."""
    for topic in session.topics:
        found = cover([topic])
        if found.numbers:
            print(f"{share(found):>6.1%}  {topic.path}  ({show.counted(found)})")
        _bare(found.bare, options)
    whole = cover(session.topics)
    print(f"{share(whole):>6.1%}  all of it  ({show.counted(whole)})")
    return 1 if options.fail_under is not None and share(whole) * 100 < options.fail_under else 0


def _report(session: Session, options: argparse.Namespace) -> int:
    """Everything as one HTML page; where it lies is the result."""
    from verify.report.facts import gather
    from verify.report.page import page

    settings = session.collection.settings
    title = settings.title or session.collection.root.resolve().name
    results = results_of_records(session, choose(session, options))
    facts = gather(title, settings.reference_machine, session.topics, results)
    if options.output == "-":
        sys.stdout.write(page(facts, Path()))
        return 0
    file = Path(options.output)
    try:
        write_atomically(file, page(facts, file.parent).encode("utf-8"))
    except OSError as error:
        what = f"{file}: cannot be written ({error.strerror})"
        raise StateError(what, "name another file with -o, or `-o -`") from error
    print(file)
    return 0


def _forget(session: Session, options: argparse.Namespace) -> int:
    """Drop the records of what the notes do not have any more, of every machine."""
    for name, owners in strangers(session).items():
        for owner in Records(session.folder, name, session.heirs).forget(owners):
            print(f"{name}: {owner}")
    return 0


def _bare(found: Iterable[object], options: argparse.Namespace) -> None:
    if options.bare:
        for bare in found:
            print(f"        {bare}")
