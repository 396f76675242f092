"""The whole way through the command line: run, look, update, run again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import verify.runner
from tests.workplace import REPOSITORY, Ran, environment_of_tools, hear_interrupts, run_tool, snapshot, write
from verify.__main__ import FAILED, INTERRUPTED, MALFORMED, OK, STATE, USAGE, WRONG, main
from verify.jobs import Job, Outcome
from verify.records import Record, Records
from verify.values import Value

SUMS = """\
---
deck: Sums
---

# Sums

Small sums. They are quick.

```python claim
base = 7
```

## How many are they? {#total}

```python claim
total = base * 6
shape = f"{base}×3"
```

[41](claim:total), of [?](claim:base), [7×3](claim:shape); [42](claim:total) once more.

## What does it cost? {#cost}

```python claim
from sympy import symbols

K, N = symbols("K N", positive=True)
cost = 1 / N + 1 / K**2
```

[$\\frac{1}{K^2} + \\frac{1}{N}$](claim:cost) and not [$\\frac{1}{N}$](claim:cost)

## Which one is it? {#which}

```python claim
is_less = 3 < 5
```

The [smaller](claim:is_less) one.

## How does it grow? {#growth}

```python claim
from matplotlib.figure import Figure

growth = Figure()
growth.subplots().plot([1, 2, 4])
```

![Growth](figures/growth.svg "claim:growth")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with notes whose numbers can all be mended."""
    place = tmp_path_factory.mktemp("sums")
    write(place / "cards/sums.md", SUMS)
    return place


@pytest.fixture(scope="module")
def first(folder: Path) -> Ran:
    """The first run: everything is measured."""
    return run_tool("verify", "run", cwd=folder)


@pytest.fixture(scope="module")
def checked(folder: Path, first: Ran) -> Ran:
    """A look at the texts, with the records of the first run."""
    return run_tool("verify", "check", cwd=folder)


@pytest.fixture(scope="module")
def updated(folder: Path, checked: Ran) -> Ran:
    """The run that writes the answers."""
    return run_tool("verify", "run", "--update", cwd=folder)


@pytest.fixture(scope="module")
def settled(folder: Path, updated: Ran) -> dict[str, bytes]:
    """All files after the update."""
    return snapshot(folder)


CHANGED = [
    r"cards/sums\.md:20: changed +41 → 42  \(total\)",
    r"cards/sums\.md:20: new +\? → 7  \(base\)",
    r"cards/sums\.md:31: changed +\$\\frac\{1\}\{N\}\$ → \$.+\$  \(cost\)",
    r"cards/sums\.md:50: new +figure: Growth  \(growth\)",
]


@pytest.mark.parametrize("line", CHANGED)
def test_a_run_shows_file_line_written_and_measured_value(first: Ran, line: str) -> None:
    assert first.code == WRONG
    assert re.search(line, first.out)


def test_a_run_says_what_it_did_and_ends_with_a_summary(first: Ran) -> None:
    assert re.search(r"^running 5 claim blocks on .+$", first.err, re.MULTILINE)
    last = first.out.splitlines()[-1]
    assert re.fullmatch(r"8 claims: 2 changed, 2 new, 4 holds; ran 5 claim blocks in \d+ s", last)


def test_a_run_writes_records_and_nothing_else(folder: Path, first: Ran, checked: Ran) -> None:
    written = {file for file in snapshot(folder) if not file.startswith("decks/.cache/")}
    assert written == {"cards/sums.md", "decks/measured/bench.json"}
    assert (folder / "cards/sums.md").read_text(encoding="utf-8") == SUMS
    records = json.loads((folder / "decks/measured/bench.json").read_text(encoding="utf-8"))["records"]
    assert set(records) == {"file:sums.md", "total", "cost", "which", "growth"}
    assert "sympy" in records["cost"]["environment"]


def test_a_check_says_the_same_from_the_records_alone(first: Ran, checked: Ran) -> None:
    assert checked.code == WRONG
    assert "running" not in checked.err
    for line in CHANGED:
        assert re.search(line, checked.out)
    assert re.search(r"^\d+ numbers: \d+ measured, 0 cited, 0 given, 0 bare$", checked.out, re.MULTILINE)


def test_an_update_writes_the_answers_into_the_brackets_and_nothing_else(folder: Path, updated: Ran) -> None:
    assert updated.code == OK
    assert "cards/sums.md: 3 answers written" in updated.err
    text = (folder / "cards/sums.md").read_text(encoding="utf-8")
    formula = re.search(r"not \[(\$.+\$)\]\(claim:cost\)", text)
    assert formula is not None and "K" in formula[1]
    wanted = SUMS.replace("[41]", "[42]").replace("[?]", "[7]").replace("[$\\frac{1}{N}$]", f"[{formula[1]}]")
    assert text == wanted


def test_an_update_draws_the_figure(folder: Path, updated: Ran) -> None:
    assert "cards/figures/growth.svg" in updated.err
    assert (folder / "cards/figures/growth.svg").read_bytes().startswith(b"<?xml")


def test_a_check_after_the_update_finds_nothing_wrong(folder: Path, settled: dict[str, bytes]) -> None:
    done = run_tool("verify", "check", cwd=folder)
    assert done.code == OK, done.out
    assert done.out.splitlines()[-1] == "8 claims: 8 holds"
    assert snapshot(folder) == settled


def test_the_next_run_runs_nothing_and_needs_no_torch(folder: Path, settled: dict[str, bytes]) -> None:
    code = (
        "import sys; from verify.__main__ import main; code = main(['run']); "
        "print('heavy:', *sorted({'torch', 'sympy', 'numpy'} & set(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment_of_tools(), capture_output=True, text=True
    )
    assert done.returncode == OK, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[-2:] == ["8 claims: 8 holds", "heavy:"]
    assert snapshot(folder) == settled


def test_a_forced_run_that_agrees_changes_no_text_and_no_figure(
    folder: Path, settled: dict[str, bytes]
) -> None:
    done = run_tool("verify", "run", "--update", "--force", cwd=folder)
    assert done.code == OK
    assert "5 claim blocks" in done.err
    assert "written" not in done.err
    after = snapshot(folder)
    assert {name for name in after if after[name] != settled[name]} <= {"decks/measured/bench.json"}


def test_what_was_measured_can_be_built(folder: Path, settled: dict[str, bytes]) -> None:
    done = run_tool("generator", "build", cwd=folder)
    assert done.code == 0, done.err
    assert "held back" not in done.err
    assert "4 notes" in done.out


WRONG_CARDS = """\
# Wrong

