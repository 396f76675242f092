"""Images, sounds and videos of a note: found inside the collection, named by their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from generator.errors import Problem
from generator.notes import Location

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"})
SOUNDS = frozenset({".mp3", ".ogg", ".opus", ".wav", ".flac", ".m4a"})
VIDEOS = frozenset({".mp4", ".webm"})


@dataclass(frozen=True, slots=True)
class Media:
    """A file that travels with the deck."""

    name: str
    """Its name in Anki's media folder: the digest of its content, so nothing collides or is shipped twice."""
    file: Path
    """Where it lies in the collection."""

    @property
    def is_played(self) -> bool:
        """Whether Anki plays it, a sound or a video, in place of showing it."""
        return self.file.suffix.lower() not in IMAGES


class BadMedia(ValueError):
    """A file cannot be used; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.what)


def locate(src: str, beside: Path, root: Path) -> Path:
    """Where a file would lie.

    Args:
        src: the destination as it stands in the note; a path relative to the note's file.
        beside: the folder of the note's file.
        root: the collection's folder; nothing outside it is read, symbolic links included.

    Raises:
        ValueError: with what is wrong and a hint, when it is no path inside the collection.
    """
    thing = _thing(src)
    parts = urlsplit(src)
    if parts.scheme or parts.netloc:
        raise ValueError(
            f"the {thing} {src} is not in the collection", "save it beside the note: nothing is downloaded"
        )
    try:
        file = (beside / unquote(parts.path)).resolve()
    except (ValueError, RuntimeError):  # a null character, a link to itself
        raise ValueError(
            f"the {thing} {src} is no path", "write the path of a file beside the note"
        ) from None
    if not file.is_relative_to(root.resolve()):
        raise ValueError(f"the {thing} {src} lies outside the collection", f"move it into {root.name}/")
    return file


def find_media(src: str, beside: Path, root: Path, location: Location) -> Media:
    """The media file behind the destination of an image, a sound or a video.

    Raises:
        BadMedia: when it lies elsewhere, is missing, or is nothing that Anki shows or plays.
    """
    thing = _thing(src)
    try:
        file = locate(src, beside, root)
        exists = file.is_file()
    except ValueError as error:
        raise BadMedia(Problem(location, *error.args)) from None
    except OSError as error:
        what = f"the {thing} {src} cannot be read: {error.strerror}"
        raise BadMedia(Problem(location, what, "check its name and its permissions")) from None
    if not exists:
        raise BadMedia(
            Problem(
                location,
                f"the {thing} {src} does not exist",
                "check the path: it starts at the note's folder",
            )
        )
    if file.suffix.lower() not in IMAGES | SOUNDS | VIDEOS:
        known = "; ".join(
            ", ".join(sorted(suffix.lstrip(".") for suffix in kind)) for kind in (IMAGES, SOUNDS, VIDEOS)
        )
        raise BadMedia(Problem(location, f"{src} is nothing that Anki shows or plays", f"known: {known}"))
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise BadMedia(
            Problem(location, f"the {thing} {src} cannot be read: {error.strerror}", "check its permissions")
        ) from None
    return Media(f"gt-{digest[:24]}{file.suffix.lower()}", file)


def _thing(src: str) -> str:
    """What a file is called in messages."""
    suffix = Path(urlsplit(src).path).suffix.lower()
    return "sound" if suffix in SOUNDS else "video" if suffix in VIDEOS else "image"
