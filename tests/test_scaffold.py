"""`generator new`: a file of notes that works from the first minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.__main__ import main
from generator.collection import load
from tests.notes import write_notes
from verify.__main__ import main as verify


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without notes, and the prompt in it."""
    (tmp_path / "cards").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_new_topic_is_a_sound_file_with_a_claim_that_holds(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "new", "Depthwise convolution") == (0, "cards/depthwise-convolution.md\n", "")
    (topic,) = load(project / "cards").topics
    assert (topic.title, topic.deck, topic.tags) == (
        "Depthwise convolution",
        "Cards",
        ("depthwise-convolution",),
    )
    assert [note.id for note in topic.notes] == ["depthwise-convolution-weights"]
    assert run(capsys, "check") == (0, "1 note, 0 errors, 0 held back\n", "")
    assert verify(["run", "cards"]) == 0
    assert "1 claim: 1 holds" in capsys.readouterr().out
    assert verify(["check", "cards"]) == 0
    assert ", 0 bare" in capsys.readouterr().out
    assert run(capsys, "build")[0] == 0


def test_the_folder_of_the_first_topic_is_made_unless_its_name_looks_mistyped(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "new", "Stride", "notes") == (0, "notes/stride.md\n", "")
    code, out, err = run(capsys, "new", "Stride", "nowhere/notes")
    assert (code, out) == (2, "") and "nowhere/notes: no such folder" in err
    assert not (project / "nowhere").exists()


@pytest.mark.parametrize(
    ("topic", "file", "title", "deck"),
    [
        (
            "vision/nets/Stride and padding",
            "vision/nets/stride-and-padding.md",
            "Stride and padding",
            "Vision::Nets",
        ),
        ("big-o-notation", "big-o-notation.md", "Big o notation", "Cards"),
        ("stride.md", "stride.md", "Stride", "Cards"),
        ("Why $5 [a] `b`?", "why-5-a-b.md", "Why $5 [a] `b`?", "Cards"),
        ("Größe", "große.md", "Größe", "Cards"),
    ],
)
def test_a_topic_names_its_file_its_title_and_its_deck(
    project: Path, capsys: pytest.CaptureFixture[str], topic: str, file: str, title: str, deck: str
) -> None:
    code, out, err = run(capsys, "new", topic)
    assert (code, out, err) == (0, f"cards/{file.replace('große', 'grosse')}\n", "")
    (found,) = load(project / "cards").topics
    assert (found.title, found.deck) == (title, deck)
    assert not load(project / "cards").problems


def test_the_deck_can_be_given(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "new", "Stride", "--deck", "Vision: all::Layers")
    (topic,) = load(project / "cards").topics
    assert topic.deck == "Vision: all::Layers"


def test_its_id_is_no_other_notes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_notes(project / "cards", "# T\n\n## Q? {#stride-weights}\n\na\n", "t.md")
    run(capsys, "new", "Stride")
    assert {note.id for _, note in load(project / "cards").notes()} == {"stride-weights", "stride-weights-2"}


def test_a_file_that_is_there_is_left_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_notes(project / "cards", "mine", "stride.md")
    assert run(capsys, "new", "Stride") == (
        2,
        "",
        "generator: cards/stride.md: is there already\n  hint: edit it, or give the new topic another name\n",
    )
    assert file.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("topic", ["", " ", "/", "../x", "a/../../x", "/tmp/x", ".hidden/x", "?!", "何"])
def test_what_names_no_topic_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], topic: str
) -> None:
    code, out, err = run(capsys, "new", topic)
    assert (code, out) == (2, "")
    assert err == (
        f"generator: '{topic}' names no topic\n"
        "  hint: write 'Depthwise convolution' or 'vision/Stride', in a-z\n"
    )
    assert list((project / "cards").iterdir()) == []


def test_a_folder_that_leads_elsewhere_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "cards" / "out").symlink_to(project)
    code, _, err = run(capsys, "new", "out/Stride")
    assert code == 2 and "lies outside the collection" in err
    assert not (project / "stride.md").exists()
