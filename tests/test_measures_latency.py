"""Comparisons: of candidates whose ratio is known, with the machine's noise as it comes."""

from __future__ import annotations

import math
import os
import random
import re
import signal
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from verify import Comparison, Spread, compare
from verify.measures.latency import _estimate


def adding(count: int) -> Callable[[], object]:
    """A loop whose work is proportional to `count`, and which reads no memory to speak of."""
    return lambda: sum(range(count))


def quickly(first: Callable[[], object], second: Callable[[], object]) -> Comparison:
    return compare({"first": first, "second": second}, processes=4, blocks=4, seconds_per_block=0.004)


ATTEMPTS = 8
"""A machine that is busy with other things may spoil a measurement; it does not spoil so many in a row."""


def once_it_is_quiet(measure: Callable[[], Comparison], fits: Callable[[Comparison], bool]) -> Comparison:
    """The first measurement that fits; the last one when none did."""
    for _ in range(ATTEMPTS):
        found = measure()
        if fits(found):
            break
    return found


def test_twice_the_work_takes_twice_the_time() -> None:
    found = once_it_is_quiet(
        lambda: quickly(adding(40_000), adding(20_000)), lambda found: 1.8 < found.ratio.value < 2.2
    )
    assert found.ratio.timing
    assert 1.8 < found.ratio.value < 2.2
    assert found.ratio.low <= found.ratio.value <= found.ratio.high
    assert len(found.ratio.samples) == 4


def test_the_order_of_the_candidates_turns_the_ratio_over() -> None:
    found = once_it_is_quiet(
        lambda: quickly(adding(10_000), adding(40_000)), lambda found: 0.2 < found.ratio.value < 0.3
    )
    assert 0.2 < found.ratio.value < 0.3
    assert found.speedup.value == pytest.approx(1 / found.ratio.value)
    assert found.speedup.low == pytest.approx(1 / found.ratio.high)
    assert found.speedup.timing


def test_seconds_are_per_call_and_known_by_name() -> None:
    naps: dict[str, Callable[[], object]] = {
        "nap": lambda: time.sleep(0.002),
        "long nap": lambda: time.sleep(0.004),
    }
    found = once_it_is_quiet(
        lambda: compare(naps, processes=2, blocks=2, calls=3, seconds_per_block=0.004),
        lambda found: found.seconds["nap"].value < 0.004 and found.seconds["long nap"].value < 0.008,
    )
    assert list(found.seconds) == ["nap", "long nap"]
    assert found.seconds["nap"].unit == "s"
    assert 0.002 <= found.seconds["nap"].value < 0.004
    assert 0.004 <= found.seconds["long nap"].value < 0.008


def test_the_control_times_the_first_candidate_against_itself() -> None:
    found = once_it_is_quiet(
        lambda: quickly(adding(40_000), adding(10_000)), lambda found: abs(found.a_a.value - 1) < 0.2
    )
    assert found.a_a.value == pytest.approx(1, abs=0.2)
    assert [len(process) for process in found.blocks] == [4] * 4
    assert [len(process) for process in found.control_blocks] == [2] * 4


def test_a_control_that_is_off_makes_the_run_unreliable() -> None:
    def with_control(value: float) -> Comparison:
        one = Spread(1.0, 1.0, 1.0, timing=True)
        return Comparison(one, {}, Spread(value, value, value, timing=True), (), ())

    assert with_control(1.019).reliable
    assert not with_control(1.021).reliable
    assert not with_control(0.97).reliable


def test_the_raw_times_stay_out_of_the_repr() -> None:
    assert "blocks" not in repr(quickly(adding(2000), adding(1000)))


def test_the_interval_holds_the_truth_when_processes_differ() -> None:
    # Each process is off by its own amount, as processes are: a bootstrap over blocks would miss the truth.
    draw = random.Random(0)
    missed = 0
    for trial in range(100):
        logs = []
        for _ in range(8):
            shift = draw.gauss(0, 0.01)
            logs.append([math.log(1.5) + shift + draw.gauss(0, 0.01) for _ in range(8)])
        found = _estimate(logs, seed=trial)
        missed += not found.low <= 1.5 <= found.high
    assert missed <= 15  # 95 % nominal; eight clusters make a percentile bootstrap a little narrow
    assert found.samples[0] == pytest.approx(math.exp(statistics.median(logs[0])))


def test_the_candidates_run_in_other_processes_on_one_thread() -> None:
    parent, called_here = os.getpid(), []

    def work() -> torch.Tensor:
        called_here.append(1)
        if os.getpid() == parent or torch.get_num_threads() != 1:
            raise AssertionError("not in a child on one thread")
        return torch.ones(2)

    quickly(work, work)
    assert not called_here


def test_on_cuda_the_candidates_stay_here_and_every_block_is_synchronised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No GPU is needed to see the order of events; the times themselves need one.
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: events.append("synchronise"))
    work: dict[str, Callable[[], object]] = {name: partial(events.append, name) for name in "ab"}
    compare(work, processes=2, blocks=2, calls=3, seconds_per_block=1e-9, device="cuda")
    text = "".join({"synchronise": "|"}.get(event, event) for event in events)
    assert len(re.findall(r"\|aaa+\|", text)) >= 2 * (2 + 2)
    assert not re.search(r"\|a+b|\|b+a", text)


def test_candidates_that_disagree_are_not_timed() -> None:
    ones, others = torch.ones(3), torch.tensor([1.0, 1.0, 1.1])
    with pytest.raises(
        ValueError, match=r"first and second differ by 0\.091 of the largest magnitude, more than"
    ):
        quickly(lambda: ones, lambda: others)
    with pytest.raises(ValueError, match="the candidates disagree"):
        quickly(lambda: ones, lambda: torch.ones(4))
    with pytest.raises(ValueError, match="the candidates disagree"):
        quickly(lambda: ones, lambda: ones * float("nan"))
    with pytest.raises(ValueError, match="the candidates disagree"):
        quickly(lambda: [np.ones(3)], lambda: [np.zeros(3)])  # as onnxruntime returns them


def test_the_tolerance_can_be_widened_or_the_check_left_out() -> None:
    ones, others = torch.ones(3), torch.full((3,), 1.1)
    for check in (0.2, False):
        compare(
            {"a": lambda: ones, "b": lambda: others},
            processes=2, blocks=2, seconds_per_block=1e-4, check=check,
        )  # fmt: skip


def test_an_error_and_a_death_of_a_candidate_are_reported() -> None:
    with pytest.raises(RuntimeError, match="a candidate failed: ZeroDivisionError: division by zero"):
        quickly(lambda: 1 / 0, adding(10))
    with pytest.raises(RuntimeError, match=r"a measuring process ended with -9 \(a signal if negative\)"):
        quickly(lambda: os.kill(os.getpid(), signal.SIGKILL), adding(10))


def test_bad_plans_are_refused_with_what_was_wanted() -> None:
    two = {"a": adding(1), "b": adding(1)}
    with pytest.raises(ValueError, match="two candidates are compared, not 3"):
        compare({**two, "c": adding(1)})
    for plan in ({"processes": 1}, {"blocks": 3}, {"blocks": 0}, {"calls": 0}):
        with pytest.raises(ValueError, match="at least 2 processes, 2 blocks, an even number of blocks"):
            compare(two, **plan)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='device is "cpu" or "cuda", not \'tpu\''):
        compare(two, device="tpu")  # type: ignore[arg-type]
