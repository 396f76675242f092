"""Compiling from the cache and side by side: the same decks, and only what changed is compiled again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from generator import build as building
from generator import gather as gathering
from generator.build import build
from generator.cache import Cache
from generator.collection import Collection
from generator.errors import CardError
from generator.media import Media
from tests.notes import write_notes
from tests.workplace import snapshot

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="9"></svg>'
BIB = "@article{he, author={He, K.}, title={Residual}, year={2016}}\n"


def topic(name: str, body: str = "Four.") -> str:
    return f"---\ndeck: Vision\n---\n\n# {name}\n\nAbout it.\n\n## What is {name}? {{#{name}}}\n\n{body}\n"


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection with a picture, a figure still to be drawn, a citation, and code."""
    monkeypatch.setattr(gathering, "_WORTH", 0)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    root = tmp_path / "cards"
    write_notes(root, topic("plain", "Math $x^2$ and `code`.\n\n```python\nx = 1\n```"), "plain.md")
    write_notes(root, topic("picture", "![a box](box.svg)"), "picture.md")
    write_notes(root, topic("cited", '[71 %](cite:he "Table 4")'), "cited.md")
    drawn = '```python claim\nplot = 1\n```\n\n![drawn](plot.svg "claim:plot")'
    write_notes(root, topic("figure", drawn), "figure.md")
    write_notes(root, BIB, "references.bib")
    write_notes(root, SVG.format(9), "box.svg")
    write_notes(root, topic("told").replace("About it.", "About ![it](it.svg)."), "told.md")
    write_notes(root, SVG.format(7), "it.svg")
    return root


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The files that were compiled, not taken from the cache, since the list was last emptied."""
    names: list[str] = []
    whole = building.render_notes

    def counted(collection: Collection) -> object:
        names.extend(each.file.name for each in collection.topics)
        return whole(collection)

    monkeypatch.setattr(building, "render_notes", counted)
    monkeypatch.setattr(gathering, "processes", lambda: 1)
    yield names


def fresh(cards: Path, name: str) -> dict[str, bytes]:
    """The decks that a build without any cache makes, with the same memory of learners."""
    out = cards.parent / name
    out.mkdir()
    (out / "ledger.json").write_bytes((cards.parent / "decks" / "ledger.json").read_bytes())
    build(cards, out)
    return decks(out)


def decks(out: Path) -> dict[str, bytes]:
    return {name: data for name, data in snapshot(out).items() if not name.startswith(".cache/")}


def test_a_second_build_compiles_nothing_and_makes_the_same_bytes(cards: Path, compiled: list[str]) -> None:
    build(cards, cards.parent / "decks")
    assert sorted(compiled) == ["cited.md", "figure.md", "picture.md", "plain.md", "told.md"]
    before = decks(cards.parent / "decks")
    compiled.clear()
    report = build(cards, cards.parent / "decks")
    assert compiled == []
    assert decks(cards.parent / "decks") == before
    assert (report.new, report.changed, report.unchanged) == ((), (), 4)
    assert [held.id for held in report.held_back] == ["figure"], "what is held back is remembered too"


def edit(name: str, text: str) -> Callable[[Path], object]:
    return lambda cards: write_notes(cards, text, name)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (edit("plain.md", topic("plain", "Five.")), ["plain.md"]),
        (edit("box.svg", SVG.format(10)), ["picture.md"]),
        (edit("it.svg", SVG.format(8)), ["told.md"]),
        (edit("plot.svg", SVG.format(3)), ["figure.md"]),
        (edit("references.bib", BIB.replace("2016", "2015")), ["cited.md"]),
        (edit("references.bib", BIB + BIB.replace("he", "ho")), []),
        (
            edit("groundtruth.toml", 'tags = ["all"]\n'),
            ["cited.md", "figure.md", "picture.md", "plain.md", "told.md"],
        ),
        (lambda cards: (cards / "plain.md").rename(cards / "other.md"), ["other.md"]),
        (lambda cards: (cards / "plain.md").unlink(), []),
    ],
    ids=[
        "text",
        "picture",
        "introduction",
        "figure-drawn",
        "source",
        "another-source",
        "settings",
        "renamed",
        "deleted",
    ],
)
def test_only_what_rests_on_a_change_is_compiled_again(
    cards: Path, compiled: list[str], change: Callable[[Path], object], again: list[str]
) -> None:
    build(cards, cards.parent / "decks")
    compiled.clear()
    change(cards)
    build(cards, cards.parent / "decks")
    assert sorted(compiled) == again
    assert fresh(cards, "fresh") == decks(cards.parent / "decks")


def test_a_picture_that_is_gone_is_an_error_although_its_note_was_kept(cards: Path) -> None:
    build(cards, cards.parent / "decks")
    (cards / "box.svg").unlink()
    with pytest.raises(CardError, match="does not exist"):
        build(cards, cards.parent / "decks")


def test_what_is_wrong_between_two_files_is_seen_although_both_were_kept(cards: Path) -> None:
    write_notes(cards, topic("later").replace("deck: Vision", "deck: Vision\nrequires: [plain]"), "later.md")
    build(cards, cards.parent / "decks")
    (cards / "plain.md").rename(cards / "simple.md")
    with pytest.raises(CardError, match="requires 'plain', which is no topic"):
        build(cards, cards.parent / "decks")
    write_notes(cards, topic("later"), "again.md")
    with pytest.raises(CardError, match="the id 'later' belongs to the note at"):
        build(cards, cards.parent / "decks")


def test_warnings_are_said_at_every_build(cards: Path) -> None:
    write_notes(cards, topic("tag", "A <b>tag</b>."), "tag.md")
    first = build(cards, cards.parent / "decks").warnings
    assert build(cards, cards.parent / "decks").warnings == first != ()


def test_several_processes_make_the_same_bytes_as_one(
    cards: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[str]
) -> None:
    for number in range(30):
        write_notes(cards, topic(f"n{number}", f"It is ${number}$."), f"n{number}.md")
    build(cards, cards.parent / "decks")
    one = len(compiled)
    (cards.parent / "several").mkdir()
    compiled.clear()
    monkeypatch.setattr(gathering, "processes", lambda: 3)
    build(cards, cards.parent / "several")
    assert 0 < len(compiled) < one, "helpers did some"
    assert decks(cards.parent / "several") == decks(cards.parent / "decks")


def test_a_kept_note_may_not_bring_a_file_that_no_image_names(
    cards: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[str]
) -> None:
    secret = write_notes(cards.parent, "secret", "secret.txt")
    put = Cache.put

    def forged(self: Cache, name: str, key: bytes, thing: gathering.Compiled) -> None:
        contents = tuple(replace(each, media=(Media("gt-1.png", secret),)) for each in thing.contents)
        put(self, name, key, replace(thing, contents=contents))

    monkeypatch.setattr(Cache, "put", forged)
    build(cards, cards.parent / "decks")
    monkeypatch.undo()
    monkeypatch.setattr(gathering, "_WORTH", 0)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    build(cards, cards.parent / "decks")
    assert fresh(cards, "fresh") == decks(cards.parent / "decks")


def test_a_small_collection_gets_no_cache(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_WORTH", 50_000)
    build(cards, cards.parent / "decks")
    assert not (cards.parent / "decks" / ".cache").exists()
