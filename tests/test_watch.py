"""`build --watch` builds again after a change, shows errors and goes on, and ends with Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from generator.watch import look
from tests.workplace import environment_of_tools, hear_interrupts, write

NOTE = "---\ndeck: D\n---\n\n# T\n\n## Q? {{#q}}\n\n{}\n"


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    write(tmp_path / "cards" / "t.md", NOTE.format("one"))
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "build", "--watch"],
        cwd=tmp_path,
        env=environment_of_tools(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )
    yield process
    process.kill()
    process.communicate()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_every_change_is_built_with_one_line_and_an_error_does_not_end_it(
    watching: subprocess.Popen[str], tmp_path: Path
) -> None:
    card, package = tmp_path / "cards" / "t.md", tmp_path / "decks" / "d.apkg"
    assert "1 new, 0 changed, 0 unchanged" in next_line(watching)
    first = package.read_bytes()
    write(card, NOTE.format("two"))
    assert "0 new, 1 changed, 0 unchanged" in next_line(watching)
    second = package.read_bytes()
    assert second != first
    write(card, NOTE.format("![a box](box.svg)"))
    assert "1 error; nothing was written" in next_line(watching)
    assert package.read_bytes() == second
    write(tmp_path / "cards" / "box.svg", "<svg/>")
    assert "0 new, 1 changed, 0 unchanged" in next_line(watching)
    time.sleep(1)
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=20)
    assert watching.returncode == 0
    assert out == "", "a build changes nothing that is watched"
    assert "cards/t.md:9: the image box.svg does not exist" in err
    assert "Traceback" not in err


def test_a_change_is_seen_by_size_and_by_time_also_when_a_file_appears_or_goes(tmp_path: Path) -> None:
    file = write(tmp_path / "a" / "t.md", "1")
    states = [look(tmp_path, tmp_path / "decks")]
    for change in (
        lambda: write(file, "22"),
        lambda: write(tmp_path / "b.png", "x"),
        lambda: (tmp_path / "b.png").rename(tmp_path / "c.png"),
        file.unlink,
    ):
        change()
        states.append(look(tmp_path, tmp_path / "decks"))
    assert all(before != after for before, after in pairwise(states))


def test_packages_in_the_collection_and_hidden_files_are_not_watched(tmp_path: Path) -> None:
    write(tmp_path / "t.md", "1")
    before = look(tmp_path, tmp_path / "out")
    write(tmp_path / "out" / "d.apkg", "x")
    write(tmp_path / ".git" / "index", "x")
    write(tmp_path / ".t.md.swp", "x")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    assert look(tmp_path, tmp_path / "out") == before
