"""How long a cold build and a rebuild after one edit take, beside raw genanki and the fastest peers.

    python benchmarks/build.py [--notes 10000] [--rounds 5] [--peers VENV | --install VENV]

Every candidate compiles the same notes, all different. They run in turns, each as a whole process, so that
what else goes on in the machine meets all of them alike. The floor is genanki with HTML that is ready, which
renders nothing. `--peers` names a virtual environment that holds ankdown and markdown-anki-decks; `--install`
makes one.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from content import write_for_ankdown, write_ours  # noqa: E402

PEERS = ("ankdown==0.7.1", "misaka==2.1.1", "markdown-anki-decks==1.1.1", "click<8.1")


@dataclass(slots=True)
class Candidate:
    """One way to make decks."""

    name: str
    """What the table calls it."""
    command: list[str]
    """What is run."""
    before: Callable[[int], None]
    """What has to be done before each run, and does not count; gets the round's number."""
    result: Callable[[], int]
    """The number of notes in what it made."""
    seconds: list[float] = field(default_factory=list)
    """How long each run took, on the wall."""
    work: list[float] = field(default_factory=list)
    """Processor seconds of each run, over all its processes."""
    memory: int = 0
    """The most that one of its processes held, in bytes."""


def main() -> int:
    """Run the benchmark; returns the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="groundtruth-bench-") as folder:
        candidates = _candidates(Path(folder), options.notes, _peers(options))
        for number in range(options.rounds):
            for candidate in candidates:
                _run(candidate, number)
        for candidate in candidates:
            if candidate.result() != options.notes:
                print(f"{candidate.name}: {candidate.result()} notes in its decks", file=sys.stderr)
                return 1
    _print(candidates, options.notes, options.rounds)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--notes", type=int, default=10_000, help="how many notes (default: 10000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each candidate runs (default: 5)")
    parser.add_argument("--peers", type=Path, help="a virtual environment that holds the peers")
    parser.add_argument("--install", type=Path, help="make such an environment here, from the package index")
    return parser.parse_args()


def _peers(options: argparse.Namespace) -> Path | None:
    if options.install is not None and not (options.install / "bin" / "ankdown").exists():
        subprocess.run([sys.executable, "-m", "venv", options.install], check=True)
        subprocess.run([options.install / "bin" / "pip", "install", "--quiet", *PEERS], check=True)
    found: Path | None = options.install or options.peers
    return found.resolve() if found is not None else None


def _candidates(folder: Path, notes: int, peers: Path | None) -> list[Candidate]:
    for name, write in (("ours", write_ours), ("ankdown", write_for_ankdown)):
        (folder / name).mkdir()
        write(folder / name, notes)
    tool = [sys.executable, "-m", "generator", "build", str(folder / "ours"), "-o"]
    cold, warm, floor = folder / "cold", folder / "warm", folder / "floor.apkg"
    subprocess.run([*tool, str(warm)], check=True, capture_output=True, cwd=HERE.parent)
    fields = folder / "fields.txt"
    ready = [row[0] for row in _rows(warm / "bench.apkg", "select flds from notes")]
    fields.write_text("\x1e".join(ready), encoding="utf-8", newline="")
    found = [
        Candidate(
            "generator, cold",
            [*tool, str(cold)],
            lambda number: shutil.rmtree(cold, ignore_errors=True),
            lambda: _notes_in(cold),
        ),
        Candidate(
            "generator, after one edit",
            [*tool, str(warm)],
            lambda number: _edit(folder / "ours" / "topic-0000.md", number),
            lambda: _notes_in(warm),
        ),
        Candidate(
            "genanki, HTML ready",
            [sys.executable, str(HERE / "floor.py"), str(fields), str(floor)],
            _nothing,
            lambda: _notes_in(floor),
        ),
    ]
    (folder / "mad").mkdir()
    for name, tool_name, arguments, made in (
        (
            "ankdown --highlight",
            "ankdown",
            ["--highlight", "-r", "ankdown", "-p", "ankdown.apkg"],
            "ankdown.apkg",
        ),
        ("markdown-anki-decks", "mdankideck", ["ours", "mad"], "mad"),
    ):
        program = peers / "bin" / tool_name if peers is not None else None
        if program is not None and program.exists():
            places = [
                argument if argument.startswith("-") else str(folder / argument) for argument in arguments
            ]
            found.append(
                Candidate(name, [str(program), *places], _nothing, partial(_notes_in, folder / made))
            )
    return found


def _nothing(number: int) -> None:
    """What some candidates need before a run."""


def _rows(package: Path, query: str) -> list[tuple[str]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(zipfile.ZipFile(package).read("collection.anki2"))
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _notes_in(place: Path) -> int:
    packages = sorted(place.glob("*.apkg")) if place.is_dir() else [place]
    return sum(int(_rows(package, "select count(*) from notes")[0][0]) for package in packages)


def _edit(file: Path, number: int) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    at = next(index for index, line in enumerate(lines) if line.startswith("- nothing else"))
    lines[at] = f"- nothing else counts, as of round {number}"
    file.write_text("\n".join(lines), encoding="utf-8")


def _run(candidate: Candidate, number: int) -> None:
    candidate.before(number)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    child = subprocess.Popen(
        candidate.command,
        cwd=HERE.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    candidate.seconds.append(time.perf_counter() - started)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    candidate.work.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    candidate.memory = max(candidate.memory, usage.ru_maxrss * 1024)
    if child.returncode:
        raise SystemExit(f"{candidate.name}: exit code {child.returncode}: {' '.join(candidate.command)}")


def _print(candidates: list[Candidate], notes: int, rounds: int) -> None:
    floor = statistics.median(next(each for each in candidates if "genanki" in each.name).seconds)
    print(f"{notes:,} notes, medians of {rounds} rounds, {os.cpu_count()} cores\n")
    print("| candidate | seconds | processor seconds | peak memory of a process | × floor |")
    print("| --- | --- | --- | --- | --- |")
    for each in candidates:
        median, work = statistics.median(each.seconds), statistics.median(each.work)
        print(
            f"| {each.name} | {median:.2f} | {work:.2f} | {each.memory / 1e6:.0f} MB | {median / floor:.2f} |"
        )
    peers = candidates[3:]
    if peers:
        fastest = min(peers, key=lambda each: statistics.median(each.seconds))
        share = statistics.median(candidates[0].seconds) / statistics.median(fastest.seconds)
        print(f"\ncold: {share:.2f} of the time of the fastest peer, {fastest.name}")


if __name__ == "__main__":
    sys.exit(main())
