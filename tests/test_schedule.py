"""The order of a run: side by side, then one on each GPU, then the timings, each by itself."""

from __future__ import annotations

import sys
from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_runner import a_job
from tests.workplace import path_without_libraries
from verify.jobs import Job
from verify.runner import run
from verify.schedule import Schedule, Start

KINDS = {"count": Job("count", ()), "cuda": Job("cuda", (), needs=("cuda",), alone=True)}
KINDS["timing"] = Job("timing", (), alone=True)


@given(st.lists(st.sampled_from(sorted(KINDS))), st.integers(1, 4), st.integers(0, 3), st.randoms())
def test_whatever_ends_first_nothing_disturbs_a_measurement(kinds, workers, gpus, luck) -> None:  # type: ignore[no-untyped-def]
    names = [f"GPU-{number}" for number in range(gpus)]
    schedule = Schedule([KINDS[kind] for kind in kinds], workers, names)
    handed, running = deque[Start](), list[Start]()
    done: list[str] = []
    while schedule:
        while start := schedule.start():
            handed.append(start)
        while handed and len(running) <= handed[0].beside:
            running.append(handed.popleft())
        assert len(handed) <= 1
        together = [start.job.owner for start in running]
        assert len(set(together)) == 1, "one kind at a time"
        used = [start.gpu for start in running]
        most = {"count": workers, "cuda": max(1, gpus), "timing": 1}[together[0]]
        assert len(together) == min(most, kinds.count(together[0]) - done.count(together[0]))
        if together[0] == "cuda" and gpus:
            assert len(set(used)) == len(used) and set(used) <= set(names)
        else:
            assert set(used) == {None}
        ended = running.pop(luck.randrange(len(running)))
        done.append(ended.job.owner)
        schedule.ended(ended)
    assert sorted(done) == sorted(kinds)


def test_when_the_server_is_gone_what_was_only_at_hand_waits_again() -> None:
    schedule = Schedule([Job(name, ()) for name in "abcd"], 2)
    while schedule.start():
        pass
    assert [start.job.owner for start in schedule.lose()] == ["a", "b"]
    again = [start.job.owner for start in (schedule.start(), schedule.start()) if start]
    assert again == ["c", "d"]


def test_each_gpu_has_one_claim_at_a_time_and_the_claim_sees_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", path_without_libraries())
    code = (
        "import os, time\nbegan = time.monotonic()\ntime.sleep(0.3)\n"
        "x = f'{os.environ[\"CUDA_VISIBLE_DEVICES\"]} {began} {time.monotonic()}'"
    )
    jobs = [a_job(str(number), code) for number in range(6)]
    jobs = [Job(job.owner, job.sources, job.names, needs=("cuda",), alone=True) for job in jobs]
    found = [outcome.values["x"]["text"].split() for outcome in run(jobs, workers=1, gpus=("GPU-a", "GPU-b"))]
    spans = {
        gpu: sorted((float(a), float(b)) for name, a, b in found if name == gpu) for gpu in ("GPU-a", "GPU-b")
    }
    assert sum(map(len, spans.values())) == 6
    for times in spans.values():
        assert len(times) >= 2
        assert all(end <= begin for (_, end), (begin, _) in pairwise(times))
    first, second = spans.values()
    assert any(a < d and c < b for a, b in first for c, d in second), "two devices work at the same time"


def test_without_a_list_of_gpus_a_claim_finds_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", path_without_libraries())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    job = a_job("only", "import os\nx = os.environ['CUDA_VISIBLE_DEVICES']")
    assert next(run([Job("only", job.sources, ("x",), needs=("cuda",))])).values["x"]["text"] == "7"
