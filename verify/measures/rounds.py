"""The measurement in one process: warm all candidates, then time them in turns, in the order of the plan."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from verify.measures.agreement import disagreement
from verify.measures.candidates import Candidate, Ready, made_ready
from verify.measures.clocks import Block, Run, Timer, timer_for
from verify.measures.modes import Modes
from verify.measures.nvml import GpuState, gpu_of_torch
from verify.measures.spawning import loaded_beside

WARM = {"cpu": 0.0, "cuda": 0.1}
"""Seconds that each candidate is called for in a process before it counts: an idle GPU has low clocks."""

Order = Sequence[tuple[str, ...]]
"""The rounds of one process: which candidates are timed, one after the other, in each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often; the same in every process."""

    least_seconds: float
    """Seconds that a block takes at least."""
    least_calls: int
    """Calls in a block, at least."""
    each: bool = False
    """Time every call by itself: `least_calls` of them, however long that takes."""
    held: int = 1
    """Processes of ours that have a context on the GPU."""
    warm_seconds: float = 0.0
    """Seconds that a candidate is called for before it counts, at least."""


@dataclass(frozen=True, slots=True)
class Round:
    """One block of each candidate of a round."""

    names: tuple[str, ...]
    """The candidates, in the order in which they were timed."""
    blocks: tuple[Block, ...]
    """Their blocks, in the same order."""
    throttled: tuple[str, ...] = ()
    """What held the GPU's clocks back meanwhile."""
    foreign: int = 0
    """Processes of others on the GPU."""
    state: GpuState | None = None
    """The GPU after it, where NVML answers."""

    def seconds(self, name: str) -> float:
        """Seconds per call of a candidate, in its first block of the round."""
        return self.blocks[self.names.index(name)].seconds


def time_rounds(
    number: int,
    candidates: Mapping[str, Candidate],
    inputs: Sequence[object] | None,
    orders: Sequence[Order],
    plan: Plan,
    modes: Modes,
) -> list[Round]:
    """What process `number` measures: its rounds of `orders`, after a warm-up of every candidate."""
    plan = replace(plan, held=plan.held + loaded_beside())
    with modes.entered():
        runs = {name: made_ready(candidate, inputs, modes) for name, candidate in candidates.items()}
        gpu = gpu_of_torch() if modes.device == "cuda" else None
        states = (lambda: gpu.state()) if gpu is not None else (lambda: None)
        return measure(runs, orders[number], plan, timer_for(modes), states)


def compute(
    number: int, candidates: Mapping[str, Candidate], inputs: Sequence[object] | None, modes: Modes
) -> float | None:
    """How far two candidates' outputs differ, as `disagreement` says, computed as they will be timed."""
    outputs = []
    with modes.entered():
        for candidate in candidates.values():
            outputs.append(made_ready(candidate, inputs, modes)())
            if modes.device == "cuda":
                torch.cuda.synchronize()
    first, second = outputs
    return disagreement(first, second)


def measure(
    runs: Mapping[str, Ready],
    order: Order,
    plan: Plan,
    timer: Timer,
    state: Callable[[], GpuState | None] = lambda: None,
) -> list[Round]:
    """Time the rounds of one process; the candidates are warmed first, until their times settle."""
    counts = {}
    for name, run in runs.items():
        with run.around():
            settled = warm(run.run, plan.least_seconds / 4, timer, plan.warm_seconds)
        enough = 1 if plan.each else math.ceil(plan.least_seconds / settled)
        counts[name] = max(plan.least_calls, enough)
    rounds = []
    time_one = timer.each if plan.each else timer.block
    for names in order:
        before = state()
        blocks = []
        for name in names:
            with runs[name].around():
                blocks.append(time_one(runs[name].run, counts[name]))
        after = state()
        seen = [each for each in (before, after) if each is not None]
        held_back = tuple(dict.fromkeys(reason for each in seen for reason in each.throttled))
        foreign = max((each.processes - plan.held for each in seen), default=0)
        rounds.append(Round(names, tuple(blocks), held_back, max(0, foreign), after))
    return rounds


def warm(run: Run, least: float, timer: Timer, at_least: float = 0.0) -> float:
    """Seconds per call once two short blocks agree within 5 %; after ten blocks, whatever it is.

    Args:
        run: what is called.
        least: seconds of a block.
        timer: times it.
        at_least: seconds that it goes on for, settled or not.
    """
    run()
    seconds = timer.block(run, 1).seconds
    blocks, spent, settled = 0, 0.0, False
    while spent < at_least or not (settled or blocks == 10):
        before, count = seconds, max(1, math.ceil(least / max(seconds, 1e-9)))
        seconds = timer.block(run, count).seconds
        blocks, spent = blocks + 1, spent + max(seconds, 1e-9) * count
        settled = abs(seconds - before) <= 0.05 * before
    return max(seconds, 1e-9)


def balanced(first: str, second: str, blocks: int, control: int, draw: random.Random) -> Order:
    """As many AB as BA, and control rounds AA, shuffled."""
    order = [(first, second), (second, first)] * (blocks // 2) + [(first, first)] * control
    draw.shuffle(order)
    return order


def evidence_of(processes: Sequence[Sequence[Round]], names: Sequence[str]) -> dict[str, Any]:
    """The raw times of a measurement and what the GPU said meanwhile, as plain JSON values.

    `rounds` has a list per process, of `[order, seconds, …]` in the order of timing; `A` is the first name.
    Where each call was timed by itself, all of them are there.
    """
    letters = {name: chr(ord("A") + index) for index, name in enumerate(names)}
    rounds = [
        [
            [
                "".join(letters[name] for name in each.names),
                *(call for block in each.blocks for call in block.calls),
            ]
            for each in process
        ]
        for process in processes
    ]
    states = [each.state for process in processes for each in process if each.state is not None]
    facts: dict[str, Any] = {"candidates": list(names), "rounds": rounds}
    if states:
        facts["gpu"] = {
            field: [min(getattr(one, field) for one in states), max(getattr(one, field) for one in states)]
            for field in ("sm_mhz", "memory_mhz", "watts", "celsius", "processes")
        }
        held_back = [reason for process in processes for each in process for reason in each.throttled]
        facts["throttled"] = {reason: held_back.count(reason) for reason in sorted(set(held_back))}
    return facts
