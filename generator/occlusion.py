"""Image occlusion: an image, and the rectangles that hide parts of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from generator.errors import Problem
from generator.notes import MOST_CARDS, Location, Mask
from generator.source import Source

_MASK = re.compile(r"(?:c(?P<number>[0-9]{1,9})\s+)?rect\s+(?P<sides>[0-9.]+(?:\s+[0-9.]+){3})")
_SIDE = re.compile(r"[0-9]*\.?[0-9]+")
_EXAMPLE = "write '- rect 0.10 0.20 0.30 0.15': left, top, width and height as parts of the image"


@dataclass(frozen=True, slots=True)
class Occlusion:
    """What the body of an image occlusion note says."""

    image: Token | None
    """The image's token."""
    masks: tuple[Mask, ...]
    """What hides parts of it, in order."""


def read_occlusion(
    source: Source, location: Location, answer: Sequence[Token], problems: list[Problem]
) -> Occlusion:
    """Read an image and a list of masks; whatever else stands there is a problem at its line."""
    images: list[Token] = []
    items: list[tuple[Location, str]] = []
    in_list = 0
    for token in answer:
        in_list += token.nesting if token.type.startswith("bullet_list") else 0
        if token.type.startswith(("paragraph", "bullet_list", "list_item")):
            continue
        place = source.at(token.map[0]) if token.map else location
        children = [child for child in token.children or () if child.type not in ("softbreak", "hardbreak")]
        if in_list and token.type == "inline":
            items.append((place, token.content))
        elif children and all(child.type == "image" for child in children):
            images += children
        elif token.nesting >= 0:
            what = "an occlusion note has an image, a list of masks, and nothing else"
            problems.append(Problem(place, what, "move everything else below '---'"))
    if len(images) != 1:
        what = f"an occlusion note has one image, and this one has {len(images) or 'none'}"
        problems.append(Problem(location, what, "write one ![what it shows](figures/name.png)"))
    masks = _masks(items, problems)
    if not items:
        problems.append(Problem(location, "an occlusion note without a mask has no card", _EXAMPLE))
    return Occlusion(images[0] if images else None, masks)


def _masks(items: Sequence[tuple[Location, str]], problems: list[Problem]) -> tuple[Mask, ...]:
    masks: list[Mask] = []
    numbered: list[bool] = []
    for place, text in items:
        found = _MASK.fullmatch(text.strip())
        sides = found["sides"].split() if found else []
        if found is None or not all(_SIDE.fullmatch(side) for side in sides):
            problems.append(Problem(place, f"'{text[:40]}' is no mask", _EXAMPLE))
            continue
        left, top, width, height = (float(side) for side in sides)
        if not (width > 0 and height > 0 and left + width <= 1.0001 and top + height <= 1.0001):
            what = f"the mask '{text[:40]}' does not lie inside the image"
            problems.append(Problem(place, what, "left + width and top + height are at most 1"))
        number = int(found["number"] or len(masks) + 1)
        if not 1 <= number <= MOST_CARDS:
            hint = f"number masks from c1 to c{MOST_CARDS}"
            problems.append(Problem(place, f"the mask c{number} makes no card", hint))
        numbered.append(found["number"] is not None)
        if numbered[0] != numbered[-1]:
            what = "some masks have a number and others have none"
            problems.append(Problem(place, what, "number all of them, '- c1 rect …', or none"))
        masks.append(Mask(number, left, top, width, height))
    return tuple(masks)


def occlusion_text(masks: Sequence[Mask], hides_all: bool) -> str:
    """The masks as Anki writes them into the field of its note type, one deletion each."""
    return "<br>".join(
        f"{{{{c{mask.number}::image-occlusion:rect:left={_short(mask.left)}:top={_short(mask.top)}"
        f":width={_short(mask.width)}:height={_short(mask.height)}{':oi=1' if hides_all else ''}}}}}"
        for mask in masks
    )


def _short(part: float) -> str:
    """A part of the image's width or height the way Anki writes it, `.15`."""
    return f"{part:.4f}".rstrip("0").lstrip("0").rstrip(".") or "0"
