"""Math as Anki's MathJax reads it, safe against Anki's search for deletions."""

from __future__ import annotations

from html import escape

from generator.deletions import cut_math
from generator.inert import inert_math

_MARKS = {"hint": "::", "close": "}}"}


def math_html(latex: str, opening: str, closing: str, cloze: bool) -> str:
    """TeX between MathJax's delimiters.

    Args:
        latex: the TeX, which may hold deletions.
        opening: `\\(` or `\\[`.
        closing: `\\)` or `\\]`.
        cloze: whether Anki will look for deletions; `}}` and `::` are then those of deletions alone.
    """
    latex = latex.strip()
    if not cloze:
        return opening + inert_math(escape(latex, quote=False)) + closing
    html, last = "", ""
    for kind, value in cut_math(latex) or [("text", latex)]:
        if kind == "text":
            html += escape(_apart(value), quote=False)
            last = value
            continue
        if last.endswith(("{", "}", ":")):
            html += " "
        html += f"{{{{c{value}::" if kind == "open" else _MARKS[kind]
    return opening + inert_math(html) + closing


def _apart(latex: str) -> str:
    """TeX without `{{`, `}}` and `::`.

    A space between braces changes nothing that TeX typesets, and survives Anki's editor.
    """
    while "}}" in latex or "{{" in latex:
        latex = latex.replace("}}", "} }").replace("{{", "{ {")
    return latex.replace("::", ":{:}")
