"""HTML as Anki's editor writes it → Markdown, for the part of HTML that Markdown has words for.

What comes out is a proposal: whoever uses it renders it again and keeps it only when that gives the same
HTML, byte for byte. So the rules here are for the common case, and anything else is given up.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote

from generator.foreign import MEDIA

_LONGEST = 20_000
"""Characters of HTML; a longer field is no text that anybody wants to edit."""
_MATH = re.compile(r"\\\((?P<inline>.+?)\\\)|\\\[(?P<display>.+?)\\\]", re.DOTALL)
_HELD = re.compile("\ue000([0-9]+)\ue001")
_MARKS = {"b": "**", "strong": "__", "i": "*", "em": "_", "s": "~~"}
_SPECIAL = re.compile(r"[\\`*\[\]<$~]|(?<![^\W_])_|_(?![^\W_])")
_CLOZE_OR_SOUND = re.compile(r"\{\{c[0-9,]+::|\[sound:[^\[\]\n]+\]")
_LINE_START = re.compile(r"(?m)^([ \t]*)(#{1,6}(?=\s|$)|[-+>=|:]|[0-9]{1,9}(?=[.)]))")
_ENTITIES = {"amp": "&amp;", "lt": "\\<", "gt": ">", "nbsp": "&nbsp;"}
_ENTITY_LIKE = re.compile(r"&(?=#?[A-Za-z0-9]+;)")


class _Beyond(Exception):
    """Markdown has no words for it."""


def to_markdown(html: str) -> str | None:
    """Markdown that may render to this HTML, or None where there is none."""
    if len(html) > _LONGEST or "\ue000" in html or "\r" in html or "\0" in html:
        return None
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        latex, fence = (found["inline"], "$") if found["inline"] else (found["display"], "$$")
        held.append(fence + unescape(latex) + fence if "<" not in latex else "")
        return f"\ue000{len(held) - 1}\ue001"

    reader = _Reader()
    try:
        reader.feed(_MATH.sub(hold, html))
        reader.close()
        text = reader.finished()
    except (_Beyond, AssertionError):
        return None
    if "" in held:
        return None
    return _HELD.sub(lambda found: held[int(found[1])], text)


def escaped(text: str) -> str:
    """Text in which nothing is Markdown; deletions and sounds stay, since they are text to Anki too."""
    parts: list[str] = []
    end = 0
    for found in _CLOZE_OR_SOUND.finditer(text):
        parts += [_SPECIAL.sub(r"\\\g<0>", text[end : found.start()]), found[0]]
        end = found.end()
    parts.append(_SPECIAL.sub(r"\\\g<0>", text[end:]))
    return "".join(parts)


class _Reader(HTMLParser):
    """Writes Markdown while it reads HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.blocks: list[str] = []
        """Finished blocks."""
        self.line: list[str] = []
        """The paragraph that is being written."""
        self.open: list[str] = []
        """Open tags."""
        self.lists: list[list[str]] = []
        """The items of each open list."""
        self.code: list[str] | None = None
        """The content of a code element."""
        self.href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self.code is not None or (given and tag not in ("img", "a")):
            raise _Beyond
        if tag == "br":
            self.line.append("\\\n")
        elif tag == "img":
            self.line.append(_image(given))
        elif tag in _MARKS:
            self.open.append(tag)
            self.line.append(_MARKS[tag])
        elif tag == "a" and given.keys() == {"href"} and given["href"]:
            self.open.append(tag)
            self.href = str(given["href"])
            self.line.append("[")
        elif tag == "code" and self.open[-1:] != ["pre"]:
            self.open.append(tag)
            self.code = []
        elif tag in ("ul", "ol") and self.open[-1:] != ["li"] and not self.lists:
            self._end_paragraph()
            self.open.append(tag)
            self.lists.append([])
        elif tag == "li" and self.open[-1:] in (["ul"], ["ol"]):
            self.open.append(tag)
        else:
            raise _Beyond

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raise _Beyond

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise _Beyond
        if tag in _MARKS:
            self.line.append(_MARKS[tag])
        elif tag == "a":
            self.line.append(f"](<{self.href}>)" if re.search(r"[()\s]", self.href) else f"]({self.href})")
        elif tag == "code":
            code = "".join(self.code or ())
            ticks = "`" * (1 + max((len(run) for run in re.findall("`+", code)), default=0))
            pad = " " if code[:1] == "`" or code[-1:] == "`" else ""
            self.line.append(ticks + pad + code + pad + ticks)
            self.code = None
        elif tag == "li":
            self.lists[-1].append(self._paragraph())
        else:
            items = self.lists.pop()
            marks = ["- " if tag == "ul" else f"{number}. " for number in range(1, len(items) + 1)]
            self.blocks.append(
                "\n".join(
                    mark + item.replace("\n", "\n" + " " * len(mark))
                    for mark, item in zip(marks, items, strict=True)
                )
            )

    def handle_data(self, data: str) -> None:
        if self.open[-1:] in (["ul"], ["ol"]):
            raise _Beyond  # white space between items
        if self.code is not None:
            self.code.append(data)
        else:
            self.line.append(_ENTITY_LIKE.sub("&amp;", escaped(data)))

    def handle_entityref(self, name: str) -> None:
        if name not in _ENTITIES:
            raise _Beyond
        if self.code is not None:
            self.code.append(unescape(f"&{name};"))
        else:
            self.line.append(_ENTITIES[name])

    def handle_charref(self, name: str) -> None:
        raise _Beyond

    def handle_comment(self, data: str) -> None:
        raise _Beyond

    def handle_decl(self, decl: str) -> None:
        raise _Beyond

    def handle_pi(self, data: str) -> None:
        raise _Beyond

    def unknown_decl(self, data: str) -> None:
        raise _Beyond

    def finished(self) -> str:
        """All that was written."""
        if self.open or self.code is not None:
            raise _Beyond
        self._end_paragraph()
        return "\n\n".join(self.blocks)

    def _end_paragraph(self) -> None:
        text = self._paragraph()
        if text:
            self.blocks.append(text)

    def _paragraph(self) -> str:
        text = "".join(self.line)
        self.line.clear()
        text = _LINE_START.sub(_at_line_start, text)
        # Two line breaks are what Anki's users write between paragraphs.
        return re.sub(r"(?<!\\\n)\\\n\\\n(?!\\\n)", "\n\n", text)


def _at_line_start(found: re.Match[str]) -> str:
    """A character that would begin a heading, a list or a quote, escaped."""
    lead, mark = found[1], found[2]
    return f"{lead}{mark}\\" if mark[0].isdigit() else f"{lead}\\{mark}"


def _image(given: dict[str, str | None]) -> str:
    """An image whose file lies in the media folder."""
    src, alt = given.get("src"), given.get("alt", "")
    if not src or alt is None or not given.keys() <= {"src", "alt", "width", "height"} or "/" in src:
        raise _Beyond
    size = " ".join(f"{key}={given[key]}" for key in ("width", "height") if key in given)
    return f"![{escaped(alt)}]({MEDIA}/{quote(src)})" + (f"{{{size}}}" if size else "")
