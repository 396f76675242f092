"""Hints about what the code gives: who gets one, and that no verdict changes with it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from generator.notes import Claim, Location, Span, Topic
from verify.claims import Task
from verify.hints import UNSEEDED, of_drift, of_percent
from verify.jobs import Job
from verify.records import Record
from verify.values import Value
from verify.verdicts import Judgement, judge

SEVEN, EIGHT = Value("exact", number=Fraction(7)), Value("exact", number=Fraction(8))
NEARLY = Value("number", number=0.69315), Value("number", number=0.6931500000000002)
FAST, SLOW = Value("timing", number=1.8, low=1.7, high=1.9), Value("timing", number=2.8, low=2.7, high=2.9)


def found(text: str, value: Value, alone: bool = False) -> tuple[Judgement, Task, Record]:
    """What a text is worth by a record of one value, without any hint of this module."""
    claim = Claim("x", text, None, Span(1, 2), Span(3, 3), Location("t.md", 7), "q", False)
    topic = Topic(Path("t.md"), "t.md", "T", "D", (), (), (), (), (), ())
    task = Task(Job("q", (), names=("x",), alone=alone), topic, None, (claim,), (), ())
    record = Record("d", {"python": "3.11"}, "2026-11-20", 1.0, "done", values={"x": value})
    return judge(claim, task, record, "AMD EPYC"), task, record


@pytest.mark.parametrize(
    ("text", "before", "now", "alone", "hinted"),
    [
        ("7", SEVEN, EIGHT, False, True),
        ("6", SEVEN, SEVEN, False, False),  # wrong, and the same each time
        ("8", SEVEN, EIGHT, False, False),  # it holds
        ("0.5", *NEARLY, False, False),  # a last bit, which nobody reads
        ("1.8×", FAST, SLOW, False, False),
        ("7", SEVEN, EIGHT, True, False),  # computed from timings
    ],
)
def test_only_a_value_that_reads_otherwise_than_last_time_wants_a_seed(
    text: str, before: Value, now: Value, alone: bool, hinted: bool
) -> None:
    earlier, _, _ = found(text, before, alone)
    judgement, task, record = found(text, now, alone)
    said = of_drift(judgement, earlier, task, record)
    assert said == (replace(judgement, hint=UNSEEDED) if hinted else judgement)


@pytest.mark.parametrize(
    ("text", "value", "share"),
    [
        ("71.8 %", Value("number", number=71.8), "0.718"),
        ("72 %", Value("number", number=71.8), "0.718"),
        ("$71.8\\,\\%$", Value("number", number=71.8), "0.718"),
        ("70–72 %", Value("measured", number=71.0, low=70.5, high=71.5), "0.71"),
        ("7 %", SEVEN, "0.07"),
        ("72.1 %", Value("number", number=71.8), ""),  # wrong either way
        ("71.8 %", Value("number", number=0.718), ""),  # right
        ("71.8 %", Value("number", number=71.8, unit="%"), ""),
        ("71.8×", Value("number", number=0.718), ""),
        ("100 % blue", Value("text", text="red"), ""),
    ],
)
def test_a_percentage_whose_digits_are_those_of_the_value_is_told_of_the_share(
    text: str, value: Value, share: str
) -> None:
    judgement, _, record = found(text, value)
    said = of_percent(judgement, record)
    hint = f"`%` takes a share: let x be {share}, a hundredth of what it is" if share else judgement.hint
    assert said == replace(judgement, hint=hint)
