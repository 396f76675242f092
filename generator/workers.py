"""Work shared with forked processes, which leave what they made in files and end when their parent does."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

_NUMBER = 4
"""Bytes of a task's number in the pipe."""
_MOST = 8_000
"""Tasks that fit into a pipe whatever its size."""


def processes() -> int:
    """How many processes can work at a time; 1 where this one must not be forked."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(8, len(os.sched_getaffinity(0)))


def work_beside(tasks: int, work: Callable[[int], None], helpers: int, own: Callable[[int], None]) -> None:
    """Do the tasks `0 … tasks - 1`, each once, in this process and in helpers forked from it.

    A helper that fails or is killed takes its task with it without a word: the caller looks at what is there,
    and does the rest itself, where an exception is seen.

    Args:
        tasks: how many there are.
        work: what a helper does with a task; it has to leave its result in a file.
        helpers: how many processes to fork.
        own: what this process does with a task.
    """
    reading, writing = os.pipe()
    parent, children = os.getpid(), list[int]()
    os.write(writing, b"".join(number.to_bytes(_NUMBER, "big") for number in range(min(tasks, _MOST))))
    gc.collect()
    gc.freeze()  # or else the first collection of each helper would copy every page
    try:
        for _ in range(helpers):
            child = os.fork()
            if child == 0:
                os.close(writing)
                _help(reading, parent, work)
            children.append(child)
        os.close(writing)
        writing = -1
        while task := os.read(reading, _NUMBER):
            own(int.from_bytes(task, "big"))
    except BaseException:
        for child in children:
            os.kill(child, signal.SIGTERM)
        raise
    finally:
        if writing >= 0:
            os.close(writing)
        os.close(reading)
        gc.unfreeze()
        for child in children:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def _help(reading: int, parent: int, work: Callable[[int], None]) -> NoReturn:
    """The life of a helper: tasks until there are none, or until nobody waits for them any more."""
    gc.disable()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(BaseException):
        while os.getppid() == parent and (task := os.read(reading, _NUMBER)):
            work(int.from_bytes(task, "big"))
    os._exit(0)
