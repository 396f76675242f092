"""The whole way, judged by Anki itself: write, verify, build, import, study, edit, verify, build, import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build import Report, build
from tests.anki_engine import Learner

REPOSITORY = Path(__file__).parent.parent

NOTES = """\
---
deck: Vision::Convolutions
tags: [convolution]
---

# Depthwise separable convolutions

A filter for each channel, then a mix of channels.

```python claim
from math import prod

M, N, K = 128, 256, 3
standard = M * N * K**2
separable = M * K**2 + M * N
saving = standard / separable
```

## How many weights has the standard layer? {#standard-weights}

[294,912](claim:standard), for $K = 3$.

## How many times fewer has the separable one? {#saving .reversed}

[8.7×](claim:saving) fewer: [33,920](claim:separable).

---

> Of `std::vector` and $a<b$: nothing here.

## What does the depthwise step do? {#cloze-step}

It gives {{c1::one filter}} to each channel, and {{c2::$\\frac{1}{\\text{N}}$::a ratio}} remains.

## Which network made it popular? {#network .typed}

MobileNet

## Why is it cheap? {#why-cheap tags="why"}

Space and channels are mixed one after the other.
"""

OTHER = """\
---
deck: Vision::Convolutions
---

# Stride

What stride does to a map.

## What does stride 2 do to the number of outputs? {#stride-two}

It keeps a quarter.

## Where does stride stand? {#stride-where}

In the layer that downsamples.
"""


def write(root: Path, notes: str = NOTES, other: str = OTHER) -> Path:
    """Lay a small collection down and return its folder of notes."""
    cards = root / "cards"
    cards.mkdir(parents=True, exist_ok=True)
    (cards / "separable.md").write_text(notes, encoding="utf-8")
    (cards / "stride.md").write_text(other, encoding="utf-8")
    return cards


def compile_at(cards: Path, when: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Report]:
    """Build at a given time; returns the package of everything and what the build said."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(when))
    report = build(cards, cards.parent / "decks")
    return cards.parent / "decks" / "vision.apkg", report


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


