"""What a note's heading says about it."""

from __future__ import annotations

import pytest

from generator.attributes import Attributes, BadAttributes, read_attributes


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("#dwsep-saving", Attributes("dwsep-saving")),
        ("#q .reversed", Attributes("q", "reversed")),
        (".typed #q", Attributes("q", "typed")),
        ("  #q   .basic  ", Attributes("q", "basic")),
        (".cloze", Attributes(None, "cloze")),
        ('#q tags="why core"', Attributes("q", tags=("why", "core"))),
        ("#q tags=why", Attributes("q", tags=("why",))),
        ('#q hint="Count both: #1, #2."', Attributes("q", hint="Count both: #1, #2.")),
        ("#A_1:b", Attributes("A_1:b")),
        ("#8x8", Attributes("8x8")),
        ('#q contrast="q-2, q-3"', Attributes("q", contrast=("q-2", "q-3"))),
        ("#q expires=2027-05-01", Attributes("q", expires="2027-05-01")),
        ('#q ignore="R05 R13a"', Attributes("q", ignore=("R05", "R13a"))),
    ],
)
def test_an_id_a_kind_tags_and_a_hint(inside: str, expected: Attributes) -> None:
    assert read_attributes(inside) == expected


@pytest.mark.parametrize(
    ("inside", "what", "hint"),
    [
        (
            "#q .revesed",
            "there is no kind of note called '.revesed'",
            "did you mean 'reversed'? (known: basic, reversed, cloze, typed, occlusion)",
        ),
        (
            "#q .x",
            "there is no kind of note called '.x'",
            "known: basic, reversed, cloze, typed, occlusion",
        ),
        (
            "#q .typed .reversed",
            "two kinds of note, '.typed' and '.reversed'",
            "a note has one kind: keep one",
        ),
        ("#q #r", "two ids in {#q #r}", "a note has one id: keep the one that was there first"),
        (
            "#q tag=a",
            "unknown attribute 'tag'",
            "did you mean 'tags'? (known: was, tags, hint, contrast, expires, ignore, hide, type, guid)",
        ),
        (
            "#q deck=a",
            "unknown attribute 'deck'",
            "known: was, tags, hint, contrast, expires, ignore, hide, type, guid",
        ),
        ("#größe", "the id 'größe' has a character that ids do not have", "use a-z, 0-9 and -"),
        ("#-q", "the id '-q' has a character that ids do not have", "use a-z, 0-9 and -"),
        ("#a/b", "cannot read the attributes {#a/b}", 'write {#id}, {#id .typed} or {#id tags="a b"}'),
        ("x", "cannot read the attributes {x}", 'write {#id}, {#id .typed} or {#id tags="a b"}'),
        (
            '#q tags="a',
            'cannot read the attributes {#q tags="a}',
            'write {#id}, {#id .typed} or {#id tags="a b"}',
        ),
        ("#q expires=soon", "'soon' is no date", "write expires=2027-05-01: year, month, day"),
        ("#q expires=20270501", "'20270501' is no date", "write expires=2027-05-01: year, month, day"),
        ("#q expires=2027-02-30", "'2027-02-30' is no date", "write expires=2027-05-01: year, month, day"),
        ("#", "cannot read the attributes {#}", 'write {#id}, {#id .typed} or {#id tags="a b"}'),
    ],
)
def test_what_cannot_be_meant_is_refused(inside: str, what: str, hint: str) -> None:
    with pytest.raises(BadAttributes) as refused:
        read_attributes(inside)
    assert (refused.value.what, refused.value.hint) == (what, hint)
