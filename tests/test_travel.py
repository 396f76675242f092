"""Claims that another machine runs: jobs go there in a file, and results come back into the records."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.workplace import REPOSITORY, run_tool, write

CARD = """\
# T

Two sentences of introduction. Here is the second.

```python claim
rows = 3
```

## How many rows has T? {#rows}

[3](claim:rows)

## How many columns has T? {#columns}

```python claim
columns = rows + 1
import matplotlib.pyplot as plt
plot = plt.figure()
plot.gca().plot([1, 2])
```

[?](claim:columns)

![A line](line.svg "claim:plot")

## Is T wrong? {#wrong}

```python claim
assert rows == 4
is_wrong = True
```

It [is wrong](claim:is_wrong).
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project with claims that were never measured."""
    write(tmp_path / "home/cards/t.md", CARD)
    return tmp_path / "home"


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """The folder of another machine, without any notes."""
    (tmp_path / "away").mkdir()
    return tmp_path / "away"


def carried(home: Path, away: Path, *words: str) -> Path:
    """Export the jobs, run them on the other machine, and bring the results back; returns their file."""
    done = run_tool("verify", "export-jobs", cwd=home)
    assert (done.code, done.out) == (0, "jobs.jsonl\n"), done.err
    (home / "jobs.jsonl").rename(away / "jobs.jsonl")
    done = run_tool("verify", "run-jobs", "jobs.jsonl", *words, cwd=away, GROUNDTRUTH_MACHINE="elsewhere")
    assert (done.code, done.out) == (4, "results.jsonl\n"), done.err
    return away / "results.jsonl"


def test_jobs_go_to_another_machine_and_its_findings_come_back(home: Path, away: Path) -> None:
    results = carried(home, away)
    done = run_tool("verify", "merge", str(results), cwd=home)
    assert (done.code, done.out) == (0, "3 records of elsewhere, 0 left out\n"), done.err
    assert [file.name for file in (home / "decks/measured").iterdir()] == ["elsewhere.json"]
    assert (home / "cards/line.svg").is_file()
    done = run_tool("verify", "check", cwd=home)
    assert "cards/t.md:22: new        ? → 4  (columns)" in done.out and "1 new" in done.out
    again = run_tool("verify", "export-jobs", cwd=home)
    assert again.err.startswith("1 job\n"), "what is refuted is run again, what was measured is not"


def test_what_a_run_had_finished_is_not_run_again(home: Path, away: Path) -> None:
    results = carried(home, away)
    whole = results.read_bytes()
    lines = whole.splitlines(keepends=True)
    results.write_bytes(b"".join(lines[:2]) + lines[2][:40])
    done = run_tool("verify", "run-jobs", "jobs.jsonl", cwd=away, GROUNDTRUTH_MACHINE="elsewhere")
    assert "[2/2]" in done.err, done.err
    owners = [json.loads(line)["owner"] for line in results.read_text().splitlines()[1:]]
    assert sorted(owners) == ["columns", "file:t.md", "wrong"]


def test_parts_of_the_jobs_make_up_the_whole(home: Path, away: Path) -> None:
    run_tool("verify", "export-jobs", cwd=home)
    found = []
    for part in ("1/2", "2/2"):
        done = run_tool(
            "verify", "run-jobs", str(home / "jobs.jsonl"), "--shard", part, "-o", part[0], cwd=away
        )
        assert done.code in (0, 4), done.err
        found += [json.loads(line)["owner"] for line in (away / part[0]).read_text().splitlines()[1:]]
    assert sorted(found) == ["columns", "file:t.md", "wrong"]
    done = run_tool("verify", "run-jobs", str(home / "jobs.jsonl"), "--shard", "3/2", cwd=away)
    assert done.code == 2 and "--shard 3/2: names no part" in done.err


def test_findings_of_other_code_are_left_out(home: Path, away: Path) -> None:
    results = carried(home, away)
    write(home / "cards/t.md", CARD.replace("rows + 1", "rows + 2"))
    done = run_tool("verify", "merge", str(results), cwd=home)
    assert done.out == "2 records of elsewhere, 1 left out\n"
    assert "columns: left out, its code is another one by now" in done.err


def test_jobs_of_another_version_of_the_tools_are_refused(home: Path, away: Path) -> None:
    run_tool("verify", "export-jobs", cwd=home)
    jobs = home / "jobs.jsonl"
    head, *rest = jobs.read_text().splitlines(keepends=True)
    jobs.write_text(json.dumps({**json.loads(head), "tools": "0" * 24}) + "\n" + "".join(rest))
    done = run_tool("verify", "run-jobs", str(jobs), cwd=away)
    assert done.code == 5 and "was exported by another version of verify" in done.err
    assert not list(away.iterdir())


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is no file of groundtruth results"),
        (b"[1]\n", ":1: is damaged (is no object)"),
        (b"{\n", ":1: is damaged ("),
        (b"\xff\n", "it is no UTF-8"),
        (b'{"what": "groundtruth jobs", "format": 1}\n', "is no file of groundtruth results"),
        (b'{"what": "groundtruth results", "format": 9}\n', "format 9, and this tool knows 1"),
        (b'{"what": "groundtruth results", "format": 1}\n{"owner": "rows"}\n', ":2: is damaged (KeyError"),
    ],
)
def test_what_is_no_file_of_results_is_refused(home: Path, content: bytes, what: str) -> None:
    (home / "results.jsonl").write_bytes(content)
    done = run_tool("verify", "merge", "results.jsonl", cwd=home)
    assert done.code == 5 and what in done.err and "hint: " in done.err
    assert not (home / "decks").exists()


ON_GPU = """\
# G