def verify(cards: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `verify` as a user would."""
    command = [sys.executable, "-m", "verify", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "GROUNDTRUTH_MACHINE": "test"}
    return subprocess.run(
        command, cwd=cards.parent, env=environment, capture_output=True, text=True, timeout=120
    )


MONDAY, TUESDAY = 1_790_000_000, 1_790_086_400


def test_a_first_import_brings_every_note_and_a_second_one_nothing(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, report = compile_at(write(tmp_path), MONDAY, monkeypatch)
    first = learner.imports(package)
    assert len(first.new) == len(report.new) == 7
    assert learner.is_sound()
    again, rebuilt = compile_at(tmp_path / "cards", TUESDAY, monkeypatch)
    second = learner.imports(again)
    assert (rebuilt.new, rebuilt.changed, rebuilt.unchanged) == ((), (), 7)
    assert (second.new, second.updated, len(second.duplicate)) == (frozenset(), frozenset(), 7)


def test_every_kind_of_note_makes_its_cards(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, _ = compile_at(write(tmp_path), MONDAY, monkeypatch)
    learner.imports(package)
    cards = {note_id: len(learner.note(note_id).cards()) for note_id in learner.ids()}
    assert cards == {
        "standard-weights": 1,
        "saving": 2,
        "cloze-step": 2,
        "network": 1,
        "why-cheap": 1,
        "stride-two": 1,
        "stride-where": 1,
    }
    typed = learner.note("network").cards()[0]
    assert "[[type:Typed]]" in typed.question() and "MobileNet" not in typed.question()
    assert learner.note("network")["Typed"] == "MobileNet"


def test_one_changed_constant_reaches_exactly_the_notes_that_show_it(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = write(tmp_path)
    note_file = cards / "separable.md"
    assert verify(cards, "run").returncode == 0
    package, _ = compile_at(cards, MONDAY, monkeypatch)
    learner.imports(package)
    learner.studies(9)
    before = learner.schedule()
    assert sum(1 for row in before.values() if row[6] > 0) == 9, "nine cards were answered"
    edited = learner.note("why-cheap")
    edited["Extra"] = "my own mnemonic"
    edited.add_tag("leech")
    learner.col.update_note(edited)

    note_file.write_text(
        note_file.read_text(encoding="utf-8").replace("128, 256, 3", "128, 512, 3"), encoding="utf-8"
    )
    mended = note_file.read_bytes()
    wrong = verify(cards, "run")
    assert wrong.returncode == 1
    assert "cards/separable.md:21: changed    294,912 → 589,824  (standard)" in wrong.stdout
    assert "cards/separable.md:25: changed    33,920 → 66,688  (separable)" in wrong.stdout
    assert note_file.read_bytes() == mended, "run alone rewrites nothing"

    updated = verify(cards, "run", "--update")
    assert updated.returncode == 0, updated.stdout + updated.stderr
    expected = (
        mended.decode()
        .replace("[294,912]", "[589,824]")
        .replace("[33,920]", "[66,688]")
        .replace("[8.7×]", "[8.8×]")
    )
    assert note_file.read_bytes() == expected.encode()
    again = verify(cards, "run")
    assert again.returncode == 0 and "ran" not in again.stdout, "a valid record is not measured again"

    package, report = compile_at(cards, TUESDAY, monkeypatch)
    assert set(report.changed) == {"standard-weights", "saving"}
    done = learner.imports(package)
    names = {nid: note_id for note_id, nid in learner.ids().items()}
    assert {names[nid] for nid in done.updated} == {"standard-weights", "saving"}
    assert not done.new and not done.conflicting
    assert "589,824" in learner.note("standard-weights")["Answer"]
    assert learner.schedule() == before
    assert learner.note("why-cheap")["Extra"] == "my own mnemonic"
    assert learner.note("why-cheap").has_tag("leech")
    assert learner.is_sound()


def test_renaming_moving_rewording_and_inserting_keep_every_review(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = write(tmp_path)
    package, _ = compile_at(cards, MONDAY, monkeypatch)
    learner.imports(package)
    learner.studies(9)
    before, ids = learner.schedule(), learner.ids()

    where = OTHER.index("## Where does")
    moved = OTHER[where:]
    reworded = NOTES.replace("Why is it cheap?", "What makes it cheap?")
    inserted = reworded.replace(
        "## How many weights", "## What is new? {#brand-new}\n\nThis note.\n\n## How many weights"
    )
    (cards / "separable.md").unlink()
    (cards / "depthwise-separable.md").write_text(inserted + "\n" + moved, encoding="utf-8")
    (cards / "stride.md").write_text(OTHER[:where], encoding="utf-8")

    package, report = compile_at(cards, TUESDAY, monkeypatch)
    # The moved note shows the title and tags of its new topic, so it counts as changed, and as the same note.
    assert set(report.changed) == {"why-cheap", "stride-where"}
    assert (report.moved, report.gone) == ((), ())
    done = learner.imports(package)
    assert len(done.new) == 1 and len(done.updated) == 2
    assert {name: nid for name, nid in learner.ids().items() if name != "brand-new"} == ids
    assert {card: row for card, row in learner.schedule().items() if card[0] != "brand-new"} == before


def test_a_note_whose_deck_changed_is_named_by_the_build(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = write(tmp_path)
    package, _ = compile_at(cards, MONDAY, monkeypatch)
    learner.imports(package)
    before = learner.schedule()
    write(tmp_path, other=OTHER.replace("Vision::Convolutions", "Vision::Stride"))
    package, report = compile_at(cards, TUESDAY, monkeypatch)
    assert report.moved == (
        ("stride-two", "Vision::Convolutions", "Vision::Stride"),
        ("stride-where", "Vision::Convolutions", "Vision::Stride"),
    )
    assert report.changed == (), "the deck is no part of what a note says"
    learner.imports(package)
    assert learner.schedule() == before, "an import leaves cards in the deck that they are in"


def test_a_note_that_is_gone_is_named_and_stays_with_the_learner(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = write(tmp_path)
    package, _ = compile_at(cards, MONDAY, monkeypatch)
    learner.imports(package)
    (cards / "stride.md").unlink()
    package, report = compile_at(cards, TUESDAY, monkeypatch)
    assert report.gone == ("stride-two", "stride-where")
    assert not learner.imports(package).new
    assert "stride-two" in learner.ids()


def test_a_refuted_note_is_held_back_and_comes_back_as_the_same_note(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = write(tmp_path)
    package, _ = compile_at(cards, MONDAY, monkeypatch)
    learner.imports(package)
    ids = learner.ids()
    marked = NOTES.replace("[294,912](claim:standard)", '[294,912](claim:standard "refuted")')
    write(tmp_path, marked)
    package, report = compile_at(cards, TUESDAY, monkeypatch)
    assert [held.id for held in report.held_back] == ["standard-weights"]
    assert report.gone == ()
    write(tmp_path)
    package, report = compile_at(cards, TUESDAY + 60, monkeypatch)
    assert (report.new, report.changed) == ((), ())
    assert not learner.imports(package).updated
    assert learner.ids() == ids


def test_the_same_input_gives_the_same_bytes_whatever_the_folder_and_the_hash_seed(tmp_path: Path) -> None:
    packages = []
    for number in (1, 2):
        root = tmp_path / f"folder {number}" / ("x" * number)
        write(root)
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "SOURCE_DATE_EPOCH": str(MONDAY)}
        command = [sys.executable, "-m", "generator", "build", str(root / "cards")]
        subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)
        packages.append({file.name: file.read_bytes() for file in (root / "decks").iterdir()})
    assert packages[0] == packages[1]
    assert sorted(packages[0]) == ["ledger.json", "vision--convolutions.apkg", "vision.apkg"]


def test_a_later_build_of_the_same_notes_has_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = write(tmp_path)
    package, _ = compile_at(cards, MONDAY, monkeypatch)
    first = package.read_bytes()
    copied = tmp_path / "elsewhere"
    shutil.copytree(cards, copied / "cards")
    shutil.copytree(cards.parent / "decks", copied / "decks")
    (copied / "decks" / "vision.apkg").unlink()
    package, _ = compile_at(copied / "cards", TUESDAY, monkeypatch)
    assert package.read_bytes() == first
