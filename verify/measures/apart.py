"""Fresh processes to measure in: forks of this one, or, where CUDA is at work, of one that never saw it.

A process that used CUDA cannot be forked: its children hold a context that does not work. So the work is
pickled, and a server in a new interpreter, which has imported torch and done nothing else, forks itself for
each measurement.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

Answer = TypeVar("Answer")
Apart = Callable[[int], Answer]
"""Does the work in a fresh process, given the number of that process."""

SERVE = """import json, sys
sys.path[:] = json.loads(sys.argv[1])
from verify.measures.apart import serve
serve()"""


@contextmanager
def fresh_processes(
    work: Callable[[int], Answer], *, spawned: bool, threads: int = 1
) -> Iterator[Apart[Answer]]:
    """A function that does `work(number)` in a fresh process and returns its answer, which can be pickled.

    Args:
        work: what to do; where `spawned`, it has to be picklable (by cloudpickle: lambdas are).
        spawned: fork from a new interpreter instead of from this process.
        threads: torch's threads in each process.

    Raises:
        TypeError: `work` cannot be carried into a new interpreter.
        RuntimeError: it raised there, or its process died.
    """
    with tempfile.TemporaryDirectory(prefix="groundtruth-") as folder:
        if spawned:
            with _server(work, Path(folder)) as server:
                yield lambda number: _ask(server, number, threads, Path(folder))
        else:
            yield lambda number: _fork(work, number, threads, Path(folder))


def _fork(work: Callable[[int], Answer], number: int, threads: int, folder: Path) -> Answer:
    answer = folder / f"answer-{number}"
    child = os.fork()
    if child == 0:
        _measure(lambda: work, number, threads, answer)
    found: Answer = _read(answer, os.waitpid(child, 0)[1])
    return found


def _measure(load: Callable[[], Callable[[int], object]], number: int, threads: int, answer: Path) -> None:
    """Do the work in this process, which was forked for it, leave the answer in a file, and end."""
    status = 1
    try:
        torch.set_num_threads(threads)
        gc.freeze()
        gc.disable()
        try:
            found = (True, load()(number))
        except BaseException as error:
            found = (False, f"{type(error).__name__}: {error}")
        answer.write_bytes(pickle.dumps(found))
        status = 0
    finally:
        os._exit(status)


def _read(answer: Path, status: int) -> Any:
    if status or not answer.exists():
        code = os.waitstatus_to_exitcode(status)
        raise RuntimeError(f"a measuring process ended with {code} (a signal if negative)")
    succeeded, found = pickle.loads(answer.read_bytes())
    answer.unlink()
    if not succeeded:
        raise RuntimeError(f"a candidate failed: {found}")
    return found


@contextmanager
def _server(work: Callable[[int], object], folder: Path) -> Iterator[subprocess.Popen[str]]:
    (folder / "work").write_bytes(_pickled(work))
    command = [sys.executable, "-c", SERVE, json.dumps(sys.path)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield server
    finally:
        server.kill()
        server.communicate()


def _pickled(work: Callable[[int], object]) -> bytes:
    import cloudpickle

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


def _ask(server: subprocess.Popen[str], number: int, threads: int, folder: Path) -> Any:
    assert server.stdin is not None and server.stdout is not None
    try:
        server.stdin.write(json.dumps([str(folder), number, threads]) + "\n")
        server.stdin.flush()
        line = server.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        raise RuntimeError("the server of measuring processes ended; its last words are above")
    return _read(folder / f"answer-{number}", int(line))


def serve() -> None:
    """The server's side: fork for each request on standard input, answer with the child's wait status."""
    for line in sys.stdin:
        folder, number, threads = json.loads(line)
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # what a candidate prints must not look like an answer
            load = partial(_load, Path(folder) / "work")
            _measure(load, number, threads, Path(folder) / f"answer-{number}")
        print(os.waitpid(child, 0)[1], flush=True)


def _load(work: Path) -> Any:
    return pickle.loads(work.read_bytes())