## How many times? {#times}

```python claim
saving = 8.69
wanted = 9
assert saving > wanted
```

[8.7×](claim:saving) fewer.

## Is it faster? {#faster}

```python claim
is_faster = 3 > 5
```

It is [faster](claim:is_faster).

## Does it hold? {#right}

```python claim
right = 2 + 2
```

[4](claim:right)
"""


def test_what_is_refuted_is_said_marked_held_back_and_freed_again(tmp_path: Path) -> None:
    file = write(tmp_path / "cards/wrong.md", WRONG_CARDS)
    done = run_tool("verify", "run", "--update", cwd=tmp_path)
    assert done.code == WRONG
    assert "cards/wrong.md:8: the assertion `saving > wanted` is false: saving = 8.69, wanted = 9" in done.out
    assert re.search(r"cards/wrong\.md:11: refuted +8\.7×  \(saving\)", done.out)
    assert re.search(r"cards/wrong\.md:19: refuted +faster  \(is_faster\)\n", done.out)
    assert "2 refuted, 1 holds" in done.out
    marked = file.read_text(encoding="utf-8")
    assert marked == WRONG_CARDS.replace("(claim:saving)", '(claim:saving "refuted")').replace(
        "(claim:is_faster)", '(claim:is_faster "refuted")'
    )
    built = run_tool("generator", "build", cwd=tmp_path)
    assert built.code == 0
    assert "2 notes held back" in built.err and "1 note," in built.out

    write(file, marked.replace("wanted = 9", "wanted = 8").replace("3 > 5", "3 < 5"))
    done = run_tool("verify", "run", "--update", cwd=tmp_path)
    assert done.code == OK
    assert "running 2 claim blocks" in done.err and "1 need no run" in done.err
    mended = WRONG_CARDS.replace("wanted = 9", "wanted = 8").replace("3 > 5", "3 < 5")
    assert file.read_text(encoding="utf-8") == mended
    assert "held back" not in run_tool("generator", "build", cwd=tmp_path).err


def test_a_claim_that_needs_a_gpu_is_skipped_aloud_where_there_is_none(tmp_path: Path) -> None:
    text = "# T\n\n## Q? {#q}\n\n```python claim needs=cuda\nx = 1 / 0\n```\n\n[?](claim:x)\n"
    write(tmp_path / "cards/t.md", text)
    for command in ("run", "check"):
        done = run_tool("verify", command, cwd=tmp_path, PATH="/nowhere")
        assert done.code == OK
        assert re.search(r"cards/t\.md:9: skipped +\?  \(x\)", done.out)
        assert (
            "needs cuda: run `verify run --needs cuda --update` on a machine with an NVIDIA GPU" in done.out
        )
        assert done.out.splitlines()[-1] == "1 claim: 1 skipped"
    assert snapshot(tmp_path) == {"cards/t.md": text.encode()}


DRAWN = """\
# T

