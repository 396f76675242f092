"""`generator`: compile notes into Anki decks.

Exit codes: 0 done · 1 `diff` found changes · 2 usage · 3 a card is malformed · 5 a file that the tools write
cannot be read or written.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from generator import __version__, usual_folder
from generator.exits import INTERRUPTED, MALFORMED, PIPE_CLOSED, STATE, USAGE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(argv)
    if options.command == "import":
        options.path = "."
    elif options.path is None:
        options.path = usual_folder()
    if options.path is None:
        hint = "name the folder of your notes: generator " + options.command + " NOTES"
        print(f"generator: there is no folder 'cards' here\n  hint: {hint}", file=sys.stderr)
        return USAGE
    # Nothing heavy is imported before the arguments are known to make sense, so that --help is quick.
    from generator import commands
    from generator.errors import CardError, StateError, UsageError

    root = Path(options.path)
    if options.command == "new" and not root.exists() and root.absolute().parent.is_dir():
        root.mkdir()
    if not root.is_dir():
        what = "a file, and notes are compiled by the folder" if root.is_file() else "no such folder"
        print(f"generator: {root}: {what}\n  hint: name the folder that your notes are in", file=sys.stderr)
        return USAGE
    try:
        if options.command == "import":
            return commands.run_import(options)
        return commands.run(options, root)
    except CardError as error:
        commands.show_problems(error.problems)
        print(f"generator: {commands.tally(error.problems)}; nothing was written", file=sys.stderr)
        return MALFORMED
    except BrokenPipeError:
        # Whoever read along (`generator list | head`) has seen enough; nothing more must go to that pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except UsageError as error:
        print(f"generator: {error}", file=sys.stderr)
        return USAGE
    except StateError as error:
        print(f"generator: {error}", file=sys.stderr)
        return STATE
    except KeyboardInterrupt:
        print("generator: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="generator",
        description="Compile Markdown notes into Anki decks that can be imported again and again "
        "without losing a review.",
        epilog="Exit codes: 0 done, 1 diff found changes, 2 usage, 3 a card is malformed, 5 a file that the "
        "tools write cannot be read or written.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    for name, text in (
        ("build", "compile the notes into decks/*.apkg"),
        ("check", "look for mistakes; write nothing"),
        ("diff", "say what the next import would change; write nothing"),
        ("list", "list the notes, a line each"),
        ("new", "start a file of notes, with one that works"),
        ("ids", "show, and with --write put in, the ids that notes lack"),
    ):
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == "new":
            command.add_argument("topic", help="its title; folders before it, with '/' between")
        command.add_argument(
            "path", nargs="?", help="the folder of notes (default: cards, or here if it has settings)"
        )
        if name == "build":
            command.add_argument(
                "-o",
                "--output",
                help="the folder for packages and ledger (default: decks, beside the notes)",
            )
            command.add_argument("--deck", default="", help="build this deck and its sub-decks only")
            command.add_argument(
                "--watch", action="store_true", help="build again whenever a file changes, until Ctrl-C"
            )
        if name == "check":
            command.add_argument("--strict", action="store_true", help="let warnings count as errors")
            command.add_argument(
                "--format", choices=("text", "json"), default="text", help="how to print what is wrong"
            )
            command.add_argument(
                "--explain",
                metavar="CODE",
                help="explain a rule, R05 or R05a, by a bad and a good note; 'all' lists them",
            )
        if name == "diff":
            command.add_argument(
                "--against",
                metavar="FILE",
                help="an .apkg to compare with (default: those of the last build)",
            )
        if name == "list":
            command.add_argument("--tag", default="", help="with this tag, or one below it")
            command.add_argument("--deck", default="", help="in this deck, or one below it")
            command.add_argument("--kind", default="", help="of this kind: basic, reversed, typed, cloze")
            command.add_argument("--id", default="", metavar="PATTERN", help="with such an id: 'dw-*'")
            command.add_argument("--held", action="store_true", help="those that are held back")
            command.add_argument(
                "--retired", action="store_true", help="those that are gone, with a search for Anki's browser"
            )
        if name in ("check", "diff", "list"):
            command.add_argument(
                "-o", "--output", help="the folder of packages and ledger (default: decks, beside the notes)"
            )
        if name in ("diff", "list"):
            command.add_argument("--json", action="store_true", help="for programs")
        if name == "new":
            command.add_argument(
                "--deck", default="", help="the deck of its notes (default: from the folders)"
            )
        if name == "ids":
            command.add_argument("--write", action="store_true", help="write them into the files")
    text = "turn an Anki package (.apkg) into a folder of notes"
    command = commands.add_parser("import", help=text, description=text[0].upper() + text[1:] + ".")
    command.add_argument("file", help="what Anki exported, with support for older versions")
    command.add_argument(
        "-o", "--output", metavar="FOLDER", help="the new folder (default: named after the file)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
