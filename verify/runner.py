"""The parent's side: run jobs apart from each other and hand out what came of them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from verify import walls
from verify.explain import MEND
from verify.jobs import Job, Outcome
from verify.kept import VARIABLE
from verify.outcomes import End, collect, tail
from verify.reach import walled_off
from verify.sandbox import Rooms
from verify.schedule import Schedule, Start
from verify.warm import worth_importing

MEMORY = 8 << 30
"""Bytes that a claim may use; not held for one that needs a GPU."""

_OPEN = (
    "claims have no namespaces of their own here ({}): what they start may outlive them until the run ends, "
    "and a fork bomb is bounded by this user's limit alone"
)

_OFF = (
    "from behind the walls of a claim the GPU cannot be reached ({}): claims that need it run without "
    "namespaces of their own"
)

_MAIN = """
import json, sys
control, root, more, forks, walled, sys.path[:] = json.loads(sys.argv[1])
from verify.server import main
main(control, root, more, forks, walled)
"""


class ForkServer:
    """The server as its parent sees it; a context manager, and nothing of it is left after the context.

    Args:
        root: a folder for the files of the run.
        jobs: what it is going to run, at most.
        trainings: the folder of trainings that claims share.
        warn: told, once, what the system does not allow.
        walled: as for `run`.
    """

    def __init__(
        self, root: Path, jobs: Sequence[Job], trainings: Path, warn: Callable[[str], None], walled: bool
    ) -> None:
        self._warn = warn
        self._warned = False
        home = Path(tempfile.mkdtemp(prefix="server-", dir=root))
        self._log = home / "log"
        ours, theirs = socket.socketpair()
        paths = [str(Path(entry).absolute()) for entry in sys.path]
        told = json.dumps([theirs.fileno(), str(root), worth_importing(jobs), len(jobs), walled, paths])
        with theirs, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, told],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=walls.environment(os.environ, home) | {VARIABLE: str(trainings)},
                cwd=home,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # the terminal's Ctrl-C is for the parent, which then ends the server
            )
        self._control = Connection(ours.detach())

    def start(self, start: Start, folder: Path, memory: int) -> None:
        """Have the server fork a process for a job.

        Raises:
            ConnectionError: the server is gone.
        """
        request = {"job": start.job.to_json(), "folder": str(folder), "memory": memory}
        request |= {"gpu": start.gpu, "beside": start.beside}
        self._control.send_bytes(json.dumps(request).encode())

    def next_end(self) -> End:
        """Wait until some job's process has ended.

        Raises:
            EOFError, ConnectionError: the server is gone.
        """
        while isinstance(said := json.loads(self._control.recv_bytes()), dict):
            if not self._warned:
                self._warn(_OPEN.format(said["open"]))
            self._warned = True
        return End(*said)

    def last_words(self) -> str:
        """What the server printed; empty unless something went wrong with it."""
        return tail(self._log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._control.send_bytes(b"")
        self._control.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children die with it
            self._process.wait()


def run(
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
    memory: int = MEMORY,
    trainings: Path | None = None,
    gpus: Sequence[str] = (),
    warn: Callable[[str], None] = lambda line: None,
    walled: bool = True,
) -> Iterator[Outcome]:
    """Run every job in a process of its own and yield the outcomes as they arrive.

    Jobs that need a GPU come after the others, one on each, then those with `alone`. Needs Linux. When the
    caller stops iterating, all that runs is ended.

    Args:
        jobs: what to run, in any order.
        workers: how many may run at the same time; by default one per usable core.
        memory: bytes that each may use beyond what the server holds.
        trainings: the folder of trainings that earlier runs left; by default claims share those of this run.
        gpus: the GPUs to use, as `CUDA_VISIBLE_DEVICES` names them; by default one job finds what there is.
        warn: told, in one line, when the system does not allow claims to be walled off.
        walled: False does without namespaces, as where the system allows none.
    """
    jobs = list(jobs)
    of_gpu = [job for job in jobs if job.needs]
    why = walled_off(partial(_one, gpus), gpus) if of_gpu and walled else ""
    if why:
        warn(_OFF.format(why))
        others = [job for job in jobs if job not in of_gpu]
        yield from _run(others, workers, memory, trainings, gpus, warn, True)
        yield from _run(of_gpu, workers, memory, trainings, gpus, lambda line: None, False)
    else:
        yield from _run(jobs, workers, memory, trainings, gpus, warn, walled)


def _one(gpus: Sequence[str], job: Job, walled: bool) -> Outcome:
    [outcome] = _run([job], 1, MEMORY, None, gpus, lambda line: None, walled)
    return outcome


def _run(
    jobs: Sequence[Job],
    workers: int | None,
    memory: int,
    trainings: Path | None,
    gpus: Sequence[str],
    warn: Callable[[str], None],
    walled: bool,
) -> Iterator[Outcome]:
    schedule = Schedule(jobs, workers or len(os.sched_getaffinity(0)), gpus)
    with tempfile.TemporaryDirectory(prefix="groundtruth-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        folders = (root / str(number) for number in count(1))
        own = root / "trainings"
        own.mkdir()
        while schedule:  # more than once only when a claim took the server down
            with ForkServer(root, jobs, trainings or own, warn, walled) as server:
                yield from _drive(server, schedule, folders, memory)


def _drive(server: ForkServer, schedule: Schedule, folders: Iterator[Path], memory: int) -> Iterator[Outcome]:
    """Run what is waiting, until all of it is done or the server is gone."""
    running: dict[str, Start] = {}
    ended: tuple[Start, End] | None = None
    while schedule or ended:
        try:
            while start := schedule.start():
                folder = next(folders)
                running[str(folder)] = start
                Rooms(folder).make()
                server.start(start, folder, memory)
            if ended:  # only now, so that nobody waits for a caller who takes his time
                yield _collected(*ended)
                ended = None
                continue
            end = server.next_end()
        except (EOFError, ConnectionError):
            if ended:
                yield _collected(*ended)
            what = "the server that claims are forked from was ended by one of them, or by the system"
            for start in schedule.lose():
                yield Outcome(start.job, "failed", what=what, hint=MEND, output=server.last_words())
            return
        start = running.pop(end.folder)
        schedule.ended(start)
        ended = start, end


def _collected(start: Start, end: End) -> Outcome:
    outcome = collect(start.job, end)
    shutil.rmtree(end.folder, ignore_errors=True)
    return outcome
