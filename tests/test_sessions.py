"""A timing's text changes when two sessions in a row say so, and not before."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from verify.agreement import agree
from verify.numbers import read
from verify.records import SESSIONS, Record, Records
from verify.sessions import Past, standing
from verify.values import Value
from verify.writing import write


def timing(number: float, unit: str = "") -> Value:
    return Value("timing", number=number, low=number * 0.998, high=number * 1.002, unit=unit)


def past(*numbers: float) -> list[Past]:
    return [Past("2026-11-20", number, number, number) for number in numbers]


@pytest.mark.parametrize(
    ("text", "now", "earlier", "found"),
    [
        ("1.80×", 1.82, (), "agrees"),  # within the floor and what is worth a change
        ("1.80×", 1.95, (), "confirmed"),
        ("1.80×", 1.95, (1.80,), "deviates"),
        ("1.80×", 1.95, (1.80, 1.94), "confirmed"),
        ("1.80×", 1.95, (1.80, 1.65), "deviates"),  # the other direction confirms nothing
        ("1.80×", 1.65, (1.80, 1.66), "confirmed"),
        ("1.80×", 1.95, (1.7, 1.9, 1.75, 1.85), "agrees"),  # a restless machine lets expect more
        ("2×", 2.4, (), "agrees"),  # one digit promises no more
        ("2×", 2.55, (2.55,), "agrees"),
        ("2×", 2.7, (2.7,), "confirmed"),
    ],
)
def test_a_text_stands_until_two_sessions_in_a_row_say_otherwise(
    text: str, now: float, earlier: tuple[float, ...], found: str
) -> None:
    assert standing(read(text), timing(now), past(*earlier)) == found


def test_an_absolute_time_moves_more_than_a_ratio_before_it_counts() -> None:
    assert standing(read("1.800×"), timing(1.88), past(1.8)) == "deviates"
    assert standing(read("1.800 ms"), timing(1.88e-3, "s"), past(1.8e-3)) == "agrees"


def test_what_a_restless_machine_lets_expect_is_known_from_two_settled_sessions_and_of_short_times_too() -> (
    None
):
    # Two settled sessions 12 % apart, and one more: their spread, not the floor, is what is held against.
    assert standing(read("1.80×"), timing(1.95), past(1.7, 1.9, 1.95)) == "agrees"
    milliseconds = [number * 1e-3 for number in (1.7, 1.9, 1.95)]
    assert standing(read("1.80 ms"), timing(1.95e-3, "s"), past(*milliseconds)) == "agrees"


def test_a_difference_of_times_that_changes_its_sign_deviates_on_that_side() -> None:
    for text, now, before, found in (
        ("0 ms", 0.3e-3, 0.2e-3, "agrees"),
        ("0 ms", -1e-3, 0.2e-3, "deviates"),
        ("0 ms", -1e-3, -1.2e-3, "confirmed"),
        ("0 ms", -1e-3, 3e-3, "deviates"),
        ("-2.0 ms", 1e-3, 1e-3, "confirmed"),
    ):
        assert standing(read(text), timing(now, "s"), past(before)) == found


def test_nothing_changes_a_text_while_nothing_changed_and_a_tenth_does() -> None:
    """Fifty-two sessions that differ by 1 %: three digits would change nearly each time."""
    draw = random.Random(0)
    changes = naive = 0
    for _ in range(40):
        numbers: list[float] = []
        text = read("1.80×")
        for session in range(52):
            number = 1.8 * draw.lognormvariate(0, 0.01)
            changes += standing(text, timing(number), past(*numbers[-20:])) == "confirmed"
            naive += f"{number:.2f}" != "1.80"
            numbers.append(number)
            assert session or not changes
        faster = [1.8 * 1.1 * draw.lognormvariate(0, 0.01) for _ in range(2)]
        assert standing(text, timing(faster[1]), past(*numbers[-20:], faster[0])) == "confirmed"
    print(f"texts changed in 40 × 52 quiet sessions: {changes}; with three digits overwritten: {naive}")
    assert changes <= 2
    assert naive > 1000


def record(number: float, **changes: object) -> Record:
    fields: dict[str, object] = {
        "digest": "d",
        "environment": {"torch": "2.13.0"},
        "date": "2026-11-20",
        "seconds": 1.0,
        "state": "done",
        "values": {"r": timing(number), "count": Value("exact", number=read("3").number)},
    }
    return Record(**(fields | changes))  # type: ignore[arg-type]


def test_records_keep_earlier_sessions_of_timings_and_of_nothing_else(tmp_path: Path) -> None:
    records = Records(tmp_path, "bench")
    for number in (1.8, 1.81, 1.79):
        kept = records.put("q", record(number), "Bench 1")
    assert [session.number for session in kept.history["r"]] == [1.8, 1.81]
    assert list(kept.history) == ["r"]
    again = Records(tmp_path, "bench").by_owner["q"]
    assert again == kept


@pytest.mark.parametrize("changes", [{"digest": "other"}, {"environment": {"torch": "2.14.0"}}])
def test_other_code_or_versions_begin_a_new_series(tmp_path: Path, changes: dict[str, object]) -> None:
    records = Records(tmp_path, "bench")
    records.put("q", record(1.8), "Bench 1")
    assert records.put("q", record(1.9, **changes), "Bench 1").history == {}


def test_a_failed_session_leaves_the_series_as_it_was(tmp_path: Path) -> None:
    records = Records(tmp_path, "bench")
    records.put("q", record(1.8), "Bench 1")
    records.put("q", record(1.8, state="failed", values={}), "Bench 1")
    kept = records.put("q", record(1.9), "Bench 1")
    assert [session.number for session in kept.history["r"]] == [1.8]


def sessions(text: str, numbers: Iterable[float]) -> Iterator[str]:
    """The text after each of these sessions, when every change is written, as `run --update` does."""
    earlier: list[float] = []
    for number in numbers:
        value = timing(number)
        if agree(read(text), value).state == "changed":
            found = standing(read(text), value, past(*earlier[-SESSIONS:]))
            text = write(value, read(text)) if found == "confirmed" else text
        earlier.append(number)
        yield text


@pytest.mark.parametrize(
    ("noise", "most_in_a_year", "most", "unseen"), [(0.003, 0, 0, 0), (0.01, 1, 3, 0), (0.02, 2, 20, 40)]
)
def test_a_hundred_years_of_weekly_sessions_hardly_change_a_text_and_a_tenth_does(
    noise: float, most_in_a_year: int, most: int, unseen: int
) -> None:
    """Sessions that differ by 2 % let expect 5 %: of the steps by a tenth, some are seen a session later."""
    draw = random.Random(1)

    def measured(number: float, weeks: int) -> list[float]:
        return [number * draw.lognormvariate(0, noise) for _ in range(weeks)]

    false, late = [], 0
    for _ in range(100):
        # The first session sets the answer; what comes after it is the same each week.
        texts = list(sessions("1.00×", measured(1.8, 52)))
        false.append(sum(one != other for one, other in pairwise(texts)))
        before, _, after = list(sessions("1.00×", [*measured(1.8, 26), *measured(1.98, 2)]))[-3:]
        late += after == before
    print(f"{noise:.1%}: {sum(false)} false changes in 100 years, most {max(false)}; {late} steps missed")
    assert max(false) <= most_in_a_year and sum(false) <= most
    assert late <= unseen


def test_a_series_of_new_versions_sets_its_answer_at_once() -> None:
    assert standing(read("1.80×"), timing(1.98), past()) == "confirmed"
