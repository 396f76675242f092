"""What a collection says about itself: `groundtruth.toml` in its folder, all of it optional."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from generator.errors import Problem
from generator.notes import Location
from generator.source import Source, read_source

SETTINGS = "groundtruth.toml"
OUTPUT = "../decks"
"""The folder of packages and ledger of a collection that names none: beside the notes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a collection; every one has a default that makes sense."""

    title: str = ""
    """What the collection is called, on the pages of its decks."""
    deck: str = ""
    """The deck above the folders, for files whose front matter names none; empty to start at the folders."""
    tags: tuple[str, ...] = ()
    """Tags of every note."""
    tags_from_folders: bool = False
    """Whether a file's folders make a tag, `vision::layers` for `vision/layers/conv.md`."""
    license: str = ""
    """Under what terms the decks may be used."""
    version: str = ""
    """The version of the decks."""
    homepage: str = ""
    """Where the decks come from: a link."""
    output: str = OUTPUT
    """The folder of packages and ledger, relative to the collection's folder: in it or beside it."""
    reference_machine: str = ""
    """The machine whose timings the decks are meant to show."""
    ignore: tuple[str, ...] = ()
    """Codes of the lint rules that do not apply here."""
    strict: bool = False
    """Whether a warning of `check` counts as an error."""

    def folder(self, root: Path) -> Path:
        """Where packages and ledger of the collection in this folder go."""
        return (root.resolve() / self.output).resolve()


# TOML's key → field, what is wanted in words, and the check.
_Reader = tuple[str, str, Callable[[Any], bool]]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) and len(item.split()) == 1 and item == item.strip() for item in value
    )


def _is_deck(value: Any) -> bool:
    return _is_text(value) and (not value or all(part.strip() for part in value.split("::")))


def _is_link(value: Any) -> bool:
    return _is_text(value) and (not value or re.match(r"https?://\S+$", value) is not None)


_TEXT, _FLAG, _WORDS = '"…"', "true or false", 'words without spaces, ["one", "two"]'
KEYS: dict[str, _Reader] = {
    "title": ("title", _TEXT, _is_text),
    "deck": ("deck", 'a name, with :: between levels: "Vision::Convolutions"', _is_deck),
    "tags": ("tags", _WORDS, _is_words),
    "tags-from-folders": ("tags_from_folders", _FLAG, _is_flag),
    "license": ("license", _TEXT, _is_text),
    "version": ("version", '"1.0", in quotes', _is_text),
    "homepage": ("homepage", '"https://…"', _is_link),
    "output": ("output", '"…"', _is_text),
    "reference-machine": ("reference_machine", _TEXT, _is_text),
}
CHECK: dict[str, _Reader] = {
    "ignore": ("ignore", _WORDS, _is_words),
    "strict": ("strict", _FLAG, _is_flag),
}


def read_settings(root: Path, path: str) -> tuple[Settings, list[Problem]]:
    """Read the settings of the collection in a folder; without a file, all are the defaults.

    Args:
        root: the collection's folder.
        path: the file, as shown to people.

    Returns:
        The settings that could be read, and what is wrong with the others.
    """
    file = root / SETTINGS
    if not file.exists():
        return Settings(), []
    if not file.resolve().is_relative_to(root.resolve()):
        hint = "put the file itself there: nothing outside the collection is read"
        return Settings(), [Problem(Location(path, 1), "the settings lie outside the collection", hint)]
    source = read_source(file, path)
    if isinstance(source, Problem):
        return Settings(), [source]
    try:
        found = tomllib.loads(source.body)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Settings(), [_broken(source, str(error) or type(error).__name__)]
    values, problems = _read(found, KEYS, "", source)
    check = found.get("check", {})
    if isinstance(check, dict):
        more, wrong = _read(check, CHECK, "check", source)
        values, problems = {**values, **more}, problems + wrong
    else:
        problems.append(_problem(source, "check", "", "'check' is no table", "write [check] on its own line"))
    settings = Settings(**values)
    if "output" in values and not _is_near(settings, root):
        problems.append(
            _problem(
                source,
                "output",
                "",
                f"the output folder '{settings.output}' lies neither in the collection nor beside it",
                f'write a path like "{OUTPUT}", or give another one to `generator build -o`',
            )
        )
        del values["output"]
        settings = Settings(**values)
    return settings, problems


def _read(
    found: Mapping[str, Any], keys: Mapping[str, _Reader], table: str, source: Source
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in found.items():
        if key not in keys:
            if table or key != "check":
                what = f"unknown key '{key}'{_in(table)}"
                problems.append(_problem(source, key, table, what, _near(key, table)))
            continue
        name, wanted, fits = keys[key]
        if fits(value):
            values[name] = tuple(value) if isinstance(value, list) else value
        else:
            what = f"'{key}'{_in(table)} is {_words(value)}"
            problems.append(_problem(source, key, table, what, f"write {wanted}"))
    if "deck" in values:
        values["deck"] = "::".join(part.strip() for part in values["deck"].split("::"))
    return values, problems


def _is_near(settings: Settings, root: Path) -> bool:
    """A collection from elsewhere must not write all over somebody's disk."""
    try:
        folder = settings.folder(root)
    except (OSError, RuntimeError, ValueError):
        return False
    return bool(settings.output) and folder.is_relative_to(root.resolve().parent)


def _in(table: str) -> str:
    return f" in [{table}]" if table else ""


def _near(key: str, table: str) -> str:
    mine, other = (CHECK, KEYS) if table else (KEYS, CHECK)
    if key in other:
        return "it belongs above all tables" if table else "it belongs under [check]"
    near = get_close_matches(key.replace("_", "-").lower(), mine, 1)
    return f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(mine)}"


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    text = repr(value) if isinstance(value, (str, int, float, list)) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _problem(source: Source, key: str, table: str, what: str, hint: str) -> Problem:
    return Problem(Location(source.path, _line_of(source, key, table)), what, hint)


def _line_of(source: Source, key: str, table: str) -> int:
    """The line that sets a key; tomllib does not tell, so it is looked for, table by table."""
    name = rf"[\"']?{re.escape(key)}[\"']?"
    plain = rf"{name}\s*[.=]"
    dotted = rf"{re.escape(table)}\s*(=|\.\s*{plain})"
    within = ""
    for number in range(len(source.starts)):
        line = source.line(number).strip()
        if header := re.match(r"\[+\s*([^\]]*?)\s*\]", line):
            within = header[1]
            if not table and re.fullmatch(rf"{name}(\..*)?", within):
                return number + 1
        if re.match(plain, line) if within == table else table and not within and re.match(dotted, line):
            return number + 1
    return 1


def _broken(source: Source, message: str) -> Problem:
    place = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
    what = message.replace(place[0], "") if place else message
    line = int(place[1]) if place and place[1] else len(source.starts) if place else 1
    hint = "write one key = value per line, texts in quotes"
    return Problem(Location(source.path, line), f"broken TOML: {what[:1].lower()}{what[1:]}", hint)
