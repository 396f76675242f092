"""People move in: an Anki deck becomes Markdown, is built, and comes home without a scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.__main__ import main
from generator.archive import Archive
from generator.build import build
from generator.collection import load
from generator.foreign import ForeignType
from generator.importing import import_package
from generator.lint import lint
from generator.parse import parse
from generator.sections import foreign_fields
from generator.source import Source
from generator.to_markdown import to_markdown
from generator.unpack import PackedNote, unpack
from generator.write_up import write_up
from tests.anki_engine import Learner
from tests.foreign_deck import PIXEL, add, export, fill, state


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


def moved_in(learner: Learner, tmp_path: Path) -> Path:
    """Import a learner's whole collection; returns the folder of notes."""
    folder = tmp_path / "notes"
    import_package(export(learner, tmp_path / "all.apkg"), folder)
    return folder


def packages(folder: Path) -> list[Path]:
    """Build a folder of notes; returns its packages."""
    report = build(folder, folder.parent / "decks")
    return [folder.parent / "decks" / file.name for file, _, _ in report.packages]


@pytest.mark.parametrize("legacy", [True, False], ids=["older format", "newer format"])
def test_a_round_trip_touches_nothing(learner: Learner, tmp_path: Path, legacy: bool) -> None:
    fill(learner)
    learner.studies(7)
    folder = tmp_path / "notes"
    import_package(export(learner, tmp_path / "all.apkg", legacy=legacy), folder)
    before = state(learner)
    for package in packages(folder):
        done = learner.imports(package)
        assert not done.new and not done.updated and not done.conflicting
        assert done.duplicate
    assert state(learner) == before
    assert learner.is_sound()


def note_text(folder: Path, old: str, new: str) -> None:
    """Edit the one file of a folder in which a text stands."""
    (file,) = [file for file in folder.glob("*.md") if old in file.read_text(encoding="utf-8")]
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_an_edited_note_is_updated_and_no_other(learner: Learner, tmp_path: Path) -> None:
    fill(learner)
    learner.studies(30)
    folder = moved_in(learner, tmp_path)
    before = state(learner)
    note_text(folder, "\n\none\n", "\n\none, *the* number\n\nand more\n")
    (package,) = [file for file in packages(folder) if file.name == "spanish.apkg"]
    done = learner.imports(package)
    assert (len(done.updated), done.new, done.conflicting) == (1, frozenset(), frozenset())
    (changed,) = done.updated
    note = learner.col.get_note(changed)
    assert note.fields == ["uno", "one, <i>the</i> number<br><br>and more"]
    after = state(learner)
    assert after["cards"] == before["cards"] and after["types"] == before["types"]
    assert len([one for one, other in zip(before["notes"], after["notes"], strict=True) if one != other]) == 1


def test_an_edited_style_sheet_reaches_the_note_type(learner: Learner, tmp_path: Path) -> None:
    add(learner, "Basic", ["a", "b"])
    folder = moved_in(learner, tmp_path)
    (file,) = (folder / "notetypes").iterdir()
    file.write_text(file.read_text(encoding="utf-8").replace("color: black;", "color: navy;"))
    (package,) = packages(folder)
    done = learner.imports(package)
    assert len(done.duplicate) == 1 and not done.conflicting
    learner.col.models._clear_cache()
    assert "color: navy;" in learner.col.models.by_name("Basic")["css"]


def test_a_new_deletion_and_a_filled_field_make_cards(learner: Learner, tmp_path: Path) -> None:
    fill(learner)
    folder = moved_in(learner, tmp_path)
    note_text(folder, "{{c1::uno}} y {{c2::dos::two}}", "{{c1::uno}} {{c5::y}} {{c2::dos::two}}")
    note_text(folder, "\n\nthree\n", "\n\nthree\n\n### Add Reverse\n\ny\n")
    cards = learner.col.card_count()
    for package in packages(folder):
        learner.imports(package)
    assert learner.col.card_count() == cards + 2
    assert learner.is_sound()


def test_a_build_from_the_cache_sees_what_imported_notes_rest_on(learner: Learner, tmp_path: Path) -> None:
    learner.col.media.write_data("late.png", PIXEL)
    for number in range(120):  # as much text as makes a cache worth while
        add(learner, "Basic", [f"question {number} <img src='late.png'>", f"answer {number} " * 50])
    folder = moved_in(learner, tmp_path)
    (package,) = packages(folder)
    first = package.read_bytes()
    assert list((tmp_path / "decks" / ".cache").glob("*.cache"))
    assert packages(folder)[0].read_bytes() == first
    (folder / "media" / "late.png").unlink()
    assert {problem.what for problem in build(folder, tmp_path / "decks").warnings} == {
        "the file late.png is in no folder media/"
    }
    (file,) = (folder / "notetypes").iterdir()
    file.write_text(file.read_text(encoding="utf-8").replace("color: black;", "color: navy;"))
    (package,) = packages(folder)
    with Archive(package) as opened:
        (notetype,) = unpack(opened).notetypes.values()
    assert "color: navy;" in notetype["css"]


