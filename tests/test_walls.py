"""The walls around a claim: what it starts ends with it, and it cannot take more than its share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_runner import a_job, processes_with
from tests.workplace import REPOSITORY, path_without_libraries
from verify.jobs import Job, Outcome
from verify.namespaces import NOBODY
from verify.outcomes import End, collect
from verify.runner import run
from verify.walls import PROCESSES

WIDE = 2 * PROCESSES
"""More processes than a claim may have, and the most that a bomb could become here, were there no wall."""

TOO_MANY = f"has more processes and threads than a claim may have ({PROCESSES})"

STRANGER = 12_345
"""A user that owns nothing."""

DOUBLING = f"""
import os
import shutil
for _ in range({WIDE.bit_length() - 1}):
    os.fork()
x = 1
"""

PATIENT = f"""
import os, time
for _ in range({WIDE}):
    if not os.fork():
        time.sleep(60)
x = 1
"""

STUBBORN = f"""
import os, time
for _ in range({WIDE}):
    try:
        child = os.fork()
    except OSError:
        break
    if not child:
        break
time.sleep(60)
"""

THREADS = f"""
import threading, time
for _ in range({WIDE}):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
x = 1
"""

SHELL = "import subprocess\nx = int(subprocess.run(['echo', '42'], capture_output=True).stdout)"

LOOKING_AROUND = """
import os
import shutil
found = [os.getppid()]
for pid in ({}, {}):
    try:
        os.kill(pid, 0)
        found.append(pid)
    except ProcessLookupError:
        pass
try:
    os.kill(-1, 9)
except ProcessLookupError:
    found.append("alone")
x = str(found)
"""

LISTENING = """
import socket, time
server = socket.create_server(("127.0.0.1", 47123))
time.sleep(0.5)
x = 1
"""

SHARED_MEMORY = """
import ctypes
CREATE, ALONE = 0o1000, 0o2000
x = ctypes.CDLL(None).shmget(4711, 4096, CREATE | ALONE | 0o600) != -1
assert x
"""

ROBBER = """
import os, shutil, subprocess
from pathlib import Path
treasure = Path("{}")
seen = [treasure.read_text(), subprocess.run(["cat", treasure], capture_output=True, text=True).stdout]
shutil.rmtree(treasure.parent, ignore_errors=True)
try:
    treasure.write_text("lead")
except PermissionError:
    seen.append("refused")
Path("scratch").write_text("x")
x = f"{{os.getuid()}} {{' '.join(seen)}}"
"""

ON_THE_SIDE = """
import json, sys
from verify.jobs import Job, Source
from verify.runner import run
jobs = [Job(name, (Source(code, "c.md", 1),), timeout=20.0) for name, code in json.loads(sys.argv[1])]
said = []
found = {outcome.job.owner: outcome.what for outcome in run(jobs, workers=2, warn=said.append)}
print(json.dumps([found, said]))
"""


def in_turn(jobs: list[Job], walled: bool = True) -> dict[str, Outcome]:
    """Outcomes by owner; skips where the system does not allow what is wanted."""
    said: list[str] = []
    found = {outcome.job.owner: outcome for outcome in run(jobs, workers=2, warn=said.append, walled=walled)}
    if walled and said:
        pytest.skip(f"{said[0]}; allow user namespaces, or run as root with CAP_SYS_ADMIN")
    return found


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is small, so that many forks of it are cheap."""
    monkeypatch.setattr(sys, "path", path_without_libraries())


