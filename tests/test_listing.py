"""`generator list`: which notes there are, and which there were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.__main__ import main
from tests.notes import write_notes

CONV = """\
---
deck: Vision::Layers
tags: [vision::conv]
---

# Convolution

## What is $K$? {#conv-kernel tags="define"}

A size.

## Steps {#conv-steps}

{{c1::One}} and two.

## How many? {#conv-count}

```python claim
n = 3
```

[?](claim:n)
"""
TEXT = "---\ndeck: Text\n---\n\n# Words\n\n## Which word? {#word .typed}\n\nit\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with four notes in two decks, and the prompt in it."""
    write_notes(tmp_path / "cards", CONV, "conv.md")
    write_notes(tmp_path / "cards", TEXT, "words.md")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def ids(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The ids that a list has."""
    code, out, _ = run(capsys, "list", *words)
    assert code == 0
    return [line.split("  ")[1] for line in out.splitlines()]


def test_a_line_for_every_note(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list") == (
        0,
        "cards/conv.md:8  conv-kernel  basic  Vision::Layers  What is K?\n"
        "cards/conv.md:12  conv-steps  cloze  Vision::Layers  Steps\n"
        "cards/conv.md:16  conv-count  basic  Vision::Layers  How many?\n"
        "cards/words.md:7  word  typed  Text  Which word?\n",
        "4 notes\n",
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--tag", "vision"], ["conv-kernel", "conv-steps", "conv-count"]),
        (["--tag", "define"], ["conv-kernel"]),
        (["--tag", "vis"], []),
        (["--deck", "vision"], ["conv-kernel", "conv-steps", "conv-count"]),
        (["--deck", "Text"], ["word"]),
        (["--kind", "cloze"], ["conv-steps"]),
        (["--id", "conv-*"], ["conv-kernel", "conv-steps", "conv-count"]),
        (["--id", "word"], ["word"]),
        (["--id", "wor"], []),
        (["--held"], ["conv-count"]),
        (["--kind", "basic", "--tag", "define"], ["conv-kernel"]),
    ],
)
def test_notes_are_chosen(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], found: list[str]
) -> None:
    assert ids(capsys, *words) == found


def test_a_list_for_programs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = run(capsys, "list", "--id", "conv-kernel", "--json")
    assert (json.loads(out), err) == (
        [
            {
                "location": "cards/conv.md:8",
                "id": "conv-kernel",
                "kind": "basic",
                "deck": "Vision::Layers",
                "tags": ["vision::conv", "define"],
                "question": "What is K?",
                "retired": "",
            }
        ],
        "",
    )


def test_retired_notes_are_listed_with_what_finds_them_in_anki(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "build")
    assert run(capsys, "list", "--retired") == (0, "", "0 notes\n")
    write_notes(
        project / "cards", CONV[: CONV.index("## What is")] + CONV[CONV.index("## How many") :], "conv.md"
    )
    (project / "cards" / "words.md").unlink()
    run(capsys, "build")
    assert run(capsys, "list", "--retired") == (
        0,
        "retired 2026-09-21  conv-kernel  Vision::Layers\n"
        "retired 2026-09-21  conv-steps  Vision::Layers\n"
        "retired 2026-09-21  word  Text\n",
        '3 notes\nin Anki\'s browser: "Id:conv-kernel" OR "Id:conv-steps" OR "Id:word"\n',
    )
    assert run(capsys, "list", "--retired", "--deck", "Text")[1] == "retired 2026-09-21  word  Text\n"


def test_what_can_be_read_is_listed_beside_what_is_wrong(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes(project / "cards", "# T\n\n## No id?\n\nyes\n", "z.md")
    code, out, err = run(capsys, "list", "--deck", "Cards")
    assert (code, out) == (3, "cards/z.md:3  (no id)  basic  Cards  No id?\n")
    assert err.startswith("1 note\ncards/z.md:3: the note has no id\n")
