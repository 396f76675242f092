"""What a note's heading says about it: `{#id .typed tags="why compute"}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from urllib.parse import quote, unquote

from mdit_py_plugins.attrs.parse import ParseError, parse

from generator.notes import Kind

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]*")
KINDS: tuple[Kind, ...] = ("basic", "reversed", "cloze", "typed", "occlusion")
KEYS = ("was", "tags", "hint", "contrast", "expires", "ignore", "hide", "type", "guid")
HIDE = ("all", "one")
_PLAIN = "!$&()*+,-./:;=?@^_|~"
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')


class BadAttributes(ValueError):
    """The braces at the end of a heading cannot be understood; the arguments are what and hint."""

    def __init__(self, what: str, hint: str) -> None:
        self.what = what
        self.hint = hint
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What stood in a heading's braces."""

    id: str | None = None
    """The note's id, without `#`."""
    kind: Kind | None = None
    """The kind asked for; None leaves it to the note's content."""
    tags: tuple[str, ...] = ()
    """Tags of this note alone."""
    was: str = ""
    """The id that the note had before it was renamed."""
    hint: str = ""
    """A line that the learner can unfold on the question side."""
    contrast: tuple[str, ...] = ()
    """Ids of notes that this one is to be told from."""
    expires: str = ""
    """The day after which the answer has to be looked at again."""
    ignore: tuple[str, ...] = ()
    """Codes of the rules that are not held against this note."""
    hide: str = "all"
    """Whether an occlusion note covers `all` of its masks while it asks for one, or that `one` alone."""
    type: str = ""
    """The note type it was imported with, a file in `notetypes/`; empty for one of ours."""
    guid: str = ""
    """What Anki knows it by, when that is not made from its id."""


def read_attributes(inside: str) -> Attributes:
    """Read what stands between a heading's braces.

    Raises:
        BadAttributes: the syntax is broken, or a class, key or id is not one of ours.
    """
    try:
        end, found = parse("{" + inside + "}")
    except ParseError:
        end, found = -1, {}
    hashes = _QUOTED.sub("", inside).count("#")
    if end != len(inside) + 1 or (hashes and "id" not in found):
        raise BadAttributes(
            f"cannot read the attributes {{{inside}}}", 'write {#id}, {#id .typed} or {#id tags="a b"}'
        )
    if hashes > 1:
        raise BadAttributes(
            f"two ids in {{{inside}}}", "a note has one id: keep the one that was there first"
        )
    identity = found.pop("id", None)
    if identity is not None and not ID.fullmatch(identity):
        raise BadAttributes(f"the id '{identity}' has a character that ids do not have", "use a-z, 0-9 and -")
    kinds: list[Kind] = []
    for name in found.pop("class", "").split():
        kinds += [known for known in KINDS if known == name]
        if name not in KINDS:
            raise BadAttributes(f"there is no kind of note called '.{name}'", _closest(name, KINDS))
    if len(kinds) > 1:
        raise BadAttributes(
            f"two kinds of note, '.{kinds[0]}' and '.{kinds[1]}'", "a note has one kind: keep one"
        )
    if kinds and "type" in found:
        hint = "the note type of an imported note says which cards it has: take one of them out"
        raise BadAttributes(f"a type, and the kind '.{kinds[0]}'", hint)
    for key in found:
        if key not in KEYS:
            raise BadAttributes(f"unknown attribute '{key}'", _closest(key, KEYS))
    was = found.get("was", "")
    if "was" in found and not ID.fullmatch(was):
        raise BadAttributes(f"the id '{was}' has a character that ids do not have", "write was=old-id")
    expires = found.get("expires", "")
    if expires and not is_date(expires):
        raise BadAttributes(f"'{expires}' is no date", "write expires=2027-05-01: year, month, day")
    hide = found.get("hide", HIDE[0])
    if hide not in HIDE or ("hide" in found and "occlusion" not in kinds):
        raise BadAttributes(
            f"hide='{hide}' means nothing here", "{#id .occlusion hide=one} covers one mask at a time"
        )
    return Attributes(
        id=identity,
        kind=kinds[0] if kinds else None,
        was=was,
        tags=tuple(unquote(tag) if "type" in found else tag for tag in found.get("tags", "").split()),
        hint=found.get("hint", ""),
        contrast=split_words(found.get("contrast", "")),
        expires=expires,
        ignore=split_words(found.get("ignore", "")),
        hide=hide,
        type=found.get("type", ""),
        guid=unquote(found.get("guid", "")),
    )


def heading_attributes(note_id: str, notetype: str, guid: str, tags: tuple[str, ...]) -> str:
    """The braces behind an imported note's heading; what Anki allows and braces do not is percent-encoded."""
    named = f' tags="{" ".join(map(encoded, tags))}"' if tags else ""
    return f'{{#{note_id} type="{notetype}" guid="{encoded(guid)}"{named}}}'


def encoded(text: str) -> str:
    """A guid or a tag of Anki's as it stands in braces."""
    return quote(text, safe=_PLAIN)


def split_words(text: str) -> tuple[str, ...]:
    """Words with spaces or commas between them."""
    return tuple(text.replace(",", " ").split())


def is_date(text: str) -> bool:
    """Whether a text is a day as `2027-05-01`."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _closest(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, 1)
    listed = ", ".join(known)
    return f"did you mean '{near[0]}'? (known: {listed})" if near else f"known: {listed}"
