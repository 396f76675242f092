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
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from verify import walls
from verify.jobs import Job
from verify.sandbox import run_job
from verify.warm import warm

GRACE = 0.1
"""Seconds between asking a process that takes too long where it stands, and its end."""

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
    late: bool = False
    """True once its time was up."""


def main(control: int, root: str, more: list[str]) -> None:
    """Serve the parent until it says stop; when it is gone without a word, clean up in its place.

    Args:
        control: a socket whose other end the parent holds.
        root: the folder of the run.
        more: modules to import beside the usual ones.
    """
    walls.adopt_orphans()
    warm(more)
    try:
        serve(Connection(control))
    except (EOFError, ConnectionError):
        shutil.rmtree(root, ignore_errors=True)
    os._exit(0)  # to take torch down by the rules lasts 0.2 s


def serve(control: Connection) -> None:
    """Start what is asked for, end what takes too long, report every end; leave no process behind.

    Raises:
        EOFError, ConnectionError: the parent is gone.
    """
    children: dict[int, Child] = {}
    try:
        while True:
            until = min((child.deadline for child in children.values()), default=None)
            patience = None if until is None else min(max(0.0, until - time.monotonic()), LONGEST_WAIT)
            ready = wait([control, *children], patience)
            if control in ready:
                request = control.recv_bytes()
                if not request:
                    return
                child = _start(request, control, children)
                children[child.handle] = child
            for child in list(children.values()):
                if child.handle in ready:
                    del children[child.handle]
                    status = _bury(child)
                    if not children:
                        _sweep()
                    seconds = time.monotonic() - child.began
                    control.send_bytes(json.dumps([child.folder, status, child.late, seconds]).encode())
                elif time.monotonic() >= child.deadline:
                    _hurry(child)
    finally:
        for child in children.values():
            _kill_group(child.pid)
        for child in children.values():
            _bury(child)
        _sweep()


def _start(request: bytes, control: Connection, children: dict[int, Child]) -> Child:
    data = json.loads(request)
    job = Job.from_json(data["job"])
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        control.close()
        for handle in children:
            os.close(handle)
        run_job(job, Path(data["folder"]), data["memory"])
    return Child(pid, os.pidfd_open(pid), data["folder"], began, began + job.timeout)


def _hurry(child: Child) -> None:
    if child.late:
        _kill_group(child.pid)
        child.deadline += LONGEST_WAIT  # killed; its end is under way
    else:
        os.kill(child.pid, signal.SIGUSR1)
        child.late = True
        child.deadline = time.monotonic() + GRACE


def _bury(child: Child) -> int:
    """Wait for the end of a child, end its group, and return its exit code, or minus its signal."""
    # Looked at but not yet collected, so that the number of its group cannot be anybody else's.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    _kill_group(child.pid)
    os.close(child.handle)
    return os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # forked a moment ago, and not yet the leader of its group
        os.kill(pid, signal.SIGKILL)


def _sweep() -> None:
    """End every process that left its claim's group: when no claim runs, the orphans are all that is left."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(OSError):
        while orphans := children.read_text().split():
            for orphan in map(int, orphans):
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
