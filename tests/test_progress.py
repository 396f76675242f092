"""What a run says while it runs: a living line for those who watch, plain lines for the others."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workplace import environment_of_tools, read_topic, write
from verify.claims import plan
from verify.progress import Progress
from verify.records import Record
from verify.running import Result

NOTES = "".join(
    f"## Q{i}? {{#q{i}}}\n\n```python claim\nx = {i}\n```\n\n[{i}](claim:x)\n\n" for i in range(5)
)


@pytest.fixture
def results(tmp_path: Path) -> list[Result]:
    """Five results of claims that were run."""
    record = Record("d", {}, "2026-11-20", 0.1, "done")
    topic = read_topic(tmp_path, f"# T\n\n{NOTES}")
    return [Result(task, (), record, ran=True) for task in plan([topic], tmp_path, tmp_path)]


def test_the_line_counts_and_names_what_is_left_at_the_end(results: list[Result]) -> None:
    progress = Progress("Bench 1", watched=False)
    progress.begins([result.task.job.owner for result in results])
    lines = [progress.line()]
    for result in results:
        progress.ends(result)
        lines.append(progress.line())
    assert [re.sub(r"\d+ s", "0 s", line) for line in lines] == [
        "[0/5] 0 s · starting",
        "[1/5] 0 s",
        "[2/5] 0 s · left: q2, q3, q4",
        "[3/5] 0 s · left: q3, q4",
        "[4/5] 0 s · left: q4",
        "[5/5] 0 s · left: ",
    ]


def test_who_does_not_watch_gets_one_plain_line(
    results: list[Result], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("Bench 1", watched=False) as progress:
        progress.begins([result.task.job.owner for result in results])
        for result in results:
            progress.ends(result)
            with progress.aside():
                print("a result")
    caught = capsys.readouterr()
    assert caught.err == "running 5 claim blocks on Bench 1\n"
    assert caught.out == "a result\n" * 5


def test_who_watches_finds_every_line_whole_and_the_living_one_gone(
    results: list[Result], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify.progress.TICK", 0.001)
    monkeypatch.setenv("COLUMNS", "12")
    with Progress("Bench 1", watched=True) as progress:
        progress.begins([result.task.job.owner for result in results])
        for result in results:
            progress.ends(result)
            with progress.aside():
                print("a result", file=sys.stderr)
    pieces = capsys.readouterr().err.split("\n")
    # A terminal shows what stands behind the last return of a line.
    assert [piece.rpartition("\r\033[K")[2] for piece in pieces] == [
        "running 5 claim blocks on Bench 1",
        *["a result"] * 5,
        "",
    ]
    drawn = [part for piece in pieces for part in piece.split("\r\033[K")[1:]]
    assert max(len(part) for part in drawn if part != "a result") <= 11


def test_a_terminal_shows_the_living_line_and_a_pipe_does_not(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", "# T\n\n## Q? {#q}\n\n```python claim\nx = 1\n```\n\n[1](claim:x)\n")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "verify", "run"]
    environment = environment_of_tools() | {"TERM": "xterm"}
    with os.fdopen(master, "rb") as terminal:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=slave, text=True
        )
        os.close(slave)
        out, _ = process.communicate(timeout=120)
        shown = os.read(terminal.fileno(), 1 << 16).decode()
    assert "\033" not in out and "cards/t.md:9: holds" in out
    assert "running 1 claim block" in shown
    assert shown.endswith("\r\033[K")
