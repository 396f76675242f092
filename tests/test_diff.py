"""What an import will change, said before it; Anki's own import is the judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.__main__ import main
from generator.build import build, plan
from generator.diff import Difference, differ, last_packages
from generator.packages import read_packages
from generator.show_diff import tell
from tests.anki_engine import Learner
from tests.notes import write_notes

MONDAY, DAY = 1_790_000_000, 86_400

BASE = """\
---
deck: Vision::Layers
tags: [core]
---

# Topic

## One? {#one}

1

## Two? {#two .reversed}

2

## Three {#three}

{{c1::a}} b {{c2::c}} d.

## Four? {#four}

4
"""
OTHER = "---\ndeck: Vision::Nets\n---\n\n# Nets\n\n## Five? {#five .typed}\n\nfive\n"


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of the two files, and what it does by the author's lights."""

    base: tuple[str, str] = ("", "")
    """A text of the first file and what stands in its place."""
    other: tuple[str, str] = ("", "")
    """The same for the second."""
    new: tuple[str, ...] = ()
    """Ids."""
    changed: tuple[str, ...] = ()
    """Ids."""
    skipped: tuple[str, ...] = ()
    """Ids."""
    moved: tuple[str, ...] = ()
    """Ids."""
    removed: tuple[str, ...] = ()
    """Ids."""
    lost: int = 0
    """How many notes would lose reviews."""


EDITS = {
    "nothing": Edit(),
    "an answer": Edit(("\n1\n", "\none\n"), changed=("one",)),
    "a question": Edit(("One?", "Which one?"), changed=("one",)),
    "markup alone": Edit(("\n1\n", "\n**1**\n"), changed=("one",)),
    "a tag": Edit(("{#one}", '{#one tags="why"}'), changed=("one",)),
    "a title": Edit(("# Topic", "# Layers"), changed=("one", "two", "three", "four")),
    "the order": Edit(
        ("## Four? {#four}\n\n4\n", ""),
        ("# Nets\n", "# Nets\n\n## Four? {#four}\n\n4\n"),
        changed=("four",),
        moved=("four",),
    ),
    "a note more": Edit(("# Topic\n", "# Topic\n\n## Zero? {#zero}\n\n0\n"), new=("zero",)),
    "a note less": Edit(("## Four? {#four}\n\n4\n", ""), removed=("four",)),
    "an id": Edit(("{#one}", "{#uno was=one}"), changed=("uno",)),
    "an id without was": Edit(("{#one}", "{#uno}"), new=("uno",), removed=("one",)),
    "a deck": Edit(other=("Vision::Nets", "Vision::Networks"), moved=("five",)),
    "a kind of the same note type": Edit(("{#one}", "{#one .typed}"), changed=("one",)),
    "reversed on": Edit(("{#one}", "{#one .reversed}"), changed=("one",)),
    "reversed off": Edit(("{#two .reversed}", "{#two}"), changed=("two",), lost=1),
    "basic to cloze": Edit(("\n1\n", "\n{{c1::1}}\n"), skipped=("one",), lost=1),
    "cloze to basic": Edit(("{{c1::a}} b {{c2::c}} d.", "a b c d."), skipped=("three",), lost=1),
    "a deletion less": Edit(("{{c2::c}}", "c"), changed=("three",), lost=1),
    "a deletion more": Edit((" b ", " {{c3::b}} "), changed=("three",)),
    "held back": Edit(("\n1\n", "\n[?](claim:x)\n\n```python claim\nx = 1\n```\n")),
    "much": Edit(
        ("\n4\n", "\nIV\n\n## Six? {#six}\n\n6\n"), ("five\n", "V\n"), new=("six",), changed=("four", "five")
    ),
}


def ids(found: object) -> tuple[str, ...]:
    return tuple(getattr(each, "note", each).id for each in found)  # type: ignore[attr-defined]


