"""Notes read from the cache are the notes; and whatever changes is read again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.collection import load
from tests.workplace import REPOSITORY, environment_of_tools, run_tool, snapshot, write
from verify.claims import Task, plan
from verify.coverage import cover
from verify.reading import read


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of some of the collection, which is large enough for a cache."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(REPOSITORY / "cards" / "convolutions", "cards/convolutions")
    shutil.copy(REPOSITORY / "cards" / "references.bib", "cards")
    return Path("cards")


def told(tasks: list[Task]) -> list[object]:
    """All that a run goes by."""
    return [(t.job, t.claims, t.figures, t.packages, t.note and t.note.id, t.topic.text) for t in tasks]


def same_as_uncached(cards: Path) -> None:
    """What the cache gives is what the notes say, in problems, tasks and numbers."""
    for _ in range(2):
        reading, whole = read(cards, Path("decks")), load(cards)
        assert reading.collection.problems == whole.problems
        assert reading.collection.references == whole.references
        assert [topic.path for topic in reading.collection.topics] == [topic.path for topic in whole.topics]
        drawn = Path("drawn")
        assert told(plan(reading.collection.topics, cards, drawn)) == told(plan(whole.topics, cards, drawn))
        for topic in whole.topics:
            assert reading.coverage[topic.path] == cover([topic])
        reading.keep()


def test_what_the_cache_gives_is_what_the_notes_say_after_every_kind_of_change(cards: Path) -> None:
    same_as_uncached(cards)
    assert all(
        not note.answer for topic in read(cards, Path("decks")).collection.topics for note in topic.notes
    )
    first, second, third, *_ = sorted((cards / "convolutions").glob("*.md"))
    text = first.read_text(encoding="utf-8")
    first.write_text(text.replace("## ", "## Say: ", 1), encoding="utf-8")
    same_as_uncached(cards)
    first.write_text(text.replace("```python claim\n", "```python claim\nimport math\n", 1), encoding="utf-8")
    same_as_uncached(cards)
    first.write_text(f"{text}\n## Broken {{#broken}}\n\n[1](claim:nowhere)\n", encoding="utf-8")
    same_as_uncached(cards)
    first.write_text(text, encoding="utf-8")
    second.rename(second.with_name("renamed.md"))
    third.unlink()
    same_as_uncached(cards)
    references = cards / "references.bib"
    references.write_text(references.read_text(encoding="utf-8").replace("20", "19", 3), encoding="utf-8")
    same_as_uncached(cards)
    write(cards / "groundtruth.toml", 'tags = ["all"]\n')
    same_as_uncached(cards)
    shutil.rmtree(cards / "convolutions")
    write(cards / "one.md", "# One\n\n## One? {#one}\n\nYes.\n")
    same_as_uncached(cards)


def test_answers_are_written_into_notes_that_came_from_the_cache(cards: Path) -> None:
    note = "# T\n\nIntroduced.\n\n```python claim\ntwo = 2\n```\n\n## Q? {#q}\n\n[%s](claim:two)\n"
    shutil.copytree(REPOSITORY / "cards", cards, dirs_exist_ok=True)  # with all that its notes require
    write(cards / "t.md", note % "?")
    run_tool("verify", "check", "cards/t.md", cwd=Path.cwd())
    updated = run_tool("verify", "run", "cards/t.md", "--update", cwd=Path.cwd())
    assert (updated.code, (cards / "t.md").read_text()) == (0, note % "2"), updated.err


def test_a_damaged_cache_is_read_past(cards: Path) -> None:
    same_as_uncached(cards)
    for index, file in enumerate(sorted(Path("decks/.cache/verify").glob("*.cache"))):
        data = bytearray(file.read_bytes())
        data[index * 31 % len(data)] ^= 255
        file.write_bytes(bytes(data) if index % 3 else b"")
    same_as_uncached(cards)


def test_a_small_collection_leaves_no_cache(tmp_path: Path) -> None:
    write(
        tmp_path / "cards" / "one.md",
        "# One\n\n## One? {#one}\n\n[1](claim:x)\n\n```python claim\nx = 1\n```\n",
    )
    before = snapshot(tmp_path)
    assert run_tool("verify", "check", cwd=tmp_path).code == 1
    assert snapshot(tmp_path) == before


COUNTED = """
import ast, json, sys
calls = []
real = ast.parse
ast.parse = lambda *given, **named: calls.append(1) or real(*given, **named)
from verify.__main__ import main
code = main(sys.argv[1:])
print(json.dumps([code, len(calls), sorted(sys.modules)]), file=sys.stderr)
"""


def test_with_nothing_changed_no_code_is_parsed_and_nothing_heavy_imported(cards: Path) -> None:
    shutil.copytree(REPOSITORY / "decks" / "measured", "decks/measured")
    for command in ("check", "check", "list"):
        done = subprocess.run(
            [sys.executable, "-c", COUNTED, command],
            env=environment_of_tools(),
            capture_output=True,
            text=True,
        )
        _, parsed, modules = json.loads(done.stderr.splitlines()[-1])
    assert parsed == 0
    assert not {"torch", "sympy", "numpy", "bibtexparser", "matplotlib", "pygments"} & set(modules)
