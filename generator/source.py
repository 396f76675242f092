"""A file's text as people and parsers see it: true line numbers, and the way back from parsed content."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from generator.errors import Problem
from generator.notes import Location, Span

_NEWLINE = re.compile(r"\r\n?|\n")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file and the offsets of its lines.

    A line ends where CommonMark ends it (`\\n`, `\\r\\n`, `\\r`) and nowhere else, so U+2028 and form
    feeds count as ordinary characters, as they do in the Markdown parser.
    """

    path: str
    """The path as shown to people."""
    text: str
    """The text exactly as it stands on disk, line endings and byte order mark included."""
    starts: tuple[int, ...]
    """Offset of the first character of every line."""
    ends: tuple[int, ...]
    """Offset after the last character of every line, its line ending left out."""

    @classmethod
    def of(cls, path: str, text: str) -> Source:
        """Index the lines of a text."""
        starts, ends = [len(_BOM) if text.startswith(_BOM) else 0], []
        for newline in _NEWLINE.finditer(text):
            ends.append(newline.start())
            starts.append(newline.end())
        ends.append(len(text))
        return cls(path, text, tuple(starts), tuple(ends))

    @property
    def body(self) -> str:
        """The text that the Markdown parser gets: all but the byte order mark."""
        return self.text.removeprefix(_BOM)

    def line(self, number: int) -> str:
        """The text of the line with this index, counted from 0."""
        return self.text[self.starts[number] : self.ends[number]]

    def location(self, offset: int) -> Location:
        """The place of a character."""
        return Location(self.path, max(1, bisect_right(self.starts, offset)))

    def at(self, index: int) -> Location:
        """The place of the line with this index, counted from 0."""
        return Location(self.path, index + 1)


@dataclass(slots=True)
class Cursor:
    """How far the cells of a table row have been traced; a row's cells share one line."""

    line: int = -1
    """Index of the line, counted from 0."""
    offset: int = 0
    """Offset in that line after the last cell that was found."""


def trace(source: Source, content: str, first_line: int, cursor: Cursor | None = None) -> list[int] | None:
    """Offsets in the file of every character of an inline token's content.

    The Markdown parser takes list markers, quote signs, indentation and the backslash of `\\|` away before it
    reads inline text; this finds each line of what is left in the line it came from.

    Args:
        source: the file.
        content: the token's content, lines joined by `\\n`.
        first_line: index of the token's first line, counted from 0.
        cursor: given for table cells, which are looked for from left to right.

    Returns:
        One offset per character and one more for the end, or None when a line cannot be found.
    """
    offsets: list[int] = []
    lines = content.split("\n")
    if cursor is None:
        # A paragraph may begin with lines of no-break spaces and the like, which the parser strips away too.
        wanted, numbers = lines[0].strip(), range(first_line, len(source.starts))
        first_line = next((number for number in numbers if wanted in source.line(number)), first_line)
    for index, line in enumerate(lines):
        number = first_line + index
        if number >= len(source.starts):
            return None
        raw, wanted = source.line(number), line.strip()
        begin = cursor.offset if cursor is not None and cursor.line == number else 0
        spelled = wanted.replace("|", "\\|") if cursor is not None else wanted
        bare = raw.rstrip()
        found = (
            len(bare) - len(spelled)
            if cursor is None and bare.endswith(spelled)
            else raw.find(spelled, begin)
        )
        if found < 0:
            return None
        base = source.starts[number] + found
        lead = len(line) - len(line.lstrip())
        offsets.extend([base] * lead)
        if spelled == wanted:
            offsets.extend(range(base, base + len(wanted)))
        else:
            offsets.extend(base + place for place in _places(spelled, len(wanted)))
        offsets.extend([base + len(spelled)] * (len(line) - lead - len(wanted)))
        offsets.append(base + len(spelled))
        if cursor is not None:
            cursor.line, cursor.offset = number, found + len(spelled)
    return offsets


def _places(spelled: str, length: int) -> list[int]:
    """Indices in a table cell's raw text of the characters that are left when `\\|` became `|`."""
    places: list[int] = []
    index = 0
    while len(places) < length:
        if spelled.startswith("\\|", index):
            index += 1
        places.append(index)
        index += 1
    return places


def read_source(file: Path, path: str, raw: bytes | None = None) -> Source | Problem:
    """Read a UTF-8 file; a file that cannot be read is a problem, not an exception.

    Args:
        file: where it is.
        path: how it is shown to people.
        raw: its bytes, where they were read already.
    """
    try:
        raw = file.read_bytes() if raw is None else raw
    except OSError as error:
        return Problem(
            Location(path, 1), f"cannot be read: {error.strerror}", "check the file and its permissions"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = len(_NEWLINE.findall(raw[: error.start].decode("utf-8", "replace"))) + 1
        what = f"not valid UTF-8: byte 0x{raw[error.start]:02x}"
        return Problem(Location(path, line), what, "save the file in UTF-8")
    return Source.of(path, text)


def join_span(offsets: list[int], start: int, end: int) -> Span:
    """The span in the file of the characters `start` to `end` of a traced content."""
    return Span(offsets[start], offsets[end] if start == end else offsets[end - 1] + 1)
