"""Python code as HTML, its strings, comments, numbers and keywords told apart; without any package."""

from __future__ import annotations

import keyword
import re
from html import escape

_TOKEN = re.compile(
    r"(?P<comment>#[^\n]*)"
    r"|(?P<string>\b[rbfuRBFU]{1,2}(?=['\"])|(?=['\"]))"
    r"|(?P<number>\b\d[\w.]*)"
    r"|(?P<word>[^\W\d]\w*)"
)
_QUOTED = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.DOTALL
)
_KEYWORDS = frozenset(keyword.kwlist)


def coloured(code: str) -> str:
    """The code as HTML; its text is the code, character for character."""
    parts, at = list[str](), 0
    while match := _TOKEN.search(code, at):
        kind, end = str(match.lastgroup), match.end()
        if kind == "string":
            quoted = _QUOTED.match(code, end)
            # A lone quote is no string: it is passed on as it is.
            kind, end = ("string", quoted.end()) if quoted else ("", end + 1)
        elif kind == "word":
            kind = "keyword" if match[0] in _KEYWORDS else ""
        parts.append(_plain(code[at : match.start()]))
        text = _plain(code[match.start() : end])
        parts.append(f'<span class="{kind}">{text}</span>' if kind else text)
        at = end
    return "".join([*parts, _plain(code[at:])])


def _plain(text: str) -> str:
    return escape(text, quote=False)