def test_diff_and_list_know_imported_notes(
    learner: Learner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(learner, "Basic", ["uno", "one"])
    folder = moved_in(learner, tmp_path)
    packages(folder)
    note_text(folder, "\n\none\n", "\n\neins\n")
    assert main(["diff", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "uno" in said and "eins" in said
    assert main(["list", str(folder)]) == 0
    assert "uno" in capsys.readouterr().out
    assert main(["check", str(folder)]) == 0
    assert main(["ids", "--write", str(folder)]) == 0


def test_somebody_else_gets_the_whole_deck(learner: Learner, tmp_path: Path) -> None:
    fill(learner)
    folder = moved_in(learner, tmp_path)
    (folder / "media" / "_named-by-a-script.mp3").write_bytes(b"ID3")
    decks = packages(folder)
    friend = Learner(tmp_path / "friend")
    try:
        for package in decks:
            assert not friend.imports(package).conflicting
        assert state(friend)["notes"] == state(learner)["notes"]
        missing = friend.col.media.check().missing
        assert list(missing) == ["nowhere.png"]
        assert friend.col.media.have("with space & (brackets).png")
        assert friend.col.media.have("_back.png") and friend.col.media.have("_named-by-a-script.mp3")
        assert friend.is_sound()
    finally:
        friend.closes()


def test_the_rules_for_cards_leave_imported_notes_alone(learner: Learner, tmp_path: Path) -> None:
    add(learner, "Basic", ["Explain it", "yes"])
    assert lint(load(moved_in(learner, tmp_path))) == []


def test_new_cards_come_in_the_order_that_they_had(learner: Learner, tmp_path: Path) -> None:
    made = [add(learner, "Basic", [front, "x"], deck="D") for front in ("a", "b", "c", "d")]
    by_front = {note.fields[0]: note.cards()[0].id for note in made}
    learner.col.sched.reposition_new_cards([by_front[one] for one in "dbca"], 1, 1, False, False)
    (package,) = packages(moved_in(learner, tmp_path))
    friend = Learner(tmp_path / "friend")
    try:
        friend.imports(package)
        found = friend.col.find_cards("", order="c.due")
        assert [friend.col.get_card(one).note().fields[0] for one in found] == list("dbca")
    finally:
        friend.closes()


WRITTEN = r"""
a b _ * ` $ \ [ ] ( ) < > & &amp; &lt; &nbsp; <br> <br><br> <b> </b> <i> </i> <ul><li> </li></ul> <div> </div>
\( \) \[ \] {{c1:: }} :: { } # - 1. + | ~~ ~ ! ![x](y) [sound:x.mp3] <code> </code> &#123; é 漢 ``` ````
--- === <!-- --> <img/src="x.png"> 😀 [x]: [^1] &copy; | ---|--- $$ ### /// ::: ```html field
"""
PIECES = [
    *WRITTEN.split(),
    *(" ", "\n", "\n\n", "\t", "\r", "\r\n", "\0", "\u2028", "\xa0", "\x1e", "\ue0010\ue001"),
]
TAGS = ['<img src="a b.png">', '<a href="x">', '<a href="claim:x">t</a>']
FIELD = st.lists(
    st.sampled_from(PIECES + TAGS)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=4),
    max_size=12,
).map("".join)
GUID = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=10)


@settings(max_examples=250)
@given(fields=st.tuples(FIELD, FIELD), cloze=st.booleans(), guid=GUID)
def test_any_fields_come_back_byte_for_byte(fields: tuple[str, str], cloze: bool, guid: str) -> None:
    raw = {
        "id": 1, "name": "N", "type": int(cloze), "css": "",
        "flds": [{"name": "Front"}, {"name": "Back"}],
        "tmpls": [{"name": "C", "qfmt": "{{Front}}", "afmt": "{{Back}}"}],
    }  # fmt: skip
    notetype = ForeignType("n-1", raw)
    note = PackedNote(guid, 5, 1, 7, ("a::b", "{c}", '"'), fields, ("D",), (0,), 1)
    text = write_up(note, notetype, "some-id")
    assert text is not None
    topic, problems = parse(Source.of("x.md", f"---\ndeck: D\n---\n\n# D\n\n{text.text}"), Path("x.md"))
    assert topic is not None and not problems
    (parsed,) = topic.notes
    found, _, problems = foreign_fields(parsed, notetype)
    assert (tuple(found.values()), problems, parsed.guid) == (fields, [], guid)
    assert set(parsed.tags) == set(note.tags)


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("a<br>b<br><br>c", "a\\\nb\n\nc"),
        ("<b>x</b> and <i>y</i>", "**x** and *y*"),
        ("<strong>x</strong> and <em>y</em>", "__x__ and _y_"),
        (r"\(x_1 &lt; 2\), \[y\]", "$x_1 < 2$, $$y$$"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("$5 and *that*", "\\$5 and \\*that\\*"),
        ('<img src="ü.png">', "![](media/%C3%BC.png)"),
        ("<div>a</div>", None),
        ('<span style="color: red">a</span>', None),
        ("<b>unclosed", None),
    ],
)
def test_what_markdown_has_words_for_becomes_markdown(html: str, markdown: str | None) -> None:
    assert to_markdown(html) == markdown
