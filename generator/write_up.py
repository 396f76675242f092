"""A note of an Anki package → its Markdown, proved to give back the same fields byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from generator.attributes import heading_attributes
from generator.foreign import ForeignType
from generator.parse import parse
from generator.sections import field_named, foreign_fields
from generator.source import Source
from generator.to_markdown import escaped, to_markdown
from generator.unpack import PackedNote

_TITLE = "# Imported\n\n"
_SUMMARY = 80
"""Characters of a heading that only tells what the note is about."""
_BLOCK = re.compile(r"\n|[-+*>|#] |\d+\. ")
_MATH = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_DELETION = re.compile(r"\{\{c[0-9,]+::|(?:::[^{}]*)?\}\}")
_UNPRINTED = re.compile(r"[^\w\s.,;:!?'’()%/+-]|_")


@dataclass(frozen=True, slots=True)
class WrittenUp:
    """A note as Markdown."""

    text: str
    """From its heading on, with a newline at the end."""
    markdown: int
    """How many of its fields that are not empty are Markdown."""
    verbatim: int
    """How many are kept as HTML."""


def write_up(note: PackedNote, notetype: ForeignType, note_id: str) -> WrittenUp | None:
    """The Markdown of a note, or None where no Markdown gives its fields back.

    The heading is the first field where that is one line of Markdown, and else tells what the note is about.
    """
    named = dict(zip(notetype.fields, note.fields, strict=True))
    braces = heading_attributes(note_id, notetype.slug, note.guid, note.tags)
    first, *_ = notetype.fields
    verbatim = {name: _verbatim(html) for name, html in named.items() if html}
    proposed = {name: to_markdown(html) or verbatim[name] for name, html in named.items() if html}
    if first not in proposed:
        # A section with nothing in it says that the first field is empty, and not the heading.
        verbatim, proposed = {first: "", **verbatim}, {first: "", **proposed}
    told = f"## {summary(note.fields)} {braces}\n"

    def candidates() -> Iterator[tuple[str, dict[str, str]]]:
        asked = proposed[first]
        is_line = (
            asked and asked != verbatim[first] and not _BLOCK.search(asked) and notetype.kind == "normal"
        )
        if is_line:
            yield f"## {asked} {braces}\n", {**proposed, first: asked}
        kept = {
            name: text
            if text != verbatim[name]
            and _gives(f"{told}\n{_section(name, notetype, text)}", notetype, note, name)
            else verbatim[name]
            for name, text in proposed.items()
        }
        if is_line:
            yield f"## {asked} {braces}\n", {**kept, first: asked}
        yield told, kept
        yield told, verbatim

    for heading, fields in candidates():
        sections = [
            _section(name, notetype, text)
            for name, text in fields.items()
            if heading is told or name != first
        ]
        text = "\n".join([heading, *sections])
        if _gives(text, notetype, note):
            kept = sum(text == verbatim[name] for name, text in fields.items() if text)
            return WrittenUp(text, sum(map(bool, note.fields)) - kept, kept)
    return None


def summary(fields: Sequence[str]) -> str:
    """A line of plain text about a note: the start of its first field that has any."""
    for html in fields:
        bare = _DELETION.sub("", _MATH.sub(" … ", html.replace("\x00", " ")))
        bare = unescape(re.sub(r"<[^>]*>|\[sound:[^\]]*\]", " ", bare))
        words = _UNPRINTED.sub(" ", bare).split()
        text = ""
        for word in words:
            if len(text) + len(word) >= _SUMMARY:
                text = (text or word[: _SUMMARY - 2]) + " …"
                break
            text = f"{text} {word}" if text else word
        if any(character.isalnum() for character in text):
            return text
    return "(no text)"


def _section(name: str, notetype: ForeignType, text: str) -> str:
    """A field below its heading."""
    heading = re.sub(r"#+$", r"\\\g<0>", escaped(name))
    tokens = parse(Source.of("x.md", f"{_TITLE}## x {{#x type=x}}\n\n### {heading}\n"), Path("x.md"))[0]
    found = tokens.notes[0].answer if tokens and len(tokens.notes) == 1 else ()
    if len(found) != 3 or field_named(found[1], notetype) != name or found[0].meta:
        heading = f"Field: {notetype.fields.index(name) + 1}"
    return f"### {heading}\n\n{text}\n" if text else f"### {heading}\n"


def _verbatim(html: str) -> str:
    """A field as it is, in a fence; as JSON where Markdown would change a character of it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", html)), default=0))
    if re.search("[\r\0]", html):
        return f"{fence}json field\n{json.dumps(html)}\n{fence}"
    return f"{fence}html field\n{html}\n{fence}"


def _gives(text: str, notetype: ForeignType, note: PackedNote, only: str | None = None) -> bool:
    """Whether a note's Markdown is faultless and gives its fields back; with `only`, that one field."""
    topic, problems = parse(Source.of("x.md", _TITLE + text), Path("x.md"))
    if topic is None or problems or len(topic.notes) != 1:
        return False
    parsed = topic.notes[0]
    fields, _, problems = foreign_fields(parsed, notetype)
    wanted = dict(zip(notetype.fields, note.fields, strict=True))
    if problems or parsed.guid != note.guid or set(parsed.tags) != set(note.tags) or parsed.claims:
        return False
    return fields[only] == wanted[only] if only is not None else fields == wanted
