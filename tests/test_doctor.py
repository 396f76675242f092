"""`verify doctor`: what is here, what is not and what would bring it; whatever is broken, it answers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workplace import REPOSITORY, run_tool, write
from verify import doctor
from verify.doctor import Finding, Waiting, examine, lines, look
from verify.environment import Machine

CARD = """# T

About it.

## Fast? {#fast}

```python claim needs=cuda
x = 1
```

[?](claim:x) and [?](claim:x)

## Faster? {#faster}

```python claim needs=tensorrt
y = 1
```

[?](claim:y)

## Measured? {#measured}

```python claim needs=cuda
z = 1
```

[1](claim:z "NVIDIA H200, 2026-11")
"""
WITHOUT = Machine("cpu-acme", "ACME", "", "Linux x86_64")


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """What the real probes say here, asked once."""
    return {
        name: look(name) for name in ("torch", "onnxruntime", "namespaces", "compiler", "tensorrt_of_nobody")
    }


def test_a_probe_tells_what_is_there(answers: dict[str, dict[str, Any]]) -> None:
    import onnxruntime
    import torch

    assert answers["torch"]["found"]["version"] == torch.__version__
    assert answers["onnxruntime"]["found"]["providers"] == onnxruntime.get_available_providers()
    assert set(answers["namespaces"]["found"]) == {"user", "net", "pid", "ipc"}
    assert answers["tensorrt_of_nobody"] == {"missing": "No module named 'tensorrt_of_nobody'"}


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("raise OSError('libfoo.so.1: cannot open shared object file')", "OSError: libfoo.so.1: cannot open"),
        ("import os; os.abort()", "the process that imported it was killed by signal 6"),
        ("import os; os._exit(3)", "the process that imported it ended with code 3"),
        ("print('noise'); import sys; sys.exit('no licence')", "SystemExit: no licence"),
    ],
)
def test_a_broken_install_is_a_finding_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, what: str
) -> None:
    write(tmp_path / "wrecked.py", code)
    monkeypatch.syspath_prepend(tmp_path)
    assert look("wrecked")["broken"].startswith(what)


def test_a_probe_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "sleepy.py", "import time; time.sleep(60)")
    monkeypatch.syspath_prepend(tmp_path)
    assert look("sleepy", patience=0.5) == {"broken": "gave no answer within 0.5 s"}


def test_every_part_is_named_with_what_would_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "look", lambda name: {"missing": "nothing is here"})
    monkeypatch.setattr(doctor, "_LIBRARIES", ("pytest", "a-package-of-nobody"))
    found = {each.name: each for each in examine(WITHOUT)}
    assert found["torch"] == Finding("torch", "missing", "not installed", "pip install torch")
    assert found["GPU"].bring == "a machine with an NVIDIA GPU"
    assert found["ONNX Runtime"].bring == "pip install '.[verify]'"
    assert found["ORT on CUDA"].bring == "pip install '.[gpu]' (instead of TensorRT-RTX)"
    assert found["TensorRT"].bring == "pip install '.[gpu]'"
    assert found["pytest"] == Finding("pytest", "ok", pytest.__version__)
    assert found["a-package-of-nobody"].bring == "pip install a-package-of-nobody"
    assert all(each.bring for each in found.values() if each.state != "ok")
    assert found["CPU"].state == "ok"


def test_no_line_takes_away_what_another_one_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu_only = {"found": {"version": "1.23", "providers": ["CPUExecutionProvider"]}}
    monkeypatch.setattr(doctor, "look", lambda name: cpu_only if name == "onnxruntime" else {"missing": "x"})
    lines = {each.name: each.bring for each in examine(Machine("h", "NVIDIA H200", "580.1", "Linux"))}
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "$ pip install '.[gpu]' " in readme and "$ pip install '.[verify]' " in readme
    # The packages for CPU and for GPU share a folder: the one goes before the other comes.
    assert lines["TensorRT"] == "pip uninstall onnxruntime; pip install '.[gpu]'"
    assert lines["ORT on CUDA"] == f"{lines['TensorRT']} (instead of TensorRT-RTX)"
    command, _, rest = lines["TensorRT-RTX"].partition(" (")
    assert command == "pip install '.[verify]' onnxruntime-ep-nv-tensorrt-rtx"
    assert rest == "instead of ORT on CUDA: in a virtual environment of its own)"


def test_a_gpu_that_torch_does_not_see_is_broken_and_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu_only = {"found": {"version": "2.13.0+cpu", "cuda": "", "gpus": []}}
    monkeypatch.setattr(doctor, "look", lambda name: cpu_only if name == "torch" else {"missing": "x"})
    [gpu] = [each for each in examine(Machine("h", "NVIDIA H200", "580.1", "Linux")) if each.name == "GPU"]
    assert (gpu.state, gpu.detail) == ("broken", "NVIDIA H200 is here, and torch does not see it")


def test_the_screen_shows_a_line_for_each_part_and_the_notes_that_wait() -> None:
    said = lines(
        [
            Finding("torch", "ok", "2.13.0"),
            Finding("TensorRT", "missing", "not installed", "pip install tensorrt"),
        ],
        [Waiting("tensorrt", ("a", "b"), "pip install tensorrt")],
    )
    assert said == [
        "ok       torch     2.13.0",
        "missing  TensorRT  not installed",
        "                   brings it: pip install tensorrt",
        "",
        "held back for tensorrt: 2 notes (a, b)",
        "    pip install tensorrt; then: verify run --needs tensorrt --update",
    ]


@pytest.mark.skipif(bool(os.environ.get("CUDA_VISIBLE_DEVICES")), reason="there may be a GPU")
def test_the_command_names_machine_parts_and_waiting_notes(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", CARD)
    done = run_tool("verify", "doctor", "--json", cwd=tmp_path, PATH="/nowhere")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert {each["name"] for each in found["findings"]} >= {
        "CPU",
        "torch",
        "GPU",
        "NVML",
        "TensorRT",
        "walls",
    }
    states = {each["name"]: each["state"] for each in found["findings"]}
    if states["GPU"] == "ok":
        pytest.skip("there is a GPU here")
    waits = {each["need"]: each for each in found["waiting"]}
    assert waits["cuda"]["notes"] == ["fast"]
    assert waits["tensorrt"]["notes"] == ["faster"]
    assert waits["tensorrt"]["bring"].startswith("a machine with an NVIDIA GPU, and there: pip install")


def test_without_notes_or_with_malformed_ones_it_still_looks_at_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from verify.__main__ import main

    monkeypatch.setattr(doctor, "look", lambda name: {"missing": "nothing is here"})
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    assert "missing  torch" in capsys.readouterr().out
    write(tmp_path / "cards/t.md", "# T\n\n## No id\n\nAnswer.\n")
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    assert "missing  torch" in said.out
    assert "cards/t.md:3" in said.err


def test_without_what_reads_notes_it_still_looks_at_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from verify.__main__ import main

    monkeypatch.setattr(doctor, "look", lambda name: {"missing": "nothing is here"})
    monkeypatch.setitem(sys.modules, "mdit_py_plugins.attrs", None)
    for name in [name for name in sys.modules if name.startswith(("generator.", "verify.opening"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    assert "missing  torch" in said.out
    assert said.err == "verify: the notes were not read: mdit_py_plugins.attrs is not installed\n"
