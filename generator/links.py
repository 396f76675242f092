"""Claim links, cite links and figures: found in the parsed text, traced back to their place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markdown_it.token import Token

from generator.errors import Problem
from generator.markdown import SCHEMES
from generator.notes import MARKS, Citation, Claim, Location, Span
from generator.source import Cursor, Source, join_span, trace
from generator.tables import bind_tables

_LINK = re.compile(
    r"""\[(?P<text>.*?)\]\(\s*<?(?:claim|cite):(?P<name>[^\s<>)"']*)>?(?P<title>.*)\)""",
    re.DOTALL,
)
_FIGURE_TITLE = re.compile(r"""["'(]claim:\w+(?P<mark>[^"')]*)["')]\s*\)$""")
_FULL = 'write the link in full: [8.7×](claim:name) or [71.8 %](cite:key "Table 4")'


@dataclass(frozen=True, slots=True)
class Links:
    """Links in order of appearance."""

    claims: tuple[Claim, ...] = ()
    """Claim links and figures."""
    citations: tuple[Citation, ...] = ()
    """Cite links."""
    of_token: Mapping[int, Sequence[Claim | Citation]] = field(default_factory=dict)
    """The links in each inline token that has any, by the token's `id()`."""

    def __add__(self, other: Links) -> Links:
        found = {**self.of_token, **other.of_token}
        return Links(self.claims + other.claims, self.citations + other.citations, found)

    def within(self, tokens: Sequence[Token], note: str | None = None) -> Links:
        """The links that stand in these tokens; their claims belong to the note with this id."""
        kept = {id(token): self.of_token[id(token)] for token in tokens if id(token) in self.of_token}
        links = [link for found in kept.values() for link in found]
        claims = tuple(replace(link, note=note) for link in links if isinstance(link, Claim))
        citations = tuple(link for link in links if isinstance(link, Citation))
        return Links(claims, citations, kept)


def collect_links(source: Source, tokens: Sequence[Token], problems: list[Problem]) -> Links:
    """Find the claim and cite links of a document; their tokens become `claim_open`, `cite_open` …"""
    of_token: dict[int, list[Claim | Citation]] = {}
    cursor = Cursor()
    in_cell = False
    for token in tokens:
        if token.type in ("td_open", "th_open"):
            in_cell = True
        elif token.type in ("td_close", "th_close"):
            in_cell = False
        if token.type != "inline" or token.map is None:
            continue
        offsets = trace(source, token.content, token.map[0], cursor if in_cell else None)
        for child in token.children or ():
            if child.type == "image":
                # A picture that cannot be traced is reported at the first line of its paragraph.
                start = child.meta.get("extent", (0, 0))[0]
                child.meta["location"] = (
                    source.location(offsets[start]) if offsets else source.at(token.map[0])
                )
        found = _links(source, token, offsets, problems)
        if found:
            of_token[id(token)] = found
    bind_tables(source, tokens, of_token, problems)
    links = [link for found in of_token.values() for link in found]
    return Links(
        tuple(link for link in links if isinstance(link, Claim)),
        tuple(link for link in links if isinstance(link, Citation)),
        of_token,
    )


def _links(
    source: Source, token: Token, offsets: list[int] | None, problems: list[Problem]
) -> list[Claim | Citation]:
    found: list[Claim | Citation] = []
    closing: str | None = None
    for child in token.children or ():
        if child.type == "link_close" and closing is not None:
            child.type, child.tag, closing = closing, "span", None
        elif child.type == "link_open" and str(child.attrGet("href")).startswith(SCHEMES):
            scheme = str(child.attrGet("href")).partition(":")[0]
            link = _link(source, token, child, scheme, offsets, problems)
            child.type, child.tag, closing = f"{scheme}_open", "span", f"{scheme}_close"
            child.attrs = {}
            if link is not None:
                child.meta["link"] = link
                found.append(link)
        elif child.type == "image" and str(child.attrGet("title") or "").startswith("claim:"):
            figure = _figure(source, token, child, offsets, problems)
            if figure is not None:
                child.meta["link"] = figure
                found.append(figure)
            del child.attrs["title"]
    return found


def _link(
    source: Source,
    token: Token,
    child: Token,
    scheme: str,
    offsets: list[int] | None,
    problems: list[Problem],
) -> Claim | Citation | None:
    start, end = child.meta.get("extent", (0, 0))
    match = _LINK.fullmatch(token.content, start, end)
    line = source.at(token.map[0] if token.map else 0)
    if match is None or offsets is None or child.attrGet("href") != f"{scheme}:{match['name']}":
        problems.append(Problem(line, f"a {scheme} link that cannot be traced to its text", _FULL))
        return None
    location = source.location(offsets[start])
    name, title = match["name"], child.attrGet("title")
    if not match["text"].strip():
        hint = (
            "write [?](claim:name) to have it filled in"
            if scheme == "claim"
            else "write the figure in the brackets"
        )
        problems.append(Problem(location, f"a {scheme} link without a text", hint))
        return None
    if scheme == "cite":
        return Citation(name, match["text"], str(title) if title else None, location)
    text = join_span(offsets, match.start("text"), match.end("text"))
    if text.of(source.text) != match["text"] and "\n" not in match["text"] and "|" not in match["text"]:
        problems.append(Problem(location, "a claim link that cannot be traced to its text", _FULL))
        return None
    return _claim(
        name, match["text"], title, text, join_span(offsets, *match.span("title")), location, problems
    )


def _claim(
    name: str,
    text: str,
    title: object,
    span: Span,
    title_span: Span,
    location: Location,
    problems: list[Problem],
) -> Claim | None:
    if not name.isidentifier():
        hint = "after 'claim:' comes the name of a value, as in [8.7×](claim:saving)"
        problems.append(Problem(location, f"'{name}' is not a name", hint))
        return None
    return Claim(name, text, str(title) if title else None, span, title_span, location, None)


def _figure(
    source: Source, token: Token, child: Token, offsets: list[int] | None, problems: list[Problem]
) -> Claim | None:
    """An image that a claim draws; a mark stands behind the claim's name, `"claim:plot refuted"`."""
    location = child.meta["location"]
    hint = 'write ![what it shows](figures/name.svg "claim:name")'
    title_text = str(child.attrGet("title")).removeprefix("claim:")
    name, _, mark = title_text.partition(" ")
    if not name.isidentifier() or (mark and mark.strip() not in MARKS):
        problems.append(Problem(location, f"'{title_text}' is not a name", hint))
        return None
    start, end = child.meta.get("extent", (0, 0))
    title = _FIGURE_TITLE.search(token.content, start, end)
    if title is None or offsets is None:
        problems.append(Problem(location, "a figure that cannot be traced to its claim", hint))
        return None
    span = join_span(offsets, *title.span("mark"))
    path = str(child.attrGet("src") or "")
    return Claim(
        name, child.content, mark.strip() or None, span, span, location, None, is_figure=True, path=path
    )
