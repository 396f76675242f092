"""Jobs run apart from each other: whatever one does costs that one alone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workplace import hear_interrupts, path_without_libraries
from verify import server
from verify.jobs import Job, Outcome, Source, State
from verify.runner import run

FIRST_LINE = 41
"""The line of the card on which the code of every job here begins."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """A job that does something wrong, and what is said about it."""

    code: str
    """The claim's code."""
    state: State
    """What becomes of the job."""
    what: str
    """The beginning of what is said."""
    line: int | None
    """Which line of the code is blamed, counted from 1."""
    timeout: float = 20.0
    """Seconds that it may take."""


MISBEHAVIOURS = {
    "raises": Misbehaviour("a = 1\nx = a / 0", "failed", "ZeroDivisionError: division by zero", 2),
    "raises inside a library": Misbehaviour(
        "import fractions\nx = fractions.Fraction(\n    1, 0)",
        "failed",
        "ZeroDivisionError: Fraction(1, 0)",
        2,
    ),
    "states what is false": Misbehaviour(
        "saving = 8.69\nwanted = 9\nassert (\n    saving > wanted\n)\nx = 1",
        "refuted",
        "the assertion `saving > wanted` is false: saving = 8.69, wanted = 9",
        4,
    ),
    "states what is false, with a reason": Misbehaviour(
        "n = 3\nassert n % 2 == 0, f'{n} is odd'\nx = 1",
        "refuted",
        "the assertion `n % 2 == 0` is false (3 is odd): n = 3",
        2,
    ),
    "states what is false in a function": Misbehaviour(
        "import torch\ndef close(gap):\n    assert gap < 1e-5\nclose(torch.tensor(0.5))",
        "refuted",
        "the assertion `gap < 1e-05` is false: gap = 0.5",
        3,
    ),
    "states what is false through torch": Misbehaviour(
        "import torch\ntorch.testing.assert_close(torch.zeros(2), torch.ones(2))\nx = 1",
        "refuted",
        "AssertionError: Tensor-likes are not close!",
        2,
    ),
    "hangs": Misbehaviour("import time\nx = 1\ntime.sleep(1000)", "failed", "took longer than 1 s", 3, 1.0),
    "spins": Misbehaviour("while True:\n    pass", "failed", "took longer than 1 s", None, 1.0),
    "prints without end": Misbehaviour(
        "while True:\n    print('word ' * 20)", "failed", "took longer than 1 s", 2, 1.0
    ),
    "fills the disk": Misbehaviour(
        "page = bytes(1 << 24)\nwith open('big', 'wb') as file:\n    while True:\n        file.write(page)",
        "failed",
        "OSError: [Errno 27] File too large",
        4,
    ),
    "ignores signals": Misbehaviour(
        "import signal, time\nfor n in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):\n"
        "    signal.signal(n, signal.SIG_IGN)\nwhile True:\n    time.sleep(1)",
        "failed",
        "took longer than 1 s",
        None,
        1.0,
    ),
    "calls sys.exit": Misbehaviour("import sys\nsys.exit(3)", "failed", "the code called sys.exit(3)", 2),
    "ends itself": Misbehaviour(
        "import os\nx = 1\nos._exit(0)",
        "failed",
        "the process ended by itself with code 0 before its values were read",
        None,
    ),
    "crashes": Misbehaviour(
        "import ctypes\nctypes.string_at(0)", "failed", "the process was killed by SIGSEGV", 2
    ),
    "aborts": Misbehaviour("import os\nos.abort()", "failed", "the process was killed by SIGABRT", 2),
    "takes all memory": Misbehaviour(
        "x = 1\nbomb = bytearray(64 << 30)", "failed", "ran out of memory (limit 4 GiB)", 2
    ),
    "takes all memory through torch": Misbehaviour(
        "import torch\nx = torch.ones(64 << 30)", "failed", "ran out of memory (limit 4 GiB)", 2
    ),
    "recurses without end": Misbehaviour(
        "def f(n):\n    return f(n + 1)\nf(0)",
        "failed",
        "RecursionError: maximum recursion depth exceeded",
        2,
    ),
    "interrupts": Misbehaviour("raise KeyboardInterrupt", "failed", "KeyboardInterrupt", 1),
    "kills its group": Misbehaviour(
        "import os\nos.killpg(0, 9)", "failed", "the process was killed by SIGKILL", None
    ),
    "is killed": Misbehaviour(
        "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
        "failed",
        "the process was killed by SIGTERM",
        None,
    ),
    "is no Python": Misbehaviour("x = 1\ny = = 2", "failed", "SyntaxError: invalid syntax", 2),
    "returns at top level": Misbehaviour("x = 1\n\nreturn x", "failed", "SyntaxError: 'return' outside", 3),
    "misses a library": Misbehaviour("import torhc", "failed", "ModuleNotFoundError: No module named", 1),
    "wants the network": Misbehaviour(
        "import urllib.request\nurllib.request.urlopen('http://192.0.2.1', timeout=5)",
        "failed",
        "URLError",
        2,
    ),
    "raises what cannot be printed": Misbehaviour(
        "class Bad(Exception):\n    def __str__(self):\n        raise ValueError\nraise Bad",
        "failed",
        "Bad: (its message cannot be read)",
        4,
    ),
}

