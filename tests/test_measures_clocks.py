"""Clocks, with a CUDA device that is a number: what is synchronised, what is believed, what is dropped."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from verify.measures.candidates import Ready
from verify.measures.clocks import CudaTimer, HostTimer
from verify.measures.latency import conclude
from verify.measures.modes import Modes, allow_tf32
from verify.measures.nvml import Gpu, GpuState
from verify.measures.reliability import doubts_of
from verify.measures.rounds import Plan, balanced, evidence_of, measure, warm

CUDA = Modes("cuda", "device", "hot", False, False, 1, "inference")


class FakeCuda:
    """A device that works through a queue on its own time; the host waits for it in `synchronize`."""

    def __init__(self, wrong: float = 1.0) -> None:
        self.host, self.device, self.wrong = 0.0, 0.0, wrong
        self.said = ""

    def now(self) -> int:
        return round(self.host * 1e9)

    def synchronize(self) -> None:
        self.host = max(self.host, self.device) + 10e-6
        self.said += "|"

    def launch(self, seconds: float, letter: str) -> Callable[[], None]:
        def run() -> None:
            self.host += 5e-6
            self.device = max(self.device, self.host) + seconds
            self.said += letter

        return run

    def Event(self, enable_timing: bool) -> FakeEvent:
        assert enable_timing
        return FakeEvent(self)


class FakeEvent:
    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda, self.at = cuda, 0.0

    def record(self) -> None:
        self.at = max(self.cuda.device, self.cuda.host)
        self.cuda.said += "."

    def elapsed_time(self, other: FakeEvent) -> float:
        return (other.at - self.at) * 1e3 * self.cuda.wrong


# The device's clock


def test_a_block_has_one_event_and_one_synchronisation_at_each_end() -> None:
    cuda = FakeCuda()
    block = CudaTimer(cuda=cuda, now=cuda.now).block(cuda.launch(1e-3, "a"), 20)
    assert cuda.said == "|." + "a" * 20 + ".|"
    assert block.seconds == pytest.approx(1e-3, rel=1e-2)
    assert block.doubt == ""


def test_events_that_disagree_with_the_host_are_doubted() -> None:
    for wrong in (0.5, 2.0):
        cuda = FakeCuda(wrong)
        block = CudaTimer(cuda=cuda, now=cuda.now).block(cuda.launch(1e-3, "a"), 20)
        assert re.fullmatch(r"CUDA events say 0\.0\d+ s where the host's clock says 0\.0\d+ s", block.doubt)


def test_with_a_flushed_cache_each_call_has_its_own_events_and_the_flush_is_not_timed() -> None:
    cuda = FakeCuda()
    timer = CudaTimer(cuda.launch(5e-3, "f"), cuda, cuda.now)
    block = timer.block(cuda.launch(1e-3, "a"), 3)
    assert cuda.said == "|f.a.f.a.f.a.|"
    assert block.calls == pytest.approx((1e-3,) * 3, rel=1e-2)
    assert block.doubt == ""


def test_on_the_host_each_call_waits_until_the_device_has_finished() -> None:
    cuda = FakeCuda()
    block = HostTimer(cuda.synchronize, now=cuda.now).each(cuda.launch(1e-3, "a"), 2)
    assert cuda.said == "|a||a|"
    assert block.calls == pytest.approx((1e-3 + 15e-6,) * 2)


def test_every_block_of_a_comparison_is_synchronised_and_no_candidate_runs_into_the_other() -> None:
    import random

    cuda = FakeCuda()
    runs = {name: Ready(cuda.launch(seconds, name)) for name, seconds in (("a", 2e-3), ("b", 1e-3))}
    timer = CudaTimer(cuda=cuda, now=cuda.now)
    draw = random.Random(0)
    processes = [measure(runs, balanced("a", "b", 8, 4, draw), Plan(0.02, 10), timer) for _ in range(8)]
    assert not re.search(r"a\.?b|b\.?a", cuda.said)
    assert len(re.findall(r"\|\.a{10}\.\|", cuda.said)) >= 8 * (8 + 2 * 4)
    assert len(re.findall(r"\|\.b{20}\.\|", cuda.said)) >= 8 * 8
    found = conclude(processes, ("a", "b"), CUDA, 0)
    assert found.ratio.value == pytest.approx(2, rel=0.02)
    assert found.reliable


def test_a_gpu_is_kept_at_work_until_its_clocks_are_up_though_blocks_agree_at_once() -> None:
    cuda = FakeCuda()
    timer = CudaTimer(cuda=cuda, now=cuda.now)
    assert warm(cuda.launch(1e-3, "a"), 5e-3, timer) == pytest.approx(1e-3, rel=1e-2)
    assert cuda.said.count("a") < 10
    warm(cuda.launch(1e-3, "b"), 5e-3, timer, at_least=0.1)
    assert 95 <= cuda.said.count("b") <= 110
    slow = FakeCuda()  # ten blocks that never agree are enough, and one call may be all that is needed
    times = iter([1.0, 2.0] * 20)
    run = lambda: slow.launch(next(times), "c")()  # noqa: E731
    warm(run, 5e-3, CudaTimer(cuda=slow, now=slow.now), at_least=0.1)
    assert slow.said.count("c") == 12


# Modes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "tpu"}, 'device is "cpu" or "cuda", not \'tpu\''),
        ({"clock": "sun"}, 'clock is "host" or "process" or "device", not \'sun\''),
        ({"cache": "cold"}, 'cache is "hot" or "flushed", not \'cold\''),
        ({"device": "cpu"}, 'clock="device" and cuda_graph=True need device="cuda"'),
        ({"clock": "process"}, "sees nothing of what a GPU does"),
        ({"clock": "host", "cache": "flushed"}, 'a flushed cache is timed with clock="device"'),
    ],
)
def test_modes_that_make_no_sense_are_refused(change: dict[str, str], message: str) -> None:
    usual: dict[str, object] = {"device": "cuda", "clock": "device", "cache": "hot"}
    with pytest.raises(ValueError, match=re.escape(message)):
        Modes(**{**usual, **change}, cuda_graph=False, tf32=False, threads=1, gradients="off")  # type: ignore[arg-type]


def test_modes_say_what_they_are_in_a_few_words() -> None:
    assert str(CUDA) == "cuda, device clock, hot cache, no CUDA graph, TF32 off, inference"
    on_cpu = Modes("cpu", "host", "flushed", False, False, 1, "off")
    assert str(on_cpu) == "cpu, host clock, flushed cache, 1 thread, gradients off"


def test_tf32_is_switched_for_products_and_convolutions_and_put_back() -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    for allowed in (True, False):
        with allow_tf32(allowed):
            assert (matmul.allow_tf32, cudnn.allow_tf32) == (allowed, allowed)
        assert (matmul.allow_tf32, cudnn.allow_tf32) == before


# What the driver says


def state(*throttled: str, processes: int = 1) -> GpuState:
    return GpuState(1980, 3201, 690.0, 60, throttled, processes)


def a_process(states: list[GpuState]) -> list[object]:
    import random

    cuda = FakeCuda()
    runs = {"a": Ready(cuda.launch(1e-3, "a")), "b": Ready(cuda.launch(1e-3, "b"))}
    told = iter(states)
    order = balanced("a", "b", 8, 4, random.Random(0))
    timer = CudaTimer(cuda=cuda, now=cuda.now)
    return list(measure(runs, order, Plan(0.001, 2), timer, lambda: next(told)))


def a_run(bad: int, reason: str) -> list[list[object]]:
    """Eight processes of 12 rounds; in the first ones something held the clocks back."""
    states = [state(reason) if index < bad else state() for index in range(12) for _ in range(2)]
    return [a_process(states) for _ in range(8)]


def test_throttled_rounds_are_dropped_and_more_than_one_in_five_makes_a_run_unreliable() -> None:
    reason = "hardware thermal slowdown"
    mild, heavy = (conclude(a_run(bad, reason), ("a", "b"), CUDA, 0) for bad in (2, 3))  # type: ignore[arg-type]
    assert mild.reliable
    assert sum(bool(each.throttled) for rounds in mild.rounds for each in rounds) == 16
    assert not heavy.reliable
    assert heavy.doubts == (f"the GPU was throttled in 24 of 96 rounds: {reason}",)


def test_a_power_cap_in_more_than_one_in_five_rounds_is_how_the_gpu_sustains_the_work() -> None:
    few, many = (conclude(a_run(bad, "power cap"), ("a", "b"), CUDA, 0) for bad in (2, 12))  # type: ignore[arg-type]
    assert few.reliable and many.reliable
    evidence = evidence_of(many.rounds, ("a", "b"))
    assert evidence["throttled"] == {"power cap": 96}
    # Rounds under a cap that comes and goes are dropped, as others are; under one that holds, all are kept.
    assert few.ratio.samples and many.ratio.samples
    rounds = a_run(12, "power cap")
    rounds[0] = a_process([state("power cap", "hardware slowdown")] * 24)
    mixed = conclude(rounds, ("a", "b"), CUDA, 0)  # type: ignore[arg-type]
    assert mixed.reliable and len(mixed.ratio.samples) == 7


def test_another_process_on_the_gpu_makes_a_run_unreliable() -> None:
    alone, shared = (a_process([state(processes=count)] * 24) for count in (1, 2))
    assert doubts_of([alone]) == []  # type: ignore[list-item]
    assert doubts_of([shared]) == ["another process was on the GPU"]  # type: ignore[list-item]


NVML = """
#include <string.h>
typedef struct { unsigned pid; unsigned long long memory; unsigned a, b; } process;
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = (void *)1; return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    *device = (void *)2; return strcmp(uuid, "GPU-1234") ? 6 : 0; }
int nvmlDeviceGetClockInfo(void *d, unsigned type, unsigned *mhz) {
    *mhz = type == 1 ? 1980 : 3201; return 0; }
