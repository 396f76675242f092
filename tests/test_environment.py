"""The machine that a number belongs to, and the versions that it was measured with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from tests.workplace import write
from verify import environment
from verify.environment import Machine, missing, this_machine, told_apart, versions
from verify.records import Record, Records

WITHOUT = Machine("bench", "AMD EPYC", "", "Linux x86_64")
WITH = Machine("nvidia-h200", "NVIDIA H200", "570.1", "Linux x86_64")


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at the machine anew in each test, and in the tests after it."""
    monkeypatch.delenv("GROUNDTRUTH_MACHINE", raising=False)
    environment._gpu.cache_clear()
    environment.processor.cache_clear()
    yield
    environment._gpu.cache_clear()
    environment.processor.cache_clear()


def fake_driver(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an `nvidia-smi` first on the path."""
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_gpu_gives_the_machine_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_driver(tmp_path / "bin", "echo 'NVIDIA H200, 570.124.06'; echo 'NVIDIA T4, 570.124.06'", monkeypatch)
    machine = this_machine()
    assert (machine.name, machine.device, machine.driver) == ("nvidia-h200", "NVIDIA H200", "570.124.06")
    assert machine.has_gpu


def test_all_gpus_of_the_first_ones_kind_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ("NVIDIA H200, 570, GPU-a", "NVIDIA T4, 570, GPU-b", "NVIDIA H200, 570, GPU-c")
    fake_driver(tmp_path / "bin", "\n".join(f"echo '{row}'" for row in rows), monkeypatch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert this_machine().gpus == ("GPU-a", "GPU-c")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 0")
    assert this_machine().gpus == ("2", "0")


@pytest.mark.parametrize("script", ["exit 9", "echo 'NVIDIA H200, 1' ; exit 9", "true"])
def test_a_driver_that_does_not_answer_is_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    fake_driver(tmp_path / "bin", script, monkeypatch)
    machine = this_machine()
    assert not machine.has_gpu
    assert machine.name.startswith("cpu-")


@pytest.mark.parametrize(
    ("model", "device"),
    [
        ("Intel(R) Xeon(R) Platinum 8480C CPU @ 2.00GHz", "Intel Xeon Platinum 8480C"),
        ("AMD EPYC 9654 96-Core Processor", "AMD EPYC 9654 96-Core"),
    ],
)
def test_a_processor_is_named_without_marks_and_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, device: str
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nmodel name\t: {model}\nprocessor\t: 1\nmodel name\t: {model}\n")
    monkeypatch.setattr(environment, "Path", lambda _: info)
    assert environment.processor() == device


def test_a_machine_has_the_same_name_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    first = this_machine()
    environment._gpu.cache_clear()
    environment.processor.cache_clear()
    assert this_machine() == first
    assert first.device and first.name == f"cpu-{environment._slug(first.device)}"


def test_the_name_is_the_one_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDTRUTH_MACHINE", "lab-3")
    assert this_machine().name == "lab-3"
    assert this_machine("lab-4").name == "lab-4"


ROME = "cpu family\t: 23\nmodel\t\t: 49\nmodel name\t: AMD EPYC\nstepping\t: 0\n"
GENOA = "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n"
NAMED = GENOA.replace("AMD EPYC", "AMD EPYC 9654 96-Core Processor")
ARM = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize(
    ("info", "device", "processor"),
    [
        (GENOA, "AMD EPYC", "family 25 model 17"),
        (ROME, "AMD EPYC", "family 23 model 49"),
        (NAMED, "AMD EPYC 9654 96-Core", ""),
        (ARM, "aarch64", "implementer 0x41 part 0xd40"),
    ],
)
def test_a_name_that_many_processors_have_comes_with_what_tells_them_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: str, device: str, processor: str
) -> None:
    file = write(tmp_path / "cpuinfo", info)
    monkeypatch.setattr(environment, "Path", lambda _: file)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setenv("PATH", "")
    machine = this_machine()
    assert (machine.device, machine.processor) == (device, processor)
    assert this_machine("bench").processor == ""


def test_two_processors_of_one_name_do_not_share_their_records(tmp_path: Path) -> None:
    genoa = Machine("cpu-amd-epyc", "AMD EPYC", "", "Linux x86_64", "family 25 model 17")
    rome = replace(genoa, processor="family 23 model 49")
    record = Record("d", {}, "2026-11-20", 1.0, "done")
    assert told_apart(rome, tmp_path) == rome  # the first one has the short name
    known = Records(tmp_path, "cpu-amd-epyc")
    known.put("a", record, "AMD EPYC")
    known.settle()
    assert told_apart(genoa, tmp_path) == genoa  # records of old say nothing of it
    known = Records(tmp_path, "cpu-amd-epyc", processor=genoa.processor)
    known.put("a", record, "AMD EPYC")
    known.settle()
    assert told_apart(genoa, tmp_path) == genoa
    other = told_apart(rome, tmp_path)
    assert other.name == "cpu-amd-epyc-family-23-model-49"
    assert other.device == "AMD EPYC family 23 model 49"
    assert told_apart(replace(rome, processor=""), tmp_path).name == "cpu-amd-epyc"
    Records(tmp_path, "cpu-amd-epyc").put("b", record, "AMD EPYC")
    assert told_apart(rome, tmp_path) == other  # whoever else writes keeps the mark


@pytest.mark.parametrize("name", ["../../elsewhere", "a/b", "/tmp/x", "..", "a b"])
def test_a_name_never_leads_out_of_the_folder_of_records(name: str) -> None:
    file = Path("measured") / f"{this_machine(name).name}.json"
    assert file.parent == Path("measured")
    assert file.stem and "." not in file.stem


@pytest.mark.parametrize(
    ("needs", "machine", "lacking"),
    [
        ((), WITHOUT, ""),
        (("cuda",), WITH, ""),
        (
            ("cuda",),
            WITHOUT,
            "needs cuda: run `verify run --needs cuda --update` on a machine with an NVIDIA GPU",
        ),
        (
            ("tensorrt",),
            WITHOUT,
            "needs tensorrt: run `verify run --needs tensorrt --update` on a machine "
            "with an NVIDIA GPU and TensorRT",
        ),
        (("cuda", "tensorrt"), WITH, "needs tensorrt: pip install '.[gpu]'"),
    ],
)
def test_what_a_machine_lacks_is_said_with_what_would_bring_it(
    monkeypatch: pytest.MonkeyPatch, needs: tuple[str, ...], machine: Machine, lacking: str
) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    assert missing(needs, machine) == lacking


def test_tensorrt_that_is_installed_is_not_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda name: object())
    assert missing(("tensorrt",), WITH) == ""


def test_versions_are_those_of_the_distributions() -> None:
    found = versions(("torch", "sklearn", "math", "nowhere"))
    assert found.pop("torch") == metadata.version("torch")
    assert found.pop("scikit-learn") == metadata.version("scikit-learn")
    assert list(found) == ["python"]


def test_python_counts_without_its_patch_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.python_version_tuple", lambda: ("3", "12", "7"))
    assert versions(()) == {"python": "3.12"}
