"""Code coloured at build time: the text is untouched, and every class has its two colours."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.highlight import highlight_code, highlight_css

PYTHON = """\
@decorated
class A(B):
    '''Doc.'''
    x: int = 0x1F + 1.5e3  # a comment

    def f(self, *args):
        return f"{self.x!r} < {args[::2]}\\n" if True else None
"""


def test_python_is_coloured_by_classes() -> None:
    assert highlight_code("x = 1\n", "python") == (
        '<span class="h-n">x</span> <span class="h-o">=</span> <span class="h-mi">1</span>\n'
    )


@pytest.mark.parametrize("language", ["", "nonsense", "../python", "claim"])
def test_a_language_that_nobody_knows_is_left_to_the_caller(language: str) -> None:
    assert highlight_code("x", language) is None


@pytest.mark.parametrize("language", ["python", "c++", "bash", "yaml", "cuda", "text"])
@pytest.mark.parametrize("code", [PYTHON, "", "\n\n  a<b && c > 'd'\n", "𝄞 = {{c1::x}}\n"])
def test_the_text_stays_as_it_was(language: str, code: str) -> None:
    html = highlight_code(code, language)
    assert html is not None
    assert unescape(re.sub(r"<[^>]*>", "", html)).rstrip("\n") == code.rstrip("\n")


@given(st.text("ab1 <>&\"'#{}[]():=\n", max_size=40))
def test_no_text_can_break_out_of_its_tags(code: str) -> None:
    html = highlight_code(code, "python")
    assert html is not None
    assert set(re.findall(r"<[^>]*>", html)) <= {"</span>", *re.findall(r'<span class="h-[a-z0-9]+">', html)}
    assert html.count("<span") == html.count("</span>")
    assert unescape(re.sub(r"<[^>]*>", "", html)).rstrip("\n") == code.rstrip("\n")


def test_every_rule_colours_a_class_of_ours_inside_code_alone() -> None:
    rules = highlight_css().splitlines()
    assert len(rules) > 100
    assert all(re.fullmatch(r"(\.nightMode )?\.code \.h-[A-Za-z0-9-]+ \{ .* \}", rule) for rule in rules)


@pytest.mark.parametrize("scope", [".code", ".nightMode .code"], ids=["light", "dark"])
def test_keywords_numbers_texts_and_comments_are_coloured_by_day_and_by_night(scope: str) -> None:
    rules = highlight_css().splitlines()
    for name in ("h-k", "h-mi", "h-s2", "h-c1", "h-nc", "h-nf"):
        assert any(rule.startswith(f"{scope} .{name} {{ ") and "color" in rule for rule in rules), name
