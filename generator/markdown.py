"""The Markdown of notes: CommonMark with tables, math, attributes, cloze deletions, links with a place."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import image as image_rule
from markdown_it.rules_inline import link as link_rule
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

HEADING_ATTRIBUTES = re.compile(r"(?:^|\s)\{(?P<inside>\s*[#.\w][^{}]*)\}\s*$")
CLOZE_OPEN = re.compile(r"\{\{c([0-9]{1,9}(?:,[0-9]{1,9})*)::")
_SOUND = re.compile(r"\[sound:(?P<src>[^\[\]\n]+)\]")
_MATH_END = {fence: re.compile(r"(?<!\\)(?:\\\\)*(?P<end>" + re.escape(fence) + ")") for fence in ("$", "$$")}
SCHEMES = ("claim:", "cite:")


@cache
def markdown() -> MarkdownIt:
    """The one parser; building it costs more than parsing a note."""
    md = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    md.disable(["html_block", "html_inline"])  # which look, and find nothing, where HTML is text
    front_matter_plugin(md)
    dollarmath_plugin(
        md,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    attrs_plugin(md, spans=True, allowed=("class", "width", "height"))
    md.inline.ruler.at("math_inline", _math)
    md.inline.ruler.at("link", _placed(link_rule, "link_open"))
    md.inline.ruler.at("image", _placed(image_rule, "image"))
    md.inline.ruler.before("escape", "cloze", _cloze)
    md.inline.ruler.before("link", "sound", _sound)
    md.core.ruler.after("block", "heading_attributes", _heading_attributes)
    normalize = md.normalizeLink
    # A claim's name is an identifier, not a URL: percent signs would only hide a typing mistake.
    md.normalizeLink = lambda url: url if url.startswith(SCHEMES) else normalize(url)  # type: ignore[method-assign]
    return md


def _placed(rule: Any, kind: str) -> Any:
    """The same inline rule, but its token remembers from where to where in the content it reaches."""

    def placed(state: StateInline, silent: bool) -> bool:
        start, before = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent:
            token = next(token for token in state.tokens[before:] if token.type == kind)
            token.meta["extent"] = (start, state.pos)
        return True

    return placed


def _math(state: StateInline, silent: bool) -> bool:
    """`$x$` and `$$x$$` inside a text, by pandoc's rule: `$5 and $10` are prices.

    An opening dollar has no space after it and no digit before it; a closing one has no space before it
    and no digit after it. (The plugin's own rule looks at the *last* character of the text when the
    dollar is its first, and reads on past the end of a link's text.)
    """
    src, start, maximum = state.src, state.pos, state.posMax
    if src[start] != "$" or (start > 0 and src[start - 1].isdigit()):
        return False
    fence = "$$" if src.startswith("$$", start) else "$"
    closing = _MATH_END[fence].search(src, start + len(fence), maximum)
    if closing is None or (closing.end() < maximum and src[closing.end()].isdigit()):
        return False
    content = src[start + len(fence) : closing.start("end")]
    if not content.strip() or (fence == "$" and (content[0].isspace() or content[-1].isspace())):
        return False
    if not silent:
        token = state.push("math_inline" if fence == "$" else "math_inline_double", "math", 0)
        token.content = content
        token.markup = fence
    state.pos = closing.end()
    return True


def _cloze(state: StateInline, silent: bool) -> bool:
    """`{{c1::text::hint}}`, whose text may hold math, code, emphasis and further deletions."""
    opening = CLOZE_OPEN.match(state.src, state.pos, state.posMax)
    if opening is None:
        return False
    start, maximum = state.pos, state.posMax
    hint, end = -1, -1
    braces = 0  # of the text's own, still open
    state.pos = opening.end()
    while state.pos < maximum:
        at = state.pos
        if braces and state.src[at] == "}":
            braces -= 1
            state.pos += 1
        elif state.src.startswith("}}", at):
            end = at
            break
        elif hint < 0 and state.src.startswith("::", at):
            hint = at
            state.pos += 2
        else:
            state.md.inline.skipToken(state)
            braces += state.src[at] == "{" and state.pos == at + 1
    state.pos = start
    if end < 0:
        return False
    if not silent:
        token = state.push("cloze_open", "", 1)
        token.meta["numbers"] = tuple(int(number) for number in opening[1].split(","))
        _tokenize(state, opening.end(), hint if hint >= 0 else end)
        if hint >= 0:
            token = state.push("cloze_hint", "", 0)
            token.content = state.src[hint + 2 : end]
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        state.push("cloze_close", "", -1)
    state.pos, state.posMax = end + 2, maximum
    return True


def _sound(state: StateInline, silent: bool) -> bool:
    """`[sound:say.mp3]`, as Anki writes it; the token is an image's, as that of `![](say.mp3)` is."""
    found = _SOUND.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        token = state.push("image", "", 0)
        token.attrs["src"] = quote(found["src"])
        token.children = []
        token.markup = "sound"
        token.meta["extent"] = found.span()
    state.pos = found.end()
    return True


def _tokenize(state: StateInline, start: int, end: int) -> None:
    state.pos, state.posMax = start, end
    state.md.inline.tokenize(state)


def _heading_attributes(state: StateCore) -> None:
    """Take `{#id .kind key=value}` off the end of a heading before its text is read."""
    for opening, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if opening.type != "heading_open" or opening.level != 0:
            continue
        attributes = HEADING_ATTRIBUTES.search(inline.content)
        if attributes is not None:
            opening.meta["attributes"] = attributes["inside"].strip()
            inline.content = inline.content[: attributes.start()].rstrip()