TOLERATED = {
    "prints 100 MB": "for _ in range(100_000):\n    print('word ' * 200)\nprint('the end')\nx = 1",
    "closes its output": "import sys\nsys.stdout.close()\nsys.stderr.close()\nx = 1",
    "closes every descriptor": "import os\nos.closerange(0, 256)\nx = 1",
    "leaves a process": "import subprocess\nsubprocess.Popen(['sleep', '987.1'])\nx = 1",
    "leaves a process that hides": (
        "import subprocess\nsubprocess.Popen(['setsid', '--fork', 'sleep', '987.2']).wait()\nx = 1"
    ),
    "forks and lets the twin fall through": (
        "import os\nx = 1 if os.fork() else 2\nos.wait() if x == 1 else None"
    ),
    "litters": "open('a', 'w').write('b')\nimport os\nos.mkdir('locked')\nos.chmod('locked', 0)\nx = 1",
    "leaves a thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(987,)).start()\nx = 1"
    ),
    "measures in processes of its own": (
        "import multiprocessing\n"
        "def double(n):\n    return 2 * n\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n    x = sum(pool.map(double, range(4)))"
    ),
}


def a_job(owner: str, code: str, timeout: float = 20.0, alone: bool = False) -> Job:
    """A job that is asked for the value of `x`."""
    return Job(owner, (Source(code, "cards/card.md", FIRST_LINE),), ("x",), timeout=timeout, alone=alone)


