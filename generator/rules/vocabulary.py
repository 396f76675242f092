"""Words that carry a meaning, and when two of them are the same."""

from __future__ import annotations

import re
from functools import cache

_WORD = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)?|[^\W\d_]*\d\w*")
_STOP = frozenset(
    # Words of any English sentence, and those by which questions about quantities are put.
    """
    a about after again all almost also although an and another any are as at away be became because
    become been before behind being below between both but by can case come comes could did
    different do does done down each either else equal equally equals even every few fewer first
    follow follows for from gave get gets give given gives go goes had half has have hold holds how
    if in inside instead into is it its itself just keep keeps kept large larger least leave leaves
    less like long made make makes many may mean means might more most much must needs no none nor
    not now of off on once one only onto or other others our out outside over own part per put same
    say says second see share should since small smaller so some still such take takes than that the
    their them then there these they third this those though three through times to too two under
    until up upon use used uses using very was way were what when where whether which while who
    whose why will with within without would yet you your
    """.split()  # noqa: SIM905
)
_ENDINGS = (
    "ations",
    "ation",
    "ional",
    "ings",
    "ing",
    "ies",
    "ied",
    "ions",
    "ion",
    "ed",
    "es",
    "s",
    "al",
    "ly",
)
_SHORTEST = 3
_SAME_BEGINNING, _SAME_PART = 5, 0.55


def content_words(text: str) -> list[str]:
    """The words of a text that carry its meaning, in small letters; numbers are none."""
    found = (match[0].lower() for match in _WORD.finditer(text.replace("-", " ")))
    return [
        word.removesuffix("'s").removesuffix("’s")
        for word in found
        if len(word) >= _SHORTEST and not word[0].isdigit() and word not in _STOP
    ]


def is_same_word(one: str, other: str) -> bool:
    """Whether two words are one word in two forms: *layers* and *layer*, *dilated* and *dilation*."""
    if one == other or stem(one) == stem(other):
        return True
    begun = next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    return begun >= _SAME_BEGINNING and begun >= _SAME_PART * max(len(one), len(other))


@cache
def stem(word: str) -> str:
    """A word without its ending: crude, but nothing is shown of it."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e") if len(word) > _SHORTEST else word
