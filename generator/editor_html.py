"""Markdown → HTML as Anki's own editor writes it: lines end in `<br>`, bold is `<b>`, no paragraphs.

Fields of imported notes are rendered this way, so that a field which was turned into Markdown comes out
byte for byte as it was, and one that is edited still looks like its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import PurePosixPath
from urllib.parse import unquote

from markdown_it.token import Token

_BLOCKS = {
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "blockquote",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
_PAIRS = {"s": "s", "span": "span", "claim": "span", "cite": "span"}
_CLASSES = {"claim": "measured", "cite": "cited"}


@dataclass(slots=True)
class Page:
    """What is known of the field that is being rendered, and what is found in it."""

    cloze: bool
    """Whether Anki will look for deletions in it."""
    images: list[Token] = field(default_factory=list)
    """The images met so far."""
    depth: int = 0
    """How many deletions are open."""


def editor_html(tokens: Sequence[Token], page: Page) -> str:
    """The HTML of block tokens."""
    parts: list[str] = []
    before = [""]  # what the last sibling was, for every open container
    for token in tokens:
        kind, _, end = token.type.rpartition("_")
        if token.type == "inline":
            if before[-1] == "text":
                parts.append("<br><br>")
            parts.append(editor_inline(token.children or (), page))
            before[-1] = "text"
        elif token.type == "math_block":
            parts.append("<br><br>" if before[-1] == "text" else "")
            parts.append(_math(token.content.strip("\n"), page, "\\[", "\\]"))
            before[-1] = "text"
        elif token.type in ("fence", "code_block"):
            language = (token.info.split() or [""])[0]
            name = f' class="language-{escape(language)}"' if language else ""
            code = _text(token.content, page)
            parts.append(f"<pre><code{name}>{code}</code></pre>")
            before[-1] = "block"
        elif token.type == "hr":
            parts.append("<hr>")
            before[-1] = "block"
        elif end == "open" and kind != "paragraph":
            start = f' start="{token.attrs["start"]}"' if "start" in token.attrs else ""
            parts.append(f"<{_BLOCKS.get(kind, token.tag)}{start}>")
            before.append("")
        elif end == "close" and kind != "paragraph":
            parts.append(f"</{_BLOCKS.get(kind, token.tag)}>")
            before.pop()
            before[-1] = "block"
    return "".join(parts)


def editor_inline(tokens: Sequence[Token], page: Page) -> str:
    """The HTML of inline tokens."""
    return "".join(_inline(token, page) for token in tokens)


def _inline(token: Token, page: Page) -> str:
    match token.type:
        case "text" | "text_special":
            return _text(token.content, page)
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "<br>"
        case "code_inline":
            return f"<code>{_text(token.content, page)}</code>"
        case "math_inline":
            return _math(token.content, page, "\\(", "\\)")
        case "math_inline_double":
            return _math(token.content, page, "\\[", "\\]")
        case "image":
            return _image(token, page)
        case "cloze_open":
            page.depth += 1
            return "{{c" + ",".join(map(str, token.meta["numbers"])) + "::"
        case "cloze_hint":
            inside = editor_inline(token.children, page) if token.children else _text(token.content, page)
            return "::" + inside
        case "cloze_close":
            page.depth -= 1
            return "}}"
        case "link_open":
            href, title = token.attrGet("href") or "", token.attrGet("title")
            named = f' title="{escape(str(title))}"' if title else ""
            return _guard(f'<a href="{escape(str(href))}"{named}>', page)
        case "link_close":
            return "</a>"
    return _pair(token)


def _pair(token: Token) -> str:
    """Emphasis and spans; `*` is what Anki's buttons write, `_` is what other tools wrote."""
    kind, _, end = token.type.rpartition("_")
    old = token.markup.startswith("*")
    tag = {"em": "i" if old else "em", "strong": "b" if old else "strong"}.get(kind) or _PAIRS.get(kind)
    if tag is None or end not in ("open", "close"):
        return ""
    if end == "close":
        return f"</{tag}>"
    names = _CLASSES.get(kind) or token.attrs.get("class")
    return f'<{tag} class="{escape(str(names))}">' if names else f"<{tag}>"


def _text(text: str, page: Page) -> str:
    return _guard(escape(text, quote=False).replace("\xa0", "&nbsp;"), page)


def _guard(html: str, page: Page) -> str:
    """Inside a deletion, keep Anki from taking braces and colons for the deletion's end and hint."""
    if not page.cloze or not page.depth:
        return html
    return html.replace("{", "&#123;").replace("}", "&#125;").replace("::", "&#58;&#58;")


def _math(latex: str, page: Page, opening: str, closing: str) -> str:
    if page.cloze and page.depth:
        while "}}" in latex or "{{" in latex:
            latex = latex.replace("}}", "} }").replace("{{", "{ {")
        latex = latex.replace("::", ":{:}")
    return opening + escape(latex, quote=False).replace("\xa0", "&nbsp;") + closing


def media_name(token: Token) -> str:
    """The name in Anki's media folder of the file that an image shows: its own, without folders."""
    return PurePosixPath(unquote(str(token.attrGet("src") or ""))).name


def _image(token: Token, page: Page) -> str:
    name = media_name(token)
    if token.markup == "sound":
        return f"[sound:{name}]"
    page.images.append(token)
    alt = f' alt="{escape(token.content)}"' if token.content else ""
    size = "".join(
        f' {key}="{escape(str(token.attrs[key]))}"' for key in ("width", "height") if key in token.attrs
    )
    return f'<img src="{escape(name)}"{alt}{size}>'
