"""A collection as `run` and `check` need it: notes without prose, from a cache where nothing changed.

The cache is the generator's, in a folder of its own beside the builds': never needed and never trusted.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache as once
from pathlib import Path
from typing import Any

import generator
import verify
from generator.cache import FOLDER, Cache, digest
from generator.collection import REFERENCES, Collection, assemble, find_files, read_topic, shown
from generator.errors import Problem
from generator.foreign import rests_on
from generator.notes import Topic
from generator.references import read_references
from generator.remembered import answers, recall
from generator.settings import SETTINGS, Settings, read_settings
from verify.coverage import Bare, Coverage, cover

_WORTH = 50_000
"""Bytes of notes from which on a cache pays."""

_SOURCES, _CODES = "references", "codes"


@dataclass(frozen=True, slots=True)
class Reading:
    """A collection, read."""

    collection: Collection
    """Its notes; those that came from the cache have neither question nor answer."""
    coverage: Mapping[str, Coverage]
    """Where the numbers of each file come from, by its path."""
    cache: Cache
    """Where it came from, and where what is found out goes."""
    memory: Mapping[str, Any]
    """What the cache knew of the blocks' code."""

    def keep(self) -> None:
        """Remember what this process found out about the blocks' code, for the next one."""
        now = answers()
        if now != self.memory and self.cache.keeps:
            self.cache.put(_CODES, _base(), now)


def read(root: Path, decks: Path | None) -> Reading:
    """Read every note below a folder; nothing is written but the cache.

    Args:
        root: the collection's folder.
        decks: the folder that the tools write to; None leaves it to the settings.
    """
    settings, problems = read_settings(root, shown(root / SETTINGS))
    files = list(find_files(root))
    cache = Cache(None)
    if sum(map(_size, files)) >= _WORTH:
        cache = Cache((decks or settings.folder(root)) / FOLDER / "verify")
    memory = cache.get(_CODES, _base()) or {}
    recall(memory)
    references, found = _references(root, cache)
    problems = [*problems, *found]
    topics: list[Topic] = []
    coverage: dict[str, Coverage] = {}
    for file in files:
        topic, of_file, numbers = _topic(file, root, settings, cache)
        problems += of_file
        if topic is not None:
            topics.append(topic)
            coverage[topic.path] = numbers
    cache.sweep([_CODES, _SOURCES, *(_name(file, root) for file in files)])
    around = Collection(root, (), references, tuple(problems), settings)
    return Reading(assemble(around, topics), coverage, cache, memory)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _name(file: Path, root: Path) -> str:
    return digest(file.relative_to(root).as_posix().encode()).hex()[:32]


def _references(root: Path, cache: Cache) -> tuple[dict[str, Any], list[Problem]]:
    file = root / REFERENCES
    try:
        raw = file.read_bytes()
    except OSError:
        return read_references(file, shown(file))
    key = digest(_base(), shown(file).encode(), raw)
    found = cache.get(_SOURCES, key)
    if found is None:
        found = read_references(file, shown(file))
        if cache.keeps:
            cache.put(_SOURCES, key, found)
    references, problems = found
    return references, problems


def _topic(
    file: Path, root: Path, settings: Settings, cache: Cache
) -> tuple[Topic | None, list[Problem], Coverage]:
    """A file, what is wrong with it, and its numbers."""
    try:
        raw = file.read_bytes()
    except OSError:
        raw = b""
    around = (str(root.resolve()), str(file), shown(file), repr(settings))
    key = digest(_base(), *(part.encode() for part in around), *rests_on(file.parent, root), raw)
    name = _name(file, root)
    found = cache.get(name, key) if raw else None
    if found is not None:
        topic, problems, (measured, cited, given, bare) = found
        numbers = Coverage(measured, cited, given, [Bare(place, text) for place, text in bare])
        return replace(topic, text=raw.decode("utf-8")), list(problems), numbers
    topic, problems = read_topic(file, root, settings, raw or None)
    if topic is None:
        return None, problems, Coverage()
    numbers = cover([topic])
    if raw and cache.keeps:
        plain = [(bare.location, bare.text) for bare in numbers.bare]
        counted = (numbers.measured, numbers.cited, numbers.given, plain)
        cache.put(name, key, (_without_prose(topic), tuple(problems), counted))
    return topic, problems, numbers


def _without_prose(topic: Topic) -> Topic:
    notes = tuple(replace(note, question=(), answer=(), extra=(), image=None) for note in topic.notes)
    return replace(topic, introduction=(), notes=notes, text="")


@once
def _base() -> bytes:
    """A digest of what decides what an entry holds: Python, the parsers' versions, the tools' own code."""
    import markdown_it
    import mdit_py_plugins
    import yaml

    parts = [sys.version, markdown_it.__version__, mdit_py_plugins.__version__, yaml.__version__]
    folders = [Path(tool.__path__[0]) for tool in (generator, verify)]
    files = (file for folder in folders for file in sorted(folder.glob("*.py")))
    return digest(*(part.encode() for part in parts), *(file.read_bytes() for file in files))
