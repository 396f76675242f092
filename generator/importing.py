"""An Anki package → a folder of notes in this language, from which the same notes are built again."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generator.adopt import origin_digest
from generator.apkg import foreign_digests
from generator.archive import Archive
from generator.build import compile_notes
from generator.collection import REFERENCES, find_root, load, shown
from generator.decks import slug
from generator.errors import StateError
from generator.foreign import (
    MEDIA,
    NOTETYPES,
    ORIGINS,
    ForeignType,
    Origin,
    Origins,
    written,
    written_origins,
)
from generator.ids import stem_of
from generator.notetypes import ALL
from generator.settings import SETTINGS
from generator.to_markdown import escaped
from generator.unpack import Package, PackedNote, bad_name, unpack
from generator.write_up import summary, write_up

_NEWEST = 10**14
"""Note ids are milliseconds since 1970; one beyond this is none."""


@dataclass(slots=True)
class Imported:
    """What an import made."""

    folder: Path
    """The new folder."""
    files: dict[str, int] = field(default_factory=dict)
    """Number of notes in each file of notes, by its name."""
    markdown: int = 0
    """Fields that are Markdown now."""
    verbatim: int = 0
    """Fields that stay HTML."""
    notetypes: int = 0
    """Note types."""
    media: int = 0
    """Media files."""
    ours: int = 0
    """Notes left out, because this tool built them."""
    split: int = 0
    """Notes that have cards in several decks, and go to the first of them."""
    missing: int = 0
    """Files that notes show and the package has not."""
    doubled: int = 0
    """Notes that shared their guid with another one of the package."""


def import_package(file: Path, folder: Path | None = None) -> Imported:
    """Turn a package into a folder of notes, which appears whole or not at all.

    Args:
        file: what Anki exported.
        folder: the new folder; by default it is named after the file, where the command runs.

    Raises:
        StateError: the file is no package or a damaged one, the folder is there already, or something in
            the package would not come out of a build as it went in.
    """
    folder = folder if folder is not None else Path(slug(file.stem))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StateError(
            f"{folder}: is there already, and nothing is overwritten", "name a new folder: -o FOLDER"
        )
    with Archive(file) as archive:
        package = unpack(archive)
        done = Imported(folder)
        own = {str(notetype.id) for notetype in ALL}
        notes = [note for note in package.notes if str(note.notetype) not in own]
        done.ours = len(package.notes) - len(notes)
        if not notes:
            what = "holds no note" if not done.ours else "holds only notes that this tool built"
            raise StateError(
                f"{file}: {what}",
                "import is for decks from elsewhere: its notes have their Markdown already"
                if done.ours
                else "choose a deck that has notes, and export it again",
            )
        texts = _texts(file, package, notes, _taken(folder), done)
        staged = _stage(folder)
        try:
            for name, text in texts.items():
                (staged / name).parent.mkdir(exist_ok=True)
                (staged / name).write_bytes(text.encode())
            if package.media:
                (staged / MEDIA).mkdir()
            for name, member in sorted(package.media.items()):
                archive.copy(member, staged / MEDIA / name)
            done.media = len(package.media)
            _prove(file, staged, package, notes, done)
            staged.chmod(0o755)
            staged.replace(folder)
        except (OSError, UnicodeError) as error:
            what = str(getattr(error, "strerror", None) or error)
            raise StateError(
                f"{folder}: cannot be written ({what})", "check its folder and the space on disk"
            ) from error
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return done


def _stage(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise StateError(f"{folder}: cannot be made ({error.strerror})", "name another: -o FOLDER") from error


def _taken(folder: Path) -> set[str]:
    """The ids of the collection that the new folder will be a part of, in small letters."""
    above = next(parent for parent in folder.resolve().parents if parent.is_dir())
    root = find_root(above)
    if root.name != "cards" and not any((root / name).is_file() for name in (REFERENCES, SETTINGS)):
        return set()
    return {note.id.lower() for _, note in load(root).notes()}


def _texts(
    file: Path, package: Package, notes: Iterable[PackedNote], taken: set[str], done: Imported
) -> dict[str, str]:
    """The text files of the new folder, by name."""
    types = {key: ForeignType(_type_slug(raw["name"], key), raw) for key, raw in package.notetypes.items()}
    by_deck: dict[str, list[str]] = {}
    origins: dict[str, Origin] = {}
    used: dict[int, ForeignType] = {}
    counts: dict[str, int] = {}
    for note in notes:
        used[note.notetype] = notetype = types[note.notetype]
        identity = _identity(note, taken, counts)
        text = write_up(note, notetype, identity)
        if text is None:
            hint = "look at it in Anki's browser, by the guid; if it looks sound, please report it"
            raise StateError(f"{file}: the note {note.guid!r} would not come out as it went in", hint)
        by_deck.setdefault(note.decks[0] if note.decks else "Default", []).append(text.text)
        done.markdown += text.markdown
        done.verbatim += text.verbatim
        done.split += len(note.decks) > 1
        done.doubled += note.doubled
        number = note.number if 0 < note.number < _NEWEST else 0
        digest = origin_digest(note.notetype, note.fields, note.tags)
        origins[note.guid] = Origin(digest, note.mod, number, note.cards)
    texts: dict[str, str] = {}
    for deck, parts in by_deck.items():
        name = _file_name(deck, texts)
        title = escaped(" ".join(deck.split("::")[-1].split()))
        texts[name] = f"---\ndeck: {_quoted(deck)}\n---\n\n# {title}\n\n" + "\n".join(parts)
        done.files[name] = len(parts)
    digests = foreign_digests(used.values())
    mods = {key: (digest, _mod(used[int(key)])) for key, digest in digests.items()}
    texts |= {f"{NOTETYPES}/{one.slug}.json": written(one.raw) for one in used.values()}
    texts[ORIGINS] = written_origins(Origins(origins, mods, package.decks))
    done.notetypes = len(used)
    return texts


def _mod(notetype: ForeignType) -> int:
    mod = notetype.raw.get("mod")
    return mod if type(mod) is int else 0


def _identity(note: PackedNote, taken: set[str], counts: dict[str, int]) -> str:
    stem = stem_of(summary(note.fields))
    while True:
        counts[stem] = number = counts.get(stem, 0) + 1
        identity = stem if number == 1 else f"{stem}-{number}"
        if identity not in taken:
            taken.add(identity)
            return identity


def _type_slug(name: str, number: int) -> str:
    return f"{_short(slug(name))}-{hashlib.sha256(str(number).encode()).hexdigest()[:6]}"


def _file_name(deck: str, taken: Mapping[str, str]) -> str:
    stem = _short(slug(deck))
    if stem == "readme" or bad_name(f"{stem}.md"):
        stem = f"deck-{stem}"
    number, name = 1, f"{stem}.md"
    while name in taken:
        number += 1
        name = f"{stem}-{number}.md"
    return name


def _short(text: str) -> str:
    return text.encode()[:120].decode(errors="ignore")


def _quoted(text: str) -> str:
    """A text as YAML, whatever is in it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[^ -~\xa1-\u1fff\u3000-\ud7ff]", lambda one: f"\\U{ord(one[0]):08x}", plain) + '"'


def _prove(file: Path, staged: Path, package: Package, notes: Iterable[PackedNote], done: Imported) -> None:
    """Build the staged folder, without writing, and hold every note against the package.

    Raises:
        StateError: something would come out otherwise than it went in.
    """
    contents, _, problems = compile_notes(load(staged))
    errors = [problem for problem in problems if problem.severity == "error"]
    made = {content.guid: content for content in contents}
    for note in notes:
        content = made.pop(note.guid, None)
        same = content is not None and (
            content.notetype.id == note.notetype
            and content.fields == note.fields
            and set(content.tags) == set(note.tags)
            and content.ordinals == note.cards
            and (not note.decks or content.deck == note.decks[0])
        )
        if not same or errors:
            why = f"\n  {errors[0]}".replace(f"{shown(staged)}/", "") if errors else ""
            hint = "look at it in Anki's browser, by the guid; if it looks sound, please report it"
            raise StateError(f"{file}: the note {note.guid!r} would not come out as it went in{why}", hint)
    done.missing = len({problem.what for problem in problems})
