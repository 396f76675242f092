"""The types that travel from the Markdown to the deck: where things stand, and what a note is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from markdown_it.token import Token

Kind = Literal["basic", "reversed", "cloze", "typed", "occlusion"]

MOST_CARDS = 64
"""How many cards a note can have: its deletions are numbered from 1 to this."""

UNASKED = "?"
"""What the bracket text of a claim link begins with that has never been measured: `?`, `? %`, `?×`."""

_ASKING = re.compile(r"\s*(?:(?:[<>]=?|[≤≥≈~])\s*)?(?:\$\s*)?" + re.escape(UNASKED))

MARKS = frozenset({"refuted", "failed"})
"""Titles by which `verify run --update` marks what it cannot mend."""


def asks(text: str) -> bool:
    """Whether a text asks to be measured: `?`, `? ms`, `≈ ?×`, `$?$`."""
    return _ASKING.match(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file, as people name it."""

    path: str
    """The file's path, as the user would type it."""
    line: int
    """The line, counted from 1 over the whole file, front matter included."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of characters of a file's text."""

    start: int
    """Index of the first character."""
    end: int
    """Index after the last character; equal to `start` for an empty span."""

    def of(self, text: str) -> str:
        """The characters of `text` that lie in this span."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a claim fills: `verify` owns the texts of its cells."""

    span: Span
    """From the first character of its heading's line to the last one of its last row."""
    text: str
    """The Markdown in that span."""
    rows: tuple[tuple[str, ...], ...]
    """The cells' texts as Markdown, row by row; the first row is the heading."""
    cells: tuple[tuple[Span, ...], ...]
    """Where the cells' texts stand, empty spans for empty ones; a row may have fewer than the heading."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim link, `[8.7×](claim:saving "NVIDIA H200, 2026-11")`: a text and the value that it states."""

    name: str
    """The name of the value in the claim's code."""
    text: str
    """The text in the brackets, as the author wrote it (Markdown); `?` asks for it to be filled in."""
    title: str | None
    """Where a timing was measured, or a mark (`refuted`, `failed`); None without a title."""
    span: Span
    """The text in the brackets; for a figure, the same as `title_span`."""
    title_span: Span
    """All between the destination and the closing parenthesis: the title with its quotes. For a figure, what
    stands behind the claim's name: its mark."""
    location: Location
    """The line of the opening bracket."""
    note: str | None
    """The id of the note it stands in; None above the first note."""
    is_figure: bool = False
    """True for `![alt](path "claim:name")`: the value is the picture, and only a mark is ever rewritten."""
    path: str = ""
    """The destination of a figure's image, relative to the note's folder; empty for a link."""
    table: Table | None = None
    """The table that it fills, where it stands in a table's caption; the text is the author's then."""

    @property
    def content(self) -> str:
        """What `verify` may write anew: the text, or the Markdown of the table."""
        return self.text if self.table is None else self.table.text

    @property
    def asks(self) -> bool:
        """Whether there is a `?` that has never been measured: the text, or a cell of the table."""
        texts = [self.text] if self.table is None else [cell for row in self.table.rows[1:] for cell in row]
        return any(map(asks, texts))

    @property
    def held_back(self) -> str | None:
        """Why a note that shows this claim must not be in a deck, or None."""
        if self.asks:
            return "not measured yet"
        if self.title in MARKS:
            return self.title
        return None


@dataclass(frozen=True, slots=True)
class Citation:
    """A cite link, `[71.8 %](cite:sandler2018 "Table 4")`: a text from the literature."""

    key: str
    """The entry's key in `references.bib`."""
    text: str
    """The text in the brackets (Markdown)."""
    place: str | None
    """Where in the source: a table, an equation, a page."""
    location: Location
    """The line of the opening bracket."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of Python whose top-level names are the values of claims."""

    code: str
    """The Python source, without the fences."""
    location: Location
    """The line of the code's first line (the one after the fence)."""
    needs: tuple[str, ...] = ()
    """What a machine must have to run it: `cuda`, `tensorrt`."""
    timeout: float | None = None
    """Seconds that it may take; None for the default."""


