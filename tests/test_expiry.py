"""Until when an answer is valid, as a learner reads it in Anki."""

from __future__ import annotations

from pathlib import Path

from generator.build import build
from tests.anki_engine import Learner, visible
from tests.notes import write_notes

NOTES = """\
---
deck: Status
expires: 2027-05-01
---

# Runtimes

## Which runtime is current? {#whole}

ONNX Runtime

## Which one {#cloze expires=2027-02-01}

The current one is {{c1::ONNX Runtime}}.
"""


def test_the_back_of_a_card_says_until_when_it_is_valid_and_the_front_does_not(tmp_path: Path) -> None:
    write_notes(tmp_path / "cards", NOTES)
    write_notes(tmp_path / "cards", "# Other\n\n## Which one lasts? {#lasting}\n\nNone\n", "other.md")
    build(tmp_path / "cards", tmp_path / "out")
    learner = Learner(tmp_path / "anki")
    try:
        for package in sorted((tmp_path / "out").glob("*.apkg")):
            learner.imports(package)
        sides = {note_id: (visible(front), visible(back)) for note_id, _, front, back in learner.sides()}
    finally:
        learner.closes()
    assert "Valid until 2027-05-01" in sides["whole"][1]
    assert "Valid until 2027-02-01" in sides["cloze"][1]
    assert "Valid" not in sides["lasting"][1] + sides["whole"][0] + sides["cloze"][0]
