"""A folder of notes, compiled file by file: from the cache where nothing changed, else by several processes.

What has to be seen over the whole collection (ids, requirements, citations) is checked afterwards, over the
same topics without their texts.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it.token import Token

from generator.cache import FOLDER, Cache, digest, tool_digest
from generator.collection import Collection, assemble, find_files, read_around, read_topic, shown
from generator.errors import Problem
from generator.foreign import ForeignType, rests_on
from generator.media import BadMedia, find_media
from generator.notes import Location, Topic
from generator.references import Reference
from generator.workers import processes, work_beside

if TYPE_CHECKING:
    from generator.apkg import Content
    from generator.build import HeldBack

_WORTH = 50_000
"""Bytes of notes from which on a cache pays, and from which on work is shared."""

Compiler = Callable[[Collection], "tuple[list[Content], list[HeldBack], list[Problem]]"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """All that a build needs of one file."""

    topic: Topic | None
    """The file without its texts; None when nothing could be made of it."""
    contents: tuple[Content, ...]
    """What goes into packages."""
    held_back: tuple[HeldBack, ...]
    """Notes that do not."""
    problems: tuple[Problem, ...]
    """What is wrong with the file by itself."""
    images: tuple[tuple[str, str], ...]
    """The destination of each of its images, and what was found there."""
    sources: tuple[tuple[str, Reference | None], ...]
    """The literature that it cites, as it was."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A collection, compiled."""

    collection: Collection
    """Its topics, without their texts."""
    contents: list[Content]
    """What goes into packages, in the order of study."""
    held_back: list[HeldBack]
    """Notes that do not."""
    problems: list[Problem]
    """Everything that is wrong."""


def gather(root: Path, out: Path | None, render_notes: Compiler) -> Gathered:
    """Compile every note below a folder; nothing is written but the cache.

    Args:
        root: the collection's folder.
        out: the folder that the packages go to; None leaves it to the settings.
        render_notes: renders the notes of a collection.
    """
    around = read_around(root)
    folder = out if out is not None else around.settings.folder(root)
    files = list(find_files(root))
    sizes = [_size(file) for file in files]
    cache = Cache(folder / FOLDER if sum(sizes) >= _WORTH else None)
    work = _Work(around, files, render_notes, cache)
    with _without_collector():
        done = work.done(sizes)
    topics = [each.topic for each in done if each.topic is not None]
    problems = [*around.problems, *(problem for each in done for problem in each.problems)]
    collection = assemble(replace(around, problems=tuple(problems)), topics)
    of_path = {each.topic.path: each for each in done if each.topic is not None}
    ordered = [of_path[topic.path] for topic in collection.topics]
    return Gathered(
        collection,
        [content for each in ordered for content in each.contents],
        [note for each in ordered for note in each.held_back],
        list(collection.problems),
    )


