"""Claims on a Ray cluster of mixed machines: one at a time on a GPU, our own deadlines, no retries.

Every claim still runs in a process of its own, forked on its node by the server of `runner.py`; Ray carries
bundles of claims there and findings back. A bundle yields each finding as it is made, so a node that is lost
costs the claim that ran on it; those behind it in the bundle were never begun, and go to another node.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO, cast

from verify.environment import this_machine
from verify.errands import Errand, Finding, run_errands

Kind = Literal["cpu", "gpu", "alone"]

BEGIN = 180.0
"""Seconds that a node may take to start a process and import torch, beside the claim's own time."""
GRACE = 30.0
"""Seconds for a finding to travel."""
BUNDLE = 16
"""Claims that share a server on a node, at most."""


_HINT = "start one with `ray start --head`, or name it in RAY_ADDRESS; without it one is started here"


class NoCluster(Exception):
    """Ray is missing or does not answer; the arguments are what and hint."""

    def __init__(self, what: str, hint: str) -> None:
        self.what, self.hint = what, hint
        super().__init__(f"{what}\n  hint: {hint}")


@dataclass(slots=True)
class _Bundle:
    """Claims that were sent to a node together."""

    kind: Kind
    """What it occupies."""
    left: deque[Errand]
    """Those without a finding; the first one runs."""
    deadline: float
    """When the first one has to be done, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class _Room:
    """What the cluster has."""

    slots: dict[Kind, int]
    """How many claims of each kind it takes at once."""
    largest: int
    """The cores of its largest node."""
    resources: frozenset[str]
    """The names of everything that its nodes offer."""


def run_on_ray(
    errands: Sequence[Errand],
    *,
    address: str | None = None,
    prefer: str = "",
    begin: float = BEGIN,
    warn: Callable[[str], None] = lambda line: None,
) -> Iterator[Finding]:
    """Run errands on a cluster; findings come as they arrive, from whichever machine made them.

    Claims that need a GPU get one to themselves. A node says with `ray start --resources '{"tensorrt": 1}'`
    that TensorRT is installed there, and with its machine's name which device it has. Timings on a CPU come
    last, one at a time, with a whole node.

    Args:
        errands: what to run.
        address: the cluster's; by default that in RAY_ADDRESS, else a cluster is started here.
        prefer: the machine whose GPUs are to be used where the cluster has any: the reference machine.
        begin: seconds that a node may take before its first claim begins.
        warn: told what goes wrong with the cluster.

    Raises:
        NoCluster: Ray is not installed, or no cluster answers.
    """
    ray = _connected(address)
    results = sys.stdout
    sys.stdout = cast(TextIO, _Results(results))
    try:
        yield from _drive(ray, errands, prefer, begin, warn)
    finally:
        sys.stdout = results
        ray.shutdown()


class _Results:
    """Standard output, but what Ray's own thread prints of lost nodes goes to standard error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        ours = threading.current_thread() is threading.main_thread()
        return getattr(self._stream if ours else sys.stderr, name)


