"""Which of two is faster, and by how much: interleaved blocks in fresh processes, an interval, a control."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import torch

from verify.evidence import note
from verify.measures.apart import Answer, fresh_processes
from verify.measures.bootstrap import estimate
from verify.measures.candidates import Candidate, check_candidate
from verify.measures.modes import Cache, Clock, Device, Modes, gradients_here
from verify.measures.rounds import Plan, Round, balanced, compute, evidence_of, time_rounds
from verify.unmeasured import Unreliable
from verify.values import Spread

CONTROL_TOLERANCE = {"cpu": 0.02, "cuda": 0.01}
"""How far a candidate may seem from itself in a reliable run; on a shared CPU, 1 % is too strict."""

USELESS = {"cpu": 0.10, "cuda": 0.01}
"""How far it may seem from itself before a run says nothing at all. Between the two, on a CPU that others
use, the run counts: its interval is wide, and the record says what the control was."""

DROPPED = 0.2
"""The share of rounds that may be dropped because the GPU was throttled."""

QUIETER = "run it again when the machine is quiet and the GPU is nobody else's"


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
        gap = apart(partial(compute, candidates=candidates, inputs=inputs, modes=modes), 1, modes)[0]
        if gap is not None and not gap <= check:
            raise ValueError(
                f"the candidates disagree: {first} and {second} differ by {gap:.2g} of the largest "
                f"magnitude, more than {check:g}; a fast wrong answer is no answer"
            )
    draw = random.Random(seed)
    plan = Plan(seconds_per_block, calls, held=1 + cuda_in_use())
    for _attempt in range(attempts):
        orders = [balanced(first, second, blocks, blocks // 2, draw) for _ in range(processes)]
        work: partial[list[Round]] = partial(
            time_rounds, candidates=candidates, inputs=inputs, orders=orders, plan=plan, modes=modes
        )
        measured = apart(work, processes, modes)
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


def cuda_in_use() -> bool:
    """Whether this process holds a CUDA context; asking does not make one."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def modes_of(
    device: Device | None, clock: Clock | None, cache: Cache, cuda_graph: bool, tf32: bool, threads: int
) -> Modes:
    """The modes of a call, with what it left open filled in by where this process works."""
    where: Device = device or ("cuda" if cuda_in_use() else "cpu")
    usual: Clock = "device" if where == "cuda" else "host"
    return Modes(where, clock or usual, cache, cuda_graph, tf32, threads, gradients_here())


def apart(work: partial[Answer], processes: int, modes: Modes) -> list[Answer]:
    """What `work(number)` gives in each of so many fresh processes, one after the other."""
    # A fork of a process that holds a CUDA context, or more than one thread at work, would hang or fail.
    spawned = modes.device == "cuda" or cuda_in_use() or modes.threads != 1
    with fresh_processes(work, spawned=spawned, threads=modes.threads) as run:
        return [run(number) for number in range(processes)]


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
    kept = [[each for each in rounds if not each.throttled] for rounds in processes]
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


def bearable(doubts: Sequence[str], a_a: Spread, device: Device) -> bool:
    """Whether a run counts: nothing speaks against it, or nothing but a control that is a little off."""
    off = abs(a_a.value - 1)
    return not doubts or (len(doubts) == 1 and CONTROL_TOLERANCE[device] < off <= USELESS[device])


def doubts_of(processes: Sequence[Sequence[Round]]) -> list[str]:
    """What clocks and driver said against a run."""
    rounds = [each for process in processes for each in process]
    doubts = []
    throttled = [each for each in rounds if each.throttled]
    if len(throttled) > DROPPED * len(rounds):
        reasons = sorted({reason for each in throttled for reason in each.throttled})
        doubts.append(
            f"the GPU was throttled in {len(throttled)} of {len(rounds)} rounds: {', '.join(reasons)}"
        )
    if any(each.foreign for each in rounds):
        doubts.append("another process was on the GPU")
    wrong = [block.doubt for each in rounds for block in each.blocks if block.doubt]
    if len(wrong) > DROPPED * len(rounds):
        doubts.append(f"{wrong[0]} (and {len(wrong) - 1} more blocks)" if len(wrong) > 1 else wrong[0])
    return doubts