def processes_with(text: str) -> list[int]:
    """The processes whose command line has the text; the servers' has the folder of their run."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """All of the misbehaviours in one run, each with a healthy job behind it."""
    jobs = []
    for name, case in MISBEHAVIOURS.items():
        jobs += [a_job(name, case.code, case.timeout), a_job(f"beside {name}", "x = 7 * 6")]
    for name, code in TOLERATED.items():
        jobs += [a_job(name, code), a_job(f"beside {name}", "x = 7 * 6")]
    found = {outcome.job.owner: outcome for outcome in run(jobs, workers=2, memory=4 << 30)}
    assert len(found) == len(jobs)
    return found


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_misbehaviour_is_told_in_one_line_with_the_line_of_the_card(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome, case = outcomes[name], MISBEHAVIOURS[name]
    assert outcome.what.startswith(case.what)
    assert "\n" not in outcome.what
    assert outcome.hint
    assert outcome.state == case.state
    assert not outcome.values
    if case.line is not None:
        assert (outcome.path, outcome.line) == ("cards/card.md", FIRST_LINE + case.line - 1)


@pytest.mark.parametrize("name", TOLERATED)
def test_what_does_no_harm_is_let_pass(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert (outcome.state, outcome.what) == ("done", "")
    assert set(outcome.values) == {"x"}


@pytest.mark.parametrize("name", [*MISBEHAVIOURS, *TOLERATED])
def test_a_healthy_job_beside_it_is_done(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[f"beside {name}"]
    assert (outcome.state, outcome.what) == ("done", "")
    assert outcome.values["x"]["number"] == "42"


def test_the_end_of_long_output_is_kept(outcomes: dict[str, Outcome]) -> None:
    output = outcomes["prints 100 MB"].output
    assert output.endswith("word \nthe end\n")
    assert len(output) == len(outcomes["prints without end"].output) == 4000


def test_a_traceback_shows_the_cards_own_line(outcomes: dict[str, Outcome]) -> None:
    output = outcomes["raises"].output
    assert 'File "cards/card.md", line 42, in <module>\n    x = a / 0' in output


def test_hints_name_what_would_help(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["misses a library"].hint.startswith("pip install torhc")
    assert "timeout=" in outcomes["hangs"].hint
    assert "`meta` device" in outcomes["takes all memory"].hint


def test_the_twin_of_a_fork_reports_nothing(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["forks and lets the twin fall through"].values["x"]["number"] == "1"


@pytest.mark.parametrize("seconds", ["987.1", "987.2"])
def test_no_process_outlives_the_run(outcomes: dict[str, Outcome], seconds: str) -> None:
    assert not processes_with(f"sleep\0{seconds}")


def test_time_spent_in_line_for_a_processor_does_not_count() -> None:
    crowd = (
        "import os, time\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "burn = ['sh', '-c', 'while :; do :; done']\n"
        "crowd = [pid for _ in range(4) if (pid := os.fork()) or os.execvp('sh', burn)]\n"
        "began = time.monotonic()\n"
        "while time.process_time() < 1: pass\n"
        "for pid in crowd: os.kill(pid, 9)\n"
        "x = time.monotonic() - began"
    )
    (outcome,) = run([a_job("in a crowd", crowd, timeout=2.5)], workers=1, memory=4 << 30)
    assert (outcome.state, outcome.what) == ("done", "")
    assert float(outcome.values["x"]["number"]) > 2.5


@pytest.mark.parametrize(("limits_ago", "goes_on"), [(4.5, True), (5.5, False)])
def test_standing_in_line_prolongs_a_limit_to_five_times_at_most(
    monkeypatch: pytest.MonkeyPatch, limits_ago: float, goes_on: bool
) -> None:
    monkeypatch.setattr(server, "_in_line", lambda handle: 1e6)
    began = time.monotonic() - limits_ago * 100
    child = server.Child(1, 1, "", began, began + 100, 100, None)
    assert server._has_time(child) is goes_on


def test_a_timing_runs_after_the_others_and_by_itself() -> None:
    code = "import time\nbegan = time.monotonic()\ntime.sleep(0.2)\nx = f'{began} {time.monotonic()}'"
    jobs = [a_job(str(number), code, alone=number % 2 == 0) for number in range(6)]
    results = list(run(jobs, workers=2))
    spans = [tuple(map(float, outcome.values["x"]["text"].split())) for outcome in results]
    assert [outcome.job.alone for outcome in results] == [False] * 3 + [True] * 3
    ends = [end for _, end in spans]
    assert all(spans[index][0] >= max(ends[:index]) for index in range(3, 6))


def test_claims_that_need_no_torch_run_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", path_without_libraries())
    jobs = [a_job("plain", "x = 6 * 7"), a_job("torch", "x = 1\nimport torch")]
    outcomes = {outcome.job.owner: outcome for outcome in run(jobs)}
    assert outcomes["plain"].values["x"]["number"] == "42"
    assert outcomes["torch"].what == "ModuleNotFoundError: No module named 'torch'"
    assert ".[verify]" in outcomes["torch"].hint


def test_no_jobs_cost_nothing() -> None:
    began = time.perf_counter()
    assert list(run([])) == []
    assert time.perf_counter() - began < 0.1


def test_a_claim_that_takes_the_server_down_does_not_take_the_run_along() -> None:
    murder = "import os, time\ntime.sleep(0.3)\nos.kill(os.getppid(), 9)\ntime.sleep(60)"
    jobs = [a_job("murderer", murder), *(a_job(str(number), "x = 1") for number in range(3))]
    states = {outcome.job.owner: outcome.state for outcome in run(jobs, workers=1, walled=False)}
    assert states == {"murderer": "failed", "0": "done", "1": "done", "2": "done"}


@pytest.fixture
def short_temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_run_that_is_broken_off_leaves_nothing(
    short_temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(short_temporary_folder))
    jobs = [a_job("first", "x = 1"), a_job("second", "import time\ntime.sleep(987)")]
    outcomes = run(jobs, workers=2)
    assert next(outcomes).state == "done"
    assert processes_with(str(short_temporary_folder))
    outcomes.close()  # type: ignore[attr-defined]
    assert not processes_with(str(short_temporary_folder))
    assert not list(short_temporary_folder.iterdir())


@pytest.mark.parametrize("signal", ["SIGINT", "SIGKILL"])
def test_ending_the_parent_ends_all_that_it_started(short_temporary_folder: Path, signal: str) -> None:
    script = textwrap.dedent("""
        from verify.jobs import Job, Source
        from verify.runner import run
        codes = ["x = 1", "import time; time.sleep(987)"]
        jobs = [Job(str(i), (Source(code, "card.md", 1),), ("x",)) for i, code in enumerate(codes)]
        for outcome in run(jobs, workers=2):
            print(outcome.state, flush=True)
    """)
    environment = os.environ | {"TMPDIR": str(short_temporary_folder)}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        preexec_fn=hear_interrupts,
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "done\n"
        assert processes_with(str(short_temporary_folder))
        subprocess.run(["kill", f"-{signal}", str(parent.pid)], check=True)
        errors = parent.communicate(timeout=90)[1]
    if signal == "SIGINT":
        assert errors.rstrip().endswith("KeyboardInterrupt")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and list(short_temporary_folder.iterdir()):
        time.sleep(0.05)
    assert not list(short_temporary_folder.iterdir())
    while time.monotonic() < deadline and processes_with(str(short_temporary_folder)):
        time.sleep(0.05)
    assert not processes_with(str(short_temporary_folder))