int nvmlDeviceGetTemperature(void *d, unsigned sensor, unsigned *celsius) { *celsius = 61; return sensor; }
int nvmlDeviceGetPowerUsage(void *d, unsigned *milliwatts) { *milliwatts = 698500; return 0; }
int nvmlDeviceGetCurrentClocksEventReasons(void *d, unsigned long long *bits) {
    *bits = 0x1 | 0x4 | 0x40; return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(void *d, unsigned *count, process *all) {
    for (unsigned i = 0; i < 3; i++) { all[i].pid = 100 + i; all[i].memory = 1 << 20; }
    *count = 3; return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned length) { strncpy(text, "580.95.05", length); return 0; }
"""


def test_nvml_is_read_through_its_c_library(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is needed to compile a stand-in for libnvidia-ml")
    (tmp_path / "nvml.c").write_text(NVML, encoding="utf-8")
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "nvml.c"], check=True)
    gpu = Gpu("GPU-1234", str(library))
    assert gpu.driver() == "580.95.05"
    assert gpu.state() == GpuState(1980, 3201, 698.5, 61, ("power cap", "hardware thermal slowdown"), 3)
    assert Gpu(library=str(library)).state().processes == 3
    with pytest.raises(OSError, match="nvmlDeviceGetHandleByUUID answered 6"):
        Gpu("GPU-of-nobody", str(library))


def test_what_a_driver_does_not_tell_is_minus_one(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is needed to compile a stand-in for libnvidia-ml")
    first = "\n".join(NVML.splitlines()[:5])
    (tmp_path / "nvml.c").write_text(first, encoding="utf-8")
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "nvml.c"], check=True)
    assert Gpu(library=str(library)).state() == GpuState(-1, -1, -1.0, -1, (), -1)


def test_more_processes_on_the_gpu_than_there_is_room_for_are_counted_all_the_same(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is needed to compile a stand-in for libnvidia-ml")
    crowded = NVML.replace(
        "*count = 3; return 0; }", "*count = 100; return 7; }"
    )  # NVML_ERROR_INSUFFICIENT_SIZE
    assert crowded != NVML
    (tmp_path / "nvml.c").write_text(crowded, encoding="utf-8")
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "nvml.c"], check=True)
    assert Gpu("GPU-1234", str(library)).state().processes == 100


def test_without_nvml_there_is_an_error_to_catch() -> None:
    with pytest.raises(OSError):
        Gpu(library="libnvidia-ml-of-nobody.so")
