"""Text → notes, every claim with its exact span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it.token import Token

from generator.attributes import Attributes, BadAttributes, read_attributes
from generator.blocks import read_block
from generator.deletions import DEEPEST, deletions
from generator.errors import Problem
from generator.frontmatter import FrontMatter, read_front_matter
from generator.links import Links, collect_links
from generator.markdown import markdown
from generator.nearly import scan_near_misses
from generator.notes import MOST_CARDS, Block, Kind, Location, Note, Topic
from generator.occlusion import Occlusion, read_occlusion
from generator.scan import scan_texts
from generator.source import Source

_IDS_HINT = "end the heading with {#some-id}, or let `generator ids --write` write ids in"


@dataclass(slots=True)
class _Section:
    """A heading of level one or two with all that follows it, up to the next."""

    heading: Sequence[Token]
    """heading_open, inline, heading_close; empty for what stands above every heading."""
    body: list[Token] = field(default_factory=list)
    """The block tokens below it."""


def parse(source: Source, file: Path, default_deck: str = "Default") -> tuple[Topic | None, list[Problem]]:
    """Read one file of notes.

    Args:
        source: its text.
        file: where it lies; images are looked up beside it.
        default_deck: the deck of a file whose front matter names none.

    Returns:
        The topic, or None when nothing can be made of the file, and everything that is wrong with it.
    """
    problems: list[Problem] = []
    if not source.body.strip():
        hint = "write '# Title' and a note under '## Question {#id}', or delete the file"
        return None, [Problem(Location(source.path, 1), "the file is empty", hint)]
    tokens = markdown().parse(source.body)
    front = _front_matter(source, tokens, problems)
    links = collect_links(source, tokens, problems)
    scan_texts(source, tokens, problems)
    scan_near_misses(source, tokens, problems)
    title, sections = _sections(source, tokens, problems)
    blocks: list[Block] = []
    introduction: list[Token] = []
    top = Links()
    notes: list[Note] = []
    for section in sections:
        if section.heading and section.heading[0].tag == "h2":
            notes.append(_note(source, section, links, problems))
            continue
        rest, found = _split_blocks(source, section.body, problems)
        blocks += found
        introduction += rest
        top = top + links.within([*section.heading, *section.body])
    if not notes:
        hint = "write a note: '## Question {#id}' and its answer below"
        problems.append(Problem(source.at(0), "the file has no notes", hint, "warning"))
    topic = Topic(
        file=file,
        path=source.path,
        title=title,
        deck=front.deck or default_deck,
        tags=front.tags,
        requires=front.requires,
        introduction=tuple(introduction),
        blocks=tuple(blocks),
        claims=top.claims,
        notes=tuple(notes),
        aliases=front.aliases,
        core=front.core,
        expires=front.expires,
        ignore=front.ignore,
        text=source.text,
    )
    return topic, problems


def _front_matter(source: Source, tokens: Sequence[Token], problems: list[Problem]) -> FrontMatter:
    # A file of nothing but link definitions has no tokens at all.
    if tokens and tokens[0].type == "front_matter":
        front, found = read_front_matter(tokens[0].content, source.path)
        problems += found
        return front
    if source.body.startswith("---"):
        problems.append(Problem(source.at(0), "the front matter is never closed", "end it with a line '---'"))
    return FrontMatter()


def _sections(source: Source, tokens: Sequence[Token], problems: list[Problem]) -> tuple[str, list[_Section]]:
    """Cut the tokens at the headings of level one and two; the title is the text of the only `#`."""
    sections = [_Section(())]
    title: str | None = None
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2"):
            heading = tokens[index : index + 3]
            if token.tag == "h1":
                title = _title(source, heading, title, problems)
            elif token.markup == "-":
                what = "the text above a line of dashes became a heading"
                hint = "put a blank line before '---' (for the extra), or write the heading as '## …'"
                problems.append(Problem(_place(source, token), what, hint))
            sections.append(_Section(heading))
            index += 3
            continue
        if token.type != "front_matter":
            sections[-1].body.append(token)
        index += 1
    if title is None:
        hint = "write '# Title' above the first note"
        problems.append(Problem(source.at(0), "the file has no title", hint))
    return title or "", sections


def _title(source: Source, heading: Sequence[Token], before: str | None, problems: list[Problem]) -> str:
    text = plain_text(heading[1])
    if before is not None:
        what = f"a second title, '{text}' after '{before}'"
        problems.append(
            Problem(_place(source, heading[0]), what, "one file is one topic; notes start with '##'")
        )
    return before or text


def _note(source: Source, section: _Section, links: Links, problems: list[Problem]) -> Note:
    location = _place(source, section.heading[0])
    attributes = Attributes()
    try:
        attributes = read_attributes(section.heading[0].meta.get("attributes", ""))
    except BadAttributes as error:
        problems.append(Problem(location, error.what, error.hint))
    else:
        if attributes.id is None and section.heading[0].markup != "-":
            problems.append(Problem(location, "the note has no id", _IDS_HINT))
    rest, blocks = _split_blocks(source, section.body, problems)
    if attributes.type:
        return _foreign(location, section, rest, blocks, attributes, links)
    cut = next((i for i, token in enumerate(rest) if token.type == "hr" and token.level == 0), len(rest))
    answer, extra = rest[:cut], rest[cut + 1 :]
    identity = attributes.id or ""
    mine = links.within([*section.heading, *section.body], identity)
    kind = _kind(source, location, attributes, section.heading, answer, extra, problems)
    occlusion = Occlusion(None, ())
    if kind == "occlusion" and answer:
        occlusion = read_occlusion(source, location, answer, problems)
    note = Note(
        id=identity,
        kind=kind,
        location=location,
        question=tuple(section.heading[1].children or ()),
        answer=tuple(answer),
        extra=tuple(extra),
        was=attributes.was,
        tags=attributes.tags,
        hint=attributes.hint,
        blocks=tuple(blocks),
        claims=mine.claims,
        citations=mine.citations,
        contrast=attributes.contrast,
        expires=attributes.expires,
        ignore=attributes.ignore,
        image=occlusion.image,
        masks=occlusion.masks,
        hides_all=attributes.hide == "all",
        guid=attributes.guid,
    )
    if not note.question:
        problems.append(Problem(location, "the note has no question", "write it after '##'"))
    if not note.answer:
        hint = "write it below the heading" + (", above the '---'" if extra else "")
        problems.append(Problem(location, "the note has no answer", hint))
    return note


def _foreign(
    location: Location,
    section: _Section,
    rest: Sequence[Token],
    blocks: Sequence[Block],
    attributes: Attributes,
    links: Links,
) -> Note:
    """A note that was imported: its note type, which is not known here, says what its body has to be."""
    mine = links.within([*section.heading, *section.body], attributes.id or "")
    return Note(
        id=attributes.id or "",
        kind="basic",
        location=location,
        question=tuple(section.heading[1].children or ()),
        answer=tuple(rest),
        extra=(),
        tags=attributes.tags,
        blocks=tuple(blocks),
        claims=mine.claims,
        citations=mine.citations,
        ignore=attributes.ignore,
        type=attributes.type,
        guid=attributes.guid,
    )


def _kind(
    source: Source,
    location: Location,
    attributes: Attributes,
    heading: Sequence[Token],
    answer: Sequence[Token],
    extra: Sequence[Token],
    problems: list[Problem],
) -> Kind:
    for tokens, where in ((heading, "the heading"), (extra, "the extra")):
        for _ in deletions(tokens):
            what = f"a deletion in {where} is never asked"
            problems.append(Problem(location, what, "move {{c1::…}} into the text above '---'"))
    opened = list(deletions(answer))
    if any(depth >= DEEPEST for _, depth in opened):
        what = f"more than {DEEPEST} deletions inside one another"
        problems.append(Problem(location, what, "Anki does not read deeper ones: take one apart"))
    for number in sorted({number for numbers, _ in opened for number in numbers}):
        if not 1 <= number <= MOST_CARDS:
            what = f"the deletion c{number} makes no card"
            problems.append(Problem(location, what, f"number deletions from c1 to c{MOST_CARDS}"))
    has_deletion = bool(opened)
    if attributes.kind == "cloze" and not has_deletion:
        problems.append(
            Problem(location, "a cloze note without a deletion has no card", "write {{c1::…}} in its text")
        )
    if has_deletion and attributes.kind not in ("cloze", None):
        what = f"{'an' if attributes.kind == 'occlusion' else 'a'} {attributes.kind} note with a deletion"
        problems.append(Problem(location, what, f"take '.{attributes.kind}' away, or the {{{{c1::…}}}}"))
    return "cloze" if has_deletion else attributes.kind or "basic"


def _split_blocks(
    source: Source, body: Sequence[Token], problems: list[Problem]
) -> tuple[list[Token], list[Block]]:
    """Take the claim blocks out of the tokens; they are no part of the text."""
    rest, blocks = [], []
    for token in body:
        block = read_block(source, token, problems)
        if block is None:
            rest.append(token)
        else:
            blocks.append(block)
    return rest, blocks


def _place(source: Source, token: Token) -> Location:
    return source.at(token.map[0] if token.map else 0)


def inline_tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    """Every inline token below these block tokens, in order."""
    for token in tokens:
        yield from token.children or ()


def plain_text(token: Token) -> str:
    """The visible text of an inline token, without any markup."""
    return "".join(
        child.content if child.type in ("text", "code_inline", "math_inline", "math_inline_double") else " "
        for child in token.children or ()
        if child.type
        in ("text", "code_inline", "math_inline", "math_inline_double", "softbreak", "hardbreak")
    ).strip()
