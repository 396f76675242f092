"""A cell for each claim: user, network, process and ipc namespaces of its own, made ready ahead of it.

A small process, the porter, makes them, so that no claim waits for the kernel and no fork of the large server
is spent on it. In each cell sits a process that does nothing: it reaps orphans, and with its end the kernel
ends everything in the cell, whatever it called to get away.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import NoReturn

from verify import namespaces
from verify.namespaces import IPC, NET, PID, USER

_ANSWER = struct.Struct("=ii")
_READY = b"+"


@dataclass(frozen=True, slots=True)
class Cell:
    """The namespaces of one claim."""

    handle: int
    """A descriptor of the process that keeps the cell; readable once everything in the cell has ended."""

    def enter(self) -> None:
        """Move this process, which was forked into the cell's pid namespace, into its other namespaces.

        Raises:
            OSError: the system does not allow it.
        """
        namespaces.enter(self.handle, USER | NET | IPC)

    def population(self) -> int:
        """How many processes are in it, beside its keeper; 0 where /proc does not tell."""
        with contextlib.suppress(OSError):
            number = namespaces.number_in_proc(self.handle)
            own = (Path("/proc") / number / "ns" / "pid").readlink()
            return sum(_namespace(folder) == own for folder in Path("/proc").iterdir()) - 1
        return 0

    def raze(self) -> None:
        """End everything in the cell."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)


class Cells:
    """The porter, as the server sees it; the server is in a pid namespace of its own (`enclose`)."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._home = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._emptied: list[Cell] = []
        if os.fork() == 0:
            self._ours.close()
            _be_porter(theirs, self._home)
        theirs.close()
        self._ours.send(_READY)

    def take(self) -> Cell:
        """The next cell; one more is made meanwhile.

        Raises:
            OSError: the system does not allow any more.
        """
        answer = self._ours.recv(_ANSWER.size)
        self._ours.send(_READY)
        pid, error = _ANSWER.unpack(answer) if answer else (0, 0)
        if not pid:
            raise OSError(error, os.strerror(error))
        return Cell(os.pidfd_open(pid))

    def fork_into(self, cell: Cell) -> int:
        """As `os.fork`, and the child is in the cell's pid namespace."""
        namespaces.enter(cell.handle, PID)
        pid = os.fork()
        if pid:
            namespaces.enter(self._home, PID)
        return pid

    def leave(self, cell: Cell) -> None:
        """End what is in a cell; its last processes may take a moment."""
        cell.raze()
        self._emptied.append(cell)
        self._close(0)

    def settle(self) -> None:
        """Wait until nothing is left in the cells that were given back."""
        while self._emptied:
            self._close(None)

    def _close(self, patience: float | None) -> None:
        ended = wait([cell.handle for cell in self._emptied], patience)
        for handle in ended:
            os.close(handle)  # type: ignore[arg-type]
        self._emptied = [cell for cell in self._emptied if cell.handle not in ended]


def enclose(control: int) -> str:
    """Go on in a new pid namespace, as its first process, where the system allows cells.

    The process that called this waits outside until the other one has ended, and ends in the same way.

    Args:
        control: a descriptor that only the one inside needs.

    Returns:
        Why there can be no cells, and nothing was changed; empty where there can.
    """
    reason = _try_out()
    if reason:
        return reason
    _begin_namespace()
    inside = os.fork()
    if inside:
        os.close(control)
        status = os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1])
        os._exit(status if status >= 0 else 1)
    namespaces.die_with_parent()
    return ""


def _try_out() -> str:
    """Make one cell in a process that is thrown away; returns what the system says against it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        reason = ""
        try:
            _begin_namespace()
            if os.fork() == 0:
                try:
                    _make_cell(os.open("/proc/self/ns/pid", os.O_RDONLY))
                except OSError as error:
                    reason = error.strerror or str(error)
                os.write(writing, reason.encode() or _READY)
                os._exit(0)  # the first process of its namespace: the cell ends with it
        except OSError as error:
            os.write(writing, (error.strerror or str(error)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        answer = answers.read()
    os.waitpid(child, 0)
    return "" if answer == _READY else answer.decode() or "no answer"


def _namespace(folder: Path) -> Path | None:
    with contextlib.suppress(OSError):
        return (folder / "ns" / "pid").readlink() if folder.name.isdigit() else None
    return None


def _begin_namespace() -> None:
    user, group = os.getuid(), os.getgid()
    namespaces.unshare(PID if user == 0 else USER | PID)
    if user:
        namespaces.stay_oneself(user, group)


def _be_porter(requests: socket.socket, home: int) -> NoReturn:
    namespaces.die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # cells that ended need no burial
    with contextlib.suppress(ConnectionError):
        while requests.recv(1):
            try:
                requests.send(_ANSWER.pack(_make_cell(home), 0))
            except OSError as error:
                requests.send(_ANSWER.pack(0, error.errno or 0))
    os._exit(0)


def _make_cell(home: int) -> int:
    """Start the keeper of a new cell and return its number.

    Args:
        home: a descriptor of this process's own pid namespace.

    Raises:
        OSError: the system does not allow it.
    """
    ours, theirs = socket.socketpair()
    namespaces.unshare(PID)
    try:
        keeper = os.fork()
        if keeper == 0:
            _keep(theirs)
    finally:
        namespaces.enter(home, PID)
    theirs.close()
    with ours:
        _expect_ready(ours)
        if os.getuid() == 0:
            handle = os.pidfd_open(keeper)
            try:
                namespaces.admit_nobody(handle)
            finally:
                os.close(handle)
        ours.send(_READY)
        _expect_ready(ours)
    return keeper


def _expect_ready(line: socket.socket) -> None:
    answer = line.recv(1024)
    if answer != _READY:
        number = int(answer or 0)
        raise OSError(number, os.strerror(number))


def _keep(line: socket.socket) -> NoReturn:
    """The first process of a cell: its orphans' parent, and its end."""
    try:
        namespaces.die_with_parent()
        user, group = os.getuid(), os.getgid()
        namespaces.unshare(USER | NET | IPC)
        if user:
            namespaces.stay_oneself(user, group)
        line.send(_READY)
        line.recv(1)
        namespaces.start_loopback()
        line.send(_READY)
        line.close()
        while True:
            signal.pause()
    except OSError as error:
        line.send(str(error.errno or 0).encode())
    finally:
        os._exit(1)
