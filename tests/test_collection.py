"""A folder of notes, read whole and checked as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.collection import find_files, find_root, load, shown
from tests.notes import write_notes


def note(identity: str, body: str = "answer") -> str:
    return f"# Topic\n\n## Question? {{#{identity}}}\n\n{body}\n"


def after(code: str, body: str) -> str:
    """A file whose code, one line of it, stands above its one note; the body begins on line 9."""
    return f"# Topic\n\n```python claim\n{code}\n```\n\n## Question? {{#a}}\n\n{body}\n"


def complaints(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(root)
    return [str(problem) for problem in load(Path()).problems]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder `cards` of an empty project."""
    folder = tmp_path / "cards"
    folder.mkdir()
    return folder


def test_every_markdown_file_is_read_in_the_order_of_the_paths(root: Path) -> None:
    for name in ("b/z.md", "a.md", "b/a.md", "c.md"):
        write_notes(root, note(Path(name).stem), name)
    assert [file.relative_to(root).as_posix() for file in find_files(root)] == [
        "a.md",
        "b/a.md",
        "b/z.md",
        "c.md",
    ]


def test_hidden_files_readmes_and_other_files_are_left_alone(root: Path) -> None:
    for name in (".a.md", ".git/b.md", "sub/.c/d.md", "README.md", "sub/Readme.md", "e.txt", "f.md~", "g.md"):
        write_notes(root, note("x"), name)
    (root / "folder.md").mkdir()
    assert [file.name for file in find_files(root)] == ["g.md"]


def test_nothing_outside_the_folder_is_read(root: Path) -> None:
    outside = write_notes(root.parent, note("x"), "outside.md")
    (root / "link.md").symlink_to(outside)
    (root / "linked").symlink_to(root.parent, target_is_directory=True)
    (root / "broken.md").symlink_to(root / "none.md")
    assert list(find_files(root)) == []


def test_a_folder_without_notes_is_an_empty_collection(root: Path) -> None:
    collection = load(root)
    assert (collection.topics, collection.references, collection.problems) == ((), {}, ())


def test_a_file_that_names_no_deck_goes_to_the_deck_of_its_folder(root: Path) -> None:
    write_notes(root, note("a"), "top.md")
    write_notes(root, note("b"), "efficient-vision/depth_wise/x.md")
    write_notes(root, "---\ndeck: Named\n---\n" + note("c"), "efficient-vision/named.md")
    assert {topic.file.name: topic.deck for topic in load(root).topics} == {
        "top.md": "Cards",
        "x.md": "Efficient vision::Depth wise",
        "named.md": "Named",
    }


def test_the_notes_come_with_their_topics_in_order(root: Path) -> None:
    write_notes(root, note("b") + "\n## Q? {#c}\n\na\n", "2.md")
    write_notes(root, note("a"), "1.md")
    assert [(topic.file.name, found.id) for topic, found in load(root).notes()] == [
        ("1.md", "a"),
        ("2.md", "b"),
        ("2.md", "c"),
    ]


