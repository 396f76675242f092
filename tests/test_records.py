"""Measurements on disk: nothing is lost, nothing is half written, nothing damaged is overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import verify.runner
from generator.errors import StateError
from tests.workplace import REPOSITORY, write
from verify.__main__ import INTERRUPTED, OK, main
from verify.jobs import Derivation, Job, Outcome
from verify.records import FORMAT, Record, Records, all_records, record_of
from verify.values import Value

RECORD = Record(
    digest="d1",
    environment={"python": "3.11", "torch": "2.11.0"},
    date="2026-11-20",
    seconds=1.25,
    state="done",
    values={
        "saving": Value("exact", number=Fraction(25, 36)),
        "loss": Value("number", number=0.1),
        "speedup": Value("timing", number=1.8, low=1.7, high=1.9, samples=(1.7, 1.8, 1.9), unit=""),
        "faster": Value("truth", truth=False),
        "shape": Value("text", text="64×55×55"),
        "cost": Value("formula", text="K**2", formula="K^{2}"),
    },
    derivations=(Derivation("cost", "K^2", "refuted", "at K = 3: the text gives 9, the claim 6"),),
    unportrayable={"torch": "a module cannot be compared with a text"},
)

REFUTED = Record(
    digest="d2",
    environment={"python": "3.11"},
    date="2026-11-21",
    seconds=0.5,
    state="refuted",
    what="the assertion `saving > 9` is false: saving = 8.69",
    hint="correct the statement",
    line=17,
)


def test_what_is_put_is_read_again(tmp_path: Path) -> None:
    records = Records(tmp_path / "measured", "bench")
    records.put("dwsep", RECORD, "AMD EPYC")
    records.put("file:a.md", REFUTED, "AMD EPYC")
    again = Records(tmp_path / "measured", "bench")
    assert again.device == "AMD EPYC"
    assert again.by_owner == {"dwsep": RECORD, "file:a.md": REFUTED}


def test_the_file_has_a_line_for_each_record_in_order_of_owners(tmp_path: Path) -> None:
    records = Records(tmp_path, "bench")
    for owner in ("b", "a", "ü"):
        records.put(owner, RECORD, "AMD EPYC")
    records.settle()
    lines = (tmp_path / "bench.json").read_text(encoding="utf-8").splitlines()
    assert [line.split(":")[0].strip() for line in lines if "digest" in line] == ['"a"', '"b"', '"\\u00fc"']
    assert json.loads("\n".join(lines))["format"] == FORMAT


def test_a_record_that_did_not_change_leaves_the_bytes_alone(tmp_path: Path) -> None:
    records = Records(tmp_path, "bench")
    records.put("a", REFUTED, "AMD EPYC")
    records.settle()
    before = (tmp_path / "bench.json").stat()
    records = Records(tmp_path, "bench")
    records.put("a", REFUTED, "AMD EPYC")
    records.settle()
    after = (tmp_path / "bench.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_nothing_half_written_is_ever_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(tmp_path, "bench")
    records.put("a", RECORD, "AMD EPYC")
    records.settle()
    before = (tmp_path / "bench.json").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    records.put("b", RECORD, "AMD EPYC")
    with pytest.raises(StateError, match="No space left on device"):
        records.settle()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bench.journal", "bench.json"]
    assert (tmp_path / "bench.json").read_bytes() == before
    assert set(Records(tmp_path, "bench").by_owner) == {"a", "b"}


def test_a_machine_that_was_never_measured_on_has_no_records(tmp_path: Path) -> None:
    assert Records(tmp_path / "nowhere", "bench").by_owner == {}
    assert all_records(tmp_path / "nowhere") == {}
    assert not (tmp_path / "nowhere").exists()


def test_the_machines_are_kept_apart(tmp_path: Path) -> None:
    Records(tmp_path, "bench").put("a", RECORD, "AMD EPYC")
    Records(tmp_path, "nvidia-h200").put("a", REFUTED, "NVIDIA H200")
    found = all_records(tmp_path)
    assert {name: records.device for name, records in found.items()} == {
        "bench": "AMD EPYC",
        "nvidia-h200": "NVIDIA H200",
    }
    assert found["bench"].by_owner == {"a": RECORD}


def test_what_another_run_wrote_meanwhile_stays(tmp_path: Path) -> None:
    ours, theirs = Records(tmp_path, "bench"), Records(tmp_path, "bench")
    theirs.put("theirs", RECORD, "AMD EPYC")
    ours.put("ours", RECORD, "AMD EPYC")
    assert set(Records(tmp_path, "bench").by_owner) == {"ours", "theirs"}


def test_two_processes_that_write_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from verify.records import Record, Records\n"
        "records = Records(Path(sys.argv[1]), 'bench')\n"
        "for number in range(25):\n"
        "    records.put(f'{sys.argv[2]}{number}', Record('d', {}, '', 0.0, 'done'), 'CPU')\n"
        "    if number % 5 == 0:\n"
        "        records.settle()\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=REPOSITORY) for name in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    wanted = {f"{name}{number}" for name in "ab" for number in range(25)}
    assert set(Records(tmp_path, "bench").by_owner) == wanted
    Records(tmp_path, "bench").settle()
    assert [file.name for file in tmp_path.iterdir()] == ["bench.json"]


def test_the_records_of_notes_that_are_gone_are_dropped(tmp_path: Path) -> None:
    records = Records(tmp_path, "bench")
    for owner in "abc":
        records.put(owner, RECORD, "AMD EPYC")
    records.forget({"a", "c", "never there"})
    assert set(Records(tmp_path, "bench").by_owner) == {"b"}


DAMAGED = {
    "cut off": b'{"format": 1, "device": "x", "records": {"a": {"dig',
    "empty": b"",
    "no object": b"[]",
    "no records": b'{"format": 1, "device": "x"}',
    "records of another kind": b'{"format": 1, "device": "x", "records": []}',
    "a record without a digest": b'{"format": 1, "device": "x", "records": {"a": {"state": "done"}}}',
    "a value of no kind": b'{"format": 1, "device": "x", "records": {"a": {"digest": "d", "environment": {}, '
    b'"date": "", "seconds": 0, "state": "done", "values": {"x": {"kind": "guess"}}}}}',
    "a format that is no number": b'{"format": "1", "device": "x", "records": {}}',
    "no UTF-8": b'{"format": 1, "device": "\xff", "records": {}}',
    "merge conflict": b'<<<<<<< HEAD\n{"format": 1, "device": "x", "records": {}}\n=======\n',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bench.json"
    file.write_bytes(content)
    with pytest.raises(StateError, match=r"bench\.json: the records are damaged") as refused:
        Records(tmp_path, "bench")
    assert "restore it from version control" in refused.value.hint
    assert file.read_bytes() == content


def test_a_file_that_is_damaged_while_a_run_goes_on_is_left_as_it_is(tmp_path: Path) -> None:
    records = Records(tmp_path, "bench")
    records.put("a", RECORD, "AMD EPYC")
    (tmp_path / "bench.json").write_bytes(b"{")
    with pytest.raises(StateError, match="damaged"):
        records.put("b", RECORD, "AMD EPYC")
    assert (tmp_path / "bench.json").read_bytes() == b"{"


def test_what_a_killed_run_had_found_is_known_and_put_in_its_place_by_the_next(tmp_path: Path) -> None:
    killed = Records(tmp_path, "bench")
    killed.put("a", RECORD, "AMD EPYC")
    killed.put("b", RECORD, "AMD EPYC")
    assert set(all_records(tmp_path)) == {"bench"}
    records = Records(tmp_path, "bench")
    assert records.by_owner == {"a": RECORD, "b": RECORD} and records.device == "AMD EPYC"
    records.settle()
    assert [file.name for file in tmp_path.iterdir()] == ["bench.json"]
    assert Records(tmp_path, "bench").by_owner == {"a": RECORD, "b": RECORD}


@pytest.mark.parametrize("half", [1, 40, -1])
def test_half_a_line_of_a_killed_run_is_dropped_and_written_over(tmp_path: Path, half: int) -> None:
    Records(tmp_path, "bench").put("a", RECORD, "AMD EPYC")
    journal = tmp_path / "bench.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.replace(b'"a"', b'"b"')[:half])
    records = Records(tmp_path, "bench")
    assert set(records.by_owner) == {"a"}
    records.put("c", REFUTED, "AMD EPYC")
    assert set(Records(tmp_path, "bench").by_owner) == {"a", "c"}


def test_a_run_sees_what_others_put_in_place_meanwhile(tmp_path: Path) -> None:
    ours, theirs = Records(tmp_path, "bench"), Records(tmp_path, "bench")
    for number in range(4):
        ours.put(f"ours {number}", RECORD, "AMD EPYC")
        theirs.put(f"theirs {number}", RECORD, "AMD EPYC")
        (ours, theirs)[number % 2].settle()
    assert len(ours.by_owner | theirs.by_owner) == len(Records(tmp_path, "bench").by_owner) == 8


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"{\n", "damaged"),
        (b"[]\n", "damaged"),
        (b'{"format": 2, "device": "x", "owner": "b"}\n', "damaged"),
        (b'{"format": %d, "device": "x", "owner": "b"}\n' % (FORMAT + 1), "update this tool"),
    ],
)
def test_a_journal_that_is_damaged_or_newer_is_refused_and_left_as_it_is(
    tmp_path: Path, line: bytes, what: str
) -> None:
    Records(tmp_path, "bench").put("a", RECORD, "AMD EPYC")
    journal = tmp_path / "bench.journal"
    content = line + journal.read_bytes()
    journal.write_bytes(content)
    with pytest.raises(StateError, match=r"bench\.journal") as refused:
        Records(tmp_path, "bench").settle()
    assert what in str(refused.value)
    assert refused.value.hint
    assert journal.read_bytes() == content


def test_a_file_of_a_newer_tool_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    content = f'{{"format": {FORMAT + 1}, "device": "x", "records": {{}}}}'
    file.write_text(content)
    with pytest.raises(StateError, match=rf"format {FORMAT + 1}, and this tool knows {FORMAT}") as refused:
        Records(tmp_path, "bench")
    assert "update this tool" in refused.value.hint
    assert file.read_text() == content


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "decks").write_text("a file, no folder")
    with pytest.raises(StateError, match="cannot be written"):
        Records(tmp_path / "decks" / "measured", "bench").put("a", RECORD, "AMD EPYC")


@pytest.mark.parametrize(
    ("record", "digest", "environment", "current"),
    [
        (RECORD, "d1", {"python": "3.11", "torch": "2.11.0"}, True),
        (RECORD, "d2", {"python": "3.11", "torch": "2.11.0"}, False),
        (RECORD, "d1", {"python": "3.11", "torch": "2.12.0"}, False),
        (RECORD, "d1", {"python": "3.11"}, False),
        (REFUTED, "d2", {"python": "3.11"}, False),
        (replace(RECORD, state="failed"), "d1", {"python": "3.11", "torch": "2.11.0"}, False),
    ],
)
def test_a_record_counts_for_the_same_code_and_the_same_versions(
    record: Record, digest: str, environment: dict[str, str], current: bool
) -> None:
    assert record.is_current(digest, environment) is current


def test_a_record_keeps_what_an_outcome_says() -> None:
    job = Job("dwsep", (), digest="d1")
    values = {"saving": {"kind": "exact", "number": "25/36"}}
    outcome = Outcome(job, "done", values=values, seconds=0.123456, unportrayable={"x": "no value"})
    record = record_of(outcome, {"python": "3.11"}, "2026-11-20")
    assert record.digest == "d1" and record.seconds == 0.12
    assert record.values == {"saving": Value("exact", number=Fraction(25, 36))}
    assert record.unportrayable == {"x": "no value"}


CARDS = """\
# T

