"""The command line: exit codes, results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.__main__ import main
from tests.notes import write_notes

REPOSITORY = Path(__file__).parent.parent

GOOD = """\
---
deck: Vision
---

# Topic

## Why so cheap? {#cheap}

Because.
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one sound note, and the prompt in it."""
    write_notes(tmp_path / "cards", GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it said on stdout and stderr."""
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_build_names_the_packages_on_stdout_and_the_rest_on_stderr(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "build")
    size = (project / "decks" / "vision.apkg").stat().st_size
    assert (code, out) == (0, f"decks/vision.apkg  1 note, {size / 1000:,.0f} kB\n")
    assert err == "1 new, 0 changed, 0 unchanged\n"


def test_build_writes_where_it_is_told_to(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "build", "cards", "-o", "out/deep")
    assert (code, out.split()[0]) == (0, "out/deep/vision.apkg")
    assert sorted(file.name for file in (project / "out" / "deep").iterdir()) == [
        "ledger.json",
        "vision.apkg",
    ]
    assert not (project / "decks").exists()


def test_build_says_what_moved_what_changed_and_what_is_gone(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes(project / "cards", GOOD + "\n## Dear? {#dear}\n\nYes.\n")
    run(capsys, "build")
    write_notes(
        project / "cards", GOOD.replace("Because.", "For a reason.").replace("deck: Vision", "deck: V2")
    )
    code, _, err = run(capsys, "build")
    assert code == 0
    assert err == (
        "moved: cheap from 'Vision' to 'V2'\n"
        "  hint: an import leaves cards where they are; whoever has them moves them in Anki's browser, "
        'found by "Id:cheap"\n'
        "gone: dear\n"
        "  hint: an import never deletes; whoever has them deletes them in Anki's browser, "
        'found by "Id:dear"\n'
        "changed: cheap\n"
        "decks/vision.apkg: removed, no note goes into it any more\n"
        "0 new, 1 changed, 0 unchanged\n"
    )


def test_build_says_what_it_held_back_and_what_would_bring_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = "```python claim needs=cuda\nspeedup = 2\n```\n\n[?×](claim:speedup)"
    write_notes(project / "cards", GOOD + f"\n## How fast? {{#fast}}\n\n{claim}\n")
    code, out, err = run(capsys, "build")
    assert (code, "1 note," in out) == (0, True)
    assert err == (
        "cards/topic.md:11: held back: fast\n"
        "  cards/topic.md:17: speedup is not measured yet\n"
        "1 note held back; `verify run --update` on a machine with cuda measures them\n"
        "1 new, 0 changed, 0 unchanged\n"
    )


def test_build_says_in_one_line_what_of_a_note_is_not_measured_and_that_what_failed_is_to_be_mended(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = "```python claim needs=cuda\na = b = c = 2\n```\n\n[?×](claim:a), [?](claim:b)\n\n"
    claim += '---\n\n[3](claim:c "failed")'
    write_notes(project / "cards", GOOD + f"\n## How fast? {{#fast}}\n\n{claim}\n")
    assert run(capsys, "build")[2].splitlines()[:4] == [
        "cards/topic.md:11: held back: fast",
        "  cards/topic.md:17: not measured yet: a, b",
        "  cards/topic.md:21: c is failed",
        "1 note held back; `verify run --update` on a machine with cuda measures them, "
        "once what failed or is refuted is mended",
    ]


def test_a_malformed_card_is_code_3_with_every_problem_on_stderr(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes(project / "cards", GOOD.replace("{#cheap}", "") + "\n<br>\n\n[8](claim:x)\n", "sub/b.md")
    code, out, err = run(capsys, "build")
    assert (code, out) == (3, "")
    assert err == (
        "cards/sub/b.md:7: the note has no id\n"
        "  hint: end the heading with {#some-id}, or let `generator ids --write` write ids in\n"
        "cards/sub/b.md:11: warning: raw HTML is shown as text: <br>\n"
        "  hint: use Markdown, or put it in `backticks`\n"
        "cards/sub/b.md:13: claim 'x', but the note has no claim block\n"
        "  hint: put a ```python claim block into the note, or above the first '##'\n"
        "generator: 2 errors, 1 warning; nothing was written\n"
    )
    assert not (project / "decks").exists()


def test_ids_shows_what_is_missing_and_with_write_puts_it_in(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_notes(project / "cards", GOOD.replace(" {#cheap}", ""))
    before = file.read_bytes()
    assert run(capsys, "ids") == (
        0,
        "cards/topic.md:7: {#so-cheap}\n",
        "1 id missing; `generator ids --write` writes them in\n",
    )
    assert file.read_bytes() == before
    assert run(capsys, "ids", "--write") == (0, "cards/topic.md:7: {#so-cheap}\n", "1 id written\n")
    assert file.read_bytes() == before.replace(b"cheap?", b"cheap? {#so-cheap}")
    assert run(capsys, "ids", "--write") == (0, "", "0 ids written\n")


def test_a_folder_that_is_not_there_is_code_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "build", "card") == (
        2,
        "",
        "generator: card: no such folder\n  hint: name the folder that your notes are in\n",
    )


@pytest.mark.parametrize("words", [[], ["biuld"], ["build", "--fast"], ["check", "a", "b"]])
def test_a_command_that_there_is_not_is_code_2(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    said = capsys.readouterr()
    assert (stopped.value.code, said.out) == (2, "")
    assert said.err.startswith("usage: generator")


def test_a_damaged_ledger_is_code_5_and_nothing_is_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "decks").mkdir()
    (project / "decks" / "ledger.json").write_text("[]", encoding="utf-8")
    code, out, err = run(capsys, "build")
    assert (code, out) == (5, "")
    lines = err.splitlines()
    assert lines[0].startswith("generator: ") and "decks/ledger.json: the ledger is damaged (" in lines[0]
    assert lines[1].startswith("  hint: restore it from version control")
    assert [file.name for file in (project / "decks").iterdir()] == ["ledger.json"]


def test_a_folder_that_cannot_be_written_is_code_5(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "decks").write_text("a file", encoding="utf-8")
    code, out, err = run(capsys, "build")
    assert (code, out) == (5, "")
    assert "cannot be written" in err and "hint: check its folder and the space on disk" in err


def test_an_empty_folder_builds_to_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "empty").mkdir()
    code, out, err = run(capsys, "build", "empty")
    assert (code, out, err) == (0, "", "0 new, 0 changed, 0 unchanged\n")


# As a process


def process(*words: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_exit_code_is_that_of_the_process(project: Path) -> None:
    assert process("-m", "generator", "check", cwd=project).returncode == 0
    write_notes(project / "cards", "", "empty.md")
    done = process("-m", "generator", "check", cwd=project)
    assert (done.returncode, done.stdout) == (3, "")
    assert "cards/empty.md:1: the file is empty" in done.stderr


HEAVY = {"torch", "sympy", "numpy", "markdown_it", "genanki", "yaml", "pygments", "bibtexparser", "sqlite3"}


def modules_after(words: list[str], cwd: Path) -> set[str]:
    """The modules that a command has imported when it ends."""
    code = (
        "import sys, json, contextlib, io\n"
        "from generator.__main__ import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        f"    main({words!r})\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    return set(json.loads(process("-c", code, cwd=cwd).stdout))


@pytest.mark.parametrize("words", [["--help"], ["build", "--help"], ["biuld"]])
def test_help_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    assert not modules_after(words, tmp_path) & HEAVY


def test_a_build_imports_nothing_that_computes(project: Path) -> None:
    found = modules_after(["build"], project)
    assert {"markdown_it", "genanki"} <= found
    assert not found & {"torch", "sympy", "numpy", "scipy", "sklearn", "matplotlib", "verify", "bibtexparser"}


def test_help_is_there_at_once() -> None:
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        done = process("-m", "generator", "--help")
        seconds.append(time.perf_counter() - begin)
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("build", "check", "diff", "list", "new", "ids"))
    assert min(seconds) < 0.3
