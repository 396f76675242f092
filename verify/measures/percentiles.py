"""How long one call takes: p50, p95 and p99 over fresh processes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from verify.evidence import note
from verify.measures.apart import in_fresh_processes
from verify.measures.bootstrap import Statistic, estimate
from verify.measures.candidates import Candidate, check_candidate
from verify.measures.modes import Cache, Clock, Device, Modes, cuda_in_use, modes_of
from verify.measures.reliability import CONTROL_TOLERANCE, QUIETER, bearable, doubts_of
from verify.measures.rounds import WARM, Plan, Round, evidence_of, time_rounds
from verify.unmeasured import Unreliable
from verify.values import Spread


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one call takes. All intervals are of 95 %, over processes."""

    p50: Spread
    """The median, in seconds."""
    p95: Spread
    """What 95 % of calls do not exceed, in seconds."""
    p99: Spread
    """What 99 % of calls do not exceed, in seconds."""
    a_a: Spread
    """The control: the calls of even number over those of odd number."""
    modes: Modes
    """How the candidate was run and timed."""
    doubts: tuple[str, ...]
    """Why the run is worth nothing; empty for a reliable one."""
    rounds: tuple[tuple[Round, ...], ...] = field(repr=False)
    """Raw: each process's one round, with the seconds of every call."""


def latency(
    candidate: Candidate,
    inputs: Sequence[object] | None = None,
    *,
    processes: int = 8,
    calls: int = 100,
    device: Device | None = None,
    clock: Clock | None = None,
    cache: Cache = "hot",
    cuda_graph: bool = False,
    tf32: bool = False,
    threads: int = 1,
    seed: int = 0,
    attempts: int = 2,
    strict: bool = True,
) -> Latency:
    """Times single calls of a function, a module (with `inputs`) or a runtime session.

    In each of `processes` fresh processes the candidate is called until its times settle, then `calls` times,
    each by itself: with `clock="device"` between two CUDA events (inputs and outputs on the GPU, nothing
    waits), with `clock="host"` from the call until the device has finished. The rest is as for `compare`.

    Raises what `compare` does; ValueError for fewer than 2 processes or 20 calls.
    """
    if processes < 2 or calls < 20:
        raise ValueError("at least 2 processes and 20 calls are needed")
    check_candidate("the candidate", candidate, inputs)
    modes = modes_of(device, clock, cache, cuda_graph, tf32, threads)
    orders = [[("it",)]] * processes
    plan = Plan(0.01, calls, each=True, held=1 + cuda_in_use(), warm_seconds=WARM[modes.device])
    work: partial[list[Round]] = partial(
        time_rounds, candidates={"it": candidate}, inputs=inputs, orders=orders, plan=plan, modes=modes
    )
    for _attempt in range(attempts):
        measured = in_fresh_processes(work, processes, modes)
        found = _latency(measured, modes, seed)
        if not found.doubts:
            break
    if strict and not bearable(found.doubts, found.a_a, modes.device):
        raise Unreliable(f"unreliable in {attempts} attempts, {'; '.join(found.doubts)}", QUIETER)
    facts = evidence_of(found.rounds, ("it",))
    note(
        measure="latency", modes=str(modes), seed=seed, control=found.a_a.value, doubts=found.doubts, **facts
    )
    return found


def _latency(processes: Sequence[Sequence[Round]], modes: Modes, seed: int) -> Latency:
    logs = [[math.log(max(call, 1e-9)) for call in rounds[0].blocks[0].calls] for rounds in processes]
    halves = [[math.log(_middle(one[::2]) / _middle(one[1::2]))] for one in map(np.exp, logs)]
    a_a = estimate(halves, seed)
    doubts = doubts_of(processes)
    if not abs(a_a.value - 1) <= CONTROL_TOLERANCE[modes.device]:
        doubts.append(f"calls of even number seem {a_a.value:.3f} times as slow as those of odd number")
    p50, p95, p99 = (estimate(logs, seed, "s", _at(percent)) for percent in (50, 95, 99))
    return Latency(p50, p95, p99, a_a, modes, tuple(doubts), tuple(map(tuple, processes)))


def _middle(calls: NDArray[np.float64]) -> float:
    return float(np.median(calls))


def _at(percent: float) -> Statistic:
    return lambda samples: np.percentile(samples, percent, axis=-1)
