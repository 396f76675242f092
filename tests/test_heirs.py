"""A note that is renamed and a file that is moved keep their measurements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import verify.runner
from tests.workplace import write
from verify.__main__ import OK, WRONG, main
from verify.heirs import Heirs
from verify.jobs import Job, Outcome
from verify.records import Records
from verify.values import Value

NOTES = """\
# T

```python claim
base = 7
```

## One? {#one}

```python claim
x = base + 1
```

[8](claim:x) of [7](claim:base)
"""
VALUES = {"x": Value("exact", number=8).to_json() | {"number": "8"}, "base": {"kind": "exact", "number": "7"}}


@pytest.mark.parametrize(
    ("former", "records", "settled"),
    [
        ({}, {"a": "1", "b": "2"}, {"a": "a", "b": "b"}),  # nothing to settle
        ({"a": "old"}, {"old": "9", "b": "2"}, {"a": "old", "b": "b"}),  # renamed, and changed since
        ({}, {"old": "1", "b": "2"}, {"a": "old", "b": "b"}),  # renamed without a word
        ({"a": "old"}, {"old": "9", "a": "1"}, {"a": "a", "old": "old"}),  # it has its own already
        ({}, {"old": "9"}, {"old": "old"}),  # another code: nobody's
        ({"a": "b"}, {"b": "2"}, {"b": "b"}),  # what a note of today has is never taken away
        ({"a": "old", "b": "older"}, {"old": "2", "older": "1"}, {"a": "old", "b": "older"}),
    ],
)
def test_records_go_over_to_what_was_renamed(
    former: dict[str, str], records: dict[str, str], settled: dict[str, str]
) -> None:
    kept = {owner: owner for owner in records}
    Heirs({"a": "1", "b": "2"}, former).settle(kept, records)
    assert kept == settled


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDTRUTH_MACHINE", "bench")
    write(tmp_path / "cards/t.md", NOTES)
    return tmp_path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The owners that were run; the runs are played."""
    owners: list[str] = []

    def run(jobs: Iterable[Job], **_: object) -> Iterator[Outcome]:
        for job in jobs:
            owners.append(job.owner)
            yield Outcome(job, "done", values={name: VALUES[name] for name in job.names})

    monkeypatch.setattr(verify.runner, "run", run)
    return owners


def test_a_renamed_note_in_a_moved_file_is_not_measured_again(place: Path, ran: list[str]) -> None:
    assert main(["run"]) == OK
    assert ran == ["file:t.md", "one"]
    (place / "cards/t.md").unlink()
    file = write(place / "cards/sub/u.md", NOTES.replace("{#one}", "{#two was=one}"))
    assert main(["run"]) == OK
    assert main(["check"]) == OK
    assert ran == ["file:t.md", "one"]
    write(file, file.read_text(encoding="utf-8").replace("base + 1", "1 + base"))
    assert main(["check"]) == WRONG
    assert main(["run"]) == OK
    assert ran[2:] == ["two"]
    assert set(Records(place / "decks/measured", "bench").by_owner) == {"file:sub/u.md", "two"}


def test_what_two_notes_share_stays_with_the_one_that_has_it(place: Path, ran: list[str]) -> None:
    assert main(["run"]) == OK
    copy = NOTES.replace("# T", "# U").replace("{#one}", "{#copy}")
    write(place / "cards/u.md", copy)
    assert main(["run"]) == OK
    assert ran[2:] == ["file:u.md", "copy"]
