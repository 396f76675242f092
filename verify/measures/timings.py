"""Many candidates timed in turns in the same processes: how long each takes, or how much it gets done."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from verify.evidence import note
from verify.measures.apart import in_fresh_processes
from verify.measures.bootstrap import estimate
from verify.measures.candidates import Candidate, check_candidate
from verify.measures.modes import Cache, Clock, Device, Modes, cuda_in_use, modes_of
from verify.measures.reliability import QUIETER, doubts_of
from verify.measures.rounds import WARM, Plan, Round, evidence_of, time_rounds
from verify.unmeasured import Unreliable
from verify.values import Spread

MOST = 26
"""Candidates at once; the records name each by a letter."""


def timings(
    candidates: Mapping[str, Candidate],
    inputs: Sequence[object] | None = None,
    *,
    processes: int = 8,
    blocks: int = 4,
    seconds_per_block: float = 0.02,
    calls: int = 3,
    device: Device | None = None,
    clock: Clock | None = None,
    cache: Cache = "hot",
    cuda_graph: bool = False,
    tf32: bool = False,
    threads: int = 1,
    seed: int = 0,
    strict: bool = True,
) -> dict[str, Spread]:
    """Seconds per call of up to 26 functions, modules (with `inputs`) or sessions, for a table of them.

    In each of `processes` fresh processes all are called until their times settle; then come `blocks` rounds,
    in which each is timed once, in shuffled order. So all meet the same machine, and two of them may be set
    side by side; for a ratio with its own interval and control there is `compare`. Outputs are not compared:
    sessions were checked when they were made. The rest is as for `compare`.

    Raises ValueError for no candidates or more than 26, or a plan that is too small; TypeError for what
    cannot be timed; Unreliable when the GPU was throttled or shared, or the clocks disagree.
    """
    if not 1 <= len(candidates) <= MOST:
        raise ValueError(f"from 1 to {MOST} candidates are timed in turns, not {len(candidates)}")
    for name, candidate in candidates.items():
        check_candidate(name, candidate, inputs)
    modes = modes_of(device, clock, cache, cuda_graph, tf32, threads)
    plan = _plan(processes, blocks, seconds_per_block, calls, modes)
    found = _in_turns(candidates, inputs, processes, blocks, plan, modes, seed, strict, "timings")
    return {
        name: estimate([[math.log(each.seconds(name)) for each in one] for one in found], seed, "s")
        for name in candidates
    }


def throughput(
    build: Callable[[int], Candidate],
    batches: Sequence[int],
    *,
    processes: int = 8,
    blocks: int = 4,
    seconds_per_block: float = 0.02,
    calls: int = 3,
    device: Device | None = None,
    clock: Clock | None = None,
    cuda_graph: bool = False,
    tf32: bool = False,
    threads: int = 1,
    seed: int = 0,
    strict: bool = True,
) -> dict[int, Spread]:
    """Samples per second at each batch size, all sizes timed in turns, in shuffled rounds.

    `build(batch)` gives the candidate that works on that many samples per call: a function without
    arguments, or a session. Processes, blocks, modes and clocks are as for `timings`.

    Raises ValueError without batches, for more than 26 or one below 1; the rest as `timings`.
    """
    sizes = list(dict.fromkeys(batches))
    if not 1 <= len(sizes) <= MOST or min(sizes) < 1:
        raise ValueError(f"batches are positive numbers of samples, at most {MOST}, not {list(batches)}")
    candidates = {str(batch): build(batch) for batch in sizes}
    for name, candidate in candidates.items():
        check_candidate(f"the candidate for batch {name}", candidate, None)
    modes = modes_of(device, clock, "hot", cuda_graph, tf32, threads)
    plan = _plan(processes, blocks, seconds_per_block, calls, modes)
    found = _in_turns(candidates, None, processes, blocks, plan, modes, seed, strict, "throughput")
    return {
        batch: estimate([[math.log(batch / each.seconds(str(batch))) for each in one] for one in found], seed)
        for batch in sizes
    }


def _plan(processes: int, blocks: int, seconds_per_block: float, calls: int, modes: Modes) -> Plan:
    if processes < 2 or blocks < 1 or calls < 1:
        raise ValueError("at least 2 processes, 1 block and 1 call are needed")
    return Plan(seconds_per_block, calls, held=1 + cuda_in_use(), warm_seconds=WARM[modes.device])


def _in_turns(
    candidates: Mapping[str, Candidate],
    inputs: Sequence[object] | None,
    processes: int,
    blocks: int,
    plan: Plan,
    modes: Modes,
    seed: int,
    strict: bool,
    measure: str,
) -> list[list[Round]]:
    """The rounds of every process; in each round all candidates, in an order of its own."""
    draw = random.Random(seed)
    names = list(candidates)
    orders = [[tuple(draw.sample(names, len(names))) for _ in range(blocks)] for _ in range(processes)]
    work: partial[list[Round]] = partial(
        time_rounds, candidates=candidates, inputs=inputs, orders=orders, plan=plan, modes=modes
    )
    found = in_fresh_processes(work, processes, modes)
    doubts = doubts_of(found)
    if strict and doubts:
        raise Unreliable(f"unreliable, {'; '.join(doubts)}", QUIETER)
    note(measure=measure, modes=str(modes), seed=seed, doubts=doubts, **evidence_of(found, names))
    return found
