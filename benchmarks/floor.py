"""The floor: genanki packs notes whose HTML is ready, and does nothing else."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import genanki

warnings.simplefilter("ignore")
notes = [note.split("\x1f") for note in Path(sys.argv[1]).read_text(encoding="utf-8").split("\x1e")]
names = [f"Field {number}" for number in range(len(notes[0]))]
model = genanki.Model(
    1_600_000_001,
    "Floor",
    fields=[{"name": name} for name in names],
    templates=[{"name": "Card", "qfmt": "{{Field 0}}", "afmt": "{{Field 1}}"}],
)
deck = genanki.Deck(1_600_000_002, "Floor")
for fields in notes:
    deck.add_note(genanki.Note(model=model, fields=fields))
genanki.Package(deck).write_to_file(sys.argv[2])