## Drawn? {#drawn}

```python claim
import random
drawn = random.SystemRandom().randrange(10**12)
```

[?](claim:drawn)

## Not drawn? {#wrong}

```python claim
wrong = 7
```

[8](claim:wrong)
"""


def test_a_value_that_changes_by_itself_is_said_to_want_a_seed(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", DRAWN)
    first = run_tool("verify", "run", cwd=tmp_path)
    assert first.code == WRONG and "seed" not in first.out
    run_tool("verify", "run", "--update", "--claim", "drawn", cwd=tmp_path)
    again = run_tool("verify", "run", "--force", cwd=tmp_path)
    assert again.code == WRONG
    what = "neither code nor versions changed, and the value did: seed what the code draws, or claim a spread"
    assert re.search(rf"t\.md:10: changed .+  \(drawn\)\n    hint: {what}\n", again.out)
    assert again.out.count("seed") == 1, "a text that is wrong each time in the same way needs no seed"
    edited = (tmp_path / "cards/t.md").read_text().replace("10**12", "10**13")
    write(tmp_path / "cards/t.md", edited)
    assert "seed" not in run_tool("verify", "run", "--force", cwd=tmp_path).out, "now the code is another"


PERCENT = """\
# T

## Accuracy? {#accuracy}

```python claim
n = 71.8
```

