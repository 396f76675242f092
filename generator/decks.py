"""Decks and the package files that hold them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from generator.errors import StateError

if TYPE_CHECKING:
    from generator.apkg import Content


def is_within(deck: str, parent: str) -> bool:
    """Whether a deck is another one or lies below it; every deck lies below the one without a name."""
    deck, parent = deck.casefold(), parent.casefold()
    return not parent or deck == parent or deck.startswith(f"{parent}::")


@cache
def slug(deck: str) -> str:
    """A deck's name as a file name: `Efficient Vision::Convolutions` is `efficient-vision--convolutions`."""
    plain = unicodedata.normalize("NFKC", deck).lower().replace("::", "\0")
    return re.sub(r"[^\w\0]+", "-", plain).strip("-").replace("\0", "--") or "deck"


def packages_of(contents: Sequence[Content], within: str = "") -> dict[str, list[Content]]:
    """The notes of each package file: a file for a whole deck, and one for each of its sub-decks.

    Args:
        contents: every note of the collection.
        within: the deck whose packages are wanted, its sub-decks included; empty for all.

    Raises:
        StateError: two decks would share a file.
    """
    packages: dict[str, list[Content]] = {}
    names: dict[str, str] = {}
    for content in contents:
        top, *_ = content.deck.split("::")
        for deck in dict.fromkeys((top, content.deck)):
            file = f"{slug(deck)}.apkg"
            if names.setdefault(file, deck) != deck:
                hint = "rename one of the decks"
                raise StateError(
                    f"{file}: the decks '{names[file]}' and '{deck}' would share this file", hint
                )
            packages.setdefault(file, []).append(content)
    return {file: members for file, members in packages.items() if is_within(names[file], within)}
