"""What the screen makes of it: formulas that MathJax reads, links with a name, flaws quoted (rule 15)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.rules.card import Card
from generator.rules.finding import Finding, Rule

RULES = (
    Rule("R15a", "error", "braces of a formula are out of balance"),
    Rule("R15b", "error", "\\left without \\right, or \\begin without \\end"),
    Rule("R15c", "warning", "a bare URL"),
    Rule("R15d", "warning", "a flaw card that does not quote what is false"),
)

_URL = re.compile(r"(?:https?://|www\.)[^\s<>)\]]+", re.IGNORECASE)
_PAIRED = re.compile(r"\\\\|\\(left|right)(?![A-Za-z])|\\(begin|end)\s*\{([^{}]*)\}")
_QUOTE = re.compile(r"[\"“”„«»]")


def check(card: Card) -> Iterator[Finding]:
    """What is wrong with a note's formulas and links, and with how a false statement is shown."""
    for piece in (*card.asked, *card.answered, *card.added):
        if piece.kind == "math":
            shown = f"${' '.join(piece.text.split())}$"
            unbalanced = _braces(piece.text)
            if unbalanced:
                what = f"{unbalanced} in {shown}"
                yield card.finds(
                    "R15a", what, "MathJax shows an error in its place; write \\{ for a brace", piece.line
                )
            unpaired = _pairs(piece.text)
            if unpaired:
                hint = "MathJax shows an error in its place; write \\right. for a delimiter that is not drawn"
                yield card.finds("R15b", f"{unpaired} in {shown}", hint, piece.line)
        url = _URL.search(piece.text) if piece.kind == "text" and not piece.mark else None
        if url is not None:
            hint = "give it a name: [the documentation](https://…), or cite it from references.bib"
            yield card.finds("R15c", f"a bare URL, {url[0]}", hint, piece.line)
    if "flaw" in card.note.tags and not card.is_cloze and not _QUOTE.search(card.question):
        what = "a flaw card that states what is false as if it were true"
        yield card.finds(
            "R15d", what, 'quote it as somebody\'s claim: A colleague says: "…" What is missing?'
        )


def _braces(latex: str) -> str:
    """Which brace of a formula has no partner, or nothing."""
    depth = 0
    for sign in re.findall(r"\\.|[{}]", latex, re.DOTALL):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return "a '}' that closes nothing"
    return "a '{' that is never closed" if depth else ""


def _pairs(latex: str) -> str:
    r"""Which `\left`, `\right`, `\begin` or `\end` has no partner, or nothing."""
    opened: list[str] = []
    for match in _PAIRED.finditer(latex):
        delimiter, environment, name = match[1], match[2], match[3]
        if delimiter == "left":
            opened.append("\\left")
        elif environment == "begin":
            opened.append(f"\\begin{{{name}}}")
        elif delimiter or environment:
            wanted = "\\left" if delimiter else f"\\begin{{{name}}}"
            if not opened or opened.pop() != wanted:
                return f"{match[0]} without {wanted}"
    if not opened:
        return ""
    last = opened[-1]
    partner = "\\right" if last == "\\left" else last.replace("begin", "end")
    return f"{last} without {partner}"
