"""Fresh processes to measure in: forks of this one, or, where CUDA is at work, of one that never saw it.

A process that used CUDA cannot be forked: its children hold a context that does not work. So the work is
pickled, and a server in a new interpreter (`verify/measures/spawning.py`) forks itself for each measurement.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import torch

from verify.measures.modes import Modes, cuda_in_use
from verify.unmeasured import Unavailable

Answer = TypeVar("Answer")
Apart = Callable[[int], Answer]
"""Does the work in a fresh process, given the number of that process."""


@contextmanager
def fresh_processes(
    work: Callable[[int], Answer], *, spawned: bool, threads: int = 1, processes: int = 1, ahead: int = 0
) -> Iterator[Apart[Answer]]:
    """A function that does `work(number)` in a fresh process and returns its answer, which can be pickled.

    Args:
        work: what to do; where `spawned`, it has to be picklable (by cloudpickle: lambdas are).
        spawned: fork from a new interpreter instead of from this process.
        threads: torch's threads in each process.
        processes: how many there will be, numbered from 0.
        ahead: where `spawned`, how many of the processes that follow load what they work on beside one that
            is about to begin; none of them does anything while it works.

    Raises:
        TypeError: `work` cannot be carried into a new interpreter.
        RuntimeError: it raised there, or its process died.
    """
    with tempfile.TemporaryDirectory(prefix="groundtruth-") as folder:
        if spawned:
            from verify.measures.spawning import prepared

            with prepared(pickled(work), Path(folder), threads, processes, ahead) as ask:
                yield lambda number: read(Path(folder) / f"answer-{number}", ask(number))
        else:
            yield lambda number: _fork(work, number, threads, Path(folder))


def in_fresh_processes(work: partial[Answer], processes: int, modes: Modes) -> list[Answer]:
    """What `work(number)` gives in each of so many fresh processes, one after the other."""
    # A fork of a process that holds a CUDA context, or more than one thread at work, would hang or fail.
    spawned = modes.device == "cuda" or cuda_in_use() or modes.threads != 1
    ahead = room_beside() if spawned else 0
    with fresh_processes(
        work, spawned=spawned, threads=modes.threads, processes=processes, ahead=ahead
    ) as run:
        return [run(number) for number in range(processes)]


def room_beside() -> int:
    """How many more processes like this one fit into half of what is free of the GPU; 0 without CUDA."""
    if not cuda_in_use():
        return 0
    free, total = torch.cuda.mem_get_info()
    return int(free // 2 // max(total - free, 1 << 30))


def _fork(work: Callable[[int], Answer], number: int, threads: int, folder: Path) -> Answer:
    answer = folder / f"answer-{number}"
    child = os.fork()
    if child == 0:
        do(lambda: work, number, threads, answer)
    found: Answer = read(answer, os.waitpid(child, 0)[1])
    return found


def do(
    load: Callable[[], Callable[[int], object]],
    number: int,
    threads: int,
    answer: Path,
    begin: Callable[[], object] = lambda: None,
) -> NoReturn:
    """Do the work in this process, which was forked for it, leave the answer in a file, and end.

    Args:
        load: gives the work.
        number: of this process.
        threads: torch's.
        answer: the file.
        begin: waits, once the work is loaded, until it may be done.
    """
    status = 1
    try:
        torch.set_num_threads(threads)
        gc.freeze()
        gc.disable()
        try:
            work = load()
            begin()
            found = (True, work(number))
        except BaseException as error:
            found = (False, f"{type(error).__name__}: {error}")
        answer.write_bytes(pickle.dumps(found))
        status = 0
    finally:
        os._exit(status)


def read(answer: Path, status: int) -> Any:
    """The answer that a process left, given how it ended.

    Raises:
        RuntimeError: the work raised, or the process died.
    """
    if status or not answer.exists():
        code = os.waitstatus_to_exitcode(status)
        raise RuntimeError(f"a measuring process ended with {code} (a signal if negative)")
    succeeded, found = pickle.loads(answer.read_bytes())
    answer.unlink()
    if not succeeded:
        raise RuntimeError(f"a candidate failed: {found}")
    return found


def pickled(work: Callable[[int], object]) -> bytes:
    """The work for another interpreter, with what the claim's own code defines.

    Raises:
        TypeError: it cannot be carried there.
        Unavailable: there is no cloudpickle.
    """
    try:
        import cloudpickle
    except ModuleNotFoundError as error:
        what = "cloudpickle, which carries work into fresh processes, is not installed"
        raise Unavailable(what, "pip install cloudpickle") from error

    # A claim's module exists in this process alone: what it defines has to travel with the work.
    own = [sys.modules[name] for name in ("claim",) if name in sys.modules]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(work))
    except Exception as error:
        raise TypeError(
            f"the candidates cannot be carried into a fresh process ({type(error).__name__}: {error}); time "
            "modules, plain functions of tensors, or what verify.session returns"
        ) from error
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)