@pytest.fixture
def passer_by() -> Iterator[int]:
    """A process of the same user that is none of the claims' business."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        assert process.poll() is None
        process.kill()


@pytest.mark.usefixtures("without_torch")
def test_a_fork_bomb_goes_off_within_its_own_walls() -> None:
    jobs = [
        a_job("doubling", DOUBLING),
        a_job("patient", PATIENT),
        a_job("threads", THREADS),
        a_job("stubborn", STUBBORN, timeout=3.0),
        a_job("healthy", SHELL),
    ]
    found = in_turn(jobs)
    assert (found["patient"].what, found["patient"].line) == (TOO_MANY, 44)
    assert (found["threads"].what, found["threads"].line) == (TOO_MANY, 44)
    # Its twins come and go: whether the first of them meets the limit is luck; that it does no harm is not.
    assert found["doubling"].what in ("", TOO_MANY)
    assert found["stubborn"].what.startswith("took longer than 3 s")
    assert found["healthy"].values["x"]["number"] == "42"


@pytest.mark.parametrize(("processes", "said"), [(PROCESSES, True), (PROCESSES // 2, False), (0, False)])
def test_a_claim_whose_time_was_up_in_a_crowd_is_told_so(tmp_path: Path, processes: int, said: bool) -> None:
    end = End(str(tmp_path), -9, True, 3.1, processes)
    outcome = collect(a_job("stubborn", STUBBORN, timeout=3.0), end)
    crowd = f", with {processes} processes at its end" if said else ""
    assert outcome.what == f"took longer than 3 s{crowd}"


@pytest.mark.usefixtures("without_torch")
def test_a_claim_reaches_no_process_but_its_own(passer_by: int) -> None:
    found = in_turn([a_job("curious", LOOKING_AROUND.format(passer_by, os.getpid()))])
    assert found["curious"].values["x"]["text"] == "[0, 'alone']"


@pytest.mark.usefixtures("without_torch")
def test_claims_share_neither_ports_nor_memory() -> None:
    jobs = [a_job(f"port {n}", LISTENING) for n in range(2)]
    jobs += [a_job(f"memory {n}", SHARED_MEMORY) for n in range(2)]
    assert {outcome.what for outcome in in_turn(jobs).values()} == {""}


@pytest.mark.usefixtures("without_torch")
@pytest.mark.skipif(os.getuid() != 0, reason="run the tests as root to see what becomes of root's rights")
def test_as_root_a_claim_is_nobody_and_writes_into_its_scratch_folder_alone(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_text("gold")
    treasure.chmod(0o600)
    found = in_turn([a_job("robber", ROBBER.format(treasure))])
    assert found["robber"].values["x"]["text"] == f"{NOBODY} gold gold refused"
    assert treasure.read_text() == "gold"


@pytest.mark.skipif(os.getuid() != 0, reason="run the tests as root, for it to become another user")
def test_the_walls_stand_for_a_user_without_rights() -> None:
    jobs = json.dumps(
        [("patient", PATIENT), ("curious", LOOKING_AROUND.format(1, os.getpid())), ("shell", SHELL)]
    )
    code = f"import sys; sys.path[0:0] = [{str(REPOSITORY)!r}]\n{ON_THE_SIDE}"
    for python in (sys.executable, "/usr/bin/python3"):
        # Through another program, since this one may not even be started by others.
        command = ["/usr/bin/env", python, "-I", "-B", "-c", code, jobs]
        done = subprocess.run(
            command, user=STRANGER, group=STRANGER, extra_groups=[], capture_output=True, text=True, cwd="/"
        )
        if done.returncode == 0:
            break
    else:
        pytest.skip(f"other users can run no Python here, or cannot read {REPOSITORY}: {done.stderr}")
    found, said = json.loads(done.stdout)
    if said:
        pytest.skip(f"{said[0]}; allow user namespaces")
    assert found == {"patient": TOO_MANY, "curious": "", "shell": ""}


@pytest.mark.usefixtures("without_torch")
def test_where_there_are_no_namespaces_the_run_says_so_once_and_goes_on() -> None:
    said: list[str] = []
    jobs = [a_job(name, "x = 1") for name in "abc"]
    found = list(run(jobs, warn=said.append, walled=False))
    assert [outcome.state for outcome in found] == ["done"] * 3
    assert len(said) == 1 and said[0].startswith("claims have no namespaces of their own here")


@pytest.mark.usefixtures("without_torch")
def test_without_namespaces_what_a_claim_leaves_ends_with_the_run() -> None:
    code = "import subprocess\nsubprocess.Popen(['setsid', '--fork', 'sleep', '987.3']).wait()\nx = 1"
    assert in_turn([a_job("hides", code)], walled=False)["hides"].state == "done"
    assert not processes_with("sleep\000987.3")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler: install g++")
def test_a_claim_can_compile_although_the_server_keeps_a_folder_for_that() -> None:
    """Inductor leaves the folder's name in the environment, where the server's forks would find it."""
    code = "import torch\nx = torch.compile(lambda x: 2 * x + 1)(torch.ones(3)).sum().item()"
    (found,) = run([a_job("q", code, timeout=300)], workers=1)
    assert (found.state, found.what) == ("done", "")
    assert found.values["x"]["number"] == 9
