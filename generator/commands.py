"""What the commands do and say; results on stdout, everything else on stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from generator.build import LEDGER, Report, build, compile_notes, plan
from generator.check import check
from generator.collection import load, read_around, shown
from generator.diff import differ, last_packages
from generator.errors import CardError, Problem, UsageError, count
from generator.exits import CHANGED, MALFORMED, OK, USAGE
from generator.explain import explain
from generator.ids import write_ids
from generator.ledger import read_ledger
from generator.listing import Choice, list_notes, list_retired, search
from generator.packages import read_packages
from generator.scaffold import start_topic
from generator.show_diff import as_json, summary, tell

_MANY = 12
"""How many ids a list on the screen shows before it is cut."""


def run(options: argparse.Namespace, root: Path) -> int:
    """Run one command on a folder of notes; returns the exit code."""
    out = Path(options.output) if getattr(options, "output", None) else None
    if options.command == "build":
        return _build(root, out, options)
    elif options.command == "diff":
        return _diff(root, out, options)
    elif options.command == "list":
        return _list(root, out, options)
    elif options.command == "new":
        print(start_topic(load(root), options.topic, options.deck))
    elif options.command == "check":
        return _explain(options.explain) if options.explain else _check(root, options)
    elif options.command == "ids":
        _ids(root, options.write)
    return 0


def _build(root: Path, out: Path | None, options: argparse.Namespace) -> int:
    if options.watch:
        from generator.watch import watch

        folder = out or read_around(root).settings.folder(root)
        return watch(root, lambda: build(root, out, options.deck), folder)
    show_report(build(root, out, options.deck))
    return OK


def run_import(options: argparse.Namespace) -> int:
    """Turn a package into a folder of notes; returns the exit code."""
    from generator.importing import import_package

    done = import_package(Path(options.file), Path(options.output) if options.output else None)
    for name, notes in sorted(done.files.items()):
        print(f"{shown(done.folder / name)}  {count(notes, 'note')}")
    print(
        f"{count(done.markdown, 'field')} in Markdown, {done.verbatim:,} kept as HTML; "
        f"{count(done.notetypes, 'note type')}, {count(done.media, 'media file')}",
        file=sys.stderr,
    )
    if done.ours:
        print(f"{count(done.ours, 'note')} left out: this tool built them from Markdown", file=sys.stderr)
    if done.split:
        print(f"{count(done.split, 'note')} with cards in several decks: the first is named", file=sys.stderr)
    if done.doubled:
        doubled = count(done.doubled, "note")
        print(f"{doubled} had the guid of another: each has its own now, and is new to Anki", file=sys.stderr)
    if done.missing:
        print(f"{count(done.missing, 'file')} that notes show: not in the package", file=sys.stderr)
    print(f"  hint: `generator build {shown(done.folder)}` makes packages of it", file=sys.stderr)
    return 0


def show_problems(problems: Iterable[Problem]) -> None:
    """Print problems, the first in the file first."""
    for problem in problems:
        print(problem, file=sys.stderr)


def tally(problems: Sequence[Problem]) -> str:
    """How many errors and warnings there are, in words."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    words = [count(errors, "error")] if errors or not warnings else []
    return ", ".join(words + ([count(warnings, "warning")] if warnings else []))


def _check(root: Path, options: argparse.Namespace) -> int:
    checked = check(root, options.strict, Path(options.output) if options.output else None)
    if options.format == "json":
        print(checked.as_json())
        return MALFORMED if checked.has_errors else OK
    if checked.has_errors:
        raise CardError(checked.problems)
    show_problems(checked.problems)
    print(f"{count(checked.notes, 'note')}, {tally(checked.problems)}, {checked.held_back} held back")
    return OK


def _explain(code: str) -> int:
    try:
        print(explain(code), end="")
    except KeyError as error:
        print(f"generator: there is no rule '{code}'\n  hint: {error.args[0]}", file=sys.stderr)
        return USAGE
    return OK


def _diff(root: Path, out: Path | None, options: argparse.Namespace) -> int:
    planned = plan(root, out)
    files = [Path(options.against)] if options.against else last_packages(planned)
    if options.against and not files[0].is_file():
        raise UsageError(f"{options.against}: no such file", "name an .apkg")
    difference = differ(planned, read_packages(files))
    if options.json:
        print(as_json(difference))
    else:
        if not files:
            print("there is no package yet: everything is new", file=sys.stderr)
        for line in tell(difference, sys.stdout.isatty() and "NO_COLOR" not in os.environ):
            print(line)
        print(summary(difference), file=sys.stderr)
    return OK if difference.is_empty else CHANGED


