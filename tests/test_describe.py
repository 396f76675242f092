"""The page of a deck, as a learner's Anki has it after an import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build import build
from tests.anki_engine import Learner
from tests.notes import write_notes

TIMING = """\
---
deck: Vision::Speed
---

# Speed

About it.

```python claim
ratio = 2
```

## How much faster? {#faster}

[2×](claim:ratio "NVIDIA H200, 2026-11") faster.
"""
OTHER = "---\ndeck: Vision::Other\n---\n\n# Other\n\nAbout it.\n\n## What else? {#else}\n\nThis.\n"
SETTINGS = 'title = "Vision & more"\nlicense = "MIT"\nversion = "1.2"\nhomepage = "https://a.org/b"\n'
GREEN = "Numbers in <b>green</b> were computed or measured: unfold the evidence on the back."
SEPTEMBER, OCTOBER = 1_790_000_000, 1_792_000_000


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


def built(folder: Path, when: int, monkeypatch: pytest.MonkeyPatch, settings: str = "") -> Path:
    """Build both notes at a time; returns the folder of packages."""
    write_notes(folder / "cards", TIMING, "speed.md")
    write_notes(folder / "cards", OTHER, "other.md")
    (folder / "cards" / "groundtruth.toml").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(when))
    build(folder / "cards", folder / "decks")
    return folder / "decks"


def page(learner: Learner, deck: str) -> str:
    found = learner.col.decks.by_name(deck)
    assert found is not None
    return str(found["desc"])


def test_a_page_says_what_how_much_from_when_and_measured_where(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.imports(built(tmp_path, SEPTEMBER, monkeypatch) / "vision.apkg")
    assert page(learner, "Vision") == (
        f"<b>Vision</b><br>2 notes, last changed on 2026-09-21. Measured on NVIDIA H200, 2026-11.<br>{GREEN}"
    )
    assert page(learner, "Vision::Other") == (
        f"<b>Vision · Other</b><br>1 note, last changed on 2026-09-21.<br>{GREEN}"
    )


def test_settings_add_title_version_license_and_homepage(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.imports(built(tmp_path, SEPTEMBER, monkeypatch, SETTINGS) / "vision.apkg")
    assert page(learner, "Vision::Speed") == (
        "<b>Vision &amp; more · Speed</b><br>1 note, last changed on 2026-09-21. "
        "Measured on NVIDIA H200, 2026-11. Version 1.2. License: MIT."
        f'<br>{GREEN}<br><a href="https://a.org/b">https://a.org/b</a>'
    )


def test_the_date_is_that_of_the_newest_note_and_not_of_the_build(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(tmp_path, SEPTEMBER, monkeypatch)
    learner.imports(built(tmp_path, OCTOBER, monkeypatch) / "vision.apkg")
    assert "2026-09-21" in page(learner, "Vision")


def test_a_package_of_one_deck_says_nothing_about_the_deck_above(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = built(tmp_path, SEPTEMBER, monkeypatch)
    learner.imports(folder / "vision.apkg")
    before = page(learner, "Vision")
    learner.imports(folder / "vision--speed.apkg")
    assert page(learner, "Vision") == before and "2 notes" in before


def test_option_presets_are_left_alone(
    tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.imports(built(tmp_path, SEPTEMBER, monkeypatch) / "vision.apkg")
    mine = learner.col.decks.add_config("mine")
    presets = len(learner.col.decks.all_config())
    deck = learner.col.decks.by_name("Vision::Speed")
    assert deck is not None
    deck["conf"] = mine["id"]
    learner.col.decks.save(deck)
    learner.imports(built(tmp_path, OCTOBER, monkeypatch, SETTINGS) / "vision.apkg")
    again = learner.col.decks.by_name("Vision::Speed")
    assert again is not None and again["conf"] == mine["id"]
    assert len(learner.col.decks.all_config()) == presets