class _Work:
    """The files of a collection, and how one of them is compiled."""

    def __init__(self, around: Collection, files: list[Path], render_notes: Compiler, cache: Cache) -> None:
        self._around, self._files, self._compile, self._cache = around, files, render_notes, cache
        root = around.root
        self._names = [digest(file.relative_to(root).as_posix().encode()).hex()[:32] for file in files]
        self._base = digest(tool_digest(), str(root.resolve()).encode(), repr(around.settings).encode())
        self._made: dict[int, Compiled] = {}
        self._imported: dict[Path, bytes] = {}

    def done(self, sizes: list[int]) -> list[Compiled]:
        """Every file, compiled, in order; the cache holds them afterwards."""
        for number in range(len(self._files)):
            found = self._kept(number)
            if found is not None:
                self._made[number] = found
        # The largest come first, so that nobody is left alone with one at the end.
        missing = sorted(
            (number for number in range(len(self._files)) if number not in self._made),
            key=lambda number: -sizes[number],
        )
        helpers = min(processes(), len(missing)) - 1
        if helpers > 0 and sum(sizes[number] for number in missing) >= _WORTH and self._cache.keeps:
            work_beside(
                len(missing),
                lambda task: self._make(missing[task], keep=True),
                helpers,
                lambda task: self._make(missing[task], keep=True),
            )
        for number in missing:
            if number not in self._made:
                found = self._kept(number)
                if found is not None:
                    self._made[number] = found
                else:
                    self._make(number, keep=self._cache.keeps)
        self._cache.sweep(self._names)
        return [self._made[number] for number in range(len(self._files))]

    def _key(self, file: Path, raw: bytes) -> bytes:
        folder = file.parent
        if folder not in self._imported:
            self._imported[folder] = digest(*rests_on(folder, self._around.root))
        return digest(self._base, self._imported[folder], shown(file).encode(), raw)

    def _kept(self, number: int) -> Compiled | None:
        """What the cache holds of a file, if it was made from what is there today."""
        file = self._files[number]
        try:
            key = self._key(file, file.read_bytes())
        except OSError:
            return None
        found = self._cache.get(self._names[number], key)
        return found if isinstance(found, Compiled) and self._stands(found, file) else None

    def _stands(self, found: Compiled, file: Path) -> bool:
        root, references = self._around.root, self._around.references
        images = {src: _look(src, file.parent, root) for src, _ in found.images}
        shows = {
            media
            for content in found.contents
            for media in content.media
            if not (isinstance(content.notetype, ForeignType) and _lies_in(media.file, root))
        }
        return (
            all(images[src] == before for src, before in found.images)
            and all(references.get(key) == before for key, before in found.sources)
            # An entry that somebody else wrote could name any file of this machine.
            and all(f"{media.name} {media.file}" in images.values() for media in shows)
        )

    def _make(self, number: int, keep: bool) -> None:
        file = self._files[number]
        try:
            raw = file.read_bytes()
        except OSError:
            raw = b""
        topic, problems = read_topic(file, self._around.root, self._around.settings, raw or None)
        if topic is None:
            self._made[number] = Compiled(None, (), (), tuple(problems), (), ())
            return
        around = self._around
        alone = replace(around, topics=(topic,), problems=())
        contents, held_back, found = self._compile(alone)
        images = dict.fromkeys(_sources(topic))
        cited = dict.fromkeys(citation.key for note in topic.notes for citation in note.citations)
        made = Compiled(
            _bare(topic),
            tuple(contents),
            tuple(held_back),
            (*problems, *found),
            tuple((src, _look(src, file.parent, around.root)) for src in images),
            tuple((key, around.references.get(key)) for key in cited),
        )
        self._made[number] = made
        if keep and raw:
            self._cache.put(self._names[number], self._key(file, raw), made)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _lies_in(file: Path, root: Path) -> bool:
    """Whether a file of an imported note, whose name is looked up and not written as a path, may be read."""
    try:
        return file.is_file() and file.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _look(src: str, beside: Path, root: Path) -> str:
    """What an image's destination leads to: a file with its content's name, or what is wrong."""
    try:
        media = find_media(src, beside, root, Location("", 1))
    except BadMedia as error:
        return error.problem.what
    return f"{media.name} {media.file}"


def _sources(topic: Topic) -> Iterator[str]:
    """The destinations of a file's images."""
    texts = [text for note in topic.notes for text in (note.question, note.answer, note.extra)]
    for token in chain(topic.introduction, *texts):
        for child in (token, *(token.children or ())):
            if child.type == "image":
                yield str(child.attrGet("src") or "")


def _bare(topic: Topic) -> Topic:
    """A file without its texts: what the checks of a whole collection look at."""
    nothing: tuple[Token, ...] = ()
    notes = tuple(
        replace(note, question=nothing, answer=nothing, extra=nothing, blocks=()) for note in topic.notes
    )
    return replace(topic, introduction=(), blocks=(), claims=(), notes=notes, text="")


@contextmanager
def _without_collector() -> Iterator[None]:
    """The trees of Markdown make the cyclic collector work for nothing, and for a third of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
