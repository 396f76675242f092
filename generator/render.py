"""A note → its fields as HTML, the way Anki wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from generator.blocks import used_names
from generator.errors import Problem
from generator.highlight import highlight_code
from generator.inert import CONTROLS, inert, inert_code
from generator.markdown import markdown
from generator.mathjax import math_html
from generator.media import BadMedia, Media, find_media, locate
from generator.notes import MARKS, Citation, Claim, Note, Topic
from generator.occlusion import occlusion_text
from generator.parse import plain_text
from generator.references import Reference
from generator.slicing import relevant_code
from generator.spacing import bound

Rule = Callable[[RendererHTML, Sequence[Token], int, Any, "_Page"], str]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A note as it goes into a package."""

    fields: dict[str, str]
    """HTML by field name; fields that are not here stay empty."""
    media: tuple[Media, ...]
    """The files that its fields show."""
    problems: tuple[Problem, ...]
    """What is wrong with it."""
    held_back: tuple[str, ...]
    """Why it must not be in a deck yet, one reason for each claim; empty when it may."""


@dataclass(slots=True)
class _Page:
    """What the render rules need to know about the note they work on (markdown-it's `env`)."""

    folder: Path
    """The folder of the note's file."""
    root: Path
    """The collection's folder."""
    cloze: bool
    """Whether Anki will look for deletions in the text."""
    references: dict[str, Reference]
    """The literature."""
    media: dict[str, Media] = field(default_factory=dict)
    """Files met so far, by name."""
    problems: list[Problem] = field(default_factory=list)
    """What is wrong so far."""
    missing_figures: list[str] = field(default_factory=list)
    """Figures of claims that were never drawn."""


def render(note: Note, topic: Topic, root: Path, references: dict[str, Reference]) -> Rendered:
    """Render a note.

    Args:
        note: the note.
        topic: the file it stands in.
        root: the collection's folder.
        references: the literature that it may cite.
    """
    page = _Page(topic.file.parent, root, note.kind == "cloze", references)
    question = _inline(note.question, page)
    answer = "" if note.kind == "occlusion" else _blocks(note.answer, page)
    fields = {
        "Extra": _blocks(note.extra, page),
        "Evidence": _evidence(note, topic),
        "Source": _sources(note, references),
        "Topic": inert(escape(topic.title, quote=False)),
        "Hint": inert(escape(note.hint, quote=False)),
        "Expires": note.expires or topic.expires,
        "Id": note.id,
        "Introduction": _introduction(topic, page),
    }
    if note.kind == "cloze":
        fields |= {"Text": answer, "Context": question}
    elif note.kind == "occlusion":
        fields |= {
            "Occlusion": occlusion_text(note.masks, note.hides_all),
            "Image": _image(note.image, page) if note.image else "",
            "Header": question,
            "Back Extra": fields.pop("Extra"),
        }
    else:
        fields |= {"Question": question, "Answer": answer}
    if note.kind == "reversed":
        fields["Reversed"] = "1"
    if note.kind == "typed":
        fields["Typed"] = _typed(note, page)
    return Rendered(
        {name: html.translate(CONTROLS) for name, html in fields.items()},
        tuple(page.media.values()),
        tuple(page.problems),
        (*held_back_by(note), *page.missing_figures),
    )


def held_back_by(note: Note) -> tuple[str, ...]:
    """Why a note's numbers keep it from being in a deck yet, one reason for each claim."""
    return tuple(
        f"{claim.location}: {claim.name} is {claim.held_back}" for claim in note.claims if claim.held_back
    )


@cache
def _renderer() -> MarkdownIt:
    md = markdown()
    rules: dict[str, Rule] = {
        "math_inline": lambda s, t, i, o, e: math_html(t[i].content, "\\(", "\\)", e.cloze),
        "math_inline_double": lambda s, t, i, o, e: math_html(t[i].content, "\\[", "\\]", e.cloze),
        "math_block": lambda s, t, i, o, e: "<p>" + math_html(t[i].content, "\\[", "\\]", e.cloze) + "</p>\n",
        "fence": lambda s, t, i, o, e: _code(t[i].content, (t[i].info.split() or [""])[0], e),
        "code_block": lambda s, t, i, o, e: _code(t[i].content, "", e),
        "code_inline": lambda s, t, i, o, e: (
            f"<code>{_guard(inert_code(escape(t[i].content, quote=False)), e)}</code>"
        ),
        "text": lambda s, t, i, o, e: _guard(inert(bound(escape(t[i].content, quote=False))), e),
        "table_open": lambda s, t, i, o, e: '<div class="table"><table>\n',
        "table_close": lambda s, t, i, o, e: "</table></div>\n",
        "claim_open": lambda s, t, i, o, e: _guard(f'<span class="measured"{_title(t[i])}>', e),
        "claim_close": lambda s, t, i, o, e: "</span>",
        "cite_open": lambda s, t, i, o, e: _guard(f'<span class="cited"{_title(t[i])}>', e),
        "cite_close": lambda s, t, i, o, e: "</span>",
        "link_open": lambda s, t, i, o, e: _guard(s.renderToken(t, i, o, e), e),  # type: ignore[arg-type]
        "span_open": lambda s, t, i, o, e: _guard(s.renderToken(t, i, o, e), e),  # type: ignore[arg-type]
        "cloze_open": lambda s, t, i, o, e: "{{c" + ",".join(map(str, t[i].meta["numbers"])) + "::",
        "cloze_hint": lambda s, t, i, o, e: "::" + s.renderInline(t[i].children or [], o, e),  # type: ignore[arg-type]
        "cloze_close": lambda s, t, i, o, e: "}}",
        "image": lambda s, t, i, o, e: _image(t[i], e),
    }
    for name, rule in rules.items():
        md.add_render_rule(name, rule)
    return md