def test_two_notes_with_one_id_are_refused_with_both_places(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(root, note("same"), "a.md")
    write_notes(root, "\n\n" + note("same"), "b/c.md")
    assert complaints(root, monkeypatch) == [
        "b/c.md:5: the id 'same' belongs to the note at a.md:3 already\n"
        "  hint: give this note an id of its own"
    ]


def test_two_ids_that_differ_by_capitals_alone_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(root, note("relu"), "a.md")
    write_notes(root, note("ReLU"), "b.md")
    assert complaints(root, monkeypatch) == [
        "b.md:3: the id 'ReLU' differs from 'relu' by capitals alone\n  hint: give this note an id of its own"
    ]


def test_two_notes_without_an_id_are_not_two_notes_with_one_id(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(root, "# T\n\n## Q?\n\na\n\n## R?\n\nb\n", "a.md")
    assert [complaint.partition("\n")[0] for complaint in complaints(root, monkeypatch)] == [
        "a.md:3: the note has no id",
        "a.md:7: the note has no id",
    ]


BLOCK = "```python claim\nsaving = 1\n```\n\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            after("saving = 1", "[8](claim:savings)"),
            "a.md:9: no claim block that this text can see binds 'savings'\n  hint: did you mean 'saving'?",
        ),
        (
            after("saving = 1", "[8](claim:x)"),
            "a.md:9: no claim block that this text can see binds 'x'\n  hint: known: saving",
        ),
        (
            after("assert True", "[8](claim:x)"),
            "a.md:9: no claim block that this text can see binds 'x'\n  hint: there is none yet",
        ),
        (
            note("a", "[8](claim:x)"),
            "a.md:5: claim 'x', but the note has no claim block\n"
            "  hint: put a ```python claim block into the note, or above the first '##'",
        ),
        (
            note("a", BLOCK + "[1](claim:saving)") + "\n## R? {#r}\n\n[8](claim:saving)\n",
            "a.md:13: claim 'saving', but the note has no claim block\n"
            "  hint: put a ```python claim block into the note, or above the first '##'",
        ),
        (
            "# T\n\n[8](claim:saving)\n\n## Q? {#q}\n\n" + BLOCK + "[1](claim:saving)",
            "a.md:3: claim 'saving', but the note has no claim block\n"
            "  hint: put a ```python claim block into the note, or above the first '##'",
        ),
        (
            after("saving = 1", BLOCK.replace("saving", "other") + "[8](claim:saving)"),
            "a.md:10: the note's text states nothing that its claim block finds\n"
            "  hint: bind a bool, and words of the answer to it: [is the same](claim:name)",
        ),
        (
            note("a", "[71.8 %](cite:sandler2017)"),
            "a.md:5: no entry 'sandler2017' in references.bib\n  hint: did you mean 'sandler2018'?",
        ),
        (
            note("a", "[71.8 %](cite:x)"),
            "a.md:5: no entry 'x' in references.bib\n  hint: known: sandler2018",
        ),
        (
            "---\nrequires: [paddings]\n---\n" + note("a"),
            "a.md:1: requires 'paddings', which is no topic\n  hint: did you mean 'padding'?",
        ),
    ],
)
def test_a_name_that_nothing_has_is_refused_with_a_suggestion(
    root: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    write_notes(
        root,
        "@misc{sandler2018, author={Sandler, M.}, title={MobileNetV2}, year={2018}}",
        "references.bib",
    )
    write_notes(root, note("padding"), "sub/padding.md")
    write_notes(root, text, "a.md")
    assert complaints(root, monkeypatch) == [expected]


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "x: int = 1",
        "a, (x, *b) = f()",
        "for x in y: pass",
        "with open(p) as x: pass",
        "import x",
        "import x.y",
        "from m import a as x",
        "def x(): pass",
        "class x: pass",
        "if (x := 1): pass",
        "if True:\n    x = 1",
        "try:\n    pass\nexcept E as x:\n    pass",
        "match y:\n    case [x, *_]: pass",
    ],
)
def test_a_claim_may_name_whatever_a_block_binds_at_its_top_level(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    write_notes(root, after(code, "[8](claim:x)"), "a.md")
    assert complaints(root, monkeypatch) == []


@pytest.mark.parametrize(
    "code",
    [
        "print(x)",
        "y = [x for x in z]",
        "f = lambda x: x",
        "def f():\n    x = 1",
        "class C:\n    x = 1",
        "import y.x",
        "a.x = 1",
        "x[0] = 1",
        "y = {x: 1 for x in z}",
    ],
)
def test_a_name_that_is_only_read_or_bound_further_in_is_no_claim(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    write_notes(root, after(code, "[8](claim:x)"), "a.md")
    assert [complaint.partition("\n")[0] for complaint in complaints(root, monkeypatch)] == [
        f"a.md:{8 + code.count(chr(10)) + 1}: no claim block that this text can see binds 'x'"
    ]


def test_a_note_sees_the_names_of_its_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "# T\n\n"
        + BLOCK
        + "## Q? {#q}\n\n```python claim\nother = saving\n```\n\n[8](claim:saving) [9](claim:other)"
    )
    write_notes(root, text, "a.md")
    assert complaints(root, monkeypatch) == []


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_files(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(root, "", "c.md")
    (root / "b.md").write_bytes(b"\xff")
    write_notes(root, "@misc{a", "references.bib")
    write_notes(root, note("q", "[8](claim:1)"), "a.md")
    places = [complaint.partition(": ")[0] for complaint in complaints(root, monkeypatch)]
    assert places == ["a.md:5", "b.md:1", "c.md:1", "references.bib:1"]


def test_the_root_is_the_nearest_folder_that_says_so(tmp_path: Path) -> None:
    deep = tmp_path / "deck" / "sub" / "deeper"
    file = write_notes(deep, note("a"), "a.md")
    assert find_root(deep) == find_root(file) == deep
    (tmp_path / "deck" / "references.bib").touch()
    assert find_root(deep) == find_root(file) == tmp_path / "deck"
    (tmp_path / "deck" / "sub" / "groundtruth.toml").touch()
    assert find_root(file) == tmp_path / "deck" / "sub"


def test_a_folder_called_cards_is_a_root(root: Path) -> None:
    assert find_root(write_notes(root, note("a"), "sub/a.md")) == root


def test_a_path_is_shown_as_one_would_type_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert shown(tmp_path / "work" / "cards" / "a.md") == "cards/a.md"
    assert shown(tmp_path / "other.md") == (tmp_path / "other.md").as_posix()
