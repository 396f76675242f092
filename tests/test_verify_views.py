"""Looking at claims: list, show, coverage, reports for other programs, and choosing what a run is about."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.workplace import write
from verify.__main__ import MALFORMED, OK, STATE, USAGE, WRONG, main

NOTES = """\
---
tags: [topic]
---

# Topic

About it.

```python claim
shared = 4
```

## One? {#one tags="why"}

```python claim
x = shared / 8
```

[0.5](claim:x) of [4](claim:shared), and 77.

## Two? {#two}

```python claim
y = 3
```

[3](claim:y)

## Three? {#three}

```python claim needs=cuda
z = 1
```

[?×](claim:z)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with notes whose claims that can be run were run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDTRUTH_MACHINE", "bench")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("verify.opening.missing", lambda needs, machine: "needs cuda" if needs else "")
    write(tmp_path / "cards/t.md", NOTES)
    assert main(["run"]) == OK
    yield tmp_path


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = OK) -> str:
    """What a command prints as results."""
    capsys.readouterr()
    assert main(list(arguments)) == code
    return capsys.readouterr().out


def test_list_has_a_line_for_each_claim_in_the_order_of_the_file(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert out(capsys, "list").splitlines() == [
        "cards/t.md:19  holds      one  x  0.5",
        "cards/t.md:19  holds      one  shared  4",
        "cards/t.md:27  holds      two  y  3",
        "cards/t.md:35  skipped    three  z  ?×",
    ]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["--tag", "why"], ["x", "shared"]),
        (["--tag", "topic"], ["x", "shared", "y", "z"]),
        (["--claim", "y"], ["y"]),
        (["--needs", "cuda"], ["z"]),
        (["--untimed"], ["x", "shared", "y"]),
        (["--stale"], []),
        (["--failed"], []),
        (["two"], ["y"]),
        (["one", "three"], ["x", "shared", "z"]),
        (["--tag", "why", "--claim", "y"], []),
    ],
)
def test_filters_say_what_a_command_is_about(
    place: Path, capsys: pytest.CaptureFixture[str], filters: list[str], names: list[str]
) -> None:
    found = json.loads(out(capsys, "list", "--json", *filters))
    assert [row["name"] for row in found] == names


def test_stale_and_failed_follow_what_is_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/t.md", NOTES.replace("y = 3", "y = 1 + 3").replace("[0.5]", "[0.6]"))
    assert [row["name"] for row in json.loads(out(capsys, "list", "--json", "--stale"))] == ["y"]
    assert [row["name"] for row in json.loads(out(capsys, "list", "--json", "--failed"))] == ["x"]


def test_changed_asks_git_what_a_revision_computed_and_stated(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "notes"]):
        named = ["-c", "user.name=A", "-c", "user.email=a@example.invalid"]
        subprocess.run(["git", *named, *command], check=True, capture_output=True)
    assert json.loads(out(capsys, "list", "--json", "--changed")) == []
    write(place / "cards/t.md", NOTES.replace("One?", "First?").replace("y = 3", "y = 4"))
    assert [row["name"] for row in json.loads(out(capsys, "list", "--json", "--changed"))] == ["y"]
    assert [row["name"] for row in json.loads(out(capsys, "list", "--json", "--changed", "HEAD"))] == ["y"]
    assert main(["list", "--changed", "no-such-revision"]) == STATE
    assert "--changed" in capsys.readouterr().err


