"""Fused lexers read exactly as Pygments' own do."""

from __future__ import annotations

import random
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import RegexLexer
from pygments.lexers import get_all_lexers, get_lexer_by_name
from pygments.token import Name

from generator.highlight import highlight_code
from generator.lexing import Fused

REPOSITORY = Path(__file__).parent.parent
SAMPLES = [
    (REPOSITORY / name).read_text(encoding="utf-8")
    for name in ("generator/lexing.py", "generator/templates/card.css", "README.md", "Makefile")
]
LANGUAGES = sorted({aliases[0] for _, aliases, _, _ in get_all_lexers() if aliases})


def fused(language: str) -> Fused:
    found = Fused.of(get_lexer_by_name(language, stripnl=False))
    assert found is not None
    return found


@pytest.mark.parametrize("language", ["python", "c", "cuda", "bash", "json", "rust", "javascript", "yaml"])
@pytest.mark.parametrize("sample", SAMPLES, ids=["python", "css", "markdown", "make"])
def test_a_fused_lexer_finds_the_tokens_that_pygments_finds(language: str, sample: str) -> None:
    lexer = get_lexer_by_name(language, stripnl=False)
    quick = Fused.of(lexer)
    if quick is not None:
        assert list(quick.tokens(sample)) == list(lexer.get_tokens(sample))


def test_the_html_is_what_pygments_writes_in_any_language() -> None:
    formatter = HtmlFormatter[str](nowrap=True, classprefix="h-")
    pick = random.Random(7)
    for language in pick.sample(LANGUAGES, 120):
        sample = pick.choice(SAMPLES)
        start = pick.randrange(len(sample))
        code = sample[start : start + 200]
        lexer = get_lexer_by_name(language, stripnl=False)
        assert highlight_code(code, language) == highlight(code, lexer, formatter), language


@given(st.text("ab1 f\"'\\{}[]():=#@\n\t\r.√", max_size=60))
def test_any_text_is_read_alike(code: str) -> None:
    lexer = get_lexer_by_name("python", stripnl=False)
    assert list(fused("python").tokens(code)) == list(lexer.get_tokens(code))


def test_the_rules_of_python_become_one_expression() -> None:
    # Were they tried one by one, as Pygments does, this would be some fifty.
    assert len(fused("python")._of_state("root")) == 1


class Odd(RegexLexer):
    """Rules that cannot all stand in one alternation, and states that go up and down."""

    tokens: ClassVar = {
        "root": [
            (r"(?i)abc", Name.Class),
            (r"(['\"]).*?\1", Name.Constant),
            (r"(?P<word>[a-z]+)!", Name.Entity),
            (r"<(?=([a-z]))", Name.Tag, ("inner", "#push")),
            (r"[a-z]+", Name),
        ],
        "inner": [(r">>", Name.Other, "#pop:2"), (r">", Name.Other, "#pop"), (r"[^>\n]", Name.Label)],
    }


@pytest.mark.parametrize("text", ["ABCabc", "'a\"b'x", "go!go", "<ab>c>d", "<a>>b", ">>x<", "<a\nabc", "√1"])
def test_rules_that_cannot_be_fused_keep_their_place(text: str) -> None:
    lexer = Odd()
    quick = Fused.of(lexer)
    assert quick is not None and len(quick._of_state("root")) > 1
    assert list(quick.tokens(text)) == list(lexer.get_tokens(text))


def test_a_lexer_with_its_own_way_to_read_is_left_alone() -> None:
    assert Fused.of(get_lexer_by_name("pycon")) is None
