"""Cloze notes: few gaps, small and honest (rule 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from generator.parse import inline_tokens
from generator.rules.card import Card, words
from generator.rules.finding import Finding, Rule

MOST_GAPS = 2
LONGEST_GAP = 4
FEWEST_VISIBLE = 6

RULES = (
    Rule("R07a", "warning", f"a cloze note with more than {MOST_GAPS} gaps"),
    Rule("R07b", "warning", f"a gap of more than {LONGEST_GAP} words"),
    Rule("R07c", "warning", f"fewer than {FEWEST_VISIBLE} visible words around the gaps"),
    Rule("R07d", "warning", "an article before a gap gives its first letter away"),
    Rule("R07e", "warning", "two gaps with the same number"),
    Rule("R07f", "warning", "a gap within a gap"),
)

_ARTICLE = re.compile(r"\ban?\s+$", re.IGNORECASE)


@dataclass(slots=True)
class _Gap:
    """One deletion."""

    numbers: tuple[int, ...]
    """Its numbers; usually one."""
    before: str
    """The text of its paragraph up to it."""
    nested: bool
    """Whether it stands within another."""
    pieces: list[str] = field(default_factory=list)
    """What it hides."""

    @property
    def text(self) -> str:
        """What it hides, in one line."""
        return " ".join("".join(self.pieces).split())


def check(card: Card) -> Iterator[Finding]:
    """What is wrong with a cloze note's gaps."""
    if not card.is_cloze:
        return
    gaps, visible = _read(card.note.answer)
    if len(gaps) > MOST_GAPS:
        what = f"{len(gaps)} gaps, more than {MOST_GAPS}"
        yield card.finds("R07a", what, "make several notes of it: one fact each")
    for gap in gaps:
        length = len(words(gap.text))
        if length > LONGEST_GAP:
            what = f"the gap '{gap.text}' has {length} words, more than {LONGEST_GAP}"
            yield card.finds("R07b", what, "hide the word that matters, and leave the others in sight")
        if _ARTICLE.search(gap.before):
            what = f"the article before the gap '{gap.text}' tells how it begins"
            yield card.finds("R07d", what, "take the article into the gap, or write 'a(n)'")
        if gap.nested:
            yield card.finds(
                "R07f", f"the gap '{gap.text}' lies within another", "let gaps stand side by side"
            )
    seen = len(words(visible))
    if seen < FEWEST_VISIBLE:
        what = f"{seen} visible words around the gaps, fewer than {FEWEST_VISIBLE}"
        yield card.finds("R07c", what, "write a sentence that can only be completed in one way")
    numbers = [number for gap in gaps for number in gap.numbers]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        what = f"c{number} hides two gaps at once"
        yield card.finds("R07e", what, "number the gaps c1 and c2: each asks for one thing")


def _read(tokens: Sequence[Token]) -> tuple[list[_Gap], str]:
    """The gaps of a text, and what is visible outside of all of them."""
    gaps: list[_Gap] = []
    visible: list[str] = []
    for block in tokens:
        opened: list[_Gap] = []
        before = ""
        for token in inline_tokens([block]):
            if token.type == "cloze_open":
                gap = _Gap(tuple(token.meta["numbers"]), before, bool(opened))
                opened.append(gap)
                gaps.append(gap)
            elif token.type == "cloze_close" and opened:
                opened.pop()
            elif token.type != "cloze_hint":
                text = " " if token.type.endswith("break") else token.content
                text = "".join(text.split()) if token.type.startswith("math") else text
                before += text
                for gap in opened:
                    gap.pieces.append(text)
                if not opened:
                    visible.append(text)
        visible.append(" ")
    return gaps, "".join(visible)
