"""Whether two drawings show the same."""

from __future__ import annotations

import re
from pathlib import Path

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_IDENTITY = re.compile(r'(?<=["#])[A-Za-z]+[0-9a-f]{10}(?=[")])')
"""Identifiers that matplotlib makes from a hash; a glyph's (`DejaVuSans-37`) is part of the picture."""
_PLACES = re.compile(r'(?<=\s)(?:d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|points|transform|viewBox)="[^"]*"')
"""Attributes that say where something is; all else is what it is, and has to be the same to the letter."""
_SLACK = 0.05
"""Points by which two machines may draw a line differently; a hair's width is 0.5."""


def same_drawing(one: Path, other: Path) -> bool:
    """Whether two SVG files draw the same things at the same places, up to the last bits of a coordinate."""
    first, second = (_IDENTITY.sub("", file.read_bytes().decode(errors="replace")) for file in (one, other))
    if first == second:
        return True
    if _PLACES.sub("", first) != _PLACES.sub("", second):
        return False
    left, right = (" ".join(_PLACES.findall(drawing)) for drawing in (first, second))
    if _NUMBER.sub("#", left) != _NUMBER.sub("#", right):
        return False
    pairs = zip(_NUMBER.findall(left), _NUMBER.findall(right), strict=True)
    return all(abs(float(a) - float(b)) <= _SLACK for a, b in pairs)
