"""New text by spans: what stands in the brackets and titles changes, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator.errors import StateError
from generator.notes import Claim, Topic
from generator.parse import parse
from generator.source import Source
from tests.workplace import read_topic
from verify.rewrite import Edit, apply, edit_of, rewrite
from verify.verdicts import Judgement, Verdict

HEAD = "# T\n\n```python claim\na = b = c = d = 1\n```\n\n## Q? {#q}\n\n"


def edits(topic: Topic, new: Mapping[str, tuple[str, str | None]]) -> list[Edit]:
    """What is to become of the links with these names: text and title."""
    return [Edit(claim, *new[claim.name]) for claim in topic.all_claims() if claim.name in new]


def rewritten(folder: Path, text: str, new: Mapping[str, tuple[str, str | None]]) -> str:
    topic = read_topic(folder, text)
    return rewrite(topic, edits(topic, new))


PLACES = {
    "a paragraph": "Saving [8.7×](claim:a) fewer.\n",
    "with a title": 'Saving [8.7×](claim:a "AMD EPYC, 2026-11") fewer.\n',
    "twice in a line": "From [1](claim:b) to [8.7×](claim:a), [2](claim:b).\n",
    "emphasis": "**Saving [8.7×](claim:a)** and *[2](claim:b)*.\n",
    "a list": "1. one\n2. saving [8.7×](claim:a)\n   - and [2](claim:b)\n",
    "a quote": "> So:\n>\n> - saving [8.7×](claim:a)\n",
    "a table": "| a | b |\n|---|---|\n| [8.7×](claim:a) | [2](claim:b) |\n| 8.7× | x |\n",
    "a table with pipes": "| a \\| b | c |\n|---|---|\n| x \\| y [8.7×](claim:a) | `\\|` [2](claim:b) |\n",
    "two lines": "Saving\n[8.7×](claim:a)\nfewer.\n",
    "a cloze": "It saves {{c1::[8.7×](claim:a)::factor}} here, all of it.\n",
    "the extra": "So.\n\n---\n\nBecause [8.7×](claim:a).\n",
    "beside code": "`[8.7×](claim:a)` is how [8.7×](claim:a) is written.\n",
    "beside math": "$[8.7×](claim:a)$ and [8.7×](claim:a)\n",
    "beside an escape": "\\[8.7×\\] and [8.7×](claim:a)\n",
    "after a line separator": "One\u2028two [8.7×](claim:a).\n",
    "wide characters": "𝒦 é e\u0301 漢 [8.7×](claim:a) 🙂\n",
    "tabs and spaces at the end": "\tcode\n\nText [8.7×](claim:a)  \nnext\t\n",
    "angle brackets": "Saving [8.7×](<claim:a>).\n",
    "no newline at the end": "Saving [8.7×](claim:a)",
}


@pytest.mark.parametrize("body", PLACES.values(), ids=PLACES)
def test_only_the_words_in_the_brackets_change(tmp_path: Path, body: str) -> None:
    found = rewritten(
        tmp_path, HEAD + body, {"a": ("9.1×", "AMD EPYC, 2026-11" if " EPYC" in body else None)}
    )
    # The link as such occurs once; the same characters in code, math or behind a backslash are none.
    last = body.rindex("[8.7×]")
    assert found == HEAD + body[:last] + "[9.1×]" + body[last + len("[8.7×]") :]


@pytest.mark.parametrize(
    ("before", "title", "after"),
    [
        ("[1](claim:a)", "refuted", '[1](claim:a "refuted")'),
        ("[1](claim:a )", "refuted", '[1](claim:a "refuted")'),
        ("[1](<claim:a>)", "refuted", '[1](<claim:a> "refuted")'),
        ('[1](claim:a "refuted")', None, "[1](claim:a)"),
        ("[1](claim:a 'refuted')", None, "[1](claim:a)"),
        ("[1](claim:a (refuted))", None, "[1](claim:a)"),
        ('[1](claim:a   "failed" )', "AMD EPYC, 2026-11", '[1](claim:a "AMD EPYC, 2026-11")'),
        ('[1](claim:a "NVIDIA H200")', "AMD EPYC", '[1](claim:a "AMD EPYC")'),
    ],
)
def test_a_title_is_written_replaced_and_taken_away(
    tmp_path: Path, before: str, title: str | None, after: str
) -> None:
    found = rewritten(tmp_path, f"{HEAD}So {before}, and no more.\n", {"a": ("1", title)})
    assert found == f"{HEAD}So {after}, and no more.\n"


def test_text_and_title_of_many_links_change_at_once(tmp_path: Path) -> None:
    body = '[1](claim:a) [?](claim:b "failed") [3](claim:c) ![F](f.svg "claim:d")\n'
    found = rewritten(
        tmp_path,
        HEAD + body,
        {"a": ("1,000", "X"), "b": ("2", None), "c": ("", "refuted")} | {"c": ("3", "refuted")},
    )
    assert found == HEAD + '[1,000](claim:a "X") [2](claim:b) [3](claim:c "refuted") ![F](f.svg "claim:d")\n'


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"], ids=["CRLF", "CR", "LF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
def test_line_endings_and_the_byte_order_mark_stay(tmp_path: Path, newline: str, mark: str) -> None:
    body = "> [1](claim:a) of\n> [2](claim:b)\n\n| x |\n|---|\n| [3](claim:c) |\n"
    text = mark + (HEAD + body).replace("\n", newline)
    topic = read_topic(tmp_path, text)
    assert apply(topic, edits(topic, {"a": ("10", None), "b": ("20", "X"), "c": ("30", None)}))
    wanted = text.replace("[1]", "[10]").replace("[2](claim:b)", '[20](claim:b "X")').replace("[3]", "[30]")
    assert topic.file.read_bytes() == wanted.encode("utf-8")


@pytest.mark.parametrize("words", [r"a\|b", r"64×55×55", r"a\*b\_c", r"\[x\]", r"\`x\`", r"\<x\>", r"\\"])
@pytest.mark.parametrize("body", ["Shape [?](claim:a), so.\n", "| x |\n|---|\n| [?](claim:a) |\n"])
def test_escaped_words_can_be_written_everywhere(tmp_path: Path, body: str, words: str) -> None:
    assert rewritten(tmp_path, HEAD + body, {"a": (words, None)}) == HEAD + body.replace("?", words)


REFUSED = {
    "a bracket that closes early": ("[1](claim:a) of [2](claim:b)", "1](x"),
    "an empty text": ("[1](claim:a)", ""),
    "code that swallows the rest": ("[1](claim:a) and `x` [2](claim:b)", "`"),
    "a heading": ("[1](claim:a)", "1\n\n## Other? {#other}\n\n2"),
    "a new paragraph": ("[1](claim:a)", "1\n\n2"),
    "a pipe that splits a cell": ("| x | y |\n|---|---|\n| [1](claim:a) | z |", "$|K|$"),
    "a link of its own": ("[1](claim:a)", "[2](claim:b)"),
    "a deletion": ("[1](claim:a)", "{{c1::1}}"),
}


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED)
def test_what_would_change_more_than_the_brackets_is_refused(tmp_path: Path, body: str, words: str) -> None:
    topic = read_topic(tmp_path, f"{HEAD}{body}\n")
    before = topic.file.read_bytes()
    with pytest.raises(
        StateError, match=r"topic\.md: writing the answers in would change more than the brackets"
    ):
        apply(topic, edits(topic, {"a": (words, None)}))
    assert topic.file.read_bytes() == before


def test_a_title_that_does_not_read_back_is_refused(tmp_path: Path) -> None:
    topic = read_topic(tmp_path, f"{HEAD}[1](claim:a)\n")
    with pytest.raises(StateError):
        rewrite(topic, edits(topic, {"a": ("1", 'say "so"')}))


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    topic = read_topic(tmp_path, f"{HEAD}[1](claim:a)\n")
    topic.file.write_text("somebody's new text", encoding="utf-8")
    with pytest.raises(StateError, match="changed while its claims ran") as refused:
        apply(topic, edits(topic, {"a": ("2", None)}))
    assert "again" in refused.value.hint
    assert topic.file.read_text(encoding="utf-8") == "somebody's new text"


def test_a_file_that_is_gone_meanwhile_is_said(tmp_path: Path) -> None:
    topic = read_topic(tmp_path, f"{HEAD}[1](claim:a)\n")
    topic.file.unlink()
    with pytest.raises(StateError, match=r"topic\.md"):
        apply(topic, edits(topic, {"a": ("2", None)}))
    assert not topic.file.exists()


def test_a_file_without_edits_is_not_touched(tmp_path: Path) -> None:
    topic = read_topic(tmp_path, f"{HEAD}[1](claim:a)\n")
    before = topic.file.stat()
    assert not apply(topic, [])
    assert topic.file.stat() == before


def test_the_rights_of_a_file_stay(tmp_path: Path) -> None:
    topic = read_topic(tmp_path, f"{HEAD}[1](claim:a)\n")
    topic.file.chmod(0o600)
    assert apply(topic, edits(topic, {"a": ("2", None)}))
    assert topic.file.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in topic.file.parent.iterdir()] == ["topic.md"]


def link(folder: Path, text: str) -> Claim:
    """The only link of a note."""
    (claim,) = read_topic(folder, f"{HEAD}{text}\n").all_claims()
    return claim


UPDATES: list[tuple[str, Verdict, str, str | None, tuple[str, str | None] | None]] = [
    # link, verdict, what was measured, title to have → what is written
    ("[8.7×](claim:a)", "holds", "8.7×", None, None),
    ('[8.7×](claim:a "refuted")', "holds", "8.7×", None, ("8.7×", None)),
    ('[8.7×](claim:a "failed")', "holds", "8.7×", "AMD EPYC", ("8.7×", "AMD EPYC")),
    ("[8.7×](claim:a)", "holds", "8.7×", "AMD EPYC", ("8.7×", "AMD EPYC")),
    ('[8.7×](claim:a "AMD EPYC, 2020-01")', "holds", "8.7×", "AMD EPYC, 2026-11", None),
    ("[8.7×](claim:a)", "changed", "9.1×", None, ("9.1×", None)),
    (
        '[8.7×](claim:a "AMD EPYC, 2020-01")',
        "changed",
        "9.1×",
        "AMD EPYC, 2026-11",
        ("9.1×", "AMD EPYC, 2026-11"),
    ),
    ('[8.7×](claim:a "failed")', "changed", "9.1×", None, ("9.1×", None)),
    ("[8.7×](claim:a)", "changed?", "9.1×", "AMD EPYC", ("8.7×", "AMD EPYC")),
    ('[8.7×](claim:a "AMD EPYC, 2020-01")', "changed?", "9.1×", "AMD EPYC, 2026-11", None),
    ("[?](claim:a)", "new", "9.1", None, ("9.1", None)),
    ("[97.12 %](claim:a)", "unstable", "97 %", None, ("97 %", None)),
    ("[8.7×](claim:a)", "refuted", "", "refuted", ("8.7×", "refuted")),
    ('[8.7×](claim:a "refuted")', "refuted", "", "refuted", None),
    ('[8.7×](claim:a "refuted")', "failed", "", "failed", ("8.7×", "failed")),
    ("[?](claim:a)", "skipped", "", None, None),
    ('[8.7×](claim:a "NVIDIA H200")', "elsewhere", "1.8×", "AMD EPYC", None),
    ('![F](f.svg "claim:a")', "changed", "", None, None),
    ('![F](f.svg "claim:a")', "refuted", "", "refuted", ("F", "refuted")),
    ('![F](f.svg "claim:a refuted")', "holds", "F", None, ("F", None)),
    ('![F](f.svg "claim:a refuted")', "refuted", "", "refuted", None),
]


@pytest.mark.parametrize(("text", "verdict", "measured", "title", "written"), UPDATES)
def test_an_update_writes_what_the_verdict_asks_for(
    tmp_path: Path,
    text: str,
    verdict: Verdict,
    measured: str,
    title: str | None,
    written: tuple[str, str | None] | None,
) -> None:
    edit = edit_of(Judgement(link(tmp_path, text), verdict, measured, title), adopt=False)
    assert (edit and (edit.text, edit.title)) == written


def test_every_verdict_has_its_row() -> None:
    assert {row[1] for row in UPDATES} == set(get_args(Verdict))


@pytest.mark.parametrize(
    ("measured", "title", "written"),
    [
        ("1.8×", "AMD EPYC", ("1.8×", "AMD EPYC")),
        ("", "refuted", ("8.7×", "refuted")),
        ("", "failed", ("8.7×", "failed")),
    ],
)
def test_adoption_takes_over_what_was_found_here(
    tmp_path: Path, measured: str, title: str, written: tuple[str, str]
) -> None:
    claim = link(tmp_path, '[8.7×](claim:a "NVIDIA H200")')
    edit = edit_of(Judgement(claim, "elsewhere", measured, title), adopt=True)
    assert edit is not None and (edit.text, edit.title) == written


PROSE = st.lists(
    st.sampled_from(
        [
            "word ",
            "8.7× ",
            "**bold** ",
            "`[1](claim:a)` ",
            "$x_1$ ",
            "\\[ ",
            "\\* ",
            "漢🙂 ",
            "\u2028",
            "a_b ",
            "(x) ",
            "[see](https://example.org) ",
            "\n",
            "\n\n",
            "\n\n- item ",
            "\n\n> quote ",
            "\n\n---\n\n",
            "\n\n| h | i |\n|---|---|\n| x | ",
            "\n\n```python\n[1](claim:a)\n```\n\n",
            "![F](f.svg) ",
            "{{c1::",
            "[1]: x\n\n",
            "***",
            "<b> ",
            "&amp; ",
            "  \n",
        ]
    ),
    max_size=6,
).map("".join)
WORDS = st.sampled_from(
    ["1", "8.7×", "?", "294,912", "$\\frac{1}{N}$", "faster", "a\\*b", "25/36", "1.2e-7", "≈ 3 ms"]
)
TITLES = st.sampled_from([None, "refuted", "failed", "NVIDIA H200, torch 2.11, 2026-11", "it's (so)"])


@settings(max_examples=150)
@given(
    pieces=st.lists(st.tuples(PROSE, WORDS, TITLES, WORDS, TITLES), min_size=1, max_size=4),
    tail=PROSE,
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_stands_around_links_stays_to_the_byte(
    pieces: list[tuple[str, str, str | None, str, str | None]], tail: str, newline: str
) -> None:
    """The new file is the old one with other links in the same places, as if written so at once."""

    def page(new: bool) -> str:
        text = HEAD
        for prose, old_words, old_title, new_words, new_title in pieces:
            words, title = (new_words, new_title) if new else (old_words, old_title)
            text += f"{prose}[{words}](claim:a" + (f' "{title}")' if title else ")")
        return (text + tail).replace("\n", newline)

    topic, problems = parse(Source.of("t.md", page(new=False)), Path("t.md"))
    assert topic is not None
    links = [claim for claim in topic.all_claims() if not claim.is_figure]
    # Some prose leaves an error behind, such as a deletion that is never closed: no such page is rewritten.
    assume(len(links) == len(pieces) and all(problem.severity == "warning" for problem in problems))
    changes = [Edit(claim, words, title) for claim, (*_, words, title) in zip(links, pieces, strict=True)]
    assert rewrite(topic, changes) == page(new=True)


def test_a_figure_is_marked_behind_its_claims_name_and_the_mark_is_taken_away_again(tmp_path: Path) -> None:
    plain = '# T\n\n## Q? {#q}\n\n```python claim\na = 1\n```\n\nSee ![F](f.svg "claim:a") there.\n'
    topic = read_topic(tmp_path, plain)
    (claim,) = topic.notes[0].claims
    marked = rewrite(topic, [Edit(claim, claim.text, "refuted")])
    assert marked == plain.replace('"claim:a"', '"claim:a refuted"')
    again = read_topic(tmp_path, marked)
    (claim,) = again.notes[0].claims
    assert claim.held_back == "refuted"
    assert rewrite(again, [Edit(claim, claim.text, None)]) == plain


TABLES = st.sampled_from(
    [
        "| n | m |\n|---|---|\n| ? | 1 |",
        "| n | m |\n|---|---|\n| 8.7× | 1 |\n| a \\| b | $K$ |",
        "| n | m |\n|:--|--:|\n| 8.7×   | 1,000 |",
        "| x |\n|---|\n| `7` |\n| 8 |\n| 9 |",
    ]
)


@st.composite
def pieces_of_a_file(draw: st.DrawFn) -> tuple[str, str]:
    """A piece of a file, and the same with another answer: of a link, a figure, a table, or of nothing."""
    kind = draw(
        st.sampled_from(["link", "figure", "above", "below", "bare table", "citation", "note", "prose"])
    )
    texts, titles = (draw(WORDS), draw(WORDS)), (draw(TITLES), draw(TITLES))
    found: list[str] = []
    for text, title in zip(texts, titles, strict=True):
        quoted = f' "{title}"' if title else ""
        mark = f" {title}" if title in ("refuted", "failed") else ""
        caption = f"Table: [A **table**, $x$](claim:c{quoted})"
        table = draw(TABLES)
        found.append(
            {
                "link": f"Some *words* [{text}](claim:a{quoted}), `[1](claim:a)`.",
                "figure": f'![What it shows](figures/f.svg "claim:b{mark}")',
                "above": f"{caption}\n\n{table}",
                "below": f"{table}\n\n{caption}",
                "bare table": "| n |\n|---|\n| 8.7× |",
                "citation": '[71.8 %](cite:key "Table 4") and [3×3]{.given}',
                "note": "---\n\nWhy $K^2$ and 7.",
                "prose": "- a list\n- of two\n\n> and a quote",
            }[kind]
        )
    return found[0], found[1]


@settings(max_examples=150)
@given(
    notes=st.lists(st.lists(pieces_of_a_file(), min_size=1, max_size=5), min_size=1, max_size=3),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_a_whole_file_with_links_of_every_kind_is_the_old_one_with_other_answers(
    notes: list[list[tuple[str, str]]], newline: str
) -> None:
    def page(turn: int) -> str:
        text = "---\ntags: [x]\n---\n\n# T\n\n```python claim\na = b = c = 1\n```\n"
        for number, pieces in enumerate(notes):
            body = "\n\n".join(piece[turn] for piece in pieces)
            text += f"\n## Q{number}? {{#q-{number}}}\n\nIt is.\n\n{body}\n"
        return text.replace("\n", newline)

    (old, problems), (new, _) = (parse(Source.of("t.md", page(turn)), Path("t.md")) for turn in (0, 1))
    assert old is not None and new is not None
    # A caption beside two tables is an error, and such a file is never rewritten.
    assume(not any(problem.severity == "error" for problem in problems))
    assert [claim.table is None for claim in old.all_claims()] == [c.table is None for c in new.all_claims()]
    changes = [
        Edit(before, after.content, after.title)
        for before, after in zip(old.all_claims(), new.all_claims(), strict=True)
    ]
    assert rewrite(old, changes) == page(1)


@settings(max_examples=200)
@given(words=st.text("ab1 |`*_$[](){}<>!\\\n#-~:\"'&;é", min_size=1, max_size=8), place=st.integers(0, 3))
def test_whatever_is_written_is_refused_or_changes_nothing_else(words: str, place: int) -> None:
    """An author's text around a link reads the same afterwards, whatever the link says."""
    around = [
        "So {} `x` and *y* it $z$ is.",
        "- {} | `a` *b*\n- c",
        "| n | m |\n|---|---|\n| {} | `x` *y* |",
        "**{}** $z$ <b>",
    ]
    body = HEAD + around[place].format("[1](claim:a)") + "\n\nThe end, `b` $c$ *d*.\n"
    topic, _ = parse(Source.of("t.md", body), Path("t.md"))
    assert topic is not None
    try:
        text = rewrite(topic, edits(topic, {"a": (words, None)}))
    except StateError:
        return
    again, _ = parse(Source.of("t.md", text), Path("t.md"))
    assert again is not None

    def shown(topic: Topic) -> list[str]:
        """What a reader sees, in order, but for the words of the claim."""
        found, inside = list[str](), False
        for child in (c for token in topic.notes[0].answer for c in token.children or ()):
            inside = (inside or child.type == "claim_open") and child.type != "claim_close"
            if not inside:
                found.append(f"{child.type} {child.content}")
        return found

    assert shown(again) == shown(topic)
