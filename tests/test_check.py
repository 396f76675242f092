"""`generator check`: what it prints, for people and for programs, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.__main__ import main
from tests.notes import write_notes

GOOD = """\
---
deck: Vision
---

# Strides

A stride skips positions of a filter. The output becomes smaller by that factor.

```python claim
positions = 4
```

## How many positions does a filter of stride 2 visit on 8 pixels? {#positions}

[4](claim:positions)
"""
WARNED = GOOD.replace("[4](claim:positions)", "No, [4](claim:positions)")
BROKEN = GOOD.replace("[4](claim:positions)", "[4](claim:positions), $\\frac{1}{2$")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one faultless note, and the prompt in it."""
    write_notes(tmp_path / "cards", GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it said on stdout and stderr."""
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_faultless_collection_is_counted_and_nothing_is_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "check") == (0, "1 note, 0 errors, 0 held back\n", "")
    assert [path.name for path in project.iterdir()] == ["cards"]


def test_what_a_build_would_say_of_reviews_is_said_before(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "build")
    write_notes(project / "cards", GOOD.replace("{#positions}", "{#other}"))
    run(capsys, "build")
    write_notes(project / "cards", GOOD.replace("How many positions does", "On how many pixels is"))
    code, _, err = run(capsys, "check")
    assert code == 3 and "the id 'positions' was that of a note that is gone" in err
    assert run(capsys, "check", "-o", "nowhere")[0] == 0
    (project / "decks" / "ledger.json").write_text("{")
    code, _, err = run(capsys, "check")
    assert code == 5 and "ledger.json" in err


def test_the_notes_that_are_held_back_are_counted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notes(project / "cards", GOOD.replace("[4]", "[?]"))
    assert run(capsys, "check") == (0, "1 note, 0 errors, 1 held back\n", "")


def test_a_warning_has_a_place_a_code_and_a_hint_and_is_no_failure(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes(project / "cards", WARNED)
    assert run(capsys, "check") == (
        0,
        "1 note, 1 warning, 0 held back\n",
        "cards/topic.md:13: warning: the answer is 'No' [R04b]\n"
        "  hint: ask for the reason or the number, and answer with that\n",
    )


def test_an_error_of_a_rule_is_code_3(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notes(project / "cards", BROKEN)
    code, out, err = run(capsys, "check")
    assert (code, out) == (3, "")
    assert err.startswith("cards/topic.md:15: a '{' that is never closed in $\\frac{1}{2$ [R15a]\n  hint: ")
    assert err.endswith("generator: 1 error; nothing was written\n")


def test_a_malformed_card_is_shown_with_what_the_rules_find_elsewhere(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes(project / "cards", WARNED)
    write_notes(project / "cards", "# T\n\n## Which one?\n\nNo; that\n", "b.md")
    code, out, err = run(capsys, "check")
    assert (code, out) == (3, "")
    assert [line for line in err.splitlines() if not line.startswith("  ")] == [
        "cards/b.md:3: the note has no id",
        "cards/topic.md:13: warning: the answer is 'No' [R04b]",
        "generator: 1 error, 1 warning; nothing was written",
    ]


@pytest.mark.parametrize("way", ["option", "settings"])
def test_strict_makes_a_warning_an_error(project: Path, capsys: pytest.CaptureFixture[str], way: str) -> None:
    write_notes(project / "cards", WARNED)
    if way == "settings":
        write_notes(project / "cards", "[check]\nstrict = true\n", "groundtruth.toml")
    code, out, err = run(capsys, "check", *(["--strict"] if way == "option" else []))
    assert (code, out) == (3, "")
    assert err.startswith("cards/topic.md:13: the answer is 'No' [R04b]\n")


def test_strict_is_content_with_a_faultless_collection(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "check", "--strict")[0] == 0


def test_the_settings_opt_a_collection_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notes(project / "cards", WARNED)
    write_notes(project / "cards", '[check]\nignore = ["R04"]\n', "groundtruth.toml")
    assert run(capsys, "check") == (0, "1 note, 0 errors, 0 held back\n", "")
    write_notes(project / "cards", GOOD)
    code, _, err = run(capsys, "check")
    assert (code, err.splitlines()[0]) == (
        0,
        "cards/groundtruth.toml:1: warning: the opt-out from R04 suppresses nothing [R00a]",
    )


def test_a_build_does_not_care_about_the_rules(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notes(project / "cards", BROKEN)
    code, _, err = run(capsys, "build")
    assert (code, err) == (0, "1 new, 0 changed, 0 unchanged\n")


def test_json_is_for_programs_and_nothing_else_is_printed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes(project / "cards", WARNED)
    write_notes(project / "cards", "# T\n\n## Which one?\n\nThat\n", "b.md")
    code, out, err = run(capsys, "check", "--format", "json")
    assert (code, err) == (3, "")
    assert json.loads(out) == {
        "format": 1,
        "notes": 2,
        "held_back": 0,
        "problems": [
            {
                "path": "cards/b.md",
                "line": 3,
                "severity": "error",
                "code": None,
                "what": "the note has no id",
                "hint": "end the heading with {#some-id}, or let `generator ids --write` write ids in",
            },
            {
                "path": "cards/topic.md",
                "line": 13,
                "severity": "warning",
                "code": "R04b",
                "what": "the answer is 'No'",
                "hint": "ask for the reason or the number, and answer with that",
            },
        ],
    }


def test_json_of_nothing_wrong_is_code_0(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", "--format", "json")
    assert (code, json.loads(out)["problems"]) == (0, [])


def test_a_rule_is_explained_on_stdout(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "--explain", "R15a")
    assert (code, err) == (0, "")
    assert out.startswith("R15a  error: braces of a formula are out of balance\n")


def test_a_rule_that_there_is_not_is_code_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check", "--explain", "R77") == (
        2,
        "",
        "generator: there is no rule 'R77'\n  hint: `generator check --explain all` lists them\n",
    )


def test_the_real_notes_break_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "--strict", str(Path(__file__).parent.parent / "cards"))
    assert (code, err) == (0, "") and ", 0 errors," in out
