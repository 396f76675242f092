"""A folder to work in: notes on disk, the tools run on them, and what lies there before and after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from generator.notes import Topic
from generator.parse import parse
from generator.source import Source, read_source

REPOSITORY = Path(__file__).parent.parent


def write(file: Path, text: str) -> Path:
    """Write a text, its line endings as they are; the folder is made if it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))
    return file


def read_topic(folder: Path, text: str, name: str = "cards/topic.md") -> Topic:
    """The topic that a text is, lying in a file of that name; there must be nothing wrong with it."""
    file = write(folder / name, text)
    source = read_source(file, name)
    assert isinstance(source, Source), source
    topic, problems = parse(source, file)
    assert topic is not None and not problems, problems
    return topic


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def path_without_libraries() -> list[str]:
    """A `sys.path` with the tools and without torch: a server that starts at once, and is cheap to fork."""
    return [str(REPOSITORY), *(entry for entry in sys.path if "site-packages" not in entry)]


def hear_interrupts() -> None:
    """For a process about to start: Ctrl-C reaches it, also where a shell runs tests in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    """Its exit code."""
    out: str
    """What it printed as results."""
    err: str
    """What it printed besides."""


def run_tool(tool: str, *arguments: str, cwd: Path, **environment: str) -> Ran:
    """Run `python -m <tool>` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", tool, *arguments],
        cwd=cwd,
        env=environment_of_tools() | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def environment_of_tools() -> dict[str, str]:
    """The variables that a tool is run with: it is found, and its machine has a name that tests know."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "GROUNDTRUTH_MACHINE": "bench", "NO_COLOR": "1"}
