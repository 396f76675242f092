"""`groundtruth.toml`: what a collection says about itself, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.build import build
from generator.collection import load
from generator.settings import Settings, read_settings
from tests.notes import write_notes

NOTE = "# Topic\n\n## Question? {#q tags=own}\n\nAnswer.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a collection."""
    folder = tmp_path / "cards"
    folder.mkdir()
    return folder


def settings_of(root: Path, text: str) -> Settings:
    """The settings that a faultless text is."""
    (root / "groundtruth.toml").write_text(text, encoding="utf-8")
    settings, problems = read_settings(root, "groundtruth.toml")
    assert not problems, "\n".join(map(str, problems))
    return settings


def complaints(root: Path, text: str) -> list[str]:
    """Everything that is wrong with a text."""
    (root / "groundtruth.toml").write_text(text, encoding="utf-8")
    return [str(problem) for problem in read_settings(root, "groundtruth.toml")[1]]


def test_without_a_file_everything_has_a_default(root: Path) -> None:
    assert read_settings(root, "groundtruth.toml") == (Settings(), [])
    assert Settings().folder(root) == root.parent / "decks"


def test_an_empty_file_is_the_same_as_none(root: Path) -> None:
    assert settings_of(root, "") == settings_of(root, "[check]\n") == Settings()


