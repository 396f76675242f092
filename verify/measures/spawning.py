"""The server of measuring processes: an interpreter that never saw CUDA, and forks itself for each one.

One serves all measurements of a claim. Before it forks, it imports what the work is made of, so that no
process has to. Processes may load their work (which sets CUDA up, and takes seconds) side by side; they then
wait, doing nothing, until each is told in turn to begin.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pickle
import pickletools
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.measures.apart import do

SERVE = """import json, sys
sys.path[:] = json.loads(sys.argv[1])
from verify.measures.spawning import serve
serve()"""

_WORD = struct.Struct("=i")

_beside = 0


def loaded_beside() -> int:
    """How many processes of the same measurement have loaded their work, too, and wait beside this one."""
    return _beside


# The side of the process that measures


@dataclass(slots=True)
class _Server:
    """A running server and what it was started with."""

    process: subprocess.Popen[str]
    """The interpreter."""
    key: tuple[object, ...]
    """This process, its variables and its path: what a new server would inherit."""


_servers: list[_Server] = []


@contextmanager
def prepared(
    work: bytes, folder: Path, threads: int, processes: int, ahead: int
) -> Iterator[Callable[[int], int]]:
    """A function that does the work in a fresh process of a number, and returns how that process ended.

    Args:
        work: a pickled function of that number; the answer lies in `folder / "answer-<number>"`.
        folder: for work and answers.
        threads: torch's threads in each process.
        processes: how many there will be.
        ahead: how many of the processes that follow load their work side by side with one.
    """
    (folder / "work").write_bytes(work)
    server = _server()
    request = {"folder": str(folder), "threads": threads, "modules": modules_of(work)}

    def ask(number: int) -> int:
        last = max(number, min(number + ahead, processes - 1))
        return _ask(server, {**request, "numbers": list(range(number, last + 1))})

    try:
        yield ask
    finally:
        with suppress(RuntimeError):
            _ask(server, {"end": True})


def modules_of(work: bytes) -> list[str]:
    """The modules that are imported here and named in a pickle, so that loading it imports them."""
    named = {word for _, word, _ in pickletools.genops(work) if isinstance(word, str)}
    return sorted(name for name in named & sys.modules.keys() if name not in ("claim", "__main__"))


def _server() -> subprocess.Popen[str]:
    key = (os.getpid(), dict(os.environ), list(sys.path))
    for server in _servers:
        if server.key == key and server.process.poll() is None:
            return server.process
    _end()
    command = [sys.executable, "-c", SERVE, json.dumps(sys.path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _servers[:] = [_Server(process, key)]
    return process


@atexit.register
def _end() -> None:
    for server in _servers:
        if server.key[0] == os.getpid():  # not that of a process that this one was forked from
            server.process.kill()
            server.process.communicate()
    _servers.clear()


def _ask(server: subprocess.Popen[str], request: Mapping[str, Any]) -> int:
    assert server.stdin is not None and server.stdout is not None
    try:
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        line = server.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        raise RuntimeError("the server of measuring processes ended; its last words are above")
    return int(line)


# The server's side


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A process that was forked and has not been told to begin."""

    pid: int
    """Its number."""
    loaded: int
    """A descriptor that ends, or has a byte, once it has loaded its work."""
    begin: int
    """A descriptor for the word to begin."""


def serve() -> None:
    """Fork for each request on standard input, and answer with the wait status of the process asked for."""
    waiting: dict[int, _Waiting] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "end" in request:
            for each in waiting.values():
                os.kill(each.pid, signal.SIGKILL)
                _close(each)
                os.waitpid(each.pid, 0)
            waiting.clear()
            print(0, flush=True)
            continue
        number, *following = request["numbers"]
        if number not in waiting:
            _import(request["modules"])
            for one in (number, *following):
                waiting[one] = _fork(request, one, waiting.values())
            for each in waiting.values():
                os.read(each.loaded, 1)
        chosen = waiting.pop(number)
        with suppress(BrokenPipeError):  # it could not even load its work, and its answer says why
            os.write(chosen.begin, _WORD.pack(len(waiting)))
        status = os.waitpid(chosen.pid, 0)[1]
        _close(chosen)
        print(status, flush=True)


def _close(waiting: _Waiting) -> None:
    os.close(waiting.loaded)
    os.close(waiting.begin)


def _import(modules: list[str]) -> None:
    for name in modules:
        with suppress(ImportError, OSError):  # the process that needs it says so
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _fork(request: Mapping[str, Any], number: int, others: Iterable[_Waiting]) -> _Waiting:
    loaded, tell = os.pipe()
    listen, begin = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # what a candidate prints must not look like an answer
        os.close(loaded)
        os.close(begin)
        for other in others:  # so that each notices the server's end
            _close(other)

        def wait() -> None:
            global _beside
            os.write(tell, b"+")
            word = os.read(listen, _WORD.size)
            if not word:
                os._exit(1)  # nobody waits for the answer any more
            _beside = _WORD.unpack(word)[0]

        folder = Path(request["folder"])
        work = folder / "work"
        do(
            lambda: pickle.loads(work.read_bytes()),
            number,
            request["threads"],
            folder / f"answer-{number}",
            wait,
        )
    os.close(tell)
    os.close(listen)
    return _Waiting(child, loaded, begin)
