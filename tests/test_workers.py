"""Work side by side: every task is done, a helper that dies costs its task alone, and none stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.workers import work_beside
from tests.workplace import environment_of_tools


def leave(folder: Path, task: int) -> None:
    (folder / str(task)).write_text(str(os.getpid()), encoding="ascii")


def children() -> set[str]:
    """The processes that this one has started and not collected; other tests of this worker may have some."""
    lists = Path("/proc/self/task").glob("*/children")
    return {child for each in lists for child in each.read_text(encoding="ascii").split()}


def test_every_task_is_done_once_here_or_in_a_helper(tmp_path: Path) -> None:
    def slowly(task: int) -> None:
        assert not (tmp_path / str(task)).exists()
        leave(tmp_path, task)
        time.sleep(0.002)

    work_beside(200, slowly, 2, slowly)
    done = {file.name: file.read_text(encoding="ascii") for file in tmp_path.iterdir()}
    assert done.keys() == {str(task) for task in range(200)}
    assert str(os.getpid()) in done.values()
    assert len(set(done.values())) > 1, "helpers did something"


def test_a_helper_that_fails_or_is_killed_leaves_its_task_and_no_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def badly(task: int) -> None:
        if task % 2:
            raise ValueError("not this one")
        os.kill(os.getpid(), signal.SIGKILL)

    def own(task: int) -> None:
        time.sleep(0.05)
        leave(tmp_path, task)

    before = children()
    work_beside(4, badly, 2, own)
    assert len(list(tmp_path.iterdir())) >= 2
    assert capfd.readouterr() == ("", "")
    assert not children() - before


def test_an_exception_here_ends_the_helpers() -> None:
    def endless(task: int) -> None:
        time.sleep(60)

    def own(task: int) -> None:
        raise KeyboardInterrupt

    before, started = children(), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work_beside(3, endless, 1, own)
    assert time.monotonic() - started < 30
    assert not children() - before


def test_helpers_do_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from generator.workers import work_beside\n"
        "def work(task):\n"
        "    Path(sys.argv[1], str(task)).touch()\n"
        "    time.sleep(0.05)\n"
        "def own(task):\n"
        "    while not any(Path(sys.argv[1]).iterdir()): time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "work_beside(1000, work, 1, own)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment_of_tools())
    assert done.returncode == -signal.SIGKILL
    time.sleep(0.3)
    before = len(list(tmp_path.iterdir()))
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == before < 20
