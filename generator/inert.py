"""Text that Anki or MathJax would take for markup of theirs, made to be seen as it was written.

In a card, `[sound:…]`, `[latex]` and `[$]` are Anki's, `\\(`, `\\[` and `\\begin{` MathJax's, wherever they
stand. A note has Markdown for all of these; what it says in plain text or code is meant to be read.
"""

from __future__ import annotations

import re

_ANKI = re.compile(r"\[(?=sound:|anki:|\[?type:|/?latex\]|/?\$\$?\])", re.IGNORECASE)
_MATHJAX = re.compile(r"\\(?=[()\[\]]|(?:begin|end|ref|eqref)\{)")

CONTROLS = {code: None for code in range(32) if chr(code) not in "\t\n\r"} | {127: None}
"""Characters that nobody sees: Anki takes them out of fields, and U+001F would end one."""


def inert(html: str) -> str:
    """Escaped text for a place where MathJax looks: its backslashes stand in an element of their own."""
    # MathJax reads on over text alone; an element of any kind ends what it takes for a formula.
    return _MATHJAX.sub("<span>&#92;</span>", _ANKI.sub("&#91;", html))


def inert_code(html: str) -> str:
    """Escaped code or an attribute: MathJax leaves them alone; Anki looks for math even there."""
    return _MATHJAX.sub("&#92;", _ANKI.sub("&#91;", html))


def inert_math(html: str) -> str:
    """Escaped TeX, which is MathJax's own: only Anki is not to find anything in it."""
    return _ANKI.sub("&#91;", html)
