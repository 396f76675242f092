"""The interval over processes against Student's t, for which it is meant."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from verify.measures import bootstrap
from verify.measures.bootstrap import STUDENT, estimate


def test_students_t_is_that_of_scipy() -> None:
    assert sorted(STUDENT) == list(range(2, 11))
    for processes, value in STUDENT.items():
        assert value == pytest.approx(stats.t.ppf(0.975, processes - 1), rel=3e-4)


@pytest.mark.parametrize("processes", [3, 4, 6, 8, 11, 16, 24])
def test_of_means_of_processes_the_interval_is_students(
    processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Hesterberg 2015: percentiles that are expanded so that normal means get t · s / √n.
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20_000)
    draw = random.Random(processes)
    logs = [[draw.gauss(0.5, 0.02)] for _ in range(processes)]
    found = estimate(logs, 0, statistic=lambda samples: np.mean(samples, axis=-1))
    numbers = [row[0] for row in logs]
    half = stats.t.ppf(0.975, processes - 1) * stats.sem(numbers)
    assert math.log(found.value) == pytest.approx(np.mean(numbers))
    if processes >= 6:  # of fewer there are not enough different draws to fill the tails
        assert (math.log(found.high) - math.log(found.low)) / 2 == pytest.approx(half, rel=0.12)
    else:
        assert (math.log(found.low), math.log(found.high)) == pytest.approx((min(numbers), max(numbers)))


@pytest.mark.parametrize("processes", [4, 6, 8, 10])
def test_percentiles_are_expanded_so_that_normal_means_get_students_interval(processes: int) -> None:
    # A bootstrap's means have a deviation of s·√((n−1)/n)/√n; at z of these they end at t·s/√n.
    z = stats.norm.isf(bootstrap._outside(processes)) * math.sqrt((processes - 1) / processes)
    assert z == pytest.approx(stats.t.ppf(0.975, processes - 1), rel=3e-4)


def test_one_process_says_nothing_of_another_and_lists_may_differ_in_length() -> None:
    alone = estimate([[math.log(2.0), math.log(4.0), math.log(3.0)]], 0, "s")
    assert [alone.value, alone.low, alone.high] == pytest.approx([3, 3, 3])
    assert alone.unit == "s" and alone.timing
    uneven = estimate([[0.0, 0.0, 1.0], [], [0.0], [0.0, 0.0]], 0)
    assert uneven.value == 1 and uneven.samples == (1.0, 1.0, 1.0)
