"""The memory of all builds: `mod` moves exactly when content moves."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import StateError
from generator.ledger import Built, Entry, Ledger, digest_of, enter, guid_of, read_ledger, stamp, write_ledger

EMPTY = Ledger({}, {})
TYPES = {"1": "type-digest"}
MONDAY = 1_790_000_000
"""A second of some day."""


def entry(ledger: Ledger, note_id: str) -> Entry:
    return ledger.notes[guid_of(note_id)]


def test_a_guid_comes_from_the_id_alone() -> None:
    # Pinned, from `printf groundtruth:dwsep-saving | sha256sum`: another guid is another note in everybody's
    # collection.
    assert guid_of("dwsep-saving") == "294ce046b8d7ced75e2b"
    assert guid_of("a") != guid_of("b")


@pytest.mark.parametrize(
    ("old", "digest", "now", "mod"),
    [
        (None, "x", 100, 100),
        ((("x"), 100), "x", 200, 100),
        ((("x"), 100), "y", 200, 200),
        ((("x"), 100), "y", 100, 101),
        ((("x"), 100), "y", 50, 101),
        ((("x"), 100), "x", 50, 100),
    ],
    ids=[
        "new",
        "unchanged",
        "changed",
        "changed twice in one second",
        "changed after the clock was set back",
        "unchanged after the clock was set back",
    ],
)
def test_mod_is_when_the_content_last_changed(
    old: tuple[str, int] | None, digest: str, now: int, mod: int
) -> None:
    assert stamp(old, digest, now) == mod


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 5)), min_size=1))
def test_mod_grows_with_every_change_and_stays_without_one(builds: list[tuple[str, int]]) -> None:
    ledger, before = EMPTY, None
    for digest, now in builds:
        ledger = enter(ledger, [Built("a", "D", digest)], TYPES, MONDAY + now)
        after = entry(ledger, "a")
        if before is not None:
            assert (after.mod == before.mod) == (after.digest == before.digest)
            assert after.mod >= before.mod
            assert after.number == before.number
        before = after


def test_a_note_that_changes_moves_no_other() -> None:
    first = enter(EMPTY, [Built("a", "D", "1"), Built("b", "D", "1")], TYPES, MONDAY)
    second = enter(first, [Built("a", "D", "2"), Built("b", "D", "1")], TYPES, MONDAY + 60)
    assert (entry(second, "a").mod, entry(second, "b").mod) == (MONDAY + 60, MONDAY)
    assert second.notetypes == first.notetypes


def test_another_deck_or_another_place_is_no_change_of_content() -> None:
    first = enter(EMPTY, [Built("a", "D", "1"), Built("b", "D", "1")], TYPES, MONDAY)
    second = enter(first, [Built("b", "E", "1"), Built("a", "D", "1")], TYPES, MONDAY + 60)
    assert [entry(second, name).mod for name in "ab"] == [MONDAY, MONDAY]
    assert [entry(second, name).number for name in "ab"] == [entry(first, name).number for name in "ab"]
    assert entry(second, "b").deck == "E"


def test_a_note_that_is_gone_is_not_forgotten() -> None:
    first = enter(EMPTY, [Built("a", "D", "1"), Built("b", "D", "1")], TYPES, MONDAY)
    without = enter(first, [Built("b", "D", "1")], TYPES, MONDAY + 60)
    assert entry(without, "a") == entry(first, "a")
    back = enter(without, [Built("a", "D", "1"), Built("b", "D", "1")], TYPES, MONDAY + 120)
    assert back == first


def test_a_note_type_has_a_mod_of_its_own() -> None:
    first = enter(EMPTY, [], {"1": "x", "2": "y"}, MONDAY)
    second = enter(first, [], {"1": "x", "2": "z"}, MONDAY)
    assert second.notetypes == {"1": ("x", MONDAY), "2": ("z", MONDAY + 1)}


def test_a_new_note_is_numbered_after_all_others_with_room_for_its_cards() -> None:
    ledger = enter(EMPTY, [Built("a", "D", "1"), Built("b", "D", "1")], TYPES, MONDAY)
    ledger = enter(ledger, [Built("c", "D", "1")], TYPES, MONDAY - 3600)
    numbers = [entry(ledger, name).number for name in "abc"]
    assert numbers == [MONDAY * 1000, MONDAY * 1000 + 64, MONDAY * 1000 + 128]


def test_notes_of_two_merged_branches_that_took_one_number_are_told_apart() -> None:
    base = enter(EMPTY, [Built("a", "D", "1")], TYPES, MONDAY)
    ours = enter(base, [Built("a", "D", "1"), Built("b", "D", "1")], TYPES, MONDAY)
    theirs = enter(base, [Built("a", "D", "1"), Built("c", "D", "1"), Built("d", "D", "1")], TYPES, MONDAY)
    merged = Ledger({**ours.notes, **theirs.notes}, ours.notetypes)
    assert entry(merged, "b").number == entry(merged, "c").number
    contents = [Built(name, "D", "1") for name in "abcd"]
    after = enter(merged, contents, TYPES, MONDAY + 60)
    numbers = [entry(after, name).number for name in "abcd"]
    assert numbers[0] == entry(base, "a").number
    assert all(later - earlier >= 64 for earlier, later in pairwise(numbers))
    assert [entry(after, name).mod for name in "abcd"] == [MONDAY] * 4
    assert enter(after, contents, TYPES, MONDAY + 120) == after


def test_a_digest_depends_on_content_and_not_on_the_order_of_keys() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of(["a", "b"]) != digest_of(["b", "a"])
    assert digest_of(["ab"]) != digest_of(["a", "b"])
    # Pinned, from `printf '["é",1]' | sha256sum`: another digest of the same content would count every note
    # as changed.
    assert digest_of(["é", 1]) == "ddfd6ac9292fe9157547b324"


# On disk


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    ledger = enter(EMPTY, [Built("a", "D::E", "1"), Built("größe", 'D "q"', "2")], TYPES, MONDAY)
    write_ledger(ledger, tmp_path / "ledger.json")
    assert read_ledger(tmp_path / "ledger.json") == ledger


def test_an_empty_ledger_is_written_and_read_back(tmp_path: Path) -> None:
    write_ledger(EMPTY, tmp_path / "ledger.json")
    assert read_ledger(tmp_path / "ledger.json") == EMPTY


def test_without_a_file_the_ledger_is_empty(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "ledger.json") == EMPTY


def test_there_is_one_line_for_each_note_sorted_by_id_so_that_two_branches_merge(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    write_ledger(enter(EMPTY, [Built("c", "D", "1"), Built("a", "D", "1")], TYPES, MONDAY), file)
    before = file.read_text(encoding="utf-8").splitlines()
    write_ledger(enter(read_ledger(file), [Built("b", "D", "1")], TYPES, MONDAY), file)
    after = file.read_text(encoding="utf-8").splitlines()
    assert [re.findall(r'"id": "(\w)"', line) for line in after[3:6]] == [["a"], ["b"], ["c"]]
    assert [line for line in after if line not in before] == [after[4]]
    assert [line for line in before if line not in after] == []


GOOD = {
    "format": 1,
    "notes": {guid_of("a"): {"id": "a", "deck": "D", "digest": "1", "mod": 5, "number": 5000}},
    "notetypes": {"1": ["x", 5]},
}


def variant(**changes: object) -> str:
    note = {**GOOD["notes"][guid_of("a")], **changes}  # type: ignore[index]
    return json.dumps({**GOOD, "notes": {guid_of("a"): {k: v for k, v in note.items() if v is not None}}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps(GOOD)[:-20],
        "<<<<<<< ours\n" + json.dumps(GOOD),
        json.dumps({**GOOD, "format": "one"}),
        json.dumps({**GOOD, "notes": []}),
        json.dumps({**GOOD, "notetypes": {"1": ["x"]}}),
        json.dumps({**GOOD, "notetypes": {"1": ["x", "soon"]}}),
        variant(mod=None),
        variant(mod="5"),
        variant(mod=5.5),
        variant(mod=True),
        variant(number="5000"),
        variant(id=7),
        variant(surprise=1),
    ],
)
def test_a_damaged_ledger_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ledger.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StateError, match="ledger is damaged") as refused:
        read_ledger(file)
    assert str(refused.value).startswith(f"{file}: the ledger is damaged (")
    assert refused.value.hint == (
        "restore it from version control; without it every note would count as changed in Anki"
    )
    assert file.read_text(encoding="utf-8") == text


def test_the_ledger_that_the_damaged_ones_come_from_is_sound(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text(variant(), encoding="utf-8")
    assert read_ledger(tmp_path / "ledger.json").notes == {guid_of("a"): Entry("a", "D", "1", 5, 5000)}


def test_bytes_that_are_no_text_are_a_damaged_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_bytes(b"\xff\xfe")
    with pytest.raises(StateError, match="damaged"):
        read_ledger(tmp_path / "ledger.json")


def test_a_ledger_of_a_newer_tool_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    file.write_text(json.dumps({**GOOD, "format": 3, "new": True}), encoding="utf-8")
    with pytest.raises(StateError) as refused:
        read_ledger(file)
    assert str(refused.value) == (
        f"{file}: format 3, and this tool knows 2\n"
        "  hint: update this tool; the ledger was written by a newer one"
    )