def _inline(tokens: Sequence[Token], page: _Page) -> str:
    md = _renderer()
    return md.renderer.renderInline(tokens, md.options, page).strip()  # type: ignore[attr-defined, no-any-return]


def _blocks(tokens: Sequence[Token], page: _Page) -> str:
    md = _renderer()
    return str(md.renderer.render(tokens, md.options, page)).strip()  # type: ignore[arg-type]


def _guard(html: str, page: _Page) -> str:
    """Keep Anki's cloze parser from seeing braces and colons that are no part of a deletion's syntax."""
    if not page.cloze:
        return html
    html = html.replace("{", "&#123;").replace("}", "&#125;").replace("::", "&#58;&#58;")
    # The `::` of a hint may follow.
    return html[:-1] + "&#58;" if html.endswith(":") else html


def _code(code: str, language: str, page: _Page) -> str:
    coloured = highlight_code(code, language)
    inside = coloured if coloured is not None else escape(code, quote=False)
    return f'<pre class="code"><code>{_guard(inert_code(inside), page)}</code></pre>\n'


def _title(token: Token) -> str:
    link = token.meta.get("link")
    title = link.title if isinstance(link, Claim) else link.place if isinstance(link, Citation) else None
    return f' title="{inert_code(escape(title))}"' if title else ""


def _image(token: Token, page: _Page) -> str:
    src = str(token.attrGet("src") or "")
    link = token.meta.get("link")
    if isinstance(link, Claim):
        try:
            drawn = locate(src, page.folder, page.root).is_file()
        except (ValueError, OSError):
            drawn = True  # the problem is reported below
        if not drawn:
            page.missing_figures.append(f"{link.location}: the figure {src} is not drawn yet")
            return ""
    try:
        media = find_media(src, page.folder, page.root, token.meta["location"])
    except BadMedia as error:
        page.problems.append(error.problem)
        return ""
    page.media[media.name] = media
    if media.is_played:
        return f"[sound:{media.name}]"
    if token.markup == "sound":
        what = f"Anki does not play {src}"
        page.problems.append(Problem(token.meta["location"], what, f"show it: ![what it shows]({src})"))
    size = "".join(
        f' {key}="{escape(str(token.attrs[key]))}"' for key in ("width", "height") if key in token.attrs
    )
    alt = inert_code(escape(plain_text(token) or token.content))
    drawn_by_claim = ' class="drawn"' if isinstance(link, Claim) else ""
    return _guard(f'<img src="{media.name}" alt="{alt}"{size}{drawn_by_claim}>', page)


def _typed(note: Note, page: _Page) -> str:
    """The plain text that the learner's typing is held against."""
    inline = [token for token in note.answer if token.type == "inline"]
    math = (
        any(child.type.startswith("math") or child.type == "image" for child in (inline[0].children or []))
        if inline
        else True
    )
    if len(inline) != 1 or len(note.answer) != 3 or math:
        what = "a typed answer is one paragraph of plain text"
        hint = "move everything else below '---', or take '.typed' away"
        page.problems.append(Problem(note.location, what, hint))
        return ""
    return escape(plain_text(inline[0]), quote=False)


def _sources(note: Note, references: dict[str, Reference]) -> str:
    """The sources that a note cites, one line each, without repetition."""
    lines = dict.fromkeys(
        references[citation.key].as_html(citation.place)
        for citation in note.citations
        if citation.key in references
    )
    return "<br>".join(lines)


def _introduction(topic: Topic, page: _Page) -> str:
    """What the topic is about; empty while a claim in it is not measured or does not hold."""
    if any(claim.held_back for claim in topic.claims):
        return ""
    # Of its own: a figure that is not drawn yet shall hold back what it stands in, and not every note.
    own = replace(page, missing_figures=[])
    html = _blocks(topic.introduction, own)
    return "" if own.missing_figures else html


def _evidence(note: Note, topic: Topic) -> str:
    """The code behind the note's claims and where they were measured; empty for a note without claims."""
    if not note.claims and not note.blocks:
        return ""
    wanted = {claim.name for claim in note.claims}.union(*(used_names(block.code) for block in note.blocks))
    parts = [relevant_code(topic.blocks, wanted), *(block.code for block in note.blocks)]
    code = "\n".join(part.strip("\n") + "\n" for part in parts if part.strip())
    places = dict.fromkeys(claim.title for claim in note.claims if claim.title and claim.title not in MARKS)
    where = "".join(f"<p>Measured on {escape(place, quote=False)}.</p>" for place in places)
    return f'<pre class="code"><code>{highlight_code(code, "python")}</code></pre>{where}'
