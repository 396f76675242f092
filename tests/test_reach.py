"""Whether claims reach the GPU from behind their walls: here a driver that does not know IPC namespaces."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.workplace import path_without_libraries
from verify import reach
from verify.jobs import Job, Outcome, Source
from verify.reach import walled_off
from verify.runner import run
from verify.walls import PROCESSES

HERE = str(Path("/proc/self/ns/ipc").readlink())
IPC = "import os\nspace = os.readlink('/proc/self/ns/ipc')\n"
SEES_NO_OTHER = f"import os\nassert os.readlink('/proc/self/ns/ipc') == {HERE!r}\n"


@pytest.fixture(autouse=True)
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A driver's device file; what is found of it is forgotten after the test."""
    device = tmp_path / "nvidiactl"
    device.touch()
    monkeypatch.setattr(reach, "DEVICES", (str(device),))
    monkeypatch.setattr(reach, "_known", {})
    monkeypatch.setattr(sys, "path", path_without_libraries())  # a server that starts at once
    return device


def walls_are_there() -> None:
    said: list[str] = []
    list(run([a_job("on the CPU")], warn=said.append))
    if said:
        pytest.skip(f"{said[0]}; allow user namespaces, or run as root with CAP_SYS_ADMIN")


def a_job(owner: str, *needs: str) -> Job:
    return Job(owner, (Source(IPC, "t.md", 1),), ("space",), needs=needs)


def spaces(said: list[str]) -> dict[str, str]:
    jobs = [a_job("on the CPU"), a_job("on the GPU", "cuda")]
    return {outcome.job.owner: outcome.values["space"]["text"] for outcome in run(jobs, warn=said.append)}


def test_claims_that_cannot_reach_the_gpu_from_behind_walls_run_without_and_the_run_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walls_are_there()
    monkeypatch.setattr(reach, "TRY", SEES_NO_OTHER)
    said: list[str] = []
    found = spaces(said)
    assert found["on the GPU"] == HERE != found["on the CPU"]
    [line] = said
    assert line.startswith("from behind the walls of a claim the GPU cannot be reached (")
    assert line.endswith("claims that need it run without namespaces of their own")


def test_claims_that_reach_it_stay_behind_their_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    walls_are_there()
    monkeypatch.setattr(reach, "TRY", "pass\n")
    said: list[str] = []
    assert HERE not in spaces(said).values()
    assert said == []


def tried(*states: str) -> tuple[str, list[bool]]:
    """What comes of tries that end so, and whether each was behind walls."""
    walled: list[bool] = []

    def run_one(job: Job, behind: bool) -> Outcome:
        walled.append(behind)
        return Outcome(job, states[len(walled) - 1], what="no device")  # type: ignore[arg-type]

    return walled_off(run_one, ("GPU-1",)), walled


def test_device_files_that_the_first_try_without_walls_makes_are_enough() -> None:
    assert tried("failed", "done", "done") == ("", [True, False, True])


def test_a_gpu_that_nobody_reaches_is_left_to_the_claims_own_errors() -> None:
    assert tried("failed", "failed") == ("", [True, False])


def test_a_gpu_that_only_root_reaches_is_found_out_once() -> None:
    assert tried("failed", "done", "failed") == ("no device", [True, False, True])
    assert tried() == ("no device", [])


def test_without_a_driver_nothing_is_tried(driver: Path) -> None:
    driver.unlink()
    assert tried() == ("", [])


@pytest.mark.parametrize(("needs", "bounded"), [((), True), (("cuda",), False), (("tensorrt",), False)])
def test_claims_that_need_a_gpu_may_map_what_they_like_and_have_room_for_compilers(
    driver: Path, needs: tuple[str, ...], bounded: bool
) -> None:
    # CUDA maps as much as there is of all memories together: a bound would end it at its first call.
    driver.unlink()
    code = "import resource\nfree = resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY"
    code += "\nmost = str(resource.getrlimit(resource.RLIMIT_NPROC)[0])"
    [outcome] = run([Job("free", (Source(code, "t.md", 1),), ("free", "most"), needs=needs)])
    assert outcome.values["free"]["truth"] is not bounded
    assert (int(outcome.values["most"]["text"]) >= 4 * PROCESSES) is not bounded
