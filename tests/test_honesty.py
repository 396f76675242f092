"""The interval says the truth: on a simulated machine with noise, known differences, and none.

`benchmarks/honesty.py` shows the same on the real machine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest

from tests.simulated_machine import Machine
from verify.measures.bootstrap import estimate
from verify.measures.candidates import Ready
from verify.measures.clocks import HostTimer
from verify.measures.latency import conclude
from verify.measures.modes import Modes
from verify.measures.rounds import Plan, balanced, measure
from verify.values import Spread

TRIALS = 40
MODES = Modes("cpu", "host", "hot", False, False, 1, "off")
PLAN = Plan(0.004, 5)


def noisy(seed: int) -> Machine:
    return Machine(seed, process_sd=0.01, drift_sd=0.05, drift_seconds=2.0, call_sd=0.03, spikes=0.01)


def interleaved(machine: Machine, truth: float, seed: int) -> Spread:
    """The protocol, in eight simulated processes."""
    draw, timer = random.Random(seed), HostTimer(now=machine.now)
    processes = []
    for _ in range(8):
        machine.new_process()
        runs = {"a": Ready(machine.work(truth * 1e-3)), "b": Ready(machine.work(1e-3))}
        processes.append(measure(runs, balanced("a", "b", 8, 4, draw), PLAN, timer))
    return conclude(processes, ("a", "b"), MODES, seed).ratio


def one_after_the_other(machine: Machine, truth: float, seed: int) -> Spread:
    """What people do: all calls of one, then all of the other, and a bootstrap of the samples."""
    timer = HostTimer(now=machine.now)
    machine.new_process()
    first = np.array(timer.each(machine.work(truth * 1e-3), 300).calls)
    second = np.array(timer.each(machine.work(1e-3), 300).calls)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(300, size=(2, 1000, 300))
    ratios = np.median(first[drawn[0]], axis=1) / np.median(second[drawn[1]], axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    middle = float(np.median(first) / np.median(second))
    return Spread(middle, min(float(low), middle), max(float(high), middle))


def misses(method: Callable[[Machine, float, int], Spread], truth: float) -> int:
    found = [method(noisy(seed), truth, seed) for seed in range(TRIALS)]
    return sum(not each.low <= truth <= each.high for each in found)


@pytest.mark.parametrize("truth", [1.05, 1.0])
def test_the_interval_holds_the_truth_where_the_naive_one_misses_it(truth: float) -> None:
    ours, naive = misses(interleaved, truth), misses(one_after_the_other, truth)
    print(f"ratio {truth}: of {TRIALS} trials the interval misses {ours}, the naive one {naive}")
    assert ours <= TRIALS // 10
    assert naive > TRIALS // 3


def test_the_interval_is_narrow_enough_to_see_five_percent() -> None:
    widths = [
        (found.high - found.low) for found in (interleaved(noisy(seed), 1.05, seed) for seed in range(5))
    ]
    assert max(widths) < 0.05


def test_eight_processes_that_differ_are_covered_at_about_95_percent() -> None:
    # Each process is off by its own amount: a bootstrap over blocks would miss, a plain percentile interval
    # of eight clusters would miss one in ten.
    draw, missed = random.Random(0), 0
    for trial in range(200):
        shifts = [draw.gauss(0, 0.01) for _ in range(8)]
        logs = [[math.log(1.5) + shift + draw.gauss(0, 0.01) for _ in range(8)] for shift in shifts]
        found = estimate(logs, seed=trial)
        missed += not found.low <= 1.5 <= found.high
    assert missed / 200 <= 0.07


def test_without_noise_the_ratio_is_exact_and_the_control_is_one() -> None:
    found = interleaved(Machine(), 1.05, 0)
    assert found.value == pytest.approx(1.05, rel=1e-6)
    assert found.high - found.low < 1e-6
