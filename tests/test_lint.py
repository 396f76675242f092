"""The rules for cards: an explanation's bad note is found, its good one is not; the ways to opt out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from time import process_time

import pytest

from generator.collection import load
from generator.errors import Problem
from generator.explain import Explanation, explain, explanation
from generator.lint import lint
from generator.rules.registry import RULES, covers
from tests.notes import write_notes

TODAY = date(2026, 11, 20)
INTRODUCTION = (
    "# Convolutions\n\nA convolution slides a filter over an image. All positions share its weights.\n\n"
)
GOOD = "## How many weights does a 3×3 convolution from 3 to 64 channels have? {#weights}\n\n1,728\n"
LIST = "## Which settings decide a convolution's size? {#out}\n\nKernel, stride, padding, dilation\n"
UNCITED = ("R09a",)
"""Notes in these tests are short: that nothing vouches for them is not what they are about."""


def found(folder: Path, *texts: str, ignore: tuple[str, ...] = UNCITED, today: date = TODAY) -> list[Problem]:
    """What the rules find in files of these texts; what has no title gets one, and an introduction."""
    for number, text in enumerate(texts):
        whole = text if text.startswith(("---", "# ")) else INTRODUCTION + text
        write_notes(folder, whole + "\n", f"convolutions-{number}.md")
    write_notes(folder, "<svg/>", "stride.svg")
    problems = lint(load(folder), ignore, today)
    return [problem for problem in problems if "the opt-out from R09a" not in problem.what]


def codes(*arguments: object, **options: object) -> list[str]:
    """The codes of what the rules find."""
    return [problem.code for problem in found(*arguments, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("code", RULES)
def test_the_bad_note_of_an_explanation_is_found_and_the_good_one_is_not(code: str, tmp_path: Path) -> None:
    told: Explanation = explanation(code)
    ignore = () if code == "R09a" else UNCITED
    bad = [problem for problem in found(tmp_path / "bad", told.bad, ignore=ignore) if problem.code == code]
    assert bad, "the bad note is not found"
    assert {problem.severity for problem in bad} == {RULES[code].severity}
    assert found(tmp_path / "good", told.good, ignore=ignore) == []


def test_every_explanation_says_why_in_a_line_or_three() -> None:
    for code in RULES:
        lines = explanation(code).why.splitlines()
        assert 1 <= len(lines) <= 3 and all(len(line) <= 120 for line in lines), code


def test_no_explanation_is_left_over() -> None:
    folder = Path(__file__).parent.parent / "generator" / "rules" / "texts"
    assert sorted(file.stem for file in folder.iterdir()) == sorted(RULES)


# What a rule leaves alone


@pytest.mark.parametrize(
    "note",
    [
        "## Which shape has the weight of a convolution, 96 filters of 11×11? {#a}\n\n(96, 3, 11, 11)",
        "## How many weights, with biases, has the convolution layer of this size? {#a}\n\n1,234,567,890",
        "## Why is a convolution with stride above 1 cheaper than one without? {#a}\n\nFewer outputs",
        '## A colleague says: "Explain: it is always best." What does a convolution lack? {#a}\n\nPlace',
        "## Which convolution has no effect on a map? {#a}\n\nNo padding, no stride: the identity.",
        "## What does `x; y` do before a convolution runs? {#a}\n\n`a; b, c, d, e`",
        "## How accurate is a convolution network on digits, CNN and MLP? {#a}\n\nCNN 97 %, MLP 93 %",
        "## Which version of torch brought the convolution of this kind? {#a}\n\nVersion 2.13.01",
        "## What makes a convolution of $\\{x\\}$, $\\left. x \\right|$? {#a}\n\n$\\leftarrow \\rightarrow$",
        "## 畳み込み (convolution) の重みは何を共有しますか？ {#a}\n\nフィルタ",
        "## Where is the convolution of torch documented? {#a}\n\n[In the manual](https://pytorch.org)",
    ],
)
def test_what_only_looks_like_a_mistake_is_left_alone(note: str, tmp_path: Path) -> None:
    assert found(tmp_path, note) == []


def test_a_claim_vouches_for_a_word_without_bounds(tmp_path: Path) -> None:
    head = "## What becomes of a convolution's weights? {#a}\n\n```python claim\nx = True\n```\n\n"
    note = head + "They [never](claim:x) move.\n"
    assert codes(tmp_path / "a", note) == []
    assert codes(tmp_path / "b", note.replace("[never](claim:x) move", "[move](claim:x). Never fast")) == [
        "R14a"
    ]


def test_fifteen_words_are_short_and_twenty_five_are_not_too_long(tmp_path: Path) -> None:
    question = "## Why is a convolution cheap? {#a}\n\n"
    for length, expected in ((15, []), (16, ["R01a"]), (25, ["R01a"]), (26, ["R01b"])):
        assert codes(tmp_path / str(length), question + "word " * length) == expected


def test_a_formula_is_one_word(tmp_path: Path) -> None:
    answer = "a " * 14 + "$a + b + c + d + e$"
    assert codes(tmp_path, f"## How wide is the output of a convolution? {{#a}}\n\n{answer}\n") == []


# Notes that are taken for one another


def test_the_same_question_is_found_across_files_whatever_its_signs_and_capitals(tmp_path: Path) -> None:
    other = (
        GOOD.replace("weights}", "other}").replace("How many", "how  MANY").replace("channels?", "channels ?")
    )
    (problem,) = found(tmp_path, GOOD, other)
    assert problem.code == "R10a"
    assert problem.what == f"this asks the same as 'weights' at {tmp_path}/convolutions-0.md:5"
    assert problem.location.path.endswith("convolutions-1.md")


def test_questions_that_are_almost_the_same_and_have_one_answer_confuse_nobody(tmp_path: Path) -> None:
    other = GOOD.replace("weights}", "other}").replace("many weights", "many parameters")
    assert codes(tmp_path, GOOD + "\n" + other) == []


def test_every_pair_above_the_threshold_is_found_as_by_comparing_all() -> None:
    from itertools import combinations
    from math import sqrt
    from random import Random

    from generator.rules.card import Card
    from generator.rules.likeness import _TOKEN, ALIKE, _alike, front
    from tests.notes import parsed

    random = Random(0)
    base = [" ".join(random.choices("abcdefghijklmnop", k=12)) for _ in range(15)]
    asked = [
        " ".join(
            random.choice("abcdefghxyz") if random.random() < 0.1 else w for w in random.choice(base).split()
        )
        for _ in range(120)
    ]
    topic, _ = parsed(
        "# T\n\n"
        + "\n\n".join(f"## {text} {number}? {{#n{number}}}\n\nA" for number, text in enumerate(asked))
    )
    cards = [Card(topic, note) for note in topic.notes]
    sets = [frozenset(_TOKEN.findall(front(card))) - {"?"} for card in cards]
    expected = {
        (i, j)
        for i, j in combinations(range(len(cards)), 2)
        if len(sets[i] & sets[j]) / sqrt(len(sets[i]) * len(sets[j])) > ALIKE
    }
    numbers = {card.note.id: number for number, card in enumerate(cards)}
    matched = {
        tuple(sorted((numbers[card.note.id], numbers[other.note.id])))
        for card, matches in _alike(cards)
        for other, _ in matches
    }
    assert matched == expected
    assert len(expected) > 20


def test_a_pattern_of_many_questions_gets_one_finding_each_and_no_square_of_comparisons(
    tmp_path: Path,
) -> None:
    many = 3000
    capitals = "\n".join(f"## What is the capital of land{n}? {{#c{n}}}\n\ntown{n}\n" for n in range(many))
    words = "\n".join(
        f"## How do you say the word{n} in plain German? {{#w{n}}}\n\nWort{n}\n" for n in range(many)
    )
    head = "---\nignore: [R11]\n---\n\n# Capitals in German\n\nOne line. And another.\n\n"
    begun = process_time()
    problems = found(tmp_path, head + capitals, head + words)
    assert {problem.code for problem in problems} == {"R10b"}
    assert len(problems) == many - 1
    assert process_time() - begun < 20


# Expiry


@pytest.mark.parametrize(
    ("heading", "day", "expected"),
    [
        ("expires=2026-11-20", TODAY, []),
        ("expires=2026-11-19", TODAY, ["R09c"]),
        ("expires=2030-01-01", TODAY, []),
        ('tags="status" expires=2027-05-19', TODAY, []),
        ('tags="status" expires=2027-05-20', TODAY, ["R09b"]),
        ('tags="company" expires=2026-11-19', TODAY, ["R09c"]),
    ],
)
def test_an_answer_expires_and_a_status_within_half_a_year(
    heading: str, day: date, expected: list[str], tmp_path: Path
) -> None:
    assert codes(tmp_path, GOOD.replace("{#weights}", "{#weights " + heading + "}"), today=day) == expected


def test_a_file_expires_as_a_whole_and_a_note_before_it(tmp_path: Path) -> None:
    head = "---\nexpires: 2026-11-01\n---\n\n" + INTRODUCTION
    assert codes(tmp_path / "a", head + GOOD) == ["R09c"]
    assert codes(tmp_path / "b", head + GOOD.replace("{#weights}", "{#weights expires=2026-12-01}")) == []


def test_today_is_the_day_that_source_date_epoch_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(tmp_path, INTRODUCTION + GOOD.replace("{#weights}", "{#weights expires=2026-11-20}"))
    for epoch, expected in (("1795175999", []), ("1795305600", ["R09c"])):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        assert [problem.code for problem in lint(load(tmp_path), UNCITED)] == expected


# Opt-outs


def test_a_note_opts_out_of_a_rule_or_of_one_check_of_it(tmp_path: Path) -> None:
    assert codes(tmp_path / "none", LIST) == ["R05b"]
    for number, opted in enumerate(("R05", "R05b", "R01 R05", "R05a")):
        expected = {2: ["R00a"], 3: ["R00a", "R05b"]}.get(number, [])
        note = LIST.replace("{#out}", f'{{#out ignore="{opted}"}}')
        assert sorted(codes(tmp_path / str(number), note)) == expected


def test_a_file_opts_out_for_all_of_its_notes(tmp_path: Path) -> None:
    head = "---\nignore: [R05]\n---\n\n" + INTRODUCTION
    assert codes(tmp_path / "a", head + LIST) == []
    (idle,) = found(tmp_path / "b", head + GOOD)
    assert (idle.code, idle.location.line) == ("R00a", 2)
    assert idle.what == "the opt-out from R05 suppresses nothing"


def test_a_collection_opts_out_for_all_of_its_files(tmp_path: Path) -> None:
    assert codes(tmp_path / "a", LIST, ignore=("R05", "R09a")) == []
    (idle,) = found(tmp_path / "b", GOOD, ignore=("R05", "R09a"))
    assert idle.code == "R00a" and idle.location.path.endswith("groundtruth.toml")


def test_an_opt_out_from_no_rule_names_the_one_that_was_meant(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, GOOD.replace("{#weights}", '{#weights ignore="R5a"}'))
    assert (problem.code, problem.what) == ("R00b", "there is no rule 'R5a' to ignore")
    assert problem.hint.startswith("did you mean 'R")


def test_a_rule_covers_its_checks_and_nothing_else() -> None:
    assert covers("R05", "R05a") and covers("R05a", "R05a")
    assert not covers("R0", "R05a") and not covers("R05a", "R05b") and not covers("", "R05a")


def test_a_malformed_file_is_not_held_against_the_rules(tmp_path: Path) -> None:
    assert codes(tmp_path, LIST + "\n## Which? \n\nA; b\n") == []


# Explanations


def test_an_explanation_has_the_code_the_severity_both_notes_and_the_way_out() -> None:
    text = explain("R05b")
    assert text.startswith("R05b  warning: the answer has more than 2 commas: a list in disguise\n\n")
    assert "\nbad:\n\n    ## Which settings" in text and "\ngood:\n\n    ## Which setting" in text
    assert 'to opt out: {#id ignore="R05b"}, ignore: [R05b] in the front matter' in text


def test_a_rule_is_explained_by_all_of_its_checks_and_all_lists_every_code() -> None:
    assert [line.split()[0] for line in explain("r05").splitlines() if line.startswith("R05")] == [
        "R05a",
        "R05b",
    ]
    assert [line.split()[0] for line in explain("all").splitlines()] == list(RULES)


def test_an_explanation_of_nothing_is_refused_with_a_hint() -> None:
    with pytest.raises(KeyError, match="did you mean 'R05"):
        explain("R055")