def _connected(address: str | None) -> Any:
    try:
        import ray
    except ImportError:
        raise NoCluster("Ray is not installed", "`pip install 'groundtruth-decks[ray]'`") from None
    _probe(address or os.environ.get("RAY_ADDRESS", ""))
    here = Path(__file__).resolve().parent
    # The nodes run the very code that is here, whatever they have installed.
    modules = {"py_modules": [str(here), str(here.parent / "generator")]}
    try:
        ray.init(address=address, runtime_env=modules, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise NoCluster(f"no Ray cluster answers ({error})", _HINT) from error
    return ray


def _probe(address: str) -> None:
    """Ray would wait for minutes for an address where nothing listens."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=20).close()
        except OSError as error:
            raise NoCluster(
                f"no Ray cluster answers at {address} ({error.strerror or error})", _HINT
            ) from error


def _drive(
    ray: Any, errands: Sequence[Errand], prefer: str, begin: float, warn: Callable[[str], None]
) -> Iterator[Finding]:
    waiting: dict[Kind, deque[Errand]] = {"cpu": deque(), "gpu": deque(), "alone": deque()}
    for errand in errands:
        waiting[_kind(errand)].append(errand)
    running: dict[Any, _Bundle] = {}
    while running or any(waiting.values()):
        room = _room_of(ray)
        for kind, queue in waiting.items():
            if not room.slots[kind]:
                yield from (_nowhere(queue.popleft(), kind) for _ in range(len(queue)))
            while queue and _may_start(kind, running.values(), waiting, room):
                bundle = _bundle(kind, queue, room.slots[kind], begin)
                running[_send(ray, bundle, room, prefer)] = bundle
        if not running:
            continue
        ready, _ = ray.wait(list(running), num_returns=1, timeout=min(1.0, _soonest(running.values())))
        for sent in ready:
            yield from _taken(ray, sent, running, waiting, warn)
        now = time.monotonic()
        for sent in [sent for sent, bundle in running.items() if bundle.deadline < now]:
            ray.cancel(sent, force=True)
            what = "no answer within its time: its node was lost, or hangs"
            yield from _lost(running.pop(sent), what, waiting, warn)


def _taken(
    ray: Any,
    sent: Any,
    running: dict[Any, _Bundle],
    waiting: dict[Kind, deque[Errand]],
    warn: Callable[[str], None],
) -> Iterator[Finding]:
    """The next finding of a bundle, or its end."""
    bundle = running[sent]
    try:
        finding = Finding.from_json(ray.get(next(sent), timeout=GRACE))
    except StopIteration:
        del running[sent]
        if bundle.left:
            yield from _lost(bundle, "its node gave no finding", waiting, warn)
    except ray.exceptions.RayError as error:
        del running[sent]
        what = f"its node was lost, or its worker ended ({type(error).__name__})"
        yield from _lost(bundle, what, waiting, warn)
    else:
        bundle.left = deque(each for each in bundle.left if each.job.owner != finding.owner)
        if bundle.left:
            bundle.deadline = time.monotonic() + bundle.left[0].job.timeout + GRACE
        yield finding


def _lost(
    bundle: _Bundle, what: str, waiting: dict[Kind, deque[Errand]], warn: Callable[[str], None]
) -> Iterator[Finding]:
    """The claim that ran is lost, and not measured again by itself; those behind it go back to the queue."""
    first, *rest = bundle.left
    waiting[bundle.kind].extendleft(reversed(rest))
    warn(f"{first.job.owner}: {what}")
    yield Finding(first.job.owner, "", "", None, what=what)


def _carry_out(data: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """On a node: run a bundle, one claim after the other."""
    machine = this_machine()
    for finding in run_errands([Errand.from_json(each) for each in data], machine, workers=1):
        yield finding.to_json()


def _send(ray: Any, bundle: _Bundle, room: _Room, prefer: str) -> Any:
    wants: dict[str, Any] = {"num_cpus": room.largest if bundle.kind == "alone" else 1}
    if bundle.kind == "gpu":
        names = {prefer, *(need for errand in bundle.left for need in errand.job.needs)} & room.resources
        wants |= {"num_gpus": 1, "resources": dict.fromkeys(names, 0.001)}
    remote = ray.remote(max_calls=1, max_retries=0)(_carry_out).options(num_returns="streaming", **wants)
    return remote.remote([errand.to_json() for errand in bundle.left])


def _room_of(ray: Any) -> _Room:
    """How many claims of each kind the living nodes take at once."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = [int(node.get("CPU", 0)) for node in nodes]
    slots: dict[Kind, int] = {
        "cpu": sum(cores),
        "gpu": int(sum(node.get("GPU", 0) for node in nodes)),
        "alone": 1 if any(cores) else 0,
    }
    return _Room(slots, max(cores, default=0), frozenset(name for node in nodes for name in node))


def _may_start(
    kind: Kind, running: Iterable[_Bundle], waiting: dict[Kind, deque[Errand]], room: _Room
) -> bool:
    at_work = [bundle.kind for bundle in running]
    if kind == "alone":
        return not at_work and not waiting["cpu"] and not waiting["gpu"]
    return at_work.count(kind) < room.slots[kind]


def _bundle(kind: Kind, queue: deque[Errand], slots: int, begin: float) -> _Bundle:
    size = 1 if kind == "alone" else max(1, min(BUNDLE, len(queue) // slots))
    left = deque(queue.popleft() for _ in range(min(size, len(queue))))
    return _Bundle(kind, left, time.monotonic() + begin + left[0].job.timeout)


def _kind(errand: Errand) -> Kind:
    return "gpu" if errand.job.needs else "alone" if errand.job.alone else "cpu"


def _soonest(bundles: Iterable[_Bundle]) -> float:
    return max(0.01, min(bundle.deadline for bundle in bundles) - time.monotonic())


def _nowhere(errand: Errand, kind: Kind) -> Finding:
    what = "no node of the cluster has a GPU" if kind == "gpu" else "the cluster has no node left"
    return Finding(errand.job.owner, "", "", None, what=what)
