"""Which of two is faster, and by how much: interleaved blocks in fresh processes, an interval, a control."""

from __future__ import annotations

import gc
import math
import os
import pickle
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import torch

from verify.measures.forward import tensor_of
from verify.values import Spread

Candidate = Callable[[], object]
Pairs = list[tuple[float, float]]
"""Seconds per call of two candidates, block by block."""

CONTROL_TOLERANCE = 0.02
"""How far a candidate may seem from itself in a reliable run; on a shared CPU, 1 % is too strict."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two candidates timed side by side. All intervals are of 95 %."""

    ratio: Spread
    """Time of the first over time of the second: above 1, the second is faster."""
    seconds: dict[str, Spread]
    """Seconds per call of each candidate."""
    a_a: Spread
    """The control: the first candidate over itself, in the same run."""
    blocks: tuple[Pairs, ...] = field(repr=False)
    """Raw: per process, seconds per call of the first and the second in each block."""
    control_blocks: tuple[Pairs, ...] = field(repr=False)
    """Raw: per process, seconds per call of the first candidate and itself."""

    @property
    def speedup(self) -> Spread:
        """Time of the second over time of the first: how many times faster the first is."""
        samples = tuple(1 / sample for sample in self.ratio.samples)
        return Spread(1 / self.ratio.value, 1 / self.ratio.high, 1 / self.ratio.low, samples, timing=True)

    @property
    def reliable(self) -> bool:
        """True when the control lies within 2 % of 1; a run that is not says nothing."""
        return abs(self.a_a.value - 1) <= CONTROL_TOLERANCE


