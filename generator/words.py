"""What a person sees of some HTML, and which of its words changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"p", "div", "br", "li", "ul", "ol", "pre", "table", "tr", "td", "th", "blockquote", "hr"}
)
_BLOCKS |= {f"h{level}" for level in range(1, 7)}
_AROUND = 5
"""How many words beside a change are shown."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words that stayed, went or came."""

    before: str
    """What stood there; equal to `after` for words that stayed."""
    after: str
    """What stands there."""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.pieces.append(" ")
        if tag == "img":
            self.pieces.append(f"[{dict(attrs).get('src') or 'image'}]")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def visible(html: str) -> str:
    """The text that a browser shows of some HTML, images by their names, white space folded."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.pieces).split())


def compare(before: str, after: str) -> list[Piece]:
    """The words of two texts side by side, in order."""
    old, new = _words(before), _words(after)
    pieces = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, now = "".join(old[a:b]), "".join(new[c:d])
        pieces.append(Piece(was, was if kind == "equal" else now))
    return pieces


def _words(text: str) -> list[str]:
    """Words, numbers, signs and the space between them; a number is one word, with its separators."""
    return re.findall(r"\d(?:[\d.,]*\d)?|\w+|\s+|.", text)


def spell(pieces: list[Piece], colour: bool = False) -> str:
    """A comparison in one line: `[-went-]` and `{+came+}`, far words that stayed left out.

    Args:
        pieces: what `compare` gave.
        colour: mark by red and green instead of by signs.
    """
    texts = []
    for index, piece in enumerate(pieces):
        if piece.before == piece.after:
            texts.append(_shorten(piece.after, index == 0, index == len(pieces) - 1))
            continue
        went, came = ("\x1b[31;9m{}\x1b[0m", "\x1b[32m{}\x1b[0m") if colour else ("[-{}-]", "{{+{}+}}")
        texts += [form.format(text) for form, text in ((went, piece.before), (came, piece.after)) if text]
    return "".join(texts)


def _shorten(text: str, first: bool, last: bool) -> str:
    words = re.findall(r"\s*\S+(?:\s+$)?|\s+", text)
    if len(words) <= _AROUND * (2 - first - last) + 1:
        return text
    head, tail = "".join(words[:_AROUND]), "".join(words[-_AROUND:])
    return f"{'' if first else head + ' '}…{'' if last else tail}"
