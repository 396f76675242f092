"""What a note says is what a plain CommonMark renderer shows, which here is markdown-it's own preset.

Our language adds to CommonMark: tables, math, deletions, attributes, front matter, a title and notes made of
headings. The documents here use none of that. Raw HTML is text in ours, and in the preset as it is set up.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from generator.parse import parse
from generator.render import render
from generator.source import Source
from tests.notes import HEAD, visible

PRESET = MarkdownIt("commonmark", {"html": False})

DOCUMENTS = {
    "paragraphs": "One line\nand its second.\n\nAnother, with two spaces  \nat a break, and a\\\nbackslash.",
    "emphasis": "*a* _b_ **c** __d__ ***e*** *f **g** h* **i *j* k** 2 * 3 * 4 snake_case_name **a*b**",
    "unbalanced": "*a **b* c** _d *e_ f* **g\n\n* not emphasis * and ** neither ** nor _ this _",
    "intraword": "un*frigging*believable, un_frigging_believable, foo**bar**baz, foo__bar__baz",
    "code-spans": "`a` ``b ` c`` ` `` ` `*d*` `\\e` unclosed ` here and `` there",
    "code-blocks": "    indented *code*\n      more\n\n```py\nx = '<b>'\n```\n\n~~~\n``` inside\n~~~",
    "fences": "````\n```\nnested\n```\n````\n\n``` info string & more\ntext\n```",
    "headings": "### Three\n\n#### Four *em* `code`\n\n##### Five #####\n\n###### Six\n\n####### none\n\n#5",
    "quotes": "> a\n> b\n\n> c\nlazy\n\n> > nested\n> back\n\n> - list\n>   in quote",
    "bullets": "- a\n- b\n\n  second paragraph\n- c\n  - d\n    - e\n\n+ plus\n* star",
    "ordered": "1. a\n2. b\n   1. c\n   2. d\n\n7) seven\n8) eight\n\n14. x\n\nIt was 1986. A year.",
    "loose": "- a\n\n- b\n\n\n- c\n\n1. x\n\n   y\n\n2. z",
    "list-code": "- a\n\n      indented in a list\n\n- ```\n  fenced\n  ```",
    "interruption": "Text\n- is a list\n\nText\n14. is none\n\nText\n1. is one",
    "links": "[a](/b 'title') [c](<d e>) [*f* `g`](h) [i]() <https://a.b/c?d=e&f> <me@example.org>",
    "references": "[a], [b][a], [c][] and [d][none]\n\n[a]: /x 'y'\n[c]: <z>",
    "brackets": "[not a link] [neither](a b) ] [ [[c]] \\[d\\](e)",
    "images": "![alt *text*](a.png) and ![b][c]\n\n[c]: d.png",
    "escapes": r"\*a\* \_b\_ \`c\` \[d\] \# e \\ \& \< \> \! \- \+ \. \a \1 \é",
    "entities": "&amp; &lt; &copy; &frac34; &#35; &#x22; &nbsp;x &unknown; &#0; &amp;amp;",
    "rules": "a\n\n***\n\nb",
    "rules-spelled": "a\n\n_ _ _\n\nb\n\n- - -",
    "html": "<b>a</b> <!-- c --> <div>\n\n*d*\n\n</div> a < b > c <5 & 6",
    "html-block": "<script>\nvar a = '*b*'\n</script>\n\n<pre>\n c\n</pre>",
    "unicode": "Größe *naïve* 中文，*强调*。 é 𝄞 ​zero-width\u00a0no-break \u2028 separator",
    "tabs": "\ta\tb\n\n-\tc\n\n>\td\n\n1.\te",
    "blank": "a\n \n\t\nb\n\n\n\nc",
    "precedence": "*a `b* c` and `<d href='`'>` and [e `](f)` g](h)",
    "autolink-like": "https://example.org and www.example.org and <not a link> <made-up:x>",
    "definition-only": "[foo]: /bar\n[foo]: /second\n\n[foo]",
    "deep": "> 1. > - *a*\n>    > - b\n>\n> c",
    "math-free": "It costs 5 and 10; 100 % of a + b = c; x^2; a_b",
    "mathjax": "A \\\\(not math\\\\) and \\\\[neither\\\\] and \\begin{x}y\\end{x}",
    "anki": "A \\[latex]x[/latex] and [anki:play:q:0] are text",
    "windows": "a\r\nb\r\n\r\n- c\r\n- d",
}


def ours(body: str) -> str | None:
    """What a card with this body shows, or None when the body is not one of CommonMark alone."""
    topic, problems = parse(Source.of("topic.md", HEAD + body), Path("topic.md"))
    if topic is None or len(topic.notes) != 1 or any(problem.severity == "error" for problem in problems):
        return None
    fields = render(topic.notes[0], topic, Path(), {}).fields
    return " ".join(visible(fields[name]) for name in ("Answer", "Extra") if visible(fields[name]))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_shows_what_the_preset_shows(name: str) -> None:
    assert ours(DOCUMENTS[name]) == visible(PRESET.render(DOCUMENTS[name]))


WORDS = "a", "b c", "é", "é*", "中", "x_y_z", "*a*", "**b**", "_c_", "`d`", "[e](f)", "[g]: h", "![", "](x)"
MARKS = (
    "*",
    "**",
    "_",
    "__",
    "`",
    "``",
    "```",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "!",
    '"',
    "'",
    ":",
    ".",
    ",",
)
LINES = "\n~~~", "> ", "- ", "1. ", "2) ", "+ ", "### ", "# ", "***", "    ", "\t", "   "
SIGNS = "\\", "\\*", "\\\\(", "\\\\[", "&", "&amp;", "&#42;", "<b>", "</b>", "<!--", "-->", "<https://a.b>"
PIECES = st.sampled_from(WORDS + MARKS + LINES + SIGNS)
SPACES = st.sampled_from(["", "", " ", " ", "\n", "\n\n", "\n    ", "\n  "])


@settings(max_examples=400)
@given(st.lists(st.tuples(PIECES, SPACES), max_size=24))
def test_whatever_is_written_shows_what_the_preset_shows(pieces: list[tuple[str, str]]) -> None:
    # A word on either side, so that no note is without an answer and no definition eats the last line.
    body = "word\n\n" + "".join(piece + space for piece, space in pieces) + "\n\nword"
    found = ours(body)
    assume(found is not None)
    assert found == visible(PRESET.render(body))