class Author:
    """Somebody with a collection of two files."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cards, self.decks = root / "cards", root / "decks"
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(root)
        self.writes(Edit())
        self.at(MONDAY)

    def at(self, now: int) -> None:
        self.monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now))

    def writes(self, edit: Edit) -> None:
        for text, (before, after), name in ((BASE, edit.base, "base.md"), (OTHER, edit.other, "other.md")):
            assert before in text
            write_notes(self.cards, text.replace(before, after) if before else text, name)

    def builds(self) -> Path:
        build(self.cards, self.decks)
        return self.decks / "vision.apkg"

    def differs(self) -> Difference:
        planned = plan(self.cards, self.decks)
        return differ(planned, read_packages(last_packages(planned)))


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Author:
    return Author(tmp_path, monkeypatch)


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


@pytest.mark.parametrize("name", EDITS)
def test_what_is_said_before_is_what_anki_reports_after(name: str, author: Author, learner: Learner) -> None:
    edit = EDITS[name]
    learner.imports(author.builds())
    learner.studies(20)
    author.writes(edit)
    author.at(MONDAY + DAY)
    found = author.differs()
    files = {file: file.read_bytes() for file in author.decks.iterdir()}
    assert ids(found.new) == edit.new
    assert ids(found.changed) == edit.changed
    assert ids(found.skipped) == edit.skipped
    assert ids(found.moved) == edit.moved
    assert ids(found.removed) == edit.removed
    assert len(found.lost) == edit.lost
    assert files == {file: file.read_bytes() for file in author.decks.iterdir()}, "nothing was written"

    before = learner.ids()
    done = learner.imports(author.builds())
    after = {number: note_id for note_id, number in learner.ids().items()}
    assert {after[number] for number in done.new} == set(edit.new)
    assert {after[number] for number in done.updated} == set(edit.changed)
    assert {after[number] for number in done.conflicting} == set(edit.skipped)
    assert len(done.duplicate) == found.unchanged
    assert {before[note_id] for note_id in edit.removed} <= after.keys(), "an import never deletes"
    there = {
        card.note()["Id"]: learner.col.decks.name(card.did)
        for card in map(learner.col.get_card, learner.col.find_cards("-is:new"))
    }
    for moved in found.moved:
        assert there[moved.note.id] == moved.before
    assert author.differs().is_empty, "and once it is built, nothing differs"


def test_against_an_older_package_everything_since_counts(author: Author, learner: Learner) -> None:
    old = author.builds()
    kept = old.with_name("monday.apkg")
    kept.write_bytes(old.read_bytes())
    learner.imports(kept)
    for day, edit in enumerate((EDITS["an answer"], EDITS["much"]), start=1):
        author.writes(edit)
        author.at(MONDAY + day * DAY)
        author.builds()
    found = differ(plan(author.cards, author.decks), read_packages([kept]))
    # The answer of `one` changed and changed back: what Anki has is older, so it is replaced by the same.
    assert (ids(found.new), ids(found.changed)) == (("six",), ("one", "four", "five"))
    done = learner.imports(old)
    names = {number: note_id for note_id, number in learner.ids().items()}
    assert {names[number] for number in done.updated} == {"one", "four", "five"}


def test_without_a_ledger_the_same_content_counts_as_newer_and_it_is_said(author: Author) -> None:
    kept = author.builds().rename(author.decks / "monday.apkg")
    (author.decks / "ledger.json").unlink()
    author.at(MONDAY + DAY)
    found = differ(plan(author.cards, author.decks), read_packages([kept]))
    assert "one" in ids(found.changed)
    reason = "  the same content, in a newer version: no ledger remembers the one that is there"
    assert list(tell(found)).count(reason) == len(found.changed)


def test_a_package_that_is_newer_than_the_notes_keeps_its_own(author: Author) -> None:
    author.at(MONDAY + 5 * DAY)
    kept = author.builds().rename(author.decks / "friday.apkg")
    (author.decks / "ledger.json").unlink()
    author.writes(EDITS["an answer"])
    author.at(MONDAY)
    found = differ(plan(author.cards, author.decks), read_packages([kept]))
    assert (ids(found.ignored), found.unchanged, found.is_empty) == (("one",), 4, False)


# The command


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_without_a_change_there_is_nothing_to_say(author: Author, capsys: pytest.CaptureFixture[str]) -> None:
    author.builds()
    assert run(capsys, "diff") == (0, "", "0 new, 0 changed, 5 unchanged\n")


def test_without_a_package_everything_is_new(author: Author, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "diff")
    assert (code, err) == (1, "there is no package yet: everything is new\n5 new, 0 changed, 0 unchanged\n")
    assert out.splitlines()[0] == "cards/base.md:8: new: one: One?"
    assert not author.decks.exists()


def test_changes_are_told_in_words(author: Author, capsys: pytest.CaptureFixture[str]) -> None:
    author.builds()
    base = (
        BASE.replace("\n1\n", "\n**1** or 10\n")
        .replace("{#one}", "{#uno was=one}")
        .replace("{{c2::c}}", "{{c3::c}}")
    )
    write_notes(author.cards, base.replace("## Four? {#four}\n\n4\n", "## Six? {#six}\n\n6\n"), "base.md")
    write_notes(author.cards, OTHER.replace("Vision::Nets", "Nets").replace("# Nets", "# Nets\n"), "other.md")
    author.at(MONDAY + DAY)
    code, out, err = run(capsys, "diff")
    assert code == 1
    assert out == (
        "cards/base.md:20: new: six: Six?\n"
        "cards/base.md:8: changed: uno\n"
        "  Answer: 1{+ or 10+}\n"
        "  renamed from 'one'\n"
        "cards/base.md:16: changed: three\n"
        "  Text: {{c1::a}} b {{[-c2-]{+c3+}::c}} d.\n"
        "  new cards: 3\n"
        "cards/other.md:8: moved: five from 'Vision::Nets' to 'Nets'; "
        "an import leaves its cards where they are\n"
        "removed: four: Four?; an import never deletes\n"
        "cards/base.md:16: warning: 'three' has no c2 any more: learners keep an empty card and lose its "
        "reviews\n"
        "  hint: let every deletion that stays keep its number\n"
    )
    assert err == "1 new, 2 changed, 2 unchanged, 1 moved, 1 removed, 1 would lose reviews\n"


def test_json_says_the_same_for_programs(author: Author, capsys: pytest.CaptureFixture[str]) -> None:
    author.builds()
    author.writes(EDITS["reversed off"])
    author.at(MONDAY + DAY)
    code, out, err = run(capsys, "diff", "--json")
    found = json.loads(out)
    assert (code, err, found["unchanged"]) == (1, "", 4)
    (changed,) = found["changed"]
    assert changed["note"] == {"id": "two", "location": "cards/base.md:12", "question": "Two?"}
    assert changed["fields"] == [{"name": "Reversed", "before": "1", "after": ""}]
    assert found["lost"][0]["location"] == "cards/base.md:12"


def test_a_malformed_card_is_code_3(author: Author, capsys: pytest.CaptureFixture[str]) -> None:
    write_notes(author.cards, "", "empty.md")
    code, out, err = run(capsys, "diff")
    assert (code, out) == (3, "")
    assert err.startswith("cards/empty.md:1: the file is empty")


def test_a_package_that_is_not_there_is_code_2_and_one_that_is_none_code_5(
    author: Author, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "diff", "--against", "none.apkg")
    assert (code, err) == (2, "generator: none.apkg: no such file\n  hint: name an .apkg\n")
    code, _, err = run(capsys, "diff", "--against", "cards/base.md")
    assert (code, err.splitlines()[0]) == (
        5,
        "generator: cards/base.md: the package is damaged (File is not a zip file)",
    )
