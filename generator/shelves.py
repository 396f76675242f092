"""The files that an imported note shows, found under the names that Anki knows them by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from markdown_it.token import Token

from generator.editor_html import media_name
from generator.errors import Problem
from generator.foreign import MEDIA, upwards
from generator.media import Media, locate
from generator.notes import Note, Topic

_SOUND = re.compile(r"\[sound:(?P<name>.*?)\]", re.DOTALL)
_SOURCE = re.compile(
    r"<(?:img|audio|video|object|source)\b[^>]*?\s(?:src|data)\s*=\s*"
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))""",
    re.IGNORECASE,
)
_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_LATEX = ("[latex]", "[$]", "[$$]")


def media_names(html: str) -> list[str]:
    """The names of the files that a field shows or plays, as Anki finds them; nothing on the net."""
    names = [found["name"] for found in _SOUND.finditer(html)]
    for found in _SOURCE.finditer(html):
        names.append(next(text for text in found.groups() if text is not None))
    return [name for name in names if name and not _REMOTE.match(name)]


class Shelves:
    """The `media/` folders of a collection, each read once.

    Args:
        root: the collection's folder; nothing outside it is read, symbolic links included.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._beside: dict[Path, dict[str, Path]] = {}

    def files(self, folder: Path) -> dict[str, Path]:
        """By name, the files in the `media/` folders beside a folder and above it; the nearest one wins."""
        if folder not in self._beside:
            found: dict[str, Path] = {}
            inside = self._root.resolve()
            for shelf in upwards(folder, self._root, MEDIA):
                for file in sorted(shelf.iterdir()):
                    if file.is_file() and file.resolve().is_relative_to(inside):
                        found.setdefault(file.name, file)
            self._beside[folder] = found
        return self._beside[folder]

    def media_of(
        self, note: Note, topic: Topic, fields: Iterable[str], images: Sequence[Token], look: str
    ) -> tuple[tuple[Media, ...], list[Problem]]:
        """The files that an imported note shows, and what is missing.

        Args:
            note: the note.
            topic: the file it stands in.
            fields: its fields as HTML.
            images: the images of its Markdown; the file that such a one names goes before one in `media/`.
            look: templates and CSS of its note type.
        """
        shelf = self.files(topic.file.parent)
        found = self._shown(topic, images)
        problems: list[Problem] = []
        texts = list(fields)
        for name in dict.fromkeys(name for html in texts for name in media_names(html)):
            spellings = tuple(dict.fromkeys((name, unescape(name), unquote(unescape(name)))))
            if any(spelling in found for spelling in spellings):
                continue
            named = next((spelling for spelling in spellings if spelling in shelf), None)
            if named is None:
                what = f"the file {name} is in no folder {MEDIA}/"
                hint = "put it there, or take it out of the note; learners who have it keep it"
                problems.append(Problem(note.location, what, hint, "warning"))
            else:
                found[named] = shelf[named]
        latex = any(mark in html for html in (*texts, look) for mark in _LATEX)
        for name, file in shelf.items():
            # Files that begin with `_` are for templates, whose scripts may put their names together.
            if name.startswith("_") or (latex and name.startswith("latex-")):
                found.setdefault(name, file)
        return tuple(Media(name, file) for name, file in found.items()), problems

    def _shown(self, topic: Topic, images: Sequence[Token]) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for token in images:
            try:
                file = locate(str(token.attrGet("src") or ""), topic.file.parent, self._root)
                if file.is_file():
                    found[media_name(token)] = file
            except (ValueError, OSError):
                continue  # reported as a file that is in no media folder either
        return found
