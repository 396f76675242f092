"""Whether two drawings show the same, and whether the one in a note is what its code draws."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.claims import Task
    from verify.records import Record

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_IDENTITY = re.compile(r'(?<=["#])[A-Za-z]+[0-9a-f]{10}(?=[")])')
"""Identifiers that matplotlib makes from a hash; a glyph's (`DejaVuSans-37`) is part of the picture."""
_PLACES = re.compile(r'(?<=\s)(?:d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|points|transform|viewBox)="[^"]*"')
"""Attributes that say where something is; all else is what it is, and has to be the same to the letter."""
_IMAGE = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")
"""A picture in the drawing, as of `imshow`."""
_COLOUR = re.compile(r"(?<=#)[0-9a-f]{6}\b")
_VIEW = re.compile(r'viewBox="\S+ \S+ (\S+) (\S+)"')

HAIR = 0.05
"""Points by which two machines may draw a line differently; a hair's width is 0.5."""
GLANCE = 0.01
"""The part of a drawing's diagonal that nobody sees on a phone; trainings on two processors differ by it."""
SHADE = 0.05
"""The part of a colour's range that nobody sees in a field of a map, or in one point of many."""


def same_drawing(one: Path, other: Path, *, by_eye: bool = False) -> bool:
    """Whether two SVG files draw the same things at the same places.

    Args:
        one: a drawing.
        other: another one.
        by_eye: what nobody sees may differ, `GLANCE` and `SHADE`; otherwise the last bits of a coordinate.
    """
    first, second = (_IDENTITY.sub("", file.read_bytes().decode(errors="replace")) for file in (one, other))
    if first == second:
        return True
    if by_eye:
        if not _same_images(_IMAGE.findall(first), _IMAGE.findall(second)):
            return False
        first, second = (_IMAGE.sub("", drawing) for drawing in (first, second))
        if not _same_colours(_COLOUR.findall(first), _COLOUR.findall(second)):
            return False
        first, second = (_COLOUR.sub("", drawing) for drawing in (first, second))
    if _PLACES.sub("", first) != _PLACES.sub("", second):
        return False
    left, right = (" ".join(_PLACES.findall(drawing)) for drawing in (first, second))
    if _NUMBER.sub("#", left) != _NUMBER.sub("#", right):
        return False
    slack = max(HAIR, GLANCE * _diagonal(first)) if by_eye else HAIR
    pairs = zip(_NUMBER.findall(left), _NUMBER.findall(right), strict=True)
    return all(abs(float(a) - float(b)) <= slack for a, b in pairs)


def fingerprint(file: Path) -> str:
    """A digest of a figure's file; empty where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:24] if file.is_file() else ""


def held(task: Task, drawn: Mapping[str, Path], known: Iterable[Record]) -> dict[str, str]:
    """Of each figure of a task, the fingerprint of its file if that shows what the code draws, else empty.

    A file that the very same code drew before, perhaps elsewhere, is compared by eye; after an edit of the
    code, to the last bits.

    Args:
        task: what was run.
        drawn: what it drew, by the figure's name.
        known: what earlier runs of the task found, on any machine.
    """
    marks = {}
    earlier = list(known)
    for name, target in task.figures:
        if name not in drawn or not drawn[name].is_file():
            continue
        mark = fingerprint(target)
        familiar = any(
            record.state == "done" and record.digest == task.job.digest and shows(record, name, mark)
            for record in earlier
        )
        same = bool(mark) and same_drawing(target, drawn[name], by_eye=familiar)
        marks[name] = mark if same else ""
    return marks


def shows(record: Record, name: str, mark: str) -> bool:
    """Whether a figure's file is what a record's code draws; records of formats before 4 do not say, and may.

    Args:
        record: what running the code found.
        name: the figure's.
        mark: the file's fingerprint.
    """
    return bool(mark) and record.figures.get(name, mark) == mark


def _same_images(ours: list[str], theirs: list[str]) -> bool:
    """Whether pictures have the same sizes, and everywhere nearly the same colours."""
    if ours == theirs:
        return True
    from PIL import Image, ImageChops

    for one, other in zip_longest(ours, theirs, fillvalue=""):
        if one == other:
            continue
        try:
            pair = [Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA") for text in (one, other)]
        except OSError:
            return False
        if pair[0].size != pair[1].size:
            return False
        apart = ImageChops.difference(*pair).tobytes()
        if max(apart) > SHADE * 255:
            return False
    return True


def _same_colours(ours: list[str], theirs: list[str]) -> bool:
    """Whether lists of colours, as `1f77b4`, have the same length and nearly the same colours."""
    if len(ours) != len(theirs):
        return False
    pairs = zip(bytes.fromhex("".join(ours)), bytes.fromhex("".join(theirs)), strict=True)
    return all(abs(a - b) <= SHADE * 255 for a, b in pairs)


def _diagonal(drawing: str) -> float:
    found = _VIEW.search(drawing)
    width, height = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    return float((width**2 + height**2) ** 0.5)
