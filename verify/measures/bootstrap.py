"""The interval of a timing: processes are drawn again, not the blocks within them.

Blocks of one process share its memory layout and its luck, so they are no independent samples of what the
next process would show.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from verify.values import Spread

RESAMPLES = 2000
"""How many times the processes are drawn."""

STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Student's t at 97.5 % for a number of processes (that number minus one degrees of freedom)."""

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From samples in the last axis to one number."""


def estimate(
    logs: Sequence[Sequence[float]],
    seed: int,
    unit: str = "",
    statistic: Statistic = lambda samples: np.median(samples, axis=-1),
) -> Spread:
    """The median of all samples, given as logarithms, with a cluster bootstrap's 95 % interval.

    Few clusters make a percentile interval too narrow; it is taken at percentiles that make up for that.
    Source: Hesterberg 2015, What teachers should know about the bootstrap (expanded percentile interval);
    Kalibera, Jones 2013, Rigorous benchmarking in reasonable time (processes above blocks).

    Args:
        logs: natural logarithms, one list per process; the lists may differ in length.
        seed: of the draws.
        unit: of the values themselves.
        statistic: what to estimate; the median of the samples.

    Returns:
        A timing whose samples are the processes' own statistics, in `unit`.
    """
    rows = [np.asarray(row, dtype=float) for row in logs if len(row)]
    draws = np.random.default_rng(seed).integers(len(rows), size=(RESAMPLES, len(rows)))
    if len({len(row) for row in rows}) == 1:
        found = statistic(np.stack(rows)[draws].reshape(RESAMPLES, -1))
    else:
        found = np.array([statistic(np.concatenate([rows[one] for one in draw])) for draw in draws])
    middle = float(statistic(np.concatenate(rows)))
    outside = _outside(len(rows))
    low, high = (float(end) for end in np.quantile(found, (outside, 1 - outside)))
    samples = tuple(math.exp(float(statistic(row))) for row in rows)
    low, high = min(low, middle), max(high, middle)
    return Spread(math.exp(middle), math.exp(low), math.exp(high), samples, unit, timing=True)


def _outside(clusters: int) -> float:
    """The share of draws to leave out at each end so that the interval covers 95 %."""
    if clusters < 2:
        return 0.0
    student = STUDENT.get(clusters, 1.96 + 2.8 / (clusters - 1))
    return statistics.NormalDist().cdf(-student * math.sqrt(clusters / (clusters - 1)))
