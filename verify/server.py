"""The process that imported torch once, and forks itself for each claim.

multiprocessing's own fork server would do the forking, but it ignores the caller's `sys.path`, runs the
caller's main module again in every child, cannot be given an environment, and leaves processes behind:
grandchildren always, children when the caller is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from verify import namespaces, walls
from verify.cells import Cell, Cells, enclose
from verify.jobs import Job
from verify.kept import VARIABLE
from verify.sandbox import run_job
from verify.warm import warm

GRACE = 0.1
"""Seconds between asking a process that takes too long where it stands, and its end."""

CROWD = 4.0
"""Limits that a claim may stand in line for a processor besides its own: it may be the crowd itself."""

LONGEST_WAIT = 60.0
"""Seconds between two looks at the deadlines; the system takes no longer waits than some weeks."""


@dataclass(slots=True)
class Child:
    """A running claim."""

    pid: int
    """Its process, which leads a group of its own."""
    handle: int
    """A file descriptor that becomes readable when the process ends."""
    folder: str
    """The job's folder, by which the parent knows the job."""
    began: float
    """When it was forked, on the monotonic clock."""
    deadline: float
    """When to act next: to ask where it stands, then to end it."""
    timeout: float
    """Seconds that it may take; those that it waits for a processor, which others use, do not count."""
    cell: Cell | None
    """Its namespaces; None where the system allows none."""
    late: bool = False
    """True once its time was up."""
    processes: int = 0
    """How many processes it had when its time was up."""


def main(control: int, root: str, more: list[str], forks: int = 1, walled: bool = True) -> None:
    """Serve the parent until it says stop; when it is gone without a word, clean up in its place.

    Args:
        control: a socket whose other end the parent holds.
        root: the folder of the run.
        more: modules to import beside the usual ones.
        forks: how many jobs there are.
        walled: False to do without namespaces, as where the system allows none.
    """
    reason = enclose(control) if walled else "not wanted"
    if reason:
        namespaces.adopt_orphans()
        walls.others()
    cells = None if reason else Cells()
    if cells is not None:
        for shared in (os.environ["HOME"], os.environ.get(VARIABLE)):
            if shared:
                walls.hand_over(Path(shared))
    connection = Connection(control)
    try:
        if reason:
            _say_open(connection, reason)
        warm(more, forks)
        walls.seed()
        serve(connection, cells)
    except (EOFError, ConnectionError):
        shutil.rmtree(root, ignore_errors=True)
    os._exit(0)  # to take torch down by the rules lasts 0.2 s


def serve(control: Connection, cells: Cells | None) -> None:
    """Start what is asked for, end what takes too long, report every end; leave no process behind.

    Args:
        control: where the parent asks, and is answered.
        cells: where the namespaces of claims come from; None where the system allows none.

    Raises:
        EOFError, ConnectionError: the parent is gone.
    """
    children: dict[int, Child] = {}
    at_hand = deque[dict[str, Any]]()
    try:
        while True:
            while at_hand and len(children) <= at_hand[0]["beside"]:
                child = _start(at_hand.popleft(), control, children, cells)
                children[child.handle] = child
            until = min((child.deadline for child in children.values()), default=None)
            patience = None if until is None else min(max(0.0, until - time.monotonic()), LONGEST_WAIT)
            ready = wait([control, *children], patience)
            if control in ready:
                request = control.recv_bytes()
                if not request:
                    return
                at_hand.append(json.loads(request))
            for child in list(children.values()):
                if child.handle in ready:
                    del children[child.handle]
                    status = _bury(child, cells)
                    if not children and cells is None:
                        _sweep()
                    seconds = time.monotonic() - child.began
                    end = [child.folder, status, child.late, seconds, child.processes]
                    control.send_bytes(json.dumps(end).encode())
                elif time.monotonic() >= child.deadline and not _has_time(child):
                    _hurry(child)
    finally:
        for child in children.values():
            _end(child)
        for child in children.values():
            _bury(child, cells)
        if cells is None:
            _sweep()


def _start(
    data: dict[str, Any], control: Connection, children: dict[int, Child], cells: Cells | None
) -> Child:
    job = Job.from_json(data["job"])
    cell = None
    if cells is not None:
        try:
            cell = cells.take()
        except OSError as error:
            _say_open(control, str(error.strerror))
        if job.alone:
            cells.settle()  # nothing may run beside it, not even what is about to end
    began = time.monotonic()
    pid = cells.fork_into(cell) if cells is not None and cell is not None else os.fork()
    if pid == 0:
        control.close()
        for handle in children:
            os.close(handle)
        if data["gpu"] is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = data["gpu"]
        run_job(job, Path(data["folder"]), data["memory"], cell)
    return Child(pid, os.pidfd_open(pid), data["folder"], began, began + job.timeout, job.timeout, cell)


def _say_open(control: Connection, reason: str) -> None:
    control.send_bytes(json.dumps({"open": reason}).encode())


def _has_time(child: Child) -> bool:
    """Whether a claim that stood in line for a processor may go on for that long; moves its deadline."""
    if child.late:
        return False
    waited = min(_in_line(child.handle), CROWD * child.timeout)
    child.deadline = child.began + child.timeout + waited
    return time.monotonic() < child.deadline


def _in_line(handle: int) -> float:
    """Seconds that a process was ready to run while its processor ran others; 0 where /proc does not tell.

    Source: the kernel's documentation of scheduler statistics, `/proc/<pid>/schedstat`, second field.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        number = namespaces.number_in_proc(handle)
        return int(Path(f"/proc/{number}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _hurry(child: Child) -> None:
    if child.late:
        _end(child)
        child.deadline += LONGEST_WAIT  # killed; its end is under way
    else:
        os.kill(child.pid, signal.SIGUSR1)
        child.late = True
        child.processes = child.cell.population() if child.cell else 0
        child.deadline = time.monotonic() + GRACE


def _bury(child: Child, cells: Cells | None) -> int:
    """Wait for the end of a child, end all that it left, and return its exit code, or minus its signal."""
    # Looked at but not yet collected, so that the number of its group cannot be anybody else's.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    _end(child)
    os.close(child.handle)
    status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
    if cells is not None and child.cell is not None:
        cells.leave(child.cell)
    return status


def _end(child: Child) -> None:
    if child.cell is not None:
        child.cell.raze()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # forked a moment ago, and not yet the leader of its group
        os.kill(child.pid, signal.SIGKILL)


def _sweep() -> None:
    """End every process that left its claim's group: when no claim runs, the orphans are all that is left."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(OSError):
        while orphans := children.read_text().split():
            for orphan in map(int, orphans):
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
