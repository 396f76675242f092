"""The YAML at the top of a file: deck, tags, what comes first."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from generator.attributes import is_date
from generator.errors import Problem
from generator.notes import Location

KEYS = ("deck", "tags", "requires", "title", "aliases", "core", "expires", "ignore")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a file says about all of its notes."""

    deck: str | None = None
    """The deck, with `::` between levels; None leaves it to the folder."""
    tags: tuple[str, ...] = ()
    """Tags of every note in the file."""
    requires: tuple[str, ...] = ()
    """Topics (file names without suffix) that come first."""
    aliases: tuple[str, ...] = ()
    """Further words by which a question may name the topic."""
    core: bool = False
    """Whether the topic is one of those that are asked from several angles."""
    expires: str = ""
    """The day after which the answers have to be looked at again."""
    ignore: tuple[str, ...] = ()
    """Codes of the rules that are not held against this file."""


def read_front_matter(text: str, path: str) -> tuple[FrontMatter, list[Problem]]:
    """Read the YAML between the two `---` lines; its first line is line 2 of the file.

    Args:
        text: the YAML, without the two fences.
        path: the file, as shown to people.
    """
    try:
        # The base loader leaves every value a text: `deck: 2024` is a name, and `tags: [no]` is not false.
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        found: Any = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = _line(text, mark.index if mark is not None else getattr(error, "position", 0))
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        hint = "quote a text that holds ': ' or starts with a special character"
        return FrontMatter(), [Problem(Location(path, line), f"broken YAML: {what}", hint)]
    if found is None:
        return FrontMatter(), []
    if not isinstance(found, dict) or not isinstance(node, yaml.MappingNode):
        hint = "write one 'key: value' per line, for example 'deck: Vision::Convolutions'"
        return FrontMatter(), [
            Problem(Location(path, 2), "the front matter is not a list of keys and values", hint)
        ]
    lines = {
        key.value: _line(text, key.start_mark.index)
        for key, _ in node.value
        if isinstance(key, yaml.ScalarNode)
    }
    problems = [
        _unknown(str(key), Location(path, lines.get(str(key), 2))) for key in found if str(key) not in KEYS
    ]
    deck = found.get("deck")
    if "deck" in found and (not isinstance(deck, str) or not all(part.strip() for part in deck.split("::"))):
        hint = "write a name, with :: between levels: 'deck: Vision::Convolutions'"
        problems.append(Problem(Location(path, lines["deck"]), "the deck has no usable name", hint))
        deck = None
    tags = _words("tags", found, lines, path, problems)
    for tag in tags:
        if any(character.isspace() for character in tag):
            hint = "join the words with a hyphen"
            problems.append(Problem(Location(path, lines["tags"]), f"the tag '{tag}' contains a space", hint))
    requires = _words("requires", found, lines, path, problems)
    name = "::".join(part.strip() for part in deck.split("::")) if deck else None
    core, expires = found.get("core", "false"), found.get("expires") or ""
    if core not in ("true", "false"):
        hint = "write 'core: true' for a topic that is asked from several angles"
        problems.append(Problem(Location(path, lines["core"]), "'core' is neither true nor false", hint))
    if expires and not (isinstance(expires, str) and is_date(expires)):
        hint = "write 'expires: 2027-05-01': year, month, day"
        problems.append(Problem(Location(path, lines["expires"]), "'expires' is no date", hint))
        expires = ""
    return FrontMatter(
        deck=name,
        tags=tags,
        requires=requires,
        aliases=_words("aliases", found, lines, path, problems),
        core=core == "true",
        expires=expires,
        ignore=tuple(code.strip(",") for code in _words("ignore", found, lines, path, problems)),
    ), problems


def _line(text: str, index: int) -> int:
    """The line of the file that a character of the YAML stands in; YAML itself counts U+2028 as a newline."""
    return 2 + text.count("\n", 0, index)


def _words(
    key: str, found: dict[Any, Any], lines: dict[str, int], path: str, problems: list[Problem]
) -> tuple[str, ...]:
    """A list of words, given as a YAML list or as one text with spaces."""
    value = found.get(key)
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value):
        return tuple(item.strip() for item in value)
    what = f"'{key}' is not a list of words"
    problems.append(Problem(Location(path, lines[key]), what, f"write '{key}: [one, two]'"))
    return ()


def _unknown(key: str, location: Location) -> Problem:
    near = get_close_matches(key, KEYS, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"it is ignored; known keys: {', '.join(KEYS)}"
    return Problem(location, f"unknown key '{key}' in the front matter", hint, "warning")
