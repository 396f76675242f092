"""Text × record → verdict."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from generator.notes import Claim, Location, Span, Topic
from verify.claims import Task
from verify.figures import fingerprint, same_drawing
from verify.jobs import Derivation, Job
from verify.records import Record
from verify.values import Value
from verify.verdicts import Judgement, device_of, judge

HERE, THERE = "AMD EPYC", "NVIDIA H200"
PLACE = "AMD EPYC, torch 2.11.0, 2026-11"

EXACT = Value("exact", number=Fraction(294_912))
RATIO = Value("exact", number=Fraction(294_912, 33_920))
LOSS = Value("number", number=0.69315)
ACCURACY = Value("measured", number=0.971, low=0.969, high=0.973, samples=(0.969, 0.971, 0.973))
WIDE = Value("measured", number=0.9, low=0.7, high=1.1, samples=(0.7, 0.9, 1.1))
SPEEDUP = Value("timing", number=1.84, low=1.82, high=1.86, samples=(1.82, 1.84, 1.86))
TRUE, FALSE = Value("truth", truth=True), Value("truth", truth=False)
SHAPE = Value("text", text="64×55×55")
STARS = Value("text", text="a*b_c")
FORMULA = Value("formula", text="K**2", formula="K^{2}")
PICTURE = Value("figure")


def claim_of(text: str, title: str | None = None, is_figure: bool = False) -> Claim:
    """A link `[text](claim:x "title")`."""
    return Claim("x", text, title, Span(1, 2), Span(3, 3), Location("cards/t.md", 7), "q", is_figure)


def judged(
    claim: Claim,
    value: Value | None,
    *,
    device: str = HERE,
    alone: bool = False,
    timed: bool = True,
    derivations: tuple[Derivation, ...] = (),
    figure: Path = Path("cards/f.svg"),
    shown: str | None = None,
) -> Judgement:
    """Hold a link against a record of one value."""
    topic = Topic(Path("cards/t.md"), "cards/t.md", "T", "D", (), (), (), (), (), ())
    task = Task(Job("q", (), names=("x",), alone=alone), topic, None, (claim,), (("x", figure),), ("torch",))
    environment = {"python": "3.11", "torch": "2.11.0+cpu"}
    values = {"x": value} if value is not None else {}
    evidence = ({"measure": "compare"},) if alone and timed else ()
    record = Record("d", environment, "2026-11-20", 1.0, "done", values=values, derivations=derivations)
    record = replace(record, evidence=evidence, figures={} if shown is None else {"x": shown})
    return judge(claim, task, record, device)


TABLE: list[tuple[str, Value, str, str]] = [
    # the text, the value, the verdict, what ought to stand there
    ("294,912", EXACT, "holds", "294,912"),
    ("294912", EXACT, "holds", "294912"),
    ("295 k", EXACT, "holds", "295 k"),
    ("294,913", EXACT, "changed", "294,912"),
    ("300 k", EXACT, "changed", "295 k"),
    ("?", EXACT, "new", "294,912"),
    ("? weights", EXACT, "new", "294,912 weights"),
    ("8.7×", RATIO, "holds", "8.7×"),
    ("8.69×", RATIO, "holds", "8.69×"),
    ("8.6×", RATIO, "changed", "8.7×"),
    ("?×", RATIO, "new", "8.69×"),
    ("> 8", RATIO, "holds", "> 8"),
    ("> 9", RATIO, "changed", "> 8"),
    ("0.69", LOSS, "holds", "0.69"),
    ("0.70", LOSS, "changed", "0.69"),
    ("69 %", LOSS, "holds", "69 %"),
    ("97 %", ACCURACY, "holds", "97 %"),
    ("97.1 %", ACCURACY, "holds", "97.1 %"),
    ("96 %", ACCURACY, "changed", "97 %"),
    ("97.123 %", ACCURACY, "unstable", "97.1 %"),
    ("$0.69$", LOSS, "holds", "$0.69$"),
    ("$0.70$", LOSS, "changed", "$0.69$"),
    (r"$2.9 \cdot 10^5$", EXACT, "holds", r"$2.9 \cdot 10^5$"),
    (r"$2.8 \cdot 10^5$", EXACT, "changed", r"$2.9 \cdot 10^5$"),
    (r"$2.8 \cdot 10^5$ weights", EXACT, "changed", r"$2.9 \cdot 10^5$ weights"),
    ("?$", RATIO, "new", "$8.69$"),
    ("$?$", RATIO, "new", "$8.69$"),
    ("≈ ?×", RATIO, "new", "≈ 8.69×"),
    ("$?$", FORMULA, "new", "$K^{2}$"),
    ("0.96–0.98", ACCURACY, "holds", "0.96–0.98"),
    ("0.93–0.96", ACCURACY, "changed", "0.969–0.973"),
    ("≈ 2^18", EXACT, "holds", "≈ 2^18"),
    ("$7$", TRUE, "failed", ""),
    ("$7$", FORMULA, "failed", ""),
    ("faster", TRUE, "holds", "faster"),
    ("faster", FALSE, "refuted", ""),
    ("?", TRUE, "failed", ""),
    ("64×55×55", SHAPE, "holds", "64×55×55"),
    ("64×54×54", SHAPE, "changed", "64×55×55"),
    ("?", SHAPE, "new", "64×55×55"),
    (r"a\*b\_c", STARS, "holds", r"a\*b\_c"),
    ("?", STARS, "new", r"a\*b\_c"),
    ("?", FORMULA, "new", "$K^{2}$"),
    ("?$", FORMULA, "new", "$K^{2}$"),
    ("nine", FORMULA, "failed", ""),
    ("about nine", RATIO, "failed", ""),
    ("4.2 ms", RATIO, "failed", ""),
]


@pytest.mark.parametrize(("text", "value", "verdict", "measured"), TABLE)
def test_a_text_is_held_against_the_value(text: str, value: Value, verdict: str, measured: str) -> None:
    found = judged(claim_of(text), value)
    assert (found.verdict, found.measured) == (verdict, measured)


@pytest.mark.parametrize(("text", "value", "verdict", "measured"), TABLE)
def test_what_cannot_stand_gets_a_mark_and_what_is_bound_to_no_machine_no_title(
    text: str, value: Value, verdict: str, measured: str
) -> None:
    marked = {"refuted": "refuted", "failed": "failed"}.get(verdict)
    assert judged(claim_of(text), value).title == marked


@pytest.mark.parametrize(
    ("text", "value", "what", "hint"),
    [
        ("faster", FALSE, "'faster' stands only while x is true, and it is false", "say what is true"),
        ("?", TRUE, "a bool cannot say which words to write", "write the words"),
        ("nine", FORMULA, "'nine' is no formula, and x is", "write [$K^{2}$](claim:x)"),
        ("97.123 %", ACCURACY, "the spread carries 3 digits: 0.969 to 0.973", "write fewer digits"),
        ("about nine", RATIO, '"about nine" states no number', "write one"),
    ],
)
def test_what_is_wrong_is_said_with_a_way_out(text: str, value: Value, what: str, hint: str) -> None:
    found = judged(claim_of(text), value)
    assert found.what == what
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        *((text, True) for text in ("?", " ? ms", "≈ ?×", "<=?", "$?$", "$ ?$")),
        *((text, False) for text in ("8.7×", "why?", "$n$", "≈ 2×")),
    ],
)
def test_a_text_with_a_question_mark_for_its_number_keeps_its_note_back(text: str, asked: bool) -> None:
    assert claim_of(text).asks is asked
    assert claim_of(text).held_back == ("not measured yet" if asked else None)


@pytest.mark.parametrize("state", ["refuted", "failed"])
def test_code_that_did_not_reach_its_end_vouches_for_nothing(state: str) -> None:
    claim = claim_of("8.7×")
    topic = Topic(Path("t.md"), "t.md", "T", "D", (), (), (), (), (), ())
    task = Task(Job("q", ()), topic, None, (claim,), (), ())
    record = Record("d", {}, "2026-11-20", 1.0, state, values={"x": RATIO}, what="why", hint="how", line=9)
    found = judge(claim, task, record, HERE)
    assert (found.verdict, found.title, found.what, found.hint, found.line) == (state, state, "why", "how", 9)


def test_a_name_that_has_no_value_fails() -> None:
    assert judged(claim_of("8.7×"), None).verdict == "failed"


@pytest.mark.parametrize(
    ("state", "value", "verdict", "measured"),
    [
        ("proved", FORMULA, "holds", "$K^3$"),
        ("refuted", FORMULA, "changed", "$K^{2}$"),
        ("refuted", EXACT, "changed", "294,912"),
        ("open", FORMULA, "failed", ""),
        ("malformed", FORMULA, "failed", ""),
    ],
)
def test_a_formula_is_worth_its_proof(state: str, value: Value, verdict: str, measured: str) -> None:
    derivation = Derivation("x", "K^3", state, "the reason")  # type: ignore[arg-type]
    found = judged(claim_of("$K^3$"), value, derivations=(derivation,))
    assert (found.verdict, found.measured) == (verdict, measured)


def test_the_spelling_that_an_update_writes_needs_no_proof() -> None:
    assert judged(claim_of("$K^{2}$"), FORMULA).verdict == "holds"
    assert judged(claim_of("$K^{3}$"), FORMULA).verdict == "failed"


def test_the_proof_of_another_formula_proves_nothing() -> None:
    other = Derivation("x", "K^2", "proved")
    assert judged(claim_of("$K^3$"), FORMULA, derivations=(other,)).verdict == "failed"


@pytest.mark.parametrize(
    ("text", "title", "verdict", "measured"),
    [
        ("1.8×", None, "holds", "1.8×"),
        ("1.8×", PLACE, "holds", "1.8×"),
        ("1.8×", "AMD EPYC, torch 1.0, 2020-01", "holds", "1.8×"),
        ("2.1×", PLACE, "changed", "1.8×"),
        ("1.8×", "failed", "holds", "1.8×"),
        ("?×", None, "new", "1.84×"),
        ("2.5×", "NVIDIA H200, torch 2.11.0, 2026-11", "elsewhere", "1.8×"),
        ("1.8×", "NVIDIA H200", "elsewhere", "1.8×"),
    ],
)
def test_a_timing_belongs_to_the_machine_that_its_title_names(
    text: str, title: str | None, verdict: str, measured: str
) -> None:
    found = judged(claim_of(text, title), SPEEDUP)
    assert (found.verdict, found.measured, found.title) == (verdict, measured, PLACE)


def test_words_that_rest_on_a_timing_belong_to_its_machine() -> None:
    assert judged(claim_of("faster"), TRUE, alone=True).title == PLACE
    assert judged(claim_of("faster"), TRUE, alone=False).title is None
    assert judged(claim_of("faster"), TRUE, alone=True, timed=False).title is None, "the timer was not used"
    assert judged(claim_of("faster", THERE), TRUE, alone=True).verdict == "elsewhere"


def test_a_count_is_the_same_on_every_machine() -> None:
    assert judged(claim_of("294,912", THERE), EXACT, alone=True).verdict == "holds"
    assert judged(claim_of("294,913", THERE), EXACT, alone=True).verdict == "changed"


def test_what_is_false_here_is_not_to_be_taken_over_as_true() -> None:
    found = judged(claim_of("faster", THERE), FALSE, alone=True)
    assert (found.verdict, found.title) == ("elsewhere", "refuted")


def test_what_cannot_be_written_here_is_not_to_be_taken_over_as_it_stands() -> None:
    found = judged(claim_of("4.2 ms", THERE), SPEEDUP)
    assert (found.verdict, found.title, found.measured) == ("elsewhere", "failed", "")


@pytest.mark.parametrize(
    ("title", "device"),
    [(PLACE, "AMD EPYC"), ("NVIDIA H200", "NVIDIA H200"), (" AMD EPYC , x", "AMD EPYC"), ("", "")],
)
def test_a_title_begins_with_the_device(title: str, device: str) -> None:
    assert device_of(title) == device


SVG = (
    '<svg><path id="{id}" d="M {x} 10.5 L 20 -3e-2" style="stroke: {colour}; opacity: {opacity}"/>'
    '<use href="#{id}"/>'
    '<g clip-path="url(#{id})"><!-- {text} --><use href="#DejaVuSans-{glyph}"/></g></svg>\n'
)


def svg(
    file: Path,
    *,
    x: float = 1.25,
    text: str = "0.71",
    glyph: int = 31,
    id: str = "m0123456789",
    colour: str = "#1f77b4",
    opacity: float = 0.5,
) -> Path:
    """A drawing as matplotlib writes it."""
    file.write_text(
        SVG.format(x=x, text=text, glyph=glyph, id=id, colour=colour, opacity=opacity), encoding="utf-8"
    )
    return file


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"id": "pabcdef0123"}, True),
        ({"x": 1.26}, True),
        ({"x": 1.35}, False),
        ({"x": -1.25}, False),
        ({"text": "0.73"}, False),
        ({"text": "0.7"}, False),
        ({"glyph": 33}, False),
        ({"colour": "#2f77b4"}, False),
        ({"opacity": 0.53}, False),
    ],
)
def test_two_drawings_are_the_same_up_to_the_last_bits(
    tmp_path: Path, other: dict[str, Any], same: bool
) -> None:
    one, two = svg(tmp_path / "one.svg"), svg(tmp_path / "two.svg", **other)
    assert same_drawing(one, two) is same
    assert same_drawing(two, one) is same


@pytest.mark.parametrize(
    ("value", "label", "same"),
    [(0.5, "17 ms", True), (0.5 + 1e-7, "17 ms", True), (0.5, "71 ms", False), (0.6, "17 ms", False)],
)
def test_matplotlib_draws_what_is_compared(tmp_path: Path, value: float, label: str, same: bool) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    def draw(file: Path, height: float, words: str) -> Path:
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1, 2], [0, height, 1], marker="o")
        axes.annotate(words, (1, 0.2))
        with rc_context({"svg.hashsalt": "groundtruth", "svg.fonttype": "path"}):
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        return file

    first = draw(tmp_path / "one.svg", 0.5, "17 ms")
    assert same_drawing(first, draw(tmp_path / "two.svg", value, label)) is same


def test_a_figure_holds_while_its_file_is_the_one_that_was_held_against_the_drawing(tmp_path: Path) -> None:
    claim, there = claim_of("Latency by batch", is_figure=True), tmp_path / "there.svg"
    missing = judged(claim, PICTURE, figure=there)
    assert (missing.verdict, missing.what) == ("new", "there.svg is not drawn yet")
    mark = fingerprint(svg(there))
    assert judged(claim, PICTURE, figure=there, shown=mark).verdict == "holds"
    assert judged(claim, PICTURE, figure=there, shown=None).verdict == "holds", "records before format 4"
    assert judged(claim, PICTURE, figure=there, shown="").verdict == "changed"
    svg(there, text="other")
    assert judged(claim, PICTURE, figure=there, shown=mark).verdict == "changed"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"<svg"])
def test_a_file_that_is_no_drawing_is_another_drawing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "there.svg").write_bytes(content)
    assert not same_drawing(tmp_path / "there.svg", svg(tmp_path / "drawn.svg"))


@pytest.mark.parametrize("text", ["5", "36 %", "8.7×"])
def test_a_bool_vouches_for_words_and_for_no_number(text: str) -> None:
    found = judged(claim_of(text), Value("truth", truth=True))
    assert (found.verdict, found.what) == ("failed", f"'{text}' is a number, and a bool cannot vouch for one")
    assert judged(claim_of("between 4 and 7 times"), Value("truth", truth=True)).verdict == "holds"
