"""Words as Markdown, and back."""

from __future__ import annotations

import re

_ESCAPABLE = re.compile(r"([\\`*_\[\]<>$|~])")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def escaped(words: str) -> str:
    """Words as Markdown that reads as just these words."""
    return _ESCAPABLE.sub(r"\\\1", words)


def unescaped(markdown: str) -> str:
    """The words that a Markdown text without other markup reads as."""
    return _ESCAPED.sub(r"\1", markdown)
