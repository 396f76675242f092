"""Whether two drawings show the same."""

from __future__ import annotations

import re
from pathlib import Path

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_IDENTITY = re.compile(r'(?<=["#])[A-Za-z]+[0-9a-f]{10}(?=[")])')
"""Identifiers that matplotlib makes from a hash; a glyph's (`DejaVuSans-37`) is part of the picture."""
_WORDS = re.compile(r"<!--.*?-->|>[^<>]+<", re.DOTALL)
"""Texts of the picture; where letters are drawn as paths, they stand in a comment beside them."""
_SLACK = 0.05
"""Points by which two machines may draw a line differently; a hair's width is 0.5."""


def same_drawing(one: Path, other: Path) -> bool:
    """Whether two SVG files draw the same things at the same places, up to the last bits of a coordinate."""
    first, second = (_IDENTITY.sub("", file.read_bytes().decode(errors="replace")) for file in (one, other))
    if first == second:
        return True
    if _WORDS.findall(first) != _WORDS.findall(second) or _NUMBER.sub("#", first) != _NUMBER.sub("#", second):
        return False
    pairs = zip(_NUMBER.findall(first), _NUMBER.findall(second), strict=True)
    return all(abs(float(a) - float(b)) <= _SLACK for a, b in pairs)