[71.8 %](claim:n), not [72.1 %](claim:n).
"""


def test_a_percentage_that_is_no_share_is_explained_and_judged_as_before(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", PERCENT)
    hint = "    hint: `%` takes a share: let n be 0.718, a hundredth of what it is\n"
    for command in ("run", "run", "check"):
        done = run_tool("verify", command, cwd=tmp_path)
        assert done.code == WRONG
        assert f"cards/t.md:9: changed    71.8 % → 7,180 %  (n)\n{hint}" in done.out
        assert "72.1 % → 7,180 %  (n)\n" in done.out and done.out.count("hint:") == 1
    done = run_tool("verify", "run", "--update", cwd=tmp_path)
    assert hint in done.out
    assert "[7,180 %](claim:n), not [7,180 %]" in (tmp_path / "cards/t.md").read_text()


@pytest.mark.parametrize(
    ("needs", "raised", "hint"),
    [
        (
            "",
            'AssertionError("Torch not compiled with CUDA enabled")',
            "write needs=cuda after the word claim",
        ),
        (
            "",
            'RuntimeError("Found no NVIDIA driver on your system.")',
            "write needs=cuda after the word claim",
        ),
        (" needs=cuda", 'RuntimeError("Found no NVIDIA driver on your system.")', "mend the claim's code"),
        ("", 'RuntimeError("no CUDA")', "mend the claim's code"),
    ],
)
def test_code_that_misses_a_gpu_is_told_how_a_claim_says_that_it_needs_one(
    tmp_path: Path, needs: str, raised: str, hint: str
) -> None:
    write(tmp_path / "torch_of_test.py", f"def cuda():\n    raise {raised}\n")
    fake = write(tmp_path / "bin/nvidia-smi", "#!/bin/sh\necho 'Test GPU, 1.0'\n")
    fake.chmod(0o755)
    block = f"```python claim{needs}\nfrom torch_of_test import cuda\ncuda()\nx = 1\n```"
    write(tmp_path / "cards/t.md", f"# T\n\n## Q? {{#q}}\n\n{block}\n\n[1](claim:x)\n")
    path = f"{fake.parent}:/usr/bin:/bin"
    done = run_tool("verify", "run", cwd=tmp_path, PATH=path, PYTHONPATH=f"{REPOSITORY}:{tmp_path}")
    assert done.code == FAILED, done.err
    assert f"    hint: {hint}" in done.out


def test_claims_that_are_skipped_for_one_reason_are_told_together(tmp_path: Path) -> None:
    block = "```python claim needs=cuda\nx = y = 1 / 0\n```"
    write(tmp_path / "cards/t.md", f"# T\n\n## Q? {{#q}}\n\n{block}\n\n[?](claim:x) of [?](claim:y)\n")
    done = run_tool("verify", "run", cwd=tmp_path, PATH="/nowhere")
    assert done.code == OK
    lines = done.out.splitlines()
    assert lines[0] == "cards/t.md:9: skipped    2 claims  (x, y)"
    assert lines[1].startswith("    needs cuda: run `verify run --needs cuda --update`")
    assert lines[2:] == ["2 claims: 2 skipped"]
    assert "(y)" in run_tool("verify", "check", "-v", cwd=tmp_path, PATH="/nowhere").out


def test_a_figure_that_this_machine_cannot_draw_is_skipped_but_one_without_a_record_is_not(
    tmp_path: Path,
) -> None:
    block = "```python claim needs=cuda\nplot = None\n```"
    text = f'# T\n\n## Q? {{#q}}\n\n{block}\n\nA\n\n![Rates](rates.svg "claim:plot")\n'
    write(tmp_path / "cards/t.md", text)
    for command in ("run", "check"):
        done = run_tool("verify", command, cwd=tmp_path, PATH="/nowhere")
        assert done.code == OK, done.err
        assert re.search(r"cards/t\.md:11: skipped +figure: Rates  \(plot\)", done.out)
    write(tmp_path / "cards/rates.svg", "<svg/>")  # from whom?
    done = run_tool("verify", "check", cwd=tmp_path, PATH="/nowhere")
    assert done.code == WRONG
    assert re.search(r"cards/t\.md:11: new +figure: Rates  \(plot\)", done.out)
    assert "no record of this claim's code\n    hint: needs cuda: run `verify run --needs cuda" in done.out


def test_an_interrupted_run_keeps_what_was_finished(tmp_path: Path) -> None:
    write(
        tmp_path / "cards/t.md",
        "# T\n\n## Quick? {#quick}\n\n```python claim\nx = 1\n```\n\n[1](claim:x)\n\n"
        "## Slow? {#slow}\n\n```python claim\nimport time\ntime.sleep(60)\ny = 2\n```\n\n[2](claim:y)\n",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "verify", "run", "-j", "1"],
        cwd=tmp_path,
        env=environment_of_tools(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )
    file = tmp_path / "decks/measured/bench.json"
    deadline = time.monotonic() + 60
    while not list(file.parent.glob("bench.j*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert "interrupted; what was finished is recorded" in err and "Traceback" not in err
    assert set(Records(file.parent, "bench").by_owner) == {"quick"}


def test_help_is_quick_and_needs_no_torch(tmp_path: Path) -> None:
    best = 10.0
    for _ in range(4):
        start = time.monotonic()
        done = run_tool("verify", "--help", cwd=tmp_path)
        best = min(best, time.monotonic() - start)
        assert done.code == 0 and "run the claims" in done.out.lower()
    assert best < 0.3
    traced = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "verify", "--help"],
        cwd=tmp_path,
        env=environment_of_tools(),
        capture_output=True,
        text=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in traced.stderr.splitlines()}
    assert "argparse" in imported
    assert not {"torch", "numpy", "sympy", "markdown_it", "yaml"} & imported


# What follows needs no claim to be really run: the runs are played, in this process.

Play = Callable[[dict[str, dict[str, Any]]], list[str]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let runs find these values, by owner; returns the list of owners that were run."""

    def values(found: dict[str, dict[str, Any]]) -> list[str]:
        ran: list[str] = []

        def run(jobs: Iterable[Job], **_: object) -> Iterator[Outcome]:
            for job in jobs:
                ran.append(job.owner)
                report = found[job.owner]
                yield Outcome(job, report.get("state", "done"), values=report.get("values", {}), what="why")

        monkeypatch.setattr(verify.runner, "run", run)
        return ran

    return values


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, on a machine of that name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDTRUTH_MACHINE", "bench")
    return tmp_path


