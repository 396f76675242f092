"""Builds that are killed, and builds at the same time: whatever is found afterwards is whole, and goes on."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

from generator.build import build
from generator.ledger import Entry, read_ledger
from tests.workplace import environment_of_tools, run_tool, write

FILES, NOTES = 12, 10

# A process of its own with one thread, as on the command line, so that its builds fork helpers.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from generator.build import build
from tests.test_interrupted import changed, look_whole

root, out, pick = Path("cards"), Path("decks"), random.Random(11)


def forked(number):
    changed(root, number)
    child = os.fork()
    if child == 0:
        build(root, out)
        os._exit(0)
    return child


started = time.monotonic()
os.waitpid(forked(0), 0)
lasted = time.monotonic() - started
died = 0
for number in range(1, 51):
    child = forked(number)
    time.sleep(pick.uniform(0, 1.2) * lasted)
    os.kill(child, signal.SIGKILL)
    died += os.waitpid(child, 0)[1] != 0
    look_whole(out)
    if number % 5 == 0:
        build(root, out)
        look_whole(out)
        assert not list(out.glob(".*.part")), "scraps"
        assert not list(out.glob(".cache/*.part")), "scraps in the cache"
print(died)
"""


def changed(root: Path, number: int) -> None:
    """A collection, large enough for a cache and for helpers, of which some notes change with the number."""
    for file in range(FILES):
        notes = [
            f"## What is {file} of {note}? {{#n-{file}-{note}}}\n\n"
            f"It is ${file}^{{{note}}}$ in round {number if note == 3 or file == number % FILES else 0}.\n\n"
            f"```python\nvalue = {file} * {note}  # {'long ' * 70}\n```\n"
            for note in range(NOTES)
        ]
        write(root / f"t{file}.md", f"---\ndeck: D::P{file % 3}\n---\n\n# T{file}\n\n" + "\n".join(notes))


def look_whole(out: Path) -> None:
    """Everything that stands there can be opened and read."""
    read_ledger(out / "ledger.json")
    for package in out.glob("*.apkg"):
        archive = zipfile.ZipFile(package)
        assert archive.testzip() is None
        connection = sqlite3.connect(":memory:")
        connection.deserialize(archive.read("collection.anki2"))
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        connection.close()


def entries(out: Path) -> dict[str, Entry]:
    return dict(read_ledger(out / "ledger.json").notes)


def packed(package: Path) -> set[tuple[str, int, int]]:
    """Guid, id and time of change of every note in a package."""
    connection = sqlite3.connect(":memory:")
    connection.deserialize(zipfile.ZipFile(package).read("collection.anki2"))
    found = set(connection.execute("select guid, id, mod from notes").fetchall())
    connection.close()
    return found


def test_a_build_killed_at_any_moment_breaks_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLER],
        cwd=tmp_path,
        env=environment_of_tools() | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert int(done.stdout) >= 20, "most of them were under way"
    assert len(list((tmp_path / "decks" / ".cache").glob("*.cache"))) == FILES
    # What came of it all is what a build without any past but the ledger makes.
    (tmp_path / "fresh").mkdir()
    (tmp_path / "fresh" / "ledger.json").write_bytes((tmp_path / "decks" / "ledger.json").read_bytes())
    build(tmp_path / "cards", tmp_path / "fresh")
    for package in (tmp_path / "fresh").glob("*.apkg"):
        assert package.read_bytes() == (tmp_path / "decks" / package.name).read_bytes()


def test_scraps_of_a_killed_build_are_removed_and_nothing_else_is(tmp_path: Path) -> None:
    changed(tmp_path / "cards", 0)
    scraps = [tmp_path / "decks" / name for name in (".d.apkg.x1y2z3_a.part", ".ledger.json.abcdefgh.part")]
    others = [tmp_path / "decks" / name for name in ("notes.part", ".hidden", "mine.apkg")]
    for file in (*scraps, *others):
        write(file, "x")
    build(tmp_path / "cards", tmp_path / "decks")
    assert not any(file.exists() for file in scraps)
    assert all(file.exists() for file in others)


def test_builds_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    changed(tmp_path / "cards", 0)
    assert run_tool("generator", "build", cwd=tmp_path, SOURCE_DATE_EPOCH="1000").code == 0
    for round_ in range(3):
        changed(tmp_path / "cards", round_ + 1)
        builds = [
            subprocess.Popen(
                [sys.executable, "-m", "generator", "build"],
                cwd=tmp_path,
                env=environment_of_tools() | {"SOURCE_DATE_EPOCH": str(2000 + 10 * round_ + number)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(4)
        ]
        for process in builds:
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
        known = {(guid, each.number, each.mod) for guid, each in entries(tmp_path / "decks").items()}
        assert len(known) == FILES * NOTES
        assert packed(tmp_path / "decks" / "d.apkg") == known, "the package says what the ledger says"


def test_a_damaged_or_foreign_cache_changes_nothing(tmp_path: Path) -> None:
    changed(tmp_path / "cards", 0)
    build(tmp_path / "cards", tmp_path / "decks")
    package = (tmp_path / "decks" / "d.apkg").read_bytes()
    kept = sorted((tmp_path / "decks" / ".cache").glob("*.cache"))
    for index, file in enumerate(kept):
        data = bytearray(file.read_bytes())
        data[index * 7 % len(data)] ^= 255
        file.write_bytes(bytes(data) if index % 3 else json.dumps({"format": 1}).encode())
    kept[0].unlink()
    kept[0].mkdir()
    report = build(tmp_path / "cards", tmp_path / "decks")
    assert (report.new, report.changed) == ((), ())
    assert (tmp_path / "decks" / "d.apkg").read_bytes() == package
    kept[0].rmdir()