@dataclass(frozen=True, slots=True)
class Mask:
    """A rectangle over an image; its sides are parts of the image's width and height, from 0 to 1."""

    number: int
    """The card that asks for it, from 1; masks of one number are asked together."""
    left: float
    """How far its left side is from the image's."""
    top: float
    """How far its upper side is from the image's."""
    width: float
    """How wide it is."""
    height: float
    """How high it is."""


@dataclass(frozen=True, slots=True)
class Note:
    """One Anki note: a question, its answer, and what makes them true."""

    id: str
    """The author's id, unique over the collection: the note's identity."""
    kind: Kind
    """Which cards the note makes."""
    location: Location
    """The line of its heading."""
    question: tuple[Token, ...]
    """The heading's inline tokens; for a cloze note, its context line."""
    answer: tuple[Token, ...]
    """The block tokens of the body; for a cloze note, the text with its deletions."""
    extra: tuple[Token, ...]
    """The block tokens after the thematic break; may be empty."""
    tags: tuple[str, ...] = ()
    """Tags of this note alone."""
    hint: str = ""
    """A line that the learner can unfold on the question side; plain text."""
    blocks: tuple[Block, ...] = ()
    """The claim blocks inside this note, in order."""
    claims: tuple[Claim, ...] = ()
    """The claim links, in order."""
    citations: tuple[Citation, ...] = ()
    """The cite links, in order."""
    was: str = ""
    """The id that it had when learners first got it; empty where it has it still."""
    contrast: tuple[str, ...] = ()
    """Ids of notes that ask almost the same, and that a learner is meant to tell from this one."""
    expires: str = ""
    """The day after which its answer has to be looked at again, `2027-05-01`; empty for the topic's."""
    ignore: tuple[str, ...] = ()
    """Codes of the rules that `generator check` does not hold it against."""
    image: Token | None = None
    """What an occlusion note hides parts of; None for every other kind."""
    masks: tuple[Mask, ...] = ()
    """What hides them."""
    hides_all: bool = True
    """Whether the masks of the other cards stay on the image while one is asked."""
    type: str = ""
    """The note type that it was imported with, a file in `notetypes/`; empty for one of ours. Its body is a
    `### Field` section for each field then, and `kind` says nothing."""
    guid: str = ""
    """What Anki knows it by, when that is not made from its id."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One file of notes."""

    file: Path
    """The file itself."""
    path: str
    """Its path as shown to people."""
    title: str
    """The text of its `# Title`."""
    deck: str
    """The deck that its notes go to, with `::` between levels."""
    tags: tuple[str, ...]
    """Tags of every note in the file."""
    requires: tuple[str, ...]
    """Names of topics (file names without suffix) that come first."""
    introduction: tuple[Token, ...]
    """The block tokens between the title and the first note, without claim blocks."""
    blocks: tuple[Block, ...]
    """The claim blocks above the first note: they serve the whole file."""
    claims: tuple[Claim, ...]
    """The claim links above the first note, in order."""
    notes: tuple[Note, ...]
    """The notes, in order."""
    aliases: tuple[str, ...] = ()
    """Further words by which a question may name it."""
    core: bool = False
    """Whether it is one of those that are asked from several angles."""
    expires: str = ""
    """The day after which its answers have to be looked at again; empty for never."""
    ignore: tuple[str, ...] = ()
    """Codes of the rules that `generator check` does not hold it and its notes against."""
    text: str = field(repr=False, default="")
    """The whole text of the file, exactly as it stands on disk; every span counts in it."""

    def all_claims(self) -> tuple[Claim, ...]:
        """Every claim link of the file, in order."""
        return self.claims + tuple(claim for note in self.notes for claim in note.claims)
