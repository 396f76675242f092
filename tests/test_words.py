"""What a person sees of HTML, and which of its words changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.words import compare, spell, visible


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>One <b>two</b>,\n three</p>", "One two, three"),
        ("<p>a</p><p>b</p><ul><li>c</li></ul>", "a b c"),
        ("in<em>side</em>", "inside"),
        ("a &lt;b&gt; &amp;", "a <b> &"),
        (r"\(a&lt;b\)", r"\(a<b\)"),
        ('<img src="x.png" alt="y">', "[x.png]"),
        ("<p>{{c1::two::hint}}</p>", "{{c1::two::hint}}"),
    ],
)
def test_the_visible_text_of_html(html: str, text: str) -> None:
    assert visible(html) == text


@pytest.mark.parametrize(
    ("before", "after", "spelled"),
    [
        ("a b c", "a x c", "a [-b-]{+x+} c"),
        ("a b", "a b c", "a b{+ c+}"),
        ("a b c", "a c", "a [-b -]c"),
        ("294,912 weights", "589,824 weights", "[-294,912-]{+589,824+} weights"),
        ("8.7× fewer.", "8.8× fewer.", "[-8.7-]{+8.8+}× fewer."),
        ("", "new", "{+new+}"),
        (
            "one two three four five six seven x",
            "one two three four five six seven y",
            "… three four five six seven [-x-]{+y+}",
        ),
        (
            "x one two three four five six seven",
            "y one two three four five six seven",
            "[-x-]{+y+} one two three four five …",
        ),
    ],
)
def test_words_that_went_and_came_are_marked_and_far_ones_left_out(
    before: str, after: str, spelled: str
) -> None:
    assert spell(compare(before, after)) == spelled


def test_on_a_terminal_colour_tells_what_went_and_what_came() -> None:
    assert spell(compare("a b", "a c"), colour=True) == "a \x1b[31;9mb\x1b[0m\x1b[32mc\x1b[0m"


@given(st.text(), st.text())
def test_the_pieces_of_a_comparison_make_both_texts(before: str, after: str) -> None:
    pieces = compare(before, after)
    kept = [text.replace("\n", " ") for text in (before, after)]
    assert ["".join(each.before for each in pieces), "".join(each.after for each in pieces)] == [
        before,
        after,
    ], kept
