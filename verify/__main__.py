"""`verify`: run the claims of notes and say which of their numbers hold.

Exit codes: 0 all hold · 1 changed, new, unstable or refuted · 2 usage · 3 a card is malformed · 4 a claim
failed to run · 5 a file that the tools write cannot be read or written · 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from generator import __version__, usual_folder

OK, WRONG, USAGE, MALFORMED, FAILED, STATE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 4, 5, 130, 141


_WORDS = {"merge": "--cards NOTES RESULTS", "show": "CLAIM NOTES"}
"""How the folder of notes is named where it is not the first word after the command."""
_READERS = frozenset({"markdown_it", "mdit_py_plugins", "yaml", "bibtexparser"})
_NO_READER = (
    "pip install . brings it; where nothing can be installed, `verify export-jobs` on another machine and "
    "`verify run-jobs` here need no notes"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(argv)
    if options.command == "run-jobs":
        options.paths = ["."]  # no notes are needed where jobs are run
    options.default = usual_folder()
    options.paths = options.paths or ([options.default] if options.default else [])
    if not options.paths and options.command != "doctor":
        words = _WORDS.get(options.command, "NOTES")
        hint = f"name the folder of your notes: verify {options.command} {words}"
        print(f"verify: there is no folder 'cards' here\n  hint: {hint}", file=sys.stderr)
        return USAGE
    # Nothing heavy is imported before the arguments are known to make sense, so that --help is quick.
    from generator.errors import CardError, StateError, UsageError

    try:
        return _command(options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _READERS:
            raise
        what = f"{error.name}, which reads notes, is not installed"
        print(f"verify: {what}\n  hint: {_NO_READER}", file=sys.stderr)
        return USAGE
    except UsageError as error:
        print(f"verify: {error}", file=sys.stderr)
        return USAGE
    except CardError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print("verify: the cards are malformed; nothing was run and nothing was written", file=sys.stderr)
        return MALFORMED
    except StateError as error:
        print(f"verify: {error}", file=sys.stderr)
        return STATE
    except BrokenPipeError:
        # Whoever read along (`verify list | head`) has seen enough; nothing more must go to that pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        rest = "what was finished is recorded, and the next run goes on from there"
        print(f"\nverify: interrupted; {rest}", file=sys.stderr)
        return INTERRUPTED


def _command(options: argparse.Namespace) -> int:
    if options.command == "run-jobs":
        from verify.carried import run_jobs

        return run_jobs(options)
    if options.command == "doctor":
        from verify.doctor import doctor

        return doctor(options)
    from verify import commands

    return commands.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify",
        description="Run the claims of Markdown notes and say which of their numbers hold.",
        epilog="Exit codes: 0 all hold, 1 a number is wrong or new, 2 usage, 3 a card is malformed, 4 a "
        "claim failed to run, 5 a file that the tools write cannot be read or written. Claims are code: "
        "run only notes that you trust.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the claims that have no valid record on this machine")
    check = commands.add_parser("check", help="hold the texts against the records; run nothing")
    listed = commands.add_parser("list", help="list the claims and what the records say of them")
    shown = commands.add_parser("show", help="show code, record and environment of a claim or a note")
    coverage = commands.add_parser("coverage", help="count where every number of the answers comes from")
    report = commands.add_parser("report", help="write everything about the claims as one HTML page")
    exported = commands.add_parser("export-jobs", help="write claims without a record into a file of jobs")
    merged = commands.add_parser("merge", help="take what another machine found into the records")
    forget = commands.add_parser("forget", help="drop the records of notes that are gone, of every machine")
    shown.add_argument("what", metavar="CLAIM", help="the name of a claim, or the id of a note")
    doctor = commands.add_parser(
        "doctor", help="say what this machine can measure, and what would bring the rest"
    )
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    merged.add_argument("results", nargs="+", metavar="RESULTS", help="what `verify run-jobs` wrote")
    for command in (run, check, listed, shown, coverage, report, forget, doctor, exported):
        command.add_argument(
            "paths",
            nargs="*",
            help="files, folders, t.md:12, ids of notes (default: cards, or here if it has settings)",
        )
    merged.add_argument(
        "--cards", dest="paths", action="append", metavar="FOLDER", help="the notes (default: as elsewhere)"
    )
    for command in (run, check, listed, shown, coverage, report, forget, doctor, exported, merged):
        command.add_argument(
            "--decks",
            help="the folder that the tools write to (default: as for generator build)",
        )
        command.add_argument(
            "--machine", help="the name of this machine (default: GROUNDTRUTH_MACHINE, or from its device)"
        )
    _add_travel(commands, exported)
    report.add_argument(
        "-o",
        "--output",
        default="report.html",
        metavar="FILE",
        help="the page (default: %(default)s; - prints it)",
    )
    for command in (run, check, listed, report, exported):
        command.add_argument("--tag", action="append", help="only claims of notes with this tag")
        command.add_argument("--claim", action="append", metavar="NAME", help="only claims of this name")
        command.add_argument("--needs", choices=("cuda", "tensorrt"), help="only claims that need this")
        command.add_argument("--untimed", action="store_true", help="only claims that time nothing")
        command.add_argument("--stale", action="store_true", help="only claims without a valid record here")
        command.add_argument("--failed", action="store_true", help="only claims that did not hold last time")
        command.add_argument(
            "--changed",
            nargs="?",
            const="HEAD",
            metavar="REV",
            help="only what changed since (default: HEAD)",
        )
    for command in (run, check, listed):
        command.add_argument("--json", action="store_true", help="print the results as JSON")
    for command in (run, check):
        command.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML, too")
        command.add_argument(
            "-v", "--verbose", action="store_true", help="show what holds by its record, and times, too"
        )
    run.add_argument(
        "--update", action="store_true", help="write new answers into the brackets, and mark what is refuted"
    )
    run.add_argument(
        "--adopt", action="store_true", help="with --update: take over answers that speak of another machine"
    )
    run.add_argument("--force", action="store_true", help="run claims that have a valid record, too")
    run.add_argument(
        "--on",
        choices=("ray",),
        help="run on a cluster: the one in RAY_ADDRESS, or one that is started here",
    )
    run.add_argument("-x", "--exitfirst", action="store_true", help="stop at the first claim that is wrong")
    run.add_argument(
        "--durations",
        nargs="?",
        const=10,
        type=_number,
        metavar="N",
        help="show the N slowest claim blocks, too (default: 10; 0 shows all)",
    )
    run.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for every claim, whatever it says")
    run.add_argument(
        "-j", "--jobs", type=_positive, help="claims that run at the same time (default: one per core)"
    )
    for command in (check, coverage):
        command.add_argument("--bare", action="store_true", help="list the numbers that nobody vouches for")
    coverage.add_argument(
        "--fail-under", type=float, metavar="PERCENT", help="exit with 1 when fewer numbers are vouched for"
    )
    return parser


def _add_travel(commands: Any, exported: argparse.ArgumentParser) -> None:
    """The commands for claims that run on other machines."""
    exported.add_argument(
        "-o", "--output", default="jobs.jsonl", metavar="FILE", help="the file of jobs (default: %(default)s)"
    )
    exported.add_argument("--force", action="store_true", help="claims that have a record, too")
    text = "run a file of jobs on this machine, without any notes"
    carried = commands.add_parser("run-jobs", help=text, description=text[0].upper() + text[1:] + ".")
    carried.add_argument("jobs", metavar="JOBS", help="what `verify export-jobs` wrote")
    carried.add_argument(
        "-o", "--output", default="results.jsonl", metavar="FILE", help="the results (default: %(default)s)"
    )
    carried.add_argument(
        "--shard", default="", metavar="K/N", help="the K-th of N parts only, for an array of jobs"
    )
    carried.add_argument("--machine", help="the name of this machine (default: from its device)")
    carried.add_argument("-j", "--processes", type=_positive, help="claims at the same time (default: cores)")


def _seconds(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError("more than 0")
    return number


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no number; name files before --durations")
    return int(text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