## One? {#one}

```python claim
x = 1
```

[1](claim:x)

## Two? {#two}

```python claim
y = 2
```

[2](claim:y)
"""


def test_an_interrupted_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "cards/t.md", CARDS)
    began: list[str] = []

    def interrupted(jobs: Iterable[Job], **_: object) -> Iterator[Outcome]:
        for job in jobs:
            if began:
                raise KeyboardInterrupt
            began.append(job.owner)
            yield Outcome(job, "done", values={"x": {"kind": "exact", "number": "1"}})

    def finished(jobs: Iterable[Job], **_: object) -> Iterator[Outcome]:
        for job in jobs:
            began.append(job.owner)
            yield Outcome(job, "done", values={"y": {"kind": "exact", "number": "2"}})

    monkeypatch.setattr(verify.runner, "run", interrupted)
    assert main(["run", "--machine", "bench"]) == INTERRUPTED
    assert "interrupted" in capsys.readouterr().err
    monkeypatch.setattr(verify.runner, "run", finished)
    assert main(["run", "--machine", "bench"]) == OK
    assert began == ["one", "two"]
    assert set(Records(tmp_path / "decks/measured", "bench").by_owner) == {"one", "two"}


def test_records_of_notes_that_are_gone_stay_and_are_said_until_they_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "cards/t.md", CARDS)
    write(tmp_path / "cards/u.md", "# U\n\n## U? {#three}\n\nNothing.\n")
    records = Records(tmp_path / "decks/measured", "bench")
    for owner in ("one", "two", "gone"):
        records.put(owner, RECORD, "AMD EPYC")
    assert main(["run", "cards/u.md", "--machine", "bench"]) == OK
    assert set(Records(tmp_path / "decks/measured", "bench").by_owner) == {"one", "two", "gone"}
    write(tmp_path / "cards/t.md", "# T\n\n## One? {#one}\n\nNo claim any more.\n")
    assert main(["run", "--machine", "bench"]) == OK
    said = "3 records of what the notes do not have any more (gone, one, two); `verify forget` drops them"
    assert said in capsys.readouterr().err
    assert set(Records(tmp_path / "decks/measured", "bench").by_owner) == {"one", "two", "gone"}
    Records(tmp_path / "decks/measured", "other").put("gone", RECORD, "AMD EPYC")
    assert main(["forget"]) == OK
    assert capsys.readouterr().out == "bench: gone\nbench: one\nbench: two\nother: gone\n"
    assert Records(tmp_path / "decks/measured", "bench").by_owner == {}
    assert main(["forget"]) == OK
    assert capsys.readouterr() == ("", "")