def compare(
    candidates: dict[str, Candidate],
    *,
    processes: int = 8,
    blocks: int = 8,
    seconds_per_block: float = 0.02,
    calls: int = 10,
    device: Literal["cpu", "cuda"] = "cpu",
    check: float | Literal[False] | None = None,
    seed: int = 0,
) -> Comparison:
    """Times two callables without arguments against each other; what they call is built and compiled before.

    In each of `processes` fresh processes, forked from this one and held to one thread, both are called until
    their times settle; then come `blocks` blocks in which one is timed after the other, half of them AB and
    half BA in shuffled order, and between them half as many control blocks AA. A block times at least `calls`
    calls and `seconds_per_block` of each. Takes about processes · blocks · 3 · seconds_per_block: 4 s.

    The ratio is the median of the per-block log ratios; its interval, a bootstrap over processes (2,000
    resamples). Host time, wall clock; gradients are recorded unless the candidates turn that off.

    The outputs are compared first: tensors or arrays must agree within `check` (1e-3) of the largest
    magnitude. `check=False` leaves that out; results of another type are not compared.

    `device="cuda"` stays in this process, because CUDA does not survive a fork: "processes" are then rounds,
    each warmed anew, and every block begins and ends with a synchronisation.

    Source: Kalibera, Jones 2013, Rigorous benchmarking in reasonable time (processes above blocks).

    Raises ValueError when the candidates disagree, are not two, or the plan is too small (2 processes, 2
    blocks, blocks even); RuntimeError when a candidate fails or its process dies.
    """
    if len(candidates) != 2:
        raise ValueError(f"two candidates are compared, not {len(candidates)}")
    if processes < 2 or blocks < 2 or blocks % 2 or calls < 1:
        raise ValueError("at least 2 processes, 2 blocks, an even number of blocks, and 1 call are needed")
    if device not in ("cpu", "cuda"):
        raise ValueError(f'device is "cpu" or "cuda", not {device!r}')
    (first_name, first), (second_name, second) = candidates.items()
    synchronise: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else _nothing
    apart: Callable[[Callable[[], Any]], Any] = _in_child if device == "cpu" else _here
    if check is not False:
        tolerance = 1e-3 if check is None else check
        gap = apart(lambda: _disagreement(first(), second()))
        if gap is not None and not gap <= tolerance:
            raise ValueError(
                f"the candidates disagree: {first_name} and {second_name} differ by {gap:.2g} of the largest "
                f"magnitude, more than {tolerance:g}; a fast wrong answer is no answer"
            )

    plan = random.Random(seed)
    timed: list[tuple[Pairs, Pairs]] = []
    for _ in range(processes):
        order = ["AB", "BA"] * (blocks // 2) + ["AA"] * (blocks // 2)
        plan.shuffle(order)
        timed.append(apart(partial(_measure, first, second, order, seconds_per_block, calls, synchronise)))
    pairs, control = tuple(one for one, _ in timed), tuple(two for _, two in timed)
    seconds = {
        name: _estimate([[math.log(pair[side]) for pair in process] for process in pairs], seed, unit="s")
        for side, name in enumerate(candidates)
    }
    return Comparison(_ratio(pairs, seed), seconds, _ratio(control, seed), pairs, control)


def _nothing() -> None: ...


def _here(work: Callable[[], Any]) -> Any:
    return work()


def _in_child(work: Callable[[], Any]) -> Any:
    """What `work()` gives in a forked process on one thread; raises RuntimeError if it fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            torch.set_num_threads(1)
            gc.freeze()
            gc.disable()
            try:
                answer = (True, work())
            except BaseException as error:
                answer = (False, f"{type(error).__name__}: {error}")
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(answer, pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not data:
        raise RuntimeError(
            f"a measuring process ended with {os.waitstatus_to_exitcode(status)} (a signal if negative)"
        )
    succeeded, answer = pickle.loads(data)
    if not succeeded:
        raise RuntimeError(f"a candidate failed: {answer}")
    return answer


def _disagreement(first: object, second: object) -> float | None:
    """The largest difference over the largest magnitude; infinite for other shapes, None without tensors."""
    one, two = _numbers(first), _numbers(second)
    if one is None and two is None:
        return None
    if one is None or two is None or one.shape != two.shape:
        return math.inf
    if not one.numel():
        return 0.0
    scale = max(float(one.abs().max()), float(two.abs().max()))
    return float((one - two).abs().max()) / scale if scale else 0.0


def _numbers(output: object) -> torch.Tensor | None:
    """The tensor or array in an output (of a list, the first) as float64 on the CPU; None without one."""
    if isinstance(output, (list, tuple)) and output:
        output = output[0]
    if isinstance(output, np.ndarray):
        output = torch.from_numpy(output)
    try:
        return tensor_of(output).detach().to("cpu", torch.float64, copy=True)
    except ValueError:
        return None


def _measure(
    first: Candidate,
    second: Candidate,
    order: list[str],
    least: float,
    calls: int,
    synchronise: Callable[[], None],
) -> tuple[Pairs, Pairs]:
    """Seconds per call of each block, as pairs of (first, second) and as control pairs of (first, first)."""
    repeats = {"A": 0, "B": 0}
    functions = {"A": first, "B": second}
    for name, function in functions.items():
        settled = _warm(function, least / 4, synchronise)
        repeats[name] = max(calls, math.ceil(least / settled))
    pairs: Pairs = []
    control: Pairs = []
    for block in order:
        earlier, later = (_block(functions[name], repeats[name], synchronise) for name in block)
        if block == "AA":
            control.append((earlier, later))
        else:
            pairs.append((earlier, later) if block == "AB" else (later, earlier))
    return pairs, control


def _warm(function: Candidate, least: float, synchronise: Callable[[], None]) -> float:
    """Seconds per call once two short blocks agree within 5 %; after ten blocks, whatever it is."""
    function()
    seconds = _block(function, 1, synchronise)
    for _ in range(10):
        before, seconds = (
            seconds,
            _block(function, max(1, math.ceil(least / max(seconds, 1e-9))), synchronise),
        )
        if abs(seconds - before) <= 0.05 * before:
            break
    return max(seconds, 1e-9)


def _block(function: Candidate, repeats: int, synchronise: Callable[[], None]) -> float:
    synchronise()
    start = time.perf_counter_ns()
    for _ in range(repeats):
        function()
    synchronise()
    return (time.perf_counter_ns() - start) / repeats / 1e9


def _ratio(processes: tuple[Pairs, ...], seed: int) -> Spread:
    return _estimate([[math.log(one / two) for one, two in process] for process in processes], seed)


def _estimate(logs: list[list[float]], seed: int, unit: str = "") -> Spread:
    """The median of all blocks and a cluster bootstrap's 95 % interval; samples are processes' medians."""
    table = np.array(logs)
    chosen = np.random.default_rng(seed).integers(len(table), size=(2000, len(table)))
    medians = np.median(table[chosen].reshape(2000, -1), axis=1)
    middle = float(np.median(table))
    low, high = (float(end) for end in np.quantile(medians, (0.025, 0.975)))
    samples = tuple(math.exp(statistics.median(row)) for row in logs)
    low, high = min(low, middle), max(high, middle)
    return Spread(math.exp(middle), math.exp(low), math.exp(high), samples, unit, timing=True)
