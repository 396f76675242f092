"""Comparisons: of candidates whose ratio is known, with the machine's noise as it comes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from verify import Comparison, Spread, compare, latency, throughput, timings
from verify.evidence import noted
from verify.measures.apart import fresh_processes, pickled
from verify.measures.candidates import Session
from verify.measures.latency import conclude
from verify.measures.reliability import CONTROL_TOLERANCE, bearable
from verify.measures.spawning import loaded_beside, modules_of
from verify.unmeasured import Unavailable, Unreliable


def adding(count: int) -> Callable[[], object]:
    """A loop whose work is proportional to `count`, and which reads no memory to speak of."""
    return lambda: sum(range(count))


def quickly(first: Callable[[], object], second: Callable[[], object]) -> Comparison:
    # The clock of the process: whoever else is busy on this machine shall not decide about a test.
    return compare(
        {"first": first, "second": second},
        processes=4, blocks=4, seconds_per_block=0.004, clock="process", strict=False,
    )  # fmt: skip


ATTEMPTS = 8
"""A machine that is busy with other things may spoil a measurement; it does not spoil so many in a row."""


def once_it_is_quiet(measure: Callable[[], Comparison], fits: Callable[[Comparison], bool]) -> Comparison:
    """The first measurement that fits; the last one when none did."""
    for _ in range(ATTEMPTS):
        found = measure()
        if fits(found):
            break
    return found


def test_on_cuda_where_there_is_none_the_machine_that_brings_it_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    measures: tuple[Callable[[], object], ...] = (
        lambda: compare({"a": adding(1), "b": adding(2)}, device="cuda"),
        lambda: latency(adding(1), device="cuda"),
        lambda: timings({"a": adding(1)}, device="cuda"),
    )
    for measure in measures:
        with pytest.raises(
            Unavailable, match="torch sees no NVIDIA GPU to time on: run it on a machine with"
        ):
            measure()


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
        lambda: compare(naps, processes=2, blocks=2, calls=3, seconds_per_block=0.004, strict=False),
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
    for rounds in found.rounds:
        assert sorted(each.names for each in rounds) == [
            ("first", "first"), ("first", "first"),
            ("first", "second"), ("first", "second"), ("second", "first"), ("second", "first"),
        ]  # fmt: skip
    assert len({tuple(each.names for each in rounds) for rounds in found.rounds}) > 1  # shuffled


def test_an_unreliable_run_is_repeated_and_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.measures.latency.CONTROL_TOLERANCE", {"cpu": -1.0})
    monkeypatch.setattr("verify.measures.reliability.USELESS", {"cpu": -1.0})
    runs: list[Comparison] = []

    def counted(*arguments: Any) -> Comparison:
        runs.append(conclude(*arguments))
        return runs[-1]

    monkeypatch.setattr("verify.measures.latency.conclude", counted)
    settings = {"processes": 2, "blocks": 2, "calls": 1, "seconds_per_block": 1e-5}
    with pytest.raises(Unreliable) as refusal:
        compare({"a": adding(9), "b": adding(9)}, **settings)  # type: ignore[arg-type]
    assert len(runs) == 2
    assert re.match(r"unreliable in 2 attempts, a seems \d\.\d+ times as slow as itself", refusal.value.what)
    assert refusal.value.hint == "run it again when the machine is quiet and the GPU is nobody else's"
    found = compare({"a": adding(9), "b": adding(9)}, **settings, attempts=1, strict=False)  # type: ignore[arg-type]
    assert len(runs) == 3 and not found.reliable


def test_a_control_beyond_its_bound_is_borne_on_a_cpu_alone() -> None:
    a_a = Spread(1.025, 1.025, 1.025, timing=True)
    assert bearable(["even and odd"], a_a, "cpu")
    assert not bearable(["even and odd"], a_a, "cuda")


@pytest.mark.parametrize(
    ("control", "device", "counts"),
    [
        (1.019, "cpu", True),
        (1.05, "cpu", True),
        (1.11, "cpu", False),
        (1.005, "cuda", True),
        (1.02, "cuda", False),
    ],
)
def test_a_control_that_is_a_little_off_is_borne_on_a_cpu_alone(
    control: float, device: Any, counts: bool
) -> None:
    a_a = Spread(control, control, control, timing=True)
    doubts = ["a seems as slow as itself"] if abs(control - 1) > CONTROL_TOLERANCE[device] else []
    assert bearable(doubts, a_a, device) is counts
    assert not bearable([*doubts, "another process was on the GPU"], a_a, "cuda")


def test_the_raw_times_stay_out_of_the_repr() -> None:
    assert "rounds" not in repr(quickly(adding(2000), adding(1000)))


def test_the_modes_and_the_gap_of_the_outputs_are_kept() -> None:
    ones = torch.ones(4)
    with torch.inference_mode():
        found = compare(
            {"a": lambda: ones, "b": lambda: ones * (1 + 1e-4)},
            processes=2, blocks=2, calls=1, seconds_per_block=1e-5, strict=False,
        )  # fmt: skip
    assert found.gap == pytest.approx(1e-4, rel=0.01)
    assert str(found.modes) == "cpu, host clock, hot cache, 1 thread, inference"


def test_gradients_are_recorded_or_not_as_where_the_comparison_is_made() -> None:
    def seen() -> torch.Tensor:
        return torch.tensor([float(torch.is_grad_enabled()), float(torch.is_inference_mode_enabled())])

    small = {"processes": 2, "blocks": 2, "calls": 1, "seconds_per_block": 1e-5, "strict": False}
    for around, expected in (
        (torch.enable_grad, [1.0, 0]),
        (torch.no_grad, [0, 0]),
        (torch.inference_mode, [0, 1.0]),
    ):
        with around():
            found = compare({"a": seen, "b": lambda expected=expected: torch.tensor(expected)}, **small)  # type: ignore[arg-type]
        assert found.gap == 0


def test_modules_are_called_with_the_inputs() -> None:
    torch.manual_seed(0)
    small, large = torch.nn.Linear(64, 64), torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(8)])
    x = torch.randn(16, 64)
    found = once_it_is_quiet(
        lambda: compare(
            {"large": large, "small": small}, (x,), check=False,
            processes=2, blocks=4, seconds_per_block=0.002, clock="process", strict=False,
        ),
        lambda found: found.ratio.value > 4,
    )  # fmt: skip
    assert found.ratio.value > 4
    with pytest.raises(ValueError, match=r"large is a module: give the inputs that it is called with"):
        compare({"large": large, "small": small})
    with pytest.raises(TypeError, match="a is str; a function, a module or a session is wanted"):
        compare({"a": "resnet50", "b": small}, (x,))  # type: ignore[dict-item]


def test_a_session_is_run_in_its_own_context_and_the_context_is_not_timed() -> None:
    class Recorded:
        def __init__(self) -> None:
            self.inside = False

        @contextmanager
        def running(self) -> Iterator[None]:
            time.sleep(0.001)
            self.inside = True
            yield
            self.inside = False

        def run(self) -> torch.Tensor:
            assert self.inside
            return torch.ones(1)

    assert isinstance(Recorded(), Session)
    found = once_it_is_quiet(
        lambda: compare(
            {"a": Recorded(), "b": Recorded()},
            processes=2, blocks=2, calls=1, seconds_per_block=1e-5, strict=False,
        ),
        lambda found: found.seconds["a"].value < 0.001,
    )  # fmt: skip
    assert found.seconds["a"].value < 0.001


# Fresh processes


def test_work_goes_into_a_new_interpreter_that_forks_for_each_process_and_outlives_a_death() -> None:
    x = torch.arange(3.0)

    def work(number: int) -> tuple[int, int, float, int]:
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        print("this must not look like an answer")
        return os.getpid(), os.getppid(), float(x.sum()) + number, torch.get_num_threads()

    with fresh_processes(work, spawned=True) as run:
        first, server, total, threads = run(0)
        with pytest.raises(RuntimeError, match=r"a measuring process ended with -9 \(a signal if negative\)"):
            run(1)
        second, again, more, _ = run(2)
    assert len({first, second, server, os.getpid()}) == 4 and server == again
    assert (total, more, threads) == (3, 5, 1)


def test_one_interpreter_serves_every_measurement_of_a_claim() -> None:
    seen = []
    for _ in range(2):
        with fresh_processes(lambda number: os.getppid(), spawned=True) as run:
            seen.append(run(0))
    assert seen[0] == seen[1] != os.getpid()


def test_another_interpreter_is_started_where_the_first_has_other_variables_or_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(number: int) -> tuple[int, str]:
        return os.getppid(), os.environ.get("CUDA_VISIBLE_DEVICES", "")

    with fresh_processes(work, spawned=True) as run:
        first, _ = run(0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-of-nobody")
    with fresh_processes(work, spawned=True) as run:
        second, visible = run(0)
    assert second != first and visible == "GPU-of-nobody"
    os.kill(second, signal.SIGKILL)
    os.waitid(os.P_PID, second, os.WEXITED | os.WNOWAIT)
    with fresh_processes(work, spawned=True) as run:
        assert run(0)[0] not in (first, second)


class Loading:
    """Work that notes when it was loaded and when it was done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__dict__ |= state
        (self.folder / f"loaded-{os.getpid()}").touch()

    def __call__(self, number: int) -> tuple[int, int, int]:
        loaded = len(list(self.folder.glob("loaded-*")))
        (self.folder / f"done-{number}").touch()
        return loaded, len(list(self.folder.glob("done-*"))), loaded_beside()