def _list(root: Path, out: Path | None, options: argparse.Namespace) -> int:
    collection = load(root)
    choice = Choice(options.tag, options.deck, options.kind, options.id)
    if options.retired:
        ledger = read_ledger((out or collection.settings.folder(root)) / LEDGER)
        notes = list_retired(ledger, choice)
    else:
        held = {each.id for each in compile_notes(collection)[1]} if options.held else None
        notes = list(list_notes(collection, choice, held))
    if options.json:
        print(json.dumps([asdict(note) for note in notes], ensure_ascii=False, indent=2))
    else:
        for note in notes:
            print(note)
        print(count(len(notes), "note"), file=sys.stderr)
        if options.retired and notes:
            print(f"in Anki's browser: {search([note.id for note in notes])}", file=sys.stderr)
    wrong = [problem for problem in collection.problems if problem.severity == "error"]
    show_problems(wrong)
    return MALFORMED if wrong else OK


def _ids(root: Path, write: bool) -> None:
    found = write_ids(load(root), write)
    for new in found:
        print(f"{new.location}: {{#{new.id}}}")
    done = "written" if write else "missing; `generator ids --write` writes them in"
    print(f"{count(len(found), 'id')} {done}", file=sys.stderr)


def show_report(report: Report) -> None:
    """Print what a build did."""
    show_problems(report.warnings)
    for held in report.held_back:
        print(f"{held.location}: held back: {held.id}", file=sys.stderr)
        for reason in _told_together(held.reasons):
            print(f"  {reason}", file=sys.stderr)
    if report.held_back:
        print(f"{count(len(report.held_back), 'note')} held back; {_way_out(report)}", file=sys.stderr)
    for note_id, old, new in report.moved:
        print(f"moved: {note_id} from '{old}' to '{new}'", file=sys.stderr)
    if report.moved:
        hint = (
            "an import leaves cards where they are; whoever has them moves them in Anki's browser, found by "
        )
        print(f"  hint: {hint}{search([note_id for note_id, _, _ in report.moved])}", file=sys.stderr)
    if report.gone:
        print(f"gone: {_listed(report.gone)}", file=sys.stderr)
        hint = "an import never deletes; whoever has them deletes them in Anki's browser, found by "
        print(f"  hint: {hint}{search(report.gone)}", file=sys.stderr)
    if report.changed:
        print(f"changed: {_listed(report.changed)}", file=sys.stderr)
    for file in report.outdated:
        print(f"{file}: removed, no note goes into it any more", file=sys.stderr)
    for file, notes, size in report.packages:
        print(f"{shown(file)}  {count(notes, 'note')}, {size / 1000:,.0f} kB")
    print(
        f"{len(report.new)} new, {len(report.changed)} changed, {report.unchanged} unchanged", file=sys.stderr
    )


def _told_together(reasons: Sequence[str]) -> list[str]:
    """The same reasons, those of claims that are not measured yet in one line."""
    waiting = [reason.rsplit(": ", 1) for reason in reasons if reason.endswith(" is not measured yet")]
    if len(waiting) < 2:
        return list(reasons)
    names = ", ".join(dict.fromkeys(told.split(" ", 1)[0] for _, told in waiting))
    others = [reason for reason in reasons if not reason.endswith(" is not measured yet")]
    return [f"{waiting[0][0]}: not measured yet: {names}", *others]


def _way_out(report: Report) -> str:
    needs = {need for held in report.held_back for need in held.needs}
    wanted = f" on a machine with {' and '.join(sorted(needs))}" if needs else ""
    reasons = [reason for held in report.held_back for reason in held.reasons]
    wrong = [reason for reason in reasons if reason.endswith((" is failed", " is refuted"))]
    way = f"`verify run --update`{wanted} measures them"
    return way if not wrong else f"{way}, once what failed or is refuted is mended"


def _listed(ids: Sequence[str]) -> str:
    more = len(ids) - _MANY
    return ", ".join(ids[:_MANY]) + (f" and {more} more" if more > 0 else "")
