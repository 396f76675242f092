"""What is asked of CUDA, and in which order, of a stand-in that works on the CPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.pretend_cuda import Loop, pretended
from verify import compare, latency, throughput, timings
from verify.evidence import noted
from verify.measures.candidates import made_ready
from verify.measures.modes import Modes
from verify.measures.spawning import loaded_beside
from verify.measures.torch_sessions import GraphSession

GRAPH = Modes("cuda", "device", "hot", True, False, 1, "inference")
SMALL: dict[str, Any] = {"processes": 3, "device": "cuda", "strict": False}


def test_a_candidate_is_run_on_a_side_stream_before_it_is_captured_and_then_only_replayed() -> None:
    candidate = Loop(10)
    with pretended() as said:
        ready = made_ready(candidate, None, GRAPH)
        warmed = [
            "Stream()", "wait_stream", "stream {", "run", "run", "run", "} stream", "wait_stream",
            "capture {", "run", "} capture",
        ]  # fmt: skip
        assert said == warmed
        ready()
        ready()
        assert said == [*warmed, "replay", "replay"]


def test_a_graph_session_does_so_on_the_gpu_of_its_example_in_its_own_precision() -> None:
    seen: list[bool] = []

    def layer(x: object) -> None:
        said.append("run")
        seen.append(torch.backends.cuda.matmul.allow_tf32)

    session = GraphSession.__new__(GraphSession)
    session.precision, session._module = "tf32", layer
    on_gpu: Any = SimpleNamespace(device=torch.device("cuda:1"))
    session.input = on_gpu
    with pretended() as said, pytest.MonkeyPatch.context() as patched:
        patched.setattr("verify.measures.torch_sessions.tensor_of", lambda output: output)
        session._prepare()
        prepared = [
            "device cuda:1 {", "Stream()", "wait_stream", "stream {", "run", "run", "run", "} stream",
            "wait_stream", "capture {", "run", "} capture", "} device cuda:1",
        ]  # fmt: skip
        assert said == prepared
        session.run()
        assert said == [*prepared, "replay"]
    assert seen == [True] * 4 and not torch.backends.cuda.matmul.allow_tf32


def test_a_comparison_goes_all_the_way_through_processes_that_never_saw_the_gpu() -> None:
    with pretended() as said, torch.inference_mode():
        found = compare(
            {"long": Loop(40_000), "short": Loop(10_000)}, blocks=4, seconds_per_block=0.004, **SMALL
        )
        assert "run" not in said and "synchronize" not in said  # not here: there
    assert str(found.modes) == "cuda, device clock, hot cache, no CUDA graph, TF32 off, inference"
    assert found.gap == 0
    assert 2 < found.ratio.value < 8
    assert len(found.rounds) == 3 and all(len(rounds) == 6 for rounds in found.rounds)
    evidence = noted()[-1]
    assert evidence["measure"] == "compare" and len(evidence["rounds"]) == 3


def test_latency_throughput_and_timings_go_all_the_way_too() -> None:
    with pretended():
        one = latency(Loop(5_000), calls=20, **SMALL)
        many = throughput(lambda batch: Loop(1_000 * batch), [1, 8], blocks=2, **SMALL)
        three = timings({str(count): Loop(count) for count in (1_000, 2_000, 3_000)}, blocks=2, **SMALL)
    assert 0 < one.p50.value <= one.p95.value <= one.p99.value
    assert one.modes.clock == "device" and list(many) == [1, 8]
    assert list(three) == ["1000", "2000", "3000"] and all(each.value > 0 for each in three.values())
    assert loaded_beside() == 0
