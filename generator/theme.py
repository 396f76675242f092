"""How cards look: our templates and style sheet, and what a collection's `theme/` says otherwise.

`theme/card.css` comes after our own rules; `theme/answer.html` takes the place of our template of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from generator.errors import Problem
from generator.highlight import highlight_css
from generator.notes import Location
from generator.notetypes import ALL, NoteType
from generator.source import Source, read_source

THEME = "theme"
"""The folder of a collection's own templates and style sheet."""
CSS = "card.css"
PARTS = ("above", "below", "image")
"""Pieces that templates share: `<!-- above -->` is replaced by `_above.html`."""
_TAG = re.compile(r"\{\{(?P<mark>[#^/]?)(?P<name>[^{}]*)\}\}")
_OF_ANKI = frozenset({"FrontSide", "Tags", "Type", "Deck", "Subdeck", "Card", "CardFlag", "CardID"})
"""What a template can show beside fields."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A look; without arguments, our own."""

    files: tuple[tuple[str, str], ...] = ()
    """A collection's own templates and style sheet: name and text, sorted by name."""

    def template(self, file: str) -> str:
        """The text of a template, its shared parts put in."""
        text = dict(self.files).get(file) or _ours(file)
        for part in PARTS:
            mark = f"<!-- {part} -->\n"
            if mark in text:
                text = text.replace(mark, self.template(f"_{part}.html"))
        return text.strip() + "\n"

    @property
    def css(self) -> str:
        """The style sheet of all note types."""
        own = dict(self.files).get(CSS, "").strip()
        return _our_css() + (own + "\n" if own else "")


OURS = Theme()
"""The look that this package brings."""


@cache
def _ours(file: str) -> str:
    return files("generator").joinpath("templates", file).read_text(encoding="utf-8")


@cache
def _our_css() -> str:
    return _ours(CSS).strip() + "\n" + highlight_css() + "\n"


def template_files() -> tuple[str, ...]:
    """The names of all templates and their shared parts."""
    named = {name for notetype in ALL for each in notetype.templates for name in (each.front, each.back)}
    return (*sorted(named), *(f"_{part}.html" for part in PARTS))


def read_theme(root: Path, shown: str) -> tuple[Theme, list[Problem]]:
    """Read the theme of a collection; without a folder `theme`, the look is ours.

    Args:
        root: the collection's folder.
        shown: the theme's folder as shown to people.

    Returns:
        The theme, and what is wrong with it: files of no known name, fields that no note type has.
    """
    own: list[tuple[str, str]] = []
    problems: list[Problem] = []
    folder = root / THEME
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        path = f"{shown}/{file.name}"
        if file.name.startswith(".") or file.suffix not in (".html", ".css"):
            continue
        if file.name not in (CSS, *template_files()):
            what = f"there is no template called '{file.name}'"
            problems.append(Problem(Location(path, 1), what, _known(file.name, (CSS, *template_files()))))
        elif not file.resolve().is_relative_to(root.resolve()):
            hint = "put the file itself there: nothing outside the collection is read"
            problems.append(Problem(Location(path, 1), "the file lies outside the collection", hint))
        else:
            source = read_source(file, path)
            if isinstance(source, Problem):
                problems.append(source)
                continue
            problems += _check_css(source) if file.name == CSS else _check_template(source, file.name)
            own.append((file.name, source.body))
    theme = Theme(tuple(own))
    if not problems:
        problems += _check_cards(theme, shown)
    return theme, problems


def _check_css(source: Source) -> Iterator[Problem]:
    fetched = re.search(r"@import|url\(\s*[\"']?(?!data:)[a-z]+:", source.body, re.IGNORECASE)
    if fetched:
        what = f"the style sheet fetches something: {fetched[0]}"
        hint = "cards are studied offline: write the rules themselves, or a file of the media folder"
        yield Problem(source.location(_offset(source, fetched.start())), what, hint)


def _check_template(source: Source, file: str) -> Iterator[Problem]:
    """Fields that the note types using this file have not, and sections that do not close."""
    users = [notetype for notetype in ALL if file.startswith("_") or file in _files(notetype)]
    fields = {field.name for notetype in users for field in notetype.fields}
    waiting: list[tuple[str, Location]] = []
    for tag in _TAG.finditer(source.body):
        place = source.location(_offset(source, tag.start()))
        name = tag["name"].rpartition(":")[2].strip()
        if name not in fields and name not in _OF_ANKI:
            yield Problem(place, f"no note type has a field '{name}'", _known(name, tuple(sorted(fields))))
        if tag["mark"] == "/":
            if not waiting or waiting.pop()[0] != name:
                yield Problem(place, f"{tag[0]} closes what is not open", "sections nest: {{#A}}…{{/A}}")
                return
        elif tag["mark"]:
            waiting.append((name, place))
    for name, place in waiting:
        yield Problem(place, f"the section of '{name}' is never closed", f"end it with {{{{/{name}}}}}")


def _check_cards(theme: Theme, shown: str) -> Iterator[Problem]:
    """Templates as they are put together, by what Anki needs to make cards of them."""
    for notetype in ALL:
        fields = {field.name for field in notetype.fields} | _OF_ANKI
        for template in notetype.templates:
            for file in (template.front, template.back):
                text = theme.template(file)
                place = Location(f"{shown}/{file}", 1)
                named = {tag["name"].rpartition(":")[2].strip() for tag in _TAG.finditer(text)}
                for name in sorted(named - fields):
                    what = f"'{notetype.name}' has no field '{name}'"
                    yield Problem(place, what, _known(name, tuple(sorted(fields))))
                cloze = f"{{{{cloze:{notetype.fields[0].name}}}}}"
                if notetype.kind == "cloze" and cloze not in text:
                    yield Problem(place, "a template without the deletions makes no card", f"write {cloze}")
            if notetype.kind == "normal" and not _TAG.search(theme.template(template.front)):
                place = Location(f"{shown}/{template.front}", 1)
                yield Problem(place, "a question side without a field makes no card", "write {{Question}}")


def _files(notetype: NoteType) -> set[str]:
    return {name for each in notetype.templates for name in (each.front, each.back)}


def _offset(source: Source, index: int) -> int:
    """An index in the body, without the byte order mark, as an offset in the file."""
    return index + len(source.text) - len(source.body)


def _known(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, 1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
