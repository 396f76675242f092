"""Which of two is faster, and by how much: interleaved blocks in fresh processes, an interval, a control."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from verify.evidence import note
from verify.measures.apart import in_fresh_processes
from verify.measures.bootstrap import estimate
from verify.measures.candidates import Candidate, check_candidate
from verify.measures.modes import Cache, Clock, Device, Modes, cuda_in_use, modes_of
from verify.measures.reliability import CONTROL_TOLERANCE, QUIETER, bearable, doubts_of, spoiling
from verify.measures.rounds import WARM, Plan, Round, balanced, compute, evidence_of, time_rounds
from verify.unmeasured import Unreliable
from verify.values import Spread


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two candidates timed side by side. All intervals are of 95 %."""

    ratio: Spread
    """Time of the first over time of the second: above 1, the second is faster."""
    seconds: dict[str, Spread]
    """Seconds per call of each candidate."""
    a_a: Spread
    """The control: the first candidate over itself, in the same run."""
    gap: float | None
    """How far the outputs differ, over the largest magnitude; None where they were not compared."""
    modes: Modes
    """How the candidates were run and timed."""
    doubts: tuple[str, ...]
    """Why the run is worth nothing; empty for a reliable one."""
    rounds: tuple[tuple[Round, ...], ...] = field(repr=False)
    """Raw: each process's rounds, with block times and what the GPU said; rounds `AA` are the control."""

    @property
    def speedup(self) -> Spread:
        """Time of the second over time of the first: how many times faster the first is."""
        samples = tuple(1 / sample for sample in self.ratio.samples)
        return Spread(1 / self.ratio.value, 1 / self.ratio.high, 1 / self.ratio.low, samples, timing=True)

    @property
    def reliable(self) -> bool:
        """False when the control is off, the clocks disagree, or the GPU was throttled or shared."""
        return not self.doubts


