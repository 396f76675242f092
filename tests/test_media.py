"""Images: found inside the collection, named by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from generator.media import BadMedia, Media, find_media
from generator.notes import Location

PNG = b"\x89PNG\r\n\x1a\n"
HERE = Location("cards/topic.md", 7)


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """A collection with a picture, and another picture outside of it."""
    folder = tmp_path / "cards"
    (folder / "sub" / "figures").mkdir(parents=True)
    (folder / "sub" / "figures" / "a b.png").write_bytes(PNG)
    (folder / "top.SVG").write_bytes(b"<svg/>")
    (tmp_path / "secret.png").write_bytes(PNG)
    return folder


@pytest.mark.parametrize(
    ("src", "file"),
    [
        ("figures/a%20b.png", "sub/figures/a b.png"),
        ("./figures/../figures/a%20b.png", "sub/figures/a b.png"),
        ("../top.SVG", "top.SVG"),
    ],
)
def test_a_path_starts_at_the_folder_of_the_note(cards: Path, src: str, file: str) -> None:
    assert find_media(src, cards / "sub", cards, HERE).file == (cards / file).resolve()


def test_an_image_is_named_by_its_content(cards: Path) -> None:
    media = find_media("figures/a%20b.png", cards / "sub", cards, HERE)
    assert media.name == f"gt-{hashlib.sha256(PNG).hexdigest()[:24]}.png"


def test_the_same_content_has_the_same_name_wherever_it_lies(cards: Path) -> None:
    (cards / "copy.png").write_bytes(PNG)
    one = find_media("figures/a%20b.png", cards / "sub", cards, HERE)
    two = find_media("copy.png", cards, cards, HERE)
    assert one.name == two.name
    assert one.file != two.file


def test_another_content_has_another_name_in_spite_of_the_same_path(cards: Path) -> None:
    before = find_media("top.SVG", cards, cards, HERE)
    (cards / "top.SVG").write_bytes(b"<svg>new</svg>")
    after = find_media("top.SVG", cards, cards, HERE)
    assert before.name != after.name
    assert after.name.endswith(".svg")


@pytest.mark.parametrize(
    ("src", "what", "hint"),
    [
        (
            "../../secret.png",
            "the image ../../secret.png lies outside the collection",
            "move it into cards/",
        ),
        ("/etc/passwd", "the image /etc/passwd lies outside the collection", "move it into cards/"),
        ("link.png", "the image link.png lies outside the collection", "move it into cards/"),
        ("out/secret.png", "the image out/secret.png lies outside the collection", "move it into cards/"),
        (
            "%2e%2e/%2e%2e/secret.png",
            "the image %2e%2e/%2e%2e/secret.png lies outside the collection",
            "move it into cards/",
        ),
        (
            "https://example.org/a.png",
            "the image https://example.org/a.png is not in the collection",
            "save it beside the note: nothing is downloaded",
        ),
        (
            "//example.org/a.png",
            "the image //example.org/a.png is not in the collection",
            "save it beside the note: nothing is downloaded",
        ),
        (
            "data:image/png;base64,AA",
            "the image data:image/png;base64,AA is not in the collection",
            "save it beside the note: nothing is downloaded",
        ),
        ("none.png", "the image none.png does not exist", "check the path: it starts at the note's folder"),
        ("figures", "the image figures does not exist", "check the path: it starts at the note's folder"),
        ("", "the image  does not exist", "check the path: it starts at the note's folder"),
        (
            "notes.txt",
            "notes.txt is nothing that Anki shows or plays",
            "known: gif, jpeg, jpg, png, svg, webp; flac, m4a, mp3, ogg, opus, wav; mp4, webm",
        ),
        ("say.mp3", "the sound say.mp3 does not exist", "check the path: it starts at the note's folder"),
        ("../../a.MP4", "the video ../../a.MP4 lies outside the collection", "move it into cards/"),
        ("a%00.png", "the image a%00.png is no path", "write the path of a file beside the note"),
        ("loop.png", "the image loop.png is no path", "write the path of a file beside the note"),
        (
            "a" * 300 + ".png",
            f"the image {'a' * 300}.png cannot be read: File name too long",
            "check its name and its permissions",
        ),
    ],
)
def test_what_lies_elsewhere_or_is_no_image_is_refused(cards: Path, src: str, what: str, hint: str) -> None:
    beside = cards / "sub"
    (beside / "link.png").symlink_to(cards.parent / "secret.png")
    (beside / "out").symlink_to(cards.parent, target_is_directory=True)
    (beside / "loop.png").symlink_to(beside / "loop.png")
    (beside / "notes.txt").write_text("a", encoding="utf-8")
    with pytest.raises(BadMedia) as refused:
        find_media(src, beside, cards, HERE)
    problem = refused.value.problem
    assert (problem.what, problem.hint, problem.location) == (what, hint, HERE)


def test_a_link_that_stays_inside_is_followed(cards: Path) -> None:
    (cards / "again.png").symlink_to(cards / "sub" / "figures" / "a b.png")
    media = find_media("again.png", cards, cards, HERE)
    assert media == Media(f"gt-{hashlib.sha256(PNG).hexdigest()[:24]}.png", cards / "sub/figures/a b.png")
