"""Whether two drawings show the same."""

from __future__ import annotations

import re
from pathlib import Path

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_IDENTITY = re.compile(r'(?:id="|url\(#|href="#)[^")]*')
_SLACK = 0.05
"""Points by which two machines may draw a line differently; a hair's width is 0.5."""


def same_drawing(one: Path, other: Path) -> bool:
    """Whether two SVG files draw the same things at the same places, up to the last bits of a coordinate."""
    first, second = (_IDENTITY.sub("", file.read_text(encoding="utf-8")) for file in (one, other))
    if first == second:
        return True
    if _NUMBER.sub("#", first) != _NUMBER.sub("#", second):
        return False
    pairs = zip(_NUMBER.findall(first), _NUMBER.findall(second), strict=True)
    return all(abs(float(a) - float(b)) <= _SLACK for a, b in pairs)