def compare(
    candidates: Mapping[str, Candidate],
    inputs: Sequence[object] | None = None,
    *,
    processes: int = 8,
    blocks: int = 8,
    seconds_per_block: float = 0.02,
    calls: int = 10,
    device: Device | None = None,
    clock: Clock | None = None,
    cache: Cache = "hot",
    cuda_graph: bool = False,
    tf32: bool = False,
    threads: int = 1,
    check: float | Literal[False] = 1e-3,
    seed: int = 0,
    attempts: int = 2,
    strict: bool = True,
) -> Comparison:
    """Times two candidates against each other: functions, modules (with `inputs`) or runtime sessions.

    In each of `processes` fresh processes both are called until their times settle; then come `blocks`
    rounds in which one is timed after the other, half of them AB and half BA in shuffled order, and among
    them half as many control rounds AA. A block times at least `calls` calls and `seconds_per_block`. What
    the candidates call is built and compiled before. Takes about processes · blocks · 3 · seconds_per_block
    and a warm-up: some 5 s on a CPU, 30 s with CUDA, whose processes cannot be forked from this one.

    The ratio is the median of the rounds' log ratios, its interval a bootstrap over processes. First the
    outputs are compared: tensors or arrays must agree within `check` of the largest magnitude
    (False leaves that out; what has no numbers is not compared).

    Args:
        candidates: two, by name.
        inputs: what modules and functions are called with; None for functions without arguments.
        processes: at least 2.
        blocks: rounds per process; even.
        seconds_per_block: in seconds.
        calls: in a block, at least.
        device: where the work is done; by default `cuda` once this process has used CUDA.
        clock: `device` (CUDA events; the default with CUDA) or `host`.
        cache: `hot`, or `flushed` by a write over the last-level cache before each call.
        cuda_graph: capture each candidate once and replay it.
        tf32: let torch's FP32 products and convolutions round to TF32 (sessions have their own).
        threads: torch's, on the CPU.
        check: the tolerance, as a share of the largest magnitude.
        seed: of the order of rounds and of the bootstrap.
        attempts: how often at most an unreliable run is repeated.
        strict: raise for a run that says nothing instead of returning it with its doubts.

    Source: Kalibera, Jones 2013, Rigorous benchmarking in reasonable time (processes above blocks).

    Raises ValueError when the candidates disagree, are not two, or the plan is too small; TypeError for what
    cannot be timed; RuntimeError when a candidate fails or its process dies; Unreliable when the controls
    fail in every attempt: a control further off than 1 % with CUDA, than 10 % on a CPU (2 % is tried for).
    """
    first, second = _two(candidates)
    if processes < 2 or blocks < 2 or blocks % 2 or calls < 1:
        raise ValueError("at least 2 processes, 2 blocks, an even number of blocks, and 1 call are needed")
    for name, candidate in candidates.items():
        check_candidate(name, candidate, inputs)
    modes = modes_of(device, clock, cache, cuda_graph, tf32, threads)
    gap = None
    if check is not False:
        computed = partial(compute, candidates=candidates, inputs=inputs, modes=modes)
        [gap] = in_fresh_processes(computed, 1, modes)
        if gap is not None and not gap <= check:
            raise ValueError(
                f"the candidates disagree: {first} and {second} differ by {gap:.2g} of the largest "
                f"magnitude, more than {check:g}; a fast wrong answer is no answer"
            )
    draw = random.Random(seed)
    plan = Plan(seconds_per_block, calls, held=1 + cuda_in_use(), warm_seconds=WARM[modes.device])
    for _attempt in range(attempts):
        orders = [balanced(first, second, blocks, blocks // 2, draw) for _ in range(processes)]
        work: partial[list[Round]] = partial(
            time_rounds, candidates=candidates, inputs=inputs, orders=orders, plan=plan, modes=modes
        )
        measured = in_fresh_processes(work, processes, modes)
        found = conclude(measured, (first, second), modes, seed)
        if found.reliable:
            break
    if strict and not bearable(found.doubts, found.a_a, modes.device):
        raise Unreliable(f"unreliable in {attempts} attempts, {'; '.join(found.doubts)}", QUIETER)
    note(
        measure="compare", modes=str(modes), seed=seed, gap=gap, control=found.a_a.value,
        doubts=found.doubts, **evidence_of(found.rounds, (first, second)),
    )  # fmt: skip
    return replace(found, gap=gap)


def _two(candidates: Mapping[str, Candidate]) -> tuple[str, str]:
    if len(candidates) != 2:
        raise ValueError(f"two candidates are compared, not {len(candidates)}")
    first, second = candidates
    return first, second


def conclude(
    processes: Sequence[Sequence[Round]], names: tuple[str, str], modes: Modes, seed: int
) -> Comparison:
    """The comparison that these rounds make: throttled ones dropped, doubts collected."""
    first, second = names
    doubts = doubts_of(processes)
    spoils = spoiling(processes)
    kept = [[each for each in rounds if not spoils.intersection(each.throttled)] for rounds in processes]
    pairs = [[each for each in rounds if second in each.names] for rounds in kept]
    control = [[each for each in rounds if second not in each.names] for rounds in kept]
    if sum(map(bool, pairs)) < 2 or sum(map(bool, control)) < 2:  # all but nothing is left: show it anyway
        pairs = [[each for each in rounds if second in each.names] for rounds in processes]
        control = [[each for each in rounds if second not in each.names] for rounds in processes]
    ratio = estimate(
        [[math.log(each.seconds(first) / each.seconds(second)) for each in rounds] for rounds in pairs], seed
    )
    a_a = estimate(
        [
            [math.log(each.blocks[0].seconds / each.blocks[1].seconds) for each in rounds]
            for rounds in control
        ],
        seed,
    )
    seconds = {
        name: estimate([[math.log(each.seconds(name)) for each in rounds] for rounds in pairs], seed, "s")
        for name in names
    }
    if not abs(a_a.value - 1) <= CONTROL_TOLERANCE[modes.device]:
        doubts.append(f"{first} seems {a_a.value:.3f} times as slow as itself")
    return Comparison(ratio, seconds, a_a, None, modes, tuple(doubts), tuple(map(tuple, processes)))
