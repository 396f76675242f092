"""Code coloured at build time, by classes that the cards' CSS paints for light and dark."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from html import escape
from io import StringIO

from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import _TokenType
from pygments.util import ClassNotFound

from generator.lexing import Fused

LIGHT, DARK = "default", "github-dark"


@cache
def _lexer(language: str) -> Lexer | Fused | None:
    """Looking a lexer up costs more than using it, so each is built once."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None
    return Fused.of(lexer) or lexer


@lru_cache(256)  # notes of one file often show the same code
def highlight_code(code: str, language: str) -> str | None:
    """The HTML of a piece of code, or None when nobody knows its language."""
    lexer = _lexer(language) if language else None
    if lexer is None:
        return None
    return _html(lexer.tokens(code) if isinstance(lexer, Fused) else lexer.get_tokens(code))


def _html(tokens: Iterable[tuple[_TokenType, str]]) -> str:
    """What Pygments' own formatter writes: neighbours of one class share a span, which ends with its line."""
    html: list[str] = []
    opened = ""
    for kind, text in tokens:
        span = _span(kind)
        for index, part in enumerate(text.split("\n") if "\n" in text else (text,)):
            if index:
                html.append("</span>\n" if opened else "\n")
                opened = ""
            if not part:
                continue
            if span != opened:
                html.append(f"</span>{span}" if opened else span)
                opened = span
            html.append(_escaped(part))
    html.append("</span>" if opened else "")
    return "".join(html)


@lru_cache(4096)  # code is made of few words
def _escaped(text: str) -> str:
    return escape(text, quote=False)


@cache
def _span(kind: _TokenType) -> str:
    """The tag that opens a token of this kind; empty for plain text."""
    written = StringIO()
    HtmlFormatter[str](nowrap=True, classprefix="h-").format([(kind, "\0")], written)
    return written.getvalue().partition("\0")[0]


def highlight_css() -> str:
    """The rules that colour the classes, for light cards and for Anki's night mode."""
    rules: list[str] = []
    for style, scope in ((LIGHT, ".code"), (DARK, ".nightMode .code")):
        formatter = HtmlFormatter[str](style=style, classprefix="h-")
        definitions = formatter.get_style_defs(scope)  # type: ignore[no-untyped-call]
        rules += [
            line.partition(" /*")[0]
            for line in str(definitions).splitlines()
            # Line numbers and the box's own colours are the card's business.
            if line.startswith(f"{scope} .h-")
        ]
    return "\n".join(rules)