def test_processes_load_side_by_side_and_are_told_one_after_the_other_to_begin(tmp_path: Path) -> None:
    with fresh_processes(Loading(tmp_path), spawned=True, processes=5, ahead=2) as run:
        found = [run(number) for number in range(5)]
    # Three are loaded before the first begins, then the two that are left; each does its work alone.
    assert found == [(3, 1, 2), (3, 2, 1), (3, 3, 0), (5, 4, 1), (5, 5, 0)]


def test_processes_that_were_loaded_and_never_told_to_begin_are_ended(tmp_path: Path) -> None:
    with fresh_processes(Loading(tmp_path), spawned=True, processes=4, ahead=3) as run:
        run(0)
    loaded = [int(file.name.partition("-")[2]) for file in tmp_path.glob("loaded-*")]
    assert len(loaded) == 4 and len(list(tmp_path.glob("done-*"))) == 1
    assert not any(Path(f"/proc/{pid}").exists() for pid in loaded)


class Unloadable:
    def __setstate__(self, state: object) -> None:
        raise ValueError("out of memory")

    def __init__(self) -> None:
        self.there = True

    def __call__(self, number: int) -> int:
        return number


def test_work_that_cannot_be_loaded_says_why() -> None:
    with (
        fresh_processes(Unloadable(), spawned=True, processes=3, ahead=2) as run,
        pytest.raises(RuntimeError, match="a candidate failed: ValueError: out of memory"),
    ):
        run(0)


