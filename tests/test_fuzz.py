"""No text makes the tool crash: every mutated note is a deck, or an error with its place.

`python benchmarks/fuzz.py` does the same with ten thousand notes.
"""

from __future__ import annotations

import io
import re
import sqlite3
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from generator.__main__ import main
from tests.mutations import BIB, EVERYTHING, PICTURE, mutated

_PLACE = re.compile(r"^\S.*:[1-9][0-9]*: (?!warning: )\S", re.MULTILINE)


def fault(seed: int, folder: Path) -> str:
    """What is wrong with what the tool makes of a mutated note; empty when nothing is."""
    (folder / "cards").mkdir(parents=True, exist_ok=True)
    (folder / "cards" / "references.bib").write_text(BIB, encoding="utf-8")
    (folder / "cards" / "box.svg").write_text(PICTURE, encoding="utf-8")
    (folder / "cards" / "t.md").write_bytes(mutated(seed))
    for package in (folder / "decks").glob("*"):
        package.unlink()
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["build", str(folder / "cards"), "-o", str(folder / "decks")])
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    if code == 3:
        return "" if _PLACE.search(err.getvalue()) else f"an error without a place: {err.getvalue()[:300]}"
    if code != 0:
        return f"exit code {code}: {err.getvalue()[:300]}"
    for package in (folder / "decks").glob("*.apkg"):
        connection = sqlite3.connect(":memory:")
        connection.deserialize(zipfile.ZipFile(package).read("collection.anki2"))
        ((bare,),) = connection.execute(
            "select count(*) from notes where id not in (select nid from cards)"
        ).fetchall()
        connection.close()
        if bare:
            return "a note without a card"
    return (
        ""
        if out.getvalue() or "held back" in err.getvalue() or "has no notes" in err.getvalue()
        else "no deck"
    )


def test_notes_without_faults_are_a_deck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "mutated", lambda seed: EVERYTHING.encode())
    assert fault(0, tmp_path) == ""
    assert (tmp_path / "decks" / "vision.apkg").exists()


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_a_mutated_note_is_a_deck_or_an_error_with_its_place(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)
    faults = {seed: fault(seed, tmp_path) for seed in range(first, first + 100)}
    assert {seed: what for seed, what in faults.items() if what} == {}
