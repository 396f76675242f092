"""Does the interval of `compare` hold the truth? Trials with a known 5 % and with none, on this machine, now.

    python benchmarks/honesty.py [--trials 40] [--clock host]

The known difference is work: 105 against 100 runs of the same kernel. Beside the protocol stands what people
do: all calls of one, then all of the other, and a bootstrap of the samples. Goal: the interval misses in at
most one trial of ten.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import torch

from verify import Spread, compare


def kernel(repeats: int) -> Callable[[], object]:
    """Work of about 2 µs a time, in a small matrix that stays in the cache."""
    matrix, target = torch.full((16, 16), 1 / 16), torch.empty(16, 16)

    def run() -> None:
        for _ in range(repeats):
            torch.mm(matrix, matrix, out=target)

    return run


def one_after_the_other(first: Callable[[], object], second: Callable[[], object], seed: int) -> Spread:
    """All calls of one, then of the other, and a bootstrap of the samples."""
    times = []
    for function in (first, second):
        function()
        calls = []
        for _ in range(300):
            start = time.perf_counter_ns()
            function()
            calls.append(time.perf_counter_ns() - start)
        times.append(np.array(calls))
    drawn = np.random.default_rng(seed).integers(300, size=(2, 1000, 300))
    ratios = np.median(times[0][drawn[0]], axis=1) / np.median(times[1][drawn[1]], axis=1)
    middle = float(np.median(times[0]) / np.median(times[1]))
    low, high = (float(end) for end in np.quantile(ratios, (0.025, 0.975)))
    return Spread(middle, min(low, middle), max(high, middle), timing=True)


def main() -> None:
    """Run the trials and print one line per truth and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--clock", choices=("host", "process"), default="host")
    parser.add_argument("--seconds", type=float, default=0.004, help="seconds per block")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'truth':>6}  {'method':<22}{'misses':>8}{'width':>9}{'worst':>9}{'seconds':>9}")
    doubted = 0
    for truth, repeats in ((1.05, 105), (1.0, 100)):
        found: dict[str, list[Spread]] = {"interleaved processes": [], "one after the other": []}
        spent = dict.fromkeys(found, 0.0)
        for trial in range(options.trials):
            first, second = kernel(repeats), kernel(100)
            began = time.perf_counter()
            comparison = compare(
                {"first": first, "second": second},
                seconds_per_block=options.seconds, calls=3, check=False,
                clock=options.clock, seed=trial, attempts=1, strict=False,
            )  # fmt: skip
            doubted += not comparison.reliable
            found["interleaved processes"].append(comparison.ratio)
            between = time.perf_counter()
            found["one after the other"].append(one_after_the_other(first, second, trial))
            spent["interleaved processes"] += between - began
            spent["one after the other"] += time.perf_counter() - between
        for method, spreads in found.items():
            missed = sum(not each.low <= truth <= each.high for each in spreads)
            width = statistics.median((each.high - each.low) / each.value for each in spreads)
            worst = max(abs(each.value / truth - 1) for each in spreads)
            each_took = spent[method] / options.trials
            share = f"{missed}/{len(spreads)}"
            print(
                f"{truth:>6}  {method:<22}{share:>8}{width:>9.1%}{worst:>9.1%}{each_took:>9.2f}", flush=True
            )
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{doubted} of {2 * options.trials} comparisons call themselves unreliable")
    print(f"load {load} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