def test_a_server_imports_what_the_work_is_made_of_before_it_forks() -> None:
    named = modules_of(pickled(partial(torch.nn.functional.linear, torch.ones(2, 2))))
    assert "torch._utils" in named and "claim" not in named
    assert all(name in sys.modules for name in named)


def test_without_cloudpickle_a_claim_is_skipped_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(Unavailable) as refusal:
        pickled(lambda number: number)
    assert refusal.value.hint == "pip install cloudpickle"


def test_what_a_claim_defines_travels_with_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A claim's code runs in a module that no other interpreter can import.
    module = ModuleType("claim")
    monkeypatch.setitem(sys.modules, "claim", module)
    exec("class Adder:\n    def add(self, x):\n        return x + one\none = 1", module.__dict__)
    adder = module.Adder()
    (tmp_path / "work").write_bytes(pickled(lambda number: adder.add(number)))
    program = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))(41))"
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "work"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "42\n"


def test_what_cannot_travel_is_refused_with_what_can() -> None:
    held = threading.Lock()
    with pytest.raises(TypeError, match="the candidates cannot be carried into a fresh process"):
        compare({"a": lambda: held, "b": adding(1)}, threads=2)


# One call, and many


def test_percentiles_of_single_calls_come_in_order_and_see_the_slow_ones() -> None:
    calls = count()

    def sometimes_slow() -> None:
        sum(range(60_000 if next(calls) % 10 == 0 else 3_000))

    found = latency(sometimes_slow, processes=3, calls=60, clock="process", strict=False)
    assert found.p50.value < found.p95.value <= found.p99.value
    assert found.p95.value > 4 * found.p50.value
    assert found.p50.unit == "s" and found.p50.timing
    assert [len(rounds[0].blocks[0].calls) for rounds in found.rounds] == [60] * 3


def test_throughput_counts_samples_and_grows_with_the_batch_where_a_call_costs_something() -> None:
    def build(batch: int) -> Callable[[], object]:
        return adding(20_000 + 1_000 * batch)

    found = throughput(build, [1, 32], processes=2, blocks=4, clock="process", strict=False)
    assert list(found) == [1, 32]
    assert found[32].value > 6 * found[1].value  # 32 · 21 / 52 = 12.9 times
    assert found[1].timing
    with pytest.raises(ValueError, match=r"batches are positive numbers of samples, at most 26, not \[0\]"):
        throughput(build, [0])


def test_timings_are_seconds_of_many_candidates_in_turns() -> None:
    works = {"four": adding(80_000), "one": adding(20_000), "sixteen": adding(320_000)}
    found = timings(works, processes=2, blocks=4, clock="process", strict=False)
    assert list(found) == ["four", "one", "sixteen"]
    assert 2.5 < found["four"].value / found["one"].value < 6.5
    assert 2.5 < found["sixteen"].value / found["four"].value < 6.5
    assert (found["one"].unit, found["one"].timing) == ("s", True)
    one = noted()[-1]
    assert one["measure"] == "timings"
    orders = [[order for order, *_ in process] for process in one["rounds"]]
    assert all(sorted(order) == ["A", "B", "C"] for process in orders for order in process)
    assert [len(process) for process in orders] == [4, 4]
    assert len({order for process in orders for order in process}) > 1


@pytest.mark.parametrize(
    ("works", "plan", "message"),
    [
        ({}, {}, "from 1 to 26 candidates are timed in turns, not 0"),
        ({str(index): adding(1) for index in range(27)}, {}, "not 27"),
        ({"one": adding(1)}, {"processes": 1}, "at least 2 processes, 1 block and 1 call"),
        ({"one": adding(1)}, {"blocks": 0}, "at least 2 processes, 1 block and 1 call"),
    ],
)
def test_timings_refuse_a_plan_that_measures_nothing(
    works: dict[str, Callable[[], object]], plan: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        timings(works, **plan)


def test_the_candidates_run_in_other_processes_on_one_thread() -> None:
    parent, called_here = os.getpid(), []

    def work() -> torch.Tensor:
        called_here.append(1)
        if os.getpid() == parent or torch.get_num_threads() != 1:
            raise AssertionError("not in a child on one thread")
        return torch.ones(2)

    quickly(work, work)
    assert not called_here


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
            processes=2, blocks=2, seconds_per_block=1e-4, check=check, strict=False,
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
