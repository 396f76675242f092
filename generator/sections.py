"""An imported note → its fields as HTML: a `### Field` section each, in Markdown or word for word."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches

from markdown_it.token import Token

from generator.editor_html import Page, editor_html, editor_inline
from generator.errors import Problem
from generator.foreign import ForeignType
from generator.notes import Location, Note

VERBATIM = ("html field", "json field")
"""Info strings of the fences whose content is a field as it is; JSON for what Markdown cannot hold."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One section of a note."""

    place: Location
    """Its heading."""
    tokens: list[Token]
    """What stands below it."""


def foreign_fields(note: Note, notetype: ForeignType) -> tuple[dict[str, str], list[Token], list[Problem]]:
    """The fields of an imported note.

    The heading is the first field, unless the note has a section for that; a field without a section is
    empty.

    Returns:
        HTML by field name, in the note type's order; the images that stand in Markdown; what is wrong.
    """
    problems: list[Problem] = []
    page = Page(notetype.kind == "cloze")
    parts = _parts(note, notetype, problems)
    first, *_ = notetype.fields
    fields = dict.fromkeys(notetype.fields, "")
    if first not in parts:
        fields[first] = editor_inline(note.question, page).strip()
    for name, part in parts.items():
        page.depth = 0
        fields[name] = _field(part, page, problems)
    return fields, page.images, problems


def _parts(note: Note, notetype: ForeignType, problems: list[Problem]) -> dict[str, _Part]:
    found: dict[str, _Part] = {}
    part: _Part | None = None
    tokens = list(note.answer)
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open" and token.tag == "h3" and token.level == 0:
            place = Location(note.location.path, (token.map[0] if token.map else 0) + 1)
            part = _Part(place, [])
            name = field_named(tokens[index + 1], notetype)
            if name is None:
                text = tokens[index + 1].content
                near = get_close_matches(text, notetype.fields, 1)
                known = ", ".join(notetype.fields)
                hint = f"did you mean '{near[0]}'? " if near else "a heading inside a field is '####'; "
                what = f"the note type '{notetype.slug}' has no field '{text}'"
                problems.append(Problem(place, what, f"{hint}(fields: {known})"))
            elif name in found:
                what = f"a second section for the field '{name}'"
                problems.append(Problem(place, what, f"the first one is in line {found[name].place.line}"))
            else:
                found[name] = part
            index += 3
            continue
        if part is None:
            what = "an imported note has a text above its first field"
            hint = f"put it under a heading that names its field: '### {notetype.fields[-1]}'"
            problems.append(Problem(note.location, what, hint))
            part = _Part(note.location, [])
        part.tokens.append(token)
        index += 1
    return found


def field_named(heading: Token, notetype: ForeignType) -> str | None:
    """The field that a `###` heading names, by its visible text or as `Field: 2`."""
    text = "".join(child.content for child in heading.children or ())
    if text in notetype.fields:
        return text
    number = re.fullmatch(r"Field: ([0-9]{1,4})", text)  # no field of Anki's has a colon in its name
    if number and 1 <= int(number[1]) <= len(notetype.fields):
        return notetype.fields[int(number[1]) - 1]
    return None


def _field(part: _Part, page: Page, problems: list[Problem]) -> str:
    fences = [
        token
        for token in part.tokens
        if token.type == "fence" and " ".join(token.info.split()) in VERBATIM and token.level == 0
    ]
    if not fences:
        return editor_html(part.tokens, page)
    if len(part.tokens) > 1:
        what = f"a ```{fences[0].info} block with something beside it"
        problems.append(Problem(part.place, what, "such a block is the whole field: put all of it inside"))
        return ""
    content = fences[0].content.removesuffix("\n")
    if fences[0].info.split()[0] == "html":
        if "\x1f" not in content:
            return content
    else:
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, str) and "\x1f" not in value:
            return value
    problems.append(Problem(part.place, "the field cannot be read", 'a ```json field block holds one "text"'))
    return ""