def test_show_gives_code_record_and_the_links_of_a_claim(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = out(capsys, "show", "x")
    assert "    x = shared / 8" in shown and "    shared = 4" in shown
    assert "done on " in shown and "with python " in shown
    assert "cards/t.md:19: holds      0.5  (x)\n    number: 0.5" in shown
    assert main(["show", "nothing"]) == USAGE
    assert "nothing: no claim and no note is called so" in capsys.readouterr().err


def test_coverage_counts_by_file_and_fails_below_a_bound(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = out(capsys, "coverage")
    assert " 75.0%  cards/t.md  (3 measured, 0 cited, 0 given, 1 bare)" in printed
    assert "bare number: … " in out(capsys, "coverage", "--bare")
    out(capsys, "coverage", "--fail-under", "75")
    out(capsys, "coverage", "--fail-under", "75.1", code=WRONG)


def test_json_holds_every_claim_and_what_was_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/t.md", NOTES.replace("y = 3", "y = 4"))
    found = json.loads(out(capsys, "run", "--json", code=WRONG))
    assert found["format"] == 1
    assert [row["verdict"] for row in found["claims"]] == ["holds", "holds", "changed", "skipped"]
    assert found["claims"][2] | {"place": ""} == {
        "place": "",
        "note": "two",
        "name": "y",
        "text": "3",
        "verdict": "changed",
        "measured": "4",
    }
    assert [block["owner"] for block in found["ran"]] == ["two"]


def test_junit_has_a_case_for_each_claim(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/t.md", NOTES.replace("y = 3", "y = 4"))
    out(capsys, "run", "--junit", "out/report.xml", code=WRONG)
    (suite,) = ElementTree.parse(place / "out/report.xml").getroot()
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "cards/t.md",
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    (failed,) = (case for case in suite if case.find("failure") is not None)
    assert (failed.get("classname"), failed.get("name"), failed.get("line")) == ("two", "y", "27")


def test_a_run_can_stop_at_the_first_claim_that_is_wrong(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = NOTES.replace("x = shared / 8", "x = 1 / 0").replace("y = 3", "y = 1 / 0")
    write(place / "cards/t.md", broken)
    found = json.loads(out(capsys, "run", "--json", "-x", "-j", "1", code=4))
    assert len(found["ran"]) == 1


def test_a_time_limit_of_the_command_line_goes_for_every_claim(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place / "cards/t.md", NOTES.replace("y = 3", "import time\n\ntime.sleep(60)\ny = 3"))
    assert "took longer than 1 s" in out(capsys, "run", "--timeout", "1", "two", code=4)


@pytest.mark.parametrize(
    "arguments", [["run", "--timeout", "0"], ["run", "-j", "0"], ["show"], ["list", "-x"]]
)
def test_senseless_options_are_refused(place: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == USAGE


def test_a_malformed_card_stops_every_command(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/u.md", "# U\n\n## No id?\n\nA.\n")
    for command in (["list"], ["show", "x"], ["coverage"], ["check"]):
        assert main(command) == MALFORMED
        assert "cards/u.md:3: the note has no id" in capsys.readouterr().err


def test_what_failed_before_is_chosen_after_its_code_was_mended(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place / "cards/t.md", NOTES.replace("y = 3", "y = 1 / 0"))
    out(capsys, "run", code=4)
    write(place / "cards/t.md", NOTES.replace("y = 3", "y = 2 + 1"))
    assert "1 claim: 1 holds; 3 not chosen; ran 1 claim block" in out(capsys, "run", "--failed")
    assert "0 claims: none; 4 not chosen" in out(capsys, "run", "--failed")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tag", "topix"], "--tag topix: no tag of these notes is called so\n  hint: did you mean topic?"),
        (["--claim", "q9"], "--claim q9: no claim of these notes is called so\n  hint: `verify list"),
        (["--durations", "cards"], "'cards' is no number; name files before --durations"),
    ],
)
def test_a_slip_is_no_empty_selection(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    try:
        code: int | str | None = main(["run", *arguments])
    except SystemExit as left:
        code = left.code
    assert code == USAGE
    assert said in capsys.readouterr().err


def test_changed_says_that_there_is_no_git(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--changed"]) == STATE
    assert "not a git repository" in (said := capsys.readouterr().err)
    assert "hint: name files or notes instead" in said


@pytest.mark.parametrize(
    ("line", "names"),
    [("19", ["x", "shared"]), ("27", ["y"]), ("99", ["z"]), ("3", ["x", "shared", "y", "z"])],
)
def test_a_place_as_messages_name_it_chooses_its_note(
    place: Path, capsys: pytest.CaptureFixture[str], line: str, names: list[str]
) -> None:
    found = json.loads(out(capsys, "list", "--json", f"cards/t.md:{line}"))
    assert [row["name"] for row in found] == names


def test_durations_name_the_slowest_first_and_when_they_were_run(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place / "cards/t.md", NOTES.replace("y = 3", "import time\n\ntime.sleep(0.5)\ny = 3"))
    printed = out(capsys, "run", "--durations", "2").splitlines()
    at = printed.index("slowest 2 claim blocks:")
    assert printed[at + 1].split()[3] == "two"
    assert "(on " not in printed[at + 1] and "(on 20" in printed[at + 2]
    assert "slowest 3 claim blocks:" in out(capsys, "run", "--durations", "0")


def test_stopping_early_says_what_was_not_reached(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = NOTES.replace("x = shared / 8", "x = 1 / 0").replace("y = 3", "y = 1 / 0")
    write(place / "cards/t.md", broken)
    printed = out(capsys, "run", "-x", "-j", "1", code=4)
    assert re.search(r"stopped at the first that is wrong, \d not reached", printed)
    assert "Traceback" not in printed


def test_claims_that_print_are_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/t.md", NOTES.replace("y = 3", "print('seen')\ny = 3"))
    capsys.readouterr()
    assert main(["run"]) == OK
    caught = capsys.readouterr()
    assert "1 claim block printed something; -v shows it" in caught.err and "seen" not in caught.out
    assert "    | seen" in out(capsys, "run", "--force", "-v", "cards/t.md:24")
    assert "cards/t.md:24: note: the code prints, and nobody reads it" in out(capsys, "check")


def test_a_check_knows_assertions_that_no_number_rests_on(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = "# U\n\n```python claim\nassert 1 + 1 == {}\n```\n\n## Why? {{#why}}\n\nSo.\n"
    file = write(place / "cards/u.md", alone.format(2))
    assert "cards/u.md:4: new        the assertions\n    hint: `verify run` tries them" in out(
        capsys, "check", code=WRONG
    )
    out(capsys, "run")
    out(capsys, "check")
    write(file, alone.format(3))
    out(capsys, "run", code=WRONG)
    assert "cards/u.md:4: the assertion `1 + 1 == 3` is false" in out(capsys, "check", code=WRONG)
