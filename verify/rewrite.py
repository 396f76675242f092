"""New text by spans, proven otherwise unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from generator.errors import StateError
from generator.files import write_atomically
from generator.notes import MARKS, Claim, Span, Topic
from generator.parse import parse
from generator.source import Source
from verify.verdicts import Judgement, Verdict

_MENDABLE: frozenset[Verdict] = frozenset({"new", "changed", "unstable"})


@dataclass(frozen=True, slots=True)
class Edit:
    """One claim link that is to say something else."""

    claim: Claim
    """The link as it stands."""
    text: str
    """What is to stand in its brackets; for a table, its Markdown."""
    title: str | None
    """The title it is to have; None for none."""


def edit_of(judgement: Judgement, adopt: bool) -> Edit | None:
    """What `--update` does about a link; None where it has nothing to do.

    Args:
        judgement: what became of the link.
        adopt: whether to take over texts that speak of another machine.
    """
    claim, verdict = judgement.claim, judgement.verdict
    if verdict == "skipped" or (verdict == "elsewhere" and not adopt):
        return None
    if claim.is_figure:
        # The picture is drawn anew (commands.py); what stands in the note is the mark alone.
        edit = Edit(claim, claim.content, verdict if verdict in MARKS else None)
    elif verdict in _MENDABLE or verdict == "elsewhere":
        found = judgement.measured if claim.table is None else judgement.table
        edit = Edit(claim, found or claim.content, judgement.title)
    elif verdict in ("refuted", "failed"):
        edit = Edit(claim, claim.content, verdict)
    else:
        # A text that holds is left alone, but for an outdated mark and a place that it does not state yet.
        title = judgement.title if claim.title is None or claim.title in MARKS else claim.title
        edit = Edit(claim, claim.content, title)
    return None if (edit.text, edit.title) == (claim.content, claim.title) else edit


def rewrite(topic: Topic, edits: Sequence[Edit]) -> str:
    """The file's text with new words in the brackets, titles and tables of these links, and nowhere else.

    Raises:
        StateError: the new text would read otherwise elsewhere too; nothing was written.
    """
    changes: list[tuple[Span, str]] = []
    for edit in edits:
        if edit.text != edit.claim.content:
            changes.append((_owned(edit.claim), edit.text))
        if edit.title != edit.claim.title:
            title = edit.title or ""
            quoted = f" {title}" if edit.claim.is_figure else f' "{title}"'
            changes.append((edit.claim.title_span, quoted if title else ""))
    text = topic.text
    for span, new in sorted(changes, key=lambda change: change[0], reverse=True):
        text = text[: span.start] + new + text[span.end :]
    _prove(topic, text, edits)
    return text


def apply(topic: Topic, edits: Sequence[Edit]) -> bool:
    """Rewrite a file on disk; returns whether anything was written.

    Raises:
        StateError: the file was changed by somebody else meanwhile, or the new text would read otherwise
            elsewhere too.
    """
    if not edits:
        return False
    text = rewrite(topic, edits)
    if not topic.file.is_file() or topic.file.read_bytes() != topic.text.encode("utf-8"):
        raise StateError(f"{topic.path}: changed while its claims ran", "run `verify run --update` again")
    return write_atomically(topic.file, text.encode("utf-8"))


def _prove(topic: Topic, text: str, edits: Iterable[Edit]) -> None:
    """Read the new text and make sure that it differs in the brackets and titles of these links alone."""
    # Both are read here: a topic from the cache of `verify/reading.py` came without its prose.
    before, _ = parse(Source.of(topic.path, topic.text), topic.file, topic.deck)
    again, problems = parse(Source.of(topic.path, text), topic.file, topic.deck)
    new = again.all_claims() if again is not None else ()
    wanted = {edit.claim.span: (edit.text, edit.title) for edit in edits}
    if (
        before is None
        or again is None
        or any(problem.severity == "error" for problem in problems)
        or list(_reading(again)) != list(_reading(before))
        or [_stated(c, c.content, c.title) for c in new]
        != [_stated(c, *wanted.get(c.span, (c.content, c.title))) for c in topic.all_claims()]
        or _masked(text, new) != _masked(topic.text, topic.all_claims())
    ):
        what = f"{topic.path}: writing the answers in would change more than the brackets"
        raise StateError(what, "keep claim links free of Markdown that reaches across their brackets")


def _reading(topic: Topic) -> Iterator[tuple[object, ...]]:
    """All that a file says, as the Markdown parser reads it, but what its claims say."""
    yield topic.title, topic.deck, topic.tags, [block.code for block in topic.blocks]
    yield from _elements(topic.introduction)
    for note in topic.notes:
        # Not their lines: a table that gets rows moves what stands below it.
        cited = [(citation.key, citation.text, citation.place) for citation in note.citations]
        yield note.id, note.kind, note.tags, note.hint, [block.code for block in note.blocks], cited
        yield from _words(note.question)
        yield from _elements(note.answer)
        yield ("extra",)
        yield from _elements(note.extra)


def _elements(tokens: Iterable[Token]) -> Iterator[tuple[object, ...]]:
    filled = False
    for token in tokens:
        filled = filled or "filled" in token.meta
        if not filled:
            yield token.type, token.tag, token.level, token.info, "" if token.children else token.content
            yield from _words(token.children or ())
        filled = filled and token.type != "table_close"


def _words(children: Iterable[Token]) -> Iterator[tuple[object, ...]]:
    depth = 0
    for child in children:
        depth -= child.type == "claim_close"
        if not depth:
            attributes = {name: text for name, text in child.attrs.items() if name != "title"}
            yield child.type, child.tag, child.content, child.markup, attributes
        depth += child.type == "claim_open"


def _stated(claim: Claim, text: str, title: str | None) -> tuple[str | None, ...]:
    """What a link says; the backslash that a pipe has in a table is the table's."""
    caption = claim.text if claim.table is not None else None
    return claim.name, claim.note, caption, text.replace("\\|", "|"), title


def _masked(text: str, claims: Sequence[Claim]) -> list[str]:
    """All of a text but the words, titles and tables of its claim links."""
    parts, at = list[str](), 0
    for span in sorted(span for claim in claims for span in {_owned(claim), claim.title_span}):
        parts.append(text[at : span.start])
        at = span.end
    return [*parts, text[at:]]


def _owned(claim: Claim) -> Span:
    """What of a file belongs to a claim, besides its title."""
    return claim.span if claim.table is None else claim.table.span
