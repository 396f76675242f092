"""Building again whenever a file of the collection changes, until Ctrl-C."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from generator.build import Report
from generator.errors import CardError, StateError, UsageError, count

PAUSE = 0.3
"""Seconds between two looks at the files."""

State = dict[str, tuple[int, int]]
"""Size and time of change of every file, by path."""


def watch(root: Path, build: Callable[[], Report], ignored: Path) -> int:
    """Build now and after every change; returns the exit code, 0, when the user has had enough.

    Args:
        root: the collection's folder.
        build: builds it.
        ignored: the folder of the packages, which may lie in the collection and changes with every build.
    """
    print(f"watching {root}; Ctrl-C ends", file=sys.stderr)
    before: State | None = None
    try:
        while True:
            now = look(root, ignored)
            if now != before:
                before = now
                print(_build(build), flush=True)
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        return 0


def look(root: Path, ignored: Path) -> State:
    """What the files below a folder look like from outside; hidden ones are not looked at."""
    found: State = {}
    waiting = [str(root)]
    while waiting:
        # What was deleted while we looked, or is not ours to read, is the build's to report.
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if Path(entry.path).resolve() != ignored.resolve():
                        waiting.append(entry.path)
                    continue
                with suppress(OSError):
                    status = entry.stat()
                    found[entry.path] = (status.st_size, status.st_mtime_ns)
    return found


def _build(build: Callable[[], Report]) -> str:
    """Build once; what is wrong goes to stderr, and one line says what came of it."""
    started = time.monotonic()
    try:
        report = build()
    except CardError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        errors = sum(problem.severity == "error" for problem in error.problems)
        done = f"{count(errors, 'error')}; nothing was written"
    except (StateError, UsageError) as error:
        print(f"generator: {error}", file=sys.stderr)
        done = "nothing was written"
    else:
        for problem in report.warnings:
            print(problem, file=sys.stderr)
        words = [f"{len(report.new)} new", f"{len(report.changed)} changed", f"{report.unchanged} unchanged"]
        if report.held_back:
            words.append(f"{len(report.held_back)} held back")
        done = ", ".join(words)
    return f"{time.strftime('%H:%M:%S')} {done} ({time.monotonic() - started:.1f} s)"