def timing(value: float) -> dict[str, Any]:
    return Value("timing", number=value, low=value - 0.01, high=value + 0.01).to_json()


TIMED = """\
# T

## How many times? {#times}

```python claim
from verify import compare

comparison = compare({})
speedup = comparison.ratio
is_faster = speedup > 1
```

[2.5×](claim:speedup "NVIDIA H200, torch 2.11, 2026-11"),
so [faster](claim:is_faster "NVIDIA H200, torch 2.11, 2026-11").
"""


def test_a_timing_of_another_machine_is_left_alone(
    place: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(place / "cards/t.md", TIMED)
    play({"times": {"values": {"speedup": timing(1.8), "is_faster": {"kind": "truth", "truth": True}}}})
    assert main(["run", "--update"]) == OK
    assert file.read_text(encoding="utf-8") == TIMED
    assert "2 elsewhere" in capsys.readouterr().out


def test_a_timing_that_names_a_machine_without_a_record_is_not_vouched_for(
    place: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place / "cards/t.md", TIMED)
    play({"times": {"values": {"speedup": timing(1.8), "is_faster": {"kind": "truth", "truth": True}}}})
    main(["run"])
    capsys.readouterr()
    assert main(["check"]) == WRONG
    found = capsys.readouterr().out
    assert "cards/t.md:13: new        2.5×  (speedup)" in found
    assert "no record by NVIDIA H200, which it names, of this claim's code" in found
    (records,) = (place / "decks/measured").glob("*.json")
    found = json.loads(records.read_text(encoding="utf-8"))
    write(place / "decks/measured/nvidia-h200.json", json.dumps(found | {"device": "NVIDIA H200"}))
    main(["check"])
    assert "no record by" not in capsys.readouterr().out


def test_a_timing_is_taken_over_when_that_is_asked_for(place: Path, play: Play) -> None:
    file = write(place / "cards/t.md", TIMED)
    play({"times": {"values": {"speedup": timing(1.8), "is_faster": {"kind": "truth", "truth": True}}}})
    assert main(["run", "--update", "--adopt"]) == OK
    text = file.read_text(encoding="utf-8")
    assert "[1.8×](claim:speedup" in text and "NVIDIA" not in text
    assert main(["check"]) == OK


def test_what_is_false_here_is_not_taken_over(
    place: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(place / "cards/t.md", TIMED)
    play({"times": {"values": {"speedup": timing(0.8), "is_faster": {"kind": "truth", "truth": False}}}})
    assert main(["run", "--update", "--adopt"]) == WRONG
    assert '[faster](claim:is_faster "refuted")' in file.read_text(encoding="utf-8")
    assert "1 refuted, 1 holds" in capsys.readouterr().out


def test_a_check_holds_a_timing_against_the_machine_that_it_names(
    place: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(place / "cards/t.md", TIMED)
    play({"times": {"values": {"speedup": timing(1.8), "is_faster": {"kind": "truth", "truth": True}}}})
    assert main(["run"]) == OK
    here = Records(place / "decks/measured", "bench").by_owner["times"]
    there = Value("timing", number=2.5, low=2.4, high=2.6)
    values = {"speedup": there, "is_faster": Value("truth", truth=True)}
    record = Record(here.digest, {}, "2026-11-20", 1.0, "done", values)
    Records(place / "decks/measured", "nvidia-h200").put("times", record, "NVIDIA H200")
    capsys.readouterr()
    assert main(["check"]) == OK
    assert "2 claims: 2 holds" in capsys.readouterr().out
    write(file, TIMED.replace("2.5×", "3.5×"))
    assert main(["check"]) == WRONG
    assert "3.5× → 2.5×" in capsys.readouterr().out


def test_a_measurement_that_agrees_leaves_text_and_title_alone(place: Path, play: Play) -> None:
    from verify.environment import this_machine

    text = TIMED.replace("NVIDIA H200, torch 2.11", f"{this_machine().device}, torch 1.0")
    file = write(place / "cards/t.md", text)
    play({"times": {"values": {"speedup": timing(2.51), "is_faster": {"kind": "truth", "truth": True}}}})
    assert main(["run", "--update", "--force"]) == OK
    assert file.read_text(encoding="utf-8") == text


SPREAD = "# T\n\n## Q? {#q}\n\n```python claim\nx = 1\n```\n\n[97.123 %](claim:x)\n"


def test_digits_that_the_spread_does_not_carry_are_said_and_taken_away(
    place: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(place / "cards/t.md", SPREAD)
    value = Value("measured", number=0.971, low=0.969, high=0.973, samples=(0.969, 0.971, 0.973))
    play({"q": {"values": {"x": value.to_json()}}})
    assert main(["run"]) == WRONG
    assert "unstable" in capsys.readouterr().out
    assert main(["run", "--update"]) == OK
    assert file.read_text(encoding="utf-8") == SPREAD.replace("97.123 %", "97.1 %")
    assert main(["check"]) == OK


TWO = (
    "# T\n\n```python claim\nz = 1\n```\n\n## One? {#one}\n\n```python claim\nx = 1\n```\n\n[1](claim:x)\n\n"
    "## Two? {#two}\n\n```python claim needs=cuda\ny = 2\n```\n\n[2](claim:y) and 77\n"
)
FOUND: dict[str, dict[str, Any]] = {
    "one": {"values": {"x": {"kind": "exact", "number": "1"}}},
    "two": {"values": {"y": {"kind": "exact", "number": "2"}}},
}


def test_only_what_is_named_is_run(place: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.opening.missing", lambda needs, machine: "")
    write(place / "cards/t.md", TWO)
    write(place / "cards/u.md", TWO.replace("{#one}", "{#three}").replace("{#two}", "{#four}"))
    ran = play(FOUND | {"three": FOUND["one"], "four": FOUND["two"]})
    assert main(["run", "--needs", "cuda", "cards/t.md"]) == OK
    assert ran == ["two"]
    assert main(["run", "cards/u.md"]) == OK
    assert ran == ["two", "three", "four"]
    assert main(["run", "--needs", "tensorrt"]) == OK
    assert main(["run"]) == OK
    assert ran == ["two", "three", "four", "one"]
    assert main(["run", "--force", "cards"]) == OK
    assert ran[4:] == ["one", "two", "three", "four"]


def test_a_formula_that_was_never_proved_is_run_again_but_not_the_claims_own(place: Path, play: Play) -> None:
    text = "# T\n\n## Q? {#q}\n\n```python claim\nx = 1\n```\n\n[?](claim:x)\n"
    file = write(place / "cards/t.md", text)
    ran = play({"q": {"values": {"x": {"kind": "formula", "text": "K**2", "formula": "K^{2}"}}}})
    assert main(["run"]) == WRONG
    assert main(["run", "--update"]) == OK
    assert file.read_text(encoding="utf-8") == text.replace("?](", "$K^{2}$](")
    assert main(["run"]) == OK
    assert ran == ["q"]
    write(file, text.replace("?](", "$K^2$]("))
    assert main(["check"]) == FAILED
    assert main(["run"]) == FAILED  # played: nobody proves anything
    assert ran == ["q", "q"]


def test_a_file_that_cannot_be_rewritten_costs_the_other_files_nothing(
    place: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "# T\n\n## Q? {#a}\n\n```python claim\nx = 1\n```\n\n| h | i |\n|---|---|\n| [?](claim:x) | j |\n"
    stays = write(place / "cards/a.md", text)
    mended = write(place / "cards/b.md", text.replace("{#a}", "{#b}"))
    splits = {"kind": "formula", "text": "Abs(K)", "formula": "\\left|{K}\\right|"}
    play({"a": {"values": {"x": splits}}, "b": {"values": {"x": {"kind": "exact", "number": "7"}}}})
    assert main(["run", "--update"]) == STATE
    assert "cards/a.md: writing the answers in would change more than the brackets" in capsys.readouterr().err
    assert stays.read_text(encoding="utf-8") == text
    assert "[7](claim:x)" in mended.read_text(encoding="utf-8")


def test_bare_numbers_are_listed_on_demand(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/t.md", TWO)
    main(["check"])
    said = capsys.readouterr()
    assert "bare number:" not in said.out
    assert "  hint: `verify coverage --bare` lists the bare ones\n" in said.err
    main(["check", "cards/t.md"])
    assert "`verify coverage --bare cards/t.md` lists" in capsys.readouterr().err
    main(["check", "--bare"])
    said = capsys.readouterr()
    out = said.out
    assert "lists the bare ones" not in said.err
    assert "cards/t.md:21: bare number: … and 77 …" in out
    assert "3 numbers: 2 measured, 0 cited, 0 given, 1 bare" in out


def test_the_same_records_count_from_wherever_one_stands(
    place: Path, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# T\n\n```python claim\nz = 1\n```\n\n## One? {#one}\n\n[1](claim:z)\n"
    write(place / "cards/sub/t.md", text)
    ran = play({"file:sub/t.md": {"values": {"z": {"kind": "exact", "number": "1"}}}})
    assert main(["run"]) == OK
    for start in (place / "cards", place / "cards/sub", Path("/")):
        monkeypatch.chdir(start)
        assert main(["check", str(place / "cards")]) == OK
        assert main(["run", str(place / "cards/sub/t.md")]) == OK
    assert ran == ["file:sub/t.md"]


def malformed(place: Path) -> None:
    write(place / "cards/t.md", TWO.replace(" {#two}", ""))


def failed(place: Path) -> None:
    write(place / "cards/t.md", TWO.replace(" needs=cuda", ""))


def damaged(place: Path) -> None:
    write(place / "cards/t.md", TWO)
    write(place / "decks/measured/bench.json", "{")


def refuted(place: Path) -> None:
    write(place / "cards/t.md", TWO)


def no_folder(place: Path) -> None:
    write(place / "cards/t.md", TWO)
    write(place / "decks", "a file where a folder should be")


FINE = FOUND
FAILS = FOUND | {"two": {"state": "failed"}}
VALUELESS: dict[str, dict[str, Any]] = FOUND | {"one": {"values": {}}}
REFUTES = FOUND | {"one": {"state": "refuted"}}


@pytest.mark.parametrize(
    ("prepare", "found", "code", "said"),
    [
        (refuted, FINE, OK, ""),
        (refuted, REFUTES, WRONG, "why"),
        (malformed, FINE, MALFORMED, "cards/t.md:15: the note has no id"),
        (failed, FAILS, FAILED, "why"),
        (refuted, VALUELESS, FAILED, "the record has no value for x"),
        (damaged, FINE, STATE, "bench.json: the records are damaged"),
        (no_folder, FINE, STATE, "cannot be written"),
    ],
)
def test_the_exit_code_says_how_it_went(
    place: Path,
    play: Play,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Path], None],
    found: dict[str, dict[str, Any]],
    code: int,
    said: str,
) -> None:
    prepare(place)
    play(found)
    assert main(["run"]) == code
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
    assert (OK, WRONG, USAGE, MALFORMED, FAILED, STATE) == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere"], "nowhere: no such file, folder or note"),
        ([], "COMMAND"),
        (["measure"], "invalid choice"),
        (["run", "-j", "0"], "at least 1"),
        (["run", "-j", "many"], "invalid"),
        (["run", "--needs", "tpu"], "invalid choice"),
        (["check", "--update"], "unrecognized"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    write(place / "cards/t.md", TWO)
    try:
        code: int | str | None = main(arguments)
    except SystemExit as left:
        code = left.code
    assert code == USAGE
    assert said in capsys.readouterr().err


def test_paths_of_another_collection_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/t.md", TWO)
    write(place / "other/cards/u.md", TWO)
    assert main(["run", "cards", "other/cards"]) == STATE
    assert "not in the collection" in capsys.readouterr().err


def test_the_output_has_no_colour_outside_a_terminal(first: Ran) -> None:
    assert "\033" not in first.out + first.err
    assert os.linesep == "\n"
