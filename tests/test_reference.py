"""Whose timings the texts state: the machine that a title names, or the collection's reference machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import verify.runner
from tests.workplace import write
from verify.__main__ import OK, WRONG, main
from verify.environment import this_machine
from verify.jobs import Job, Outcome
from verify.values import Value

NOTES = """\
# T

## How many times? {#times}

```python claim
from verify import compare

speedup = compare({}).ratio
```

[?×](claim:speedup), counted as [3](claim:count).

```python claim
count = 3
```
"""


def timing(value: float) -> dict[str, Any]:
    return Value("timing", number=value, low=value - 0.002, high=value + 0.002).to_json()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the next sessions measure, one after the other; the last goes on."""
    coming: list[float] = []

    def run(jobs: Iterable[Job], **_: object) -> Iterator[Outcome]:
        for job in jobs:
            number = coming.pop(0) if len(coming) > 1 else coming[0]
            values = {"speedup": timing(number), "count": {"kind": "exact", "number": "3"}}
            yield Outcome(job, "done", values=values)

    monkeypatch.setattr(verify.runner, "run", run)
    return coming


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDTRUTH_MACHINE", "bench")
    return write(tmp_path / "cards/t.md", NOTES)


def test_a_first_timing_is_not_written_on_another_machine_than_the_reference(
    file: Path, measured: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    write(file.parent / "groundtruth.toml", 'reference-machine = "nvidia-h200"\n')
    measured.append(1.8)
    assert main(["run", "--update"]) == OK
    assert file.read_text(encoding="utf-8") == NOTES
    caught = capsys.readouterr()
    assert "(timings are those of nvidia-h200)" in caught.err
    assert f"elsewhere  ?×  (speedup)\n    on {this_machine().device}: 1.80×\n" in caught.out
    assert (
        "hint: measure it on nvidia-h200, the reference machine, or take this over with --adopt" in caught.out
    )
    assert main(["check"]) == OK
    assert main(["run", "--update", "--adopt"]) == OK
    assert f'[1.80×](claim:speedup "{this_machine().device}, ' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", ["bench", None, ""])
def test_the_reference_machine_is_known_by_name_or_device_and_writes(
    file: Path, measured: list[float], setting: str | None
) -> None:
    name = this_machine().device if setting is None else setting
    write(file.parent / "groundtruth.toml", f"reference-machine = {json.dumps(name)}\n")
    measured.append(1.8)
    assert main(["run", "--update"]) == OK
    assert "[1.80×](claim:speedup" in file.read_text(encoding="utf-8")


def test_a_session_that_deviates_is_said_and_a_second_one_changes_the_text(
    file: Path, measured: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, NOTES.replace("?×", "1.80×"))
    measured += [1.8, 1.801, 2.0, 1.99]
    assert main(["run", "--update"]) == OK
    assert main(["run", "--update", "--force"]) == OK
    text = file.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["run", "--update", "--force"]) == OK
    said = capsys.readouterr().out
    assert (
        "cards/t.md:11: changed?   1.80×  (speedup)\n    this session measured 2.00×; the text stands" in said
    )
    assert "hint: `verify run --force cards/t.md:11 --update` measures again" in said
    assert "1 changed?, 1 holds" in said
    assert file.read_text(encoding="utf-8") == text
    assert main(["check"]) == OK
    assert "changed?" in capsys.readouterr().out
    assert main(["run", "--force", "cards/t.md:11", "--update"]) == OK
    assert "changed    1.80× → 1.99×  (speedup)\n    two sessions in a row" in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == text.replace("1.80×", "1.99×")


def test_a_text_edited_by_hand_has_changed_like_any_other(file: Path, measured: list[float]) -> None:
    measured.append(1.8)
    for sessions in range(3):
        write(file, NOTES)
        assert main(["run", "--update", "--force"]) == OK
        text = file.read_text(encoding="utf-8")
        for edited in ("2.10×", "1.60×"):
            write(file, text.replace("[1.80×]", f"[{edited}]"))
            assert main(["check"]) == WRONG, (sessions, edited)
            assert main(["run"]) == WRONG
            assert main(["run", "--update"]) == OK
            assert file.read_text(encoding="utf-8") == text