def test_every_setting_is_read(root: Path) -> None:
    text = """\
title = "Größe, gemessen"
deck = "Vision :: Layers"
tags = ["vision", "core"]
tags-from-folders = true
license = "CC BY 4.0"
version = "1.2"
homepage = "https://example.org/decks"
output = "../out"
reference-machine = "NVIDIA H200"

[check]
ignore = ["long-answer"]
strict = true
"""
    assert settings_of(root, text) == Settings(
        title="Größe, gemessen",
        deck="Vision::Layers",
        tags=("vision", "core"),
        tags_from_folders=True,
        license="CC BY 4.0",
        version="1.2",
        homepage="https://example.org/decks",
        output="../out",
        reference_machine="NVIDIA H200",
        ignore=("long-answer",),
        strict=True,
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('\ntitel = "x"', "2: unknown key 'titel'\n  hint: did you mean 'title'?"),
        (
            "tags_from_folders = true",
            "1: unknown key 'tags_from_folders'\n  hint: did you mean 'tags-from-folders'",
        ),
        (
            "zzz = 1",
            "1: unknown key 'zzz'\n  hint: known keys: title, deck, tags, tags-from-folders, license, "
            "version, homepage, output, reference-machine",
        ),
        ('title = "x"\n[chekc]\nstrict = true', "2: unknown key 'chekc'\n  hint: known keys: "),
        (
            "[check]\n# strikt\nstrikt = true",
            "3: unknown key 'strikt' in [check]\n  hint: did you mean 'strict'?",
        ),
        ('[check]\ndeck = "x"', "2: unknown key 'deck' in [check]\n  hint: it belongs above all tables"),
        ("strict = true", "1: unknown key 'strict'\n  hint: it belongs under [check]"),
        ("version = 1.0", "1: 'version' is 1.0\n  hint: write \"1.0\", in quotes"),
        ('\n\n"title"= 3', "3: 'title' is 3\n  hint: write \"…\""),
        ('tags = "a b"', "1: 'tags' is 'a b'\n  hint: write words without spaces, [\"one\", \"two\"]"),
        ('tags = ["a b"]', "1: 'tags' is ['a b']\n  hint: write words without spaces, [\"one\", \"two\"]"),
        ('tags-from-folders = "yes"', "1: 'tags-from-folders' is 'yes'\n  hint: write true or false"),
        (
            'deck = "A::"',
            "1: 'deck' is 'A::'\n  hint: write a name, with :: between levels: \"Vision::Convolutions\"",
        ),
        ('homepage = "javascript:x"', "1: 'homepage' is 'javascript:x'\n  hint: write \"https://…\""),
        ("title.x = 1", "1: 'title' is a table\n  hint: write \"…\""),
        ("[deck]\nx = 1", "1: 'deck' is a table\n  hint: "),
        ('check = "all"', "1: 'check' is no table\n  hint: write [check] on its own line"),
        ("check.strict = 1", "1: 'strict' in [check] is 1\n  hint: write true or false"),
        ('title = "x"\n[check]\nignore = 3', "3: 'ignore' in [check] is 3\n  hint: "),
        (
            'title = "x"\ndeck = \n',
            "2: broken TOML: invalid value\n  hint: write one key = value per line, texts in quotes",
        ),
        ('title = "x"\ntitle = "y"', "2: broken TOML: cannot overwrite a value\n  hint: "),
        ('title = """x\n\n', "3: broken TOML: "),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_a_way_out(root: Path, text: str, complaint: str) -> None:
    (found,) = complaints(root, text)
    assert found.startswith(f"groundtruth.toml:{complaint}"), found


@pytest.mark.parametrize("output", ["", "../../out", "/tmp/out", "~/../../../x", "a/../../../b", "link"])
def test_a_collection_writes_in_its_folder_or_beside_it(root: Path, output: str) -> None:
    (root / "link").symlink_to("/")
    (found,) = complaints(root, f'\noutput = "{output}"')
    assert found == (
        f"groundtruth.toml:2: the output folder '{output}' lies neither in the collection nor beside it\n"
        '  hint: write a path like "../decks", or give another one to `generator build -o`'
    )


def test_settings_that_are_a_link_to_elsewhere_are_not_read(root: Path) -> None:
    (root.parent / "other.toml").write_text('title = "x"', encoding="utf-8")
    (root / "groundtruth.toml").symlink_to(root.parent / "other.toml")
    settings, problems = read_settings(root, "groundtruth.toml")
    assert (settings, [problem.what for problem in problems]) == (
        Settings(),
        ["the settings lie outside the collection"],
    )


def test_bytes_that_are_no_text_are_a_problem(root: Path) -> None:
    (root / "groundtruth.toml").write_bytes(b'title = "x"\n\xff')
    assert [str(problem) for problem in read_settings(root, "g")[1]] == [
        "g:2: not valid UTF-8: byte 0xff\n  hint: save the file in UTF-8"
    ]


def test_all_that_is_wrong_is_said_at_once_and_stands_among_the_problems_of_the_collection(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    write_notes(root, NOTE)
    (root / "groundtruth.toml").write_text("title = 1\nx = 2\n[check]\nstrict = 0\n", encoding="utf-8")
    assert [str(problem.location) for problem in load(Path()).problems] == [
        "groundtruth.toml:1",
        "groundtruth.toml:2",
        "groundtruth.toml:4",
    ]


@pytest.mark.parametrize(
    ("text", "place", "deck"),
    [
        ("", "a.md", "Cards"),
        ("", "vision/big-nets/a.md", "Vision::Big nets"),
        ('deck = "Top::Mine"', "a.md", "Top::Mine"),
        ('deck = "Top"', "vision/big-nets/a.md", "Top::Vision::Big nets"),
    ],
)
def test_a_file_that_names_no_deck_goes_below_the_deck_of_the_settings(
    root: Path, text: str, place: str, deck: str
) -> None:
    settings_of(root, text)
    write_notes(root, NOTE, place)
    write_notes(root, "---\ndeck: Own\n---\n" + NOTE.replace("#q", "#p"), "z/own.md")
    decks = {topic.file.name: topic.deck for topic in load(root).topics}
    assert decks == {"a.md": deck, "own.md": "Own"}


def test_tags_come_from_the_settings_the_folders_and_the_file(root: Path) -> None:
    settings_of(root, 'tags = ["all"]\ntags-from-folders = true')
    write_notes(root, NOTE, "vision/big nets/a.md")
    write_notes(root, "---\ntags: [file, all]\n---\n" + NOTE, "b.md")
    tags = {topic.file.name: set(topic.tags) for topic in load(root).topics}
    assert tags == {"a.md": {"all", "vision::big-nets"}, "b.md": {"file", "all"}}


def test_packages_go_where_the_settings_say_unless_the_build_is_told_otherwise(root: Path) -> None:
    settings_of(root, 'output = "built"')
    write_notes(root, NOTE)
    build(root)
    assert sorted(file.name for file in (root / "built").iterdir()) == ["cards.apkg", "ledger.json"]
    build(root, root.parent / "else")
    assert (root.parent / "else" / "cards.apkg").exists()
    assert not (root.parent / "decks").exists()