Two sentences of introduction. Here is the second.

## How many cores has the GPU of G? {#cores}

```python claim needs=cuda
cores = 132
```

[?](claim:cores)
"""


def test_what_only_another_machine_can_run_is_written_from_its_record(home: Path, away: Path) -> None:
    write(home / "cards/t.md", ON_GPU)
    fake = write(away / "bin/nvidia-smi", "#!/bin/sh\necho 'Test GPU, 1.0'\n")
    fake.chmod(0o755)
    here = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = run_tool("verify", "run", cwd=home, **here)
    assert done.code == 0 and "1 skipped" in done.out
    run_tool("verify", "export-jobs", cwd=home, **here)
    jobs = str(home / "jobs.jsonl")
    there = {"PATH": f"{fake.parent}:{here['PATH']}", "GROUNDTRUTH_MACHINE": "gpu-box"}
    done = run_tool("verify", "run-jobs", jobs, cwd=away, **there)
    assert done.code == 0, done.err
    done = run_tool("verify", "merge", str(away / "results.jsonl"), cwd=home, **here)
    assert done.out == "1 record of gpu-box, 0 left out\n", done.err
    done = run_tool("verify", "run", "--update", cwd=home, **here)
    assert done.code == 0, done.out
    assert "[132](claim:cores)" in (home / "cards/t.md").read_text()
    write(home / "cards/t.md", ON_GPU.replace("[?]", "[133]"))
    done = run_tool("verify", "run", cwd=home, **here)
    assert done.code == 1 and "133 → 132" in done.out


def test_jobs_that_were_all_skipped_name_no_file_and_say_what_runs_them(home: Path, away: Path) -> None:
    write(home / "cards/t.md", ON_GPU)
    run_tool("verify", "export-jobs", cwd=home)
    jobs = str(home / "jobs.jsonl")
    nothing = "verify: nothing ran, and nothing was written; there is no result\n"
    done = run_tool("verify", "run-jobs", jobs, cwd=away, PATH="/nowhere")
    assert (done.code, done.out) == (0, "")
    advice = f"needs cuda: run `verify run-jobs {jobs}` on a machine with an NVIDIA GPU\n"
    assert done.err == f"[1/1] cores: skipped, {advice}{nothing}"
    assert not list(away.iterdir())


def test_results_of_other_jobs_are_not_named_as_those_of_an_empty_part(home: Path, away: Path) -> None:
    results = carried(home, away)
    before = results.read_bytes()
    done = run_tool("verify", "run-jobs", "jobs.jsonl", "--shard", "9/9", cwd=away)
    assert (done.code, done.out) == (0, "")
    assert done.err == "verify: nothing ran, and nothing was written; there is no result\n"
    assert results.read_bytes() == before


def test_jobs_that_an_earlier_run_had_finished_still_name_their_results(home: Path, away: Path) -> None:
    carried(home, away)
    done = run_tool("verify", "run-jobs", "jobs.jsonl", cwd=away, GROUNDTRUTH_MACHINE="elsewhere")
    assert (done.code, done.out) == (0, "results.jsonl\n")
    what = "nothing ran, and nothing was written; results.jsonl has what an earlier run found"
    assert done.err == f"verify: {what}\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["merge", "res.jsonl"], "verify merge --cards NOTES RESULTS"),
        (["show", "rows"], "verify show CLAIM NOTES"),
        (["check"], "verify check NOTES"),
    ],
)
def test_outside_the_folder_of_notes_the_hint_is_a_command_that_works(
    away: Path, words: list[str], hint: str
) -> None:
    done = run_tool("verify", *words, cwd=away)
    assert done.code == 2
    assert done.err.endswith(f"  hint: name the folder of your notes: {hint}\n")


def test_results_are_merged_into_notes_that_stand_elsewhere(home: Path, away: Path) -> None:
    results = carried(home, away)
    done = run_tool("verify", "merge", "--cards", str(home / "cards"), results.name, cwd=away)
    assert (done.code, done.out) == (0, "3 records of elsewhere, 0 left out\n"), done.err


def without(folder: Path, *packages: str) -> dict[str, str]:
    """The variables of a machine that lacks these packages."""
    refusal = "raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)\n"
    for package in packages:
        write(folder / f"{package}.py", refusal)
    return {"PYTHONPATH": f"{folder}:{REPOSITORY}"}


def test_jobs_run_where_nothing_is_installed_that_reads_notes(home: Path, away: Path, tmp_path: Path) -> None:
    run_tool("verify", "export-jobs", cwd=home)
    bare = without(tmp_path / "bare", "mdit_py_plugins", "bibtexparser", "genanki", "pygments")
    done = run_tool("verify", "run-jobs", str(home / "jobs.jsonl"), cwd=away, **bare)
    assert done.code == 4 and "[3/3] " in done.err, done.err
    assert run_tool("verify", "merge", str(away / "results.jsonl"), cwd=home).code == 0


@pytest.mark.parametrize("package", ["mdit_py_plugins", "yaml"])
def test_a_command_that_reads_notes_says_what_it_lacks_for_that_and_what_needs_none(
    home: Path, tmp_path: Path, package: str
) -> None:
    done = run_tool("verify", "list", cwd=home, **without(tmp_path / "bare", package))
    assert done.code == 2
    assert f"verify: {package}, which reads notes, is not installed" in done.err
    assert "hint: pip install . brings it; where nothing can be installed, `verify export-jobs`" in done.err
    assert "Traceback" not in done.err
