"""Code coloured at build time, by classes that the cards' CSS paints for light and dark."""

from __future__ import annotations

from functools import cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LIGHT, DARK = "default", "github-dark"


@cache
def _lexer(language: str) -> Lexer | None:
    """Looking a lexer up costs more than using it, so each is built once."""
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True, classprefix="h-")


def highlight_code(code: str, language: str) -> str | None:
    """The HTML of a piece of code, or None when nobody knows its language."""
    lexer = _lexer(language) if language else None
    return None if lexer is None else str(highlight(code, lexer, _formatter()))


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
