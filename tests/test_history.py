"""Ids over time: renamed, retired, reused; and what an edit would take from learners."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build import Report, build
from generator.errors import CardError, UsageError
from generator.ledger import guid_of, read_ledger
from tests.anki_engine import Learner
from tests.notes import write_notes

DAY = 86_400
MONDAY = 1_790_000_000
"""2026-09-21, 14:13:20 UTC."""

ONE, TWO = "## One? {#one}\n\n1\n\n", "## Two? {#two}\n\n2\n\n"


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """A folder for notes."""
    return tmp_path / "cards"


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    person = Learner(tmp_path / "anki")
    yield person
    person.closes()


class Author:
    """Somebody who writes notes and builds them, a day after the last time."""

    def __init__(self, cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cards = cards
        self.now = MONDAY
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(cards.parent)

    def builds(self, *notes: str, deck: str = "", name: str = "topic.md") -> Report:
        """Write a file of these notes and build the collection, or one deck of it."""
        write_notes(self.cards, "---\ndeck: Vision\n---\n# Topic\n\n" + "".join(notes), name)
        self.monkeypatch.setenv("SOURCE_DATE_EPOCH", str(self.now))
        self.now += DAY
        return build(self.cards, self.cards.parent / "decks", deck)

    def fails(self, *notes: str) -> list[str]:
        """Build, which must be refused and must leave the ledger as it was; returns the errors."""
        ledger = self.cards.parent / "decks" / "ledger.json"
        before = ledger.read_bytes()
        with pytest.raises(CardError) as refused:
            self.builds(*notes)
        assert ledger.read_bytes() == before
        return [str(problem) for problem in refused.value.problems if problem.severity == "error"]

    @property
    def package(self) -> Path:
        return self.cards.parent / "decks" / "vision.apkg"

    def retired(self) -> dict[str, str]:
        """Id and day of every retired note."""
        entries = read_ledger(self.cards.parent / "decks" / "ledger.json").notes.values()
        return {entry.id: entry.retired for entry in entries if entry.retired}


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Author:
    (tmp_path / "cards").mkdir()
    return Author(tmp_path / "cards", monkeypatch)


def said(report: Report) -> list[str]:
    return [str(warning) for warning in report.warnings]


# Renaming


def test_a_renamed_note_keeps_its_reviews(author: Author, learner: Learner) -> None:
    author.builds(ONE, TWO)
    learner.imports(author.package)
    learner.studies(2)
    before, ids = learner.schedule(), learner.ids()
    report = author.builds(ONE.replace("#one", "#uno was=one"), TWO)
    assert (report.new, report.changed, report.gone) == ((), ("uno",), ())
    done = learner.imports(author.package)
    assert (len(done.new), len(done.updated)) == (0, 1)
    assert learner.ids() == {"uno": ids["one"], "two": ids["two"]}
    assert learner.schedule() == {
        ("uno" if name == "one" else name, n): row for (name, n), row in before.items()
    }
    assert learner.is_sound()


def test_a_renamed_note_is_the_same_note_in_every_later_build(author: Author) -> None:
    author.builds(ONE)
    renamed = ONE.replace("#one", "#uno was=one")
    author.builds(renamed)
    assert author.builds(renamed).unchanged == 1
    again = author.builds(ONE.replace("#one", "#eins was=one"))
    assert (again.new, again.changed, again.gone) == ((), ("eins",), ())
    back = author.builds(ONE)
    assert (back.new, back.changed, back.gone) == ((), ("one",), ())


def test_without_was_a_renamed_note_would_come_twice(author: Author) -> None:
    author.builds(ONE)
    author.builds(ONE.replace("#one", "#uno was=one"))
    assert author.fails(ONE.replace("#one", "#uno")) == [
        "cards/topic.md:6: learners have 'uno' as the note that was 'one' first\n"
        "  hint: write {#uno was=one} again, or they get it a second time"
    ]


def test_was_names_the_first_id_and_not_one_between(author: Author) -> None:
    author.builds(ONE)
    author.builds(ONE.replace("#one", "#uno was=one"))
    assert author.fails(ONE.replace("#one", "#eins was=uno")) == [
        "cards/topic.md:6: learners have 'uno' as the note that was 'one' first\n  hint: write was=one"
    ]


def test_was_must_not_name_a_note_that_is_there(author: Author) -> None:
    author.builds(ONE, TWO)
    assert author.fails(ONE.replace("#one", "#uno was=two"), TWO) == [
        "cards/topic.md:6: was=two names the id of the note at cards/topic.md:10\n"
        "  hint: give that note an id of its own, or take was away here"
    ]


def test_one_note_only_can_be_the_one_that_learners_have(author: Author) -> None:
    author.builds(ONE)
    assert author.fails(ONE.replace("#one", "#uno was=one"), TWO.replace("#two", "#dos was=one")) == [
        "cards/topic.md:10: was=one stands at cards/topic.md:6 already\n"
        "  hint: one note only can be the one that learners have: keep one"
    ]


def test_a_note_with_reviews_of_its_own_cannot_take_those_of_another(author: Author) -> None:
    author.builds(ONE, TWO)
    assert author.fails(TWO.replace("#two", "#two was=one")) == [
        "cards/topic.md:6: learners have 'two' as a note of its own, not as 'one'\n  hint: take was=one away"
    ]


def test_was_that_names_nothing_that_was_ever_built_is_a_warning(author: Author) -> None:
    author.builds(ONE)
    assert said(author.builds(ONE, TWO.replace("#two", "#dos was=twoo"))) == [
        "cards/topic.md:10: warning: no build so far had a note 'twoo'\n"
        "  hint: take it away, unless learners have such a note"
    ]
    assert said(author.builds(ONE.replace("#one", "#uno was=onee"))) == [
        "cards/topic.md:6: warning: no build so far had a note 'onee'\n  hint: did you mean 'one'?",
        "cards/topic.md:6: warning: 'uno' asks what 'one' asked, which is gone: learners will have both\n"
        "  hint: if it is the same note, write {#uno was=one} before the next build",
    ]


def test_a_new_id_on_the_same_question_is_a_warning(author: Author) -> None:
    author.builds(ONE, TWO)
    assert said(author.builds(ONE.replace("#one", "#uno"), TWO)) == [
        "cards/topic.md:6: warning: 'uno' asks what 'one' asked, which is gone: learners will have both\n"
        "  hint: if it is the same note, write {#uno was=one} before the next build"
    ]


@pytest.mark.parametrize("written", ['was=""', 'was="a b"', "was=ö"])
def test_was_must_be_an_id(author: Author, written: str) -> None:
    author.builds(ONE)
    (found,) = author.fails(ONE.replace("#one", f"#uno {written}"))
    assert found.startswith("cards/topic.md:6: ") and "hint: write" in found


# Retiring


def test_a_note_that_is_gone_is_named_once_and_kept_in_the_ledger(author: Author) -> None:
    author.builds(ONE, TWO)
    assert author.builds(ONE).gone == ("two",)
    assert author.retired() == {"two": "2026-09-22"}
    assert author.builds(ONE).gone == ()
    assert author.retired() == {"two": "2026-09-22"}


def test_a_note_that_comes_back_with_its_question_is_the_same_note(author: Author, learner: Learner) -> None:
    author.builds(ONE, TWO)
    learner.imports(author.package)
    learner.studies(2)
    before = learner.schedule()
    author.builds(ONE)
    report = author.builds(ONE, TWO.replace("\n2\n", "\ntwo\n"))
    assert (report.new, report.changed, author.retired()) == ((), ("two",), {})
    assert len(learner.imports(author.package).updated) == 1
    assert learner.schedule() == before


def test_a_retired_id_is_never_given_to_another_note(author: Author) -> None:
    author.builds(ONE, TWO)
    author.builds(ONE)
    other = "## Something else? {#two}\n\n2\n"
    assert author.fails(ONE, other) == [
        "cards/topic.md:10: the id 'two' was that of a note that is gone since 2026-09-22\n"
        "  hint: give this note an id of its own; if it is the same note, write {#two was=two}"
    ]
    report = author.builds(ONE, other.replace("#two", "#two was=two"))
    assert (report.changed, author.retired()) == (("two",), {})
    assert author.builds(ONE, other).unchanged == 2, "once it is back, nothing has to be said"


def test_the_first_id_of_a_renamed_note_is_never_given_to_another_one(author: Author) -> None:
    author.builds(ONE)
    author.builds(ONE.replace("#one", "#uno was=one"))
    author.builds(TWO)
    assert author.fails(TWO, "## Third? {#one}\n\n3\n") == [
        "cards/topic.md:10: the id 'one' was that of a note that is gone since 2026-09-23\n"
        "  hint: give this note an id of its own; if it is the same note, write {#one was=one}"
    ]
    assert author.fails(TWO, "## Third? {#uno}\n\n3\n") == [
        "cards/topic.md:10: learners have 'uno' as the note that was 'one' first\n"
        "  hint: write {#uno was=one} again, or they get it a second time"
    ]


def test_a_note_cannot_be_renamed_to_a_retired_id(author: Author) -> None:
    author.builds(ONE, TWO)
    author.builds(ONE)
    assert author.fails(ONE.replace("#one", "#two was=one")) == [
        "cards/topic.md:6: the id 'two' was that of a note that is gone since 2026-09-22\n"
        "  hint: give the note that was 'one' another id"
    ]


def test_a_note_that_is_held_back_is_not_retired(author: Author) -> None:
    author.builds(ONE, TWO)
    report = author.builds(ONE, "## Two? {#two}\n\n```python claim\nx = 2\n```\n\n[?](claim:x)\n")
    assert (report.gone, author.retired()) == ((), {})


# What an edit takes from learners


@pytest.mark.parametrize(
    ("before", "after", "warning"),
    [
        (
            "## One {#n .reversed}\n\n1\n",
            "## One {#n}\n\n1\n",
            "'n' is no longer asked in reverse: learners keep an empty card and lose its reviews\n"
            "  hint: keep .reversed, if the card was a good one",
        ),
        (
            "## N {#n}\n\n{{c1::a}} b {{c3::c}} {{c4::d}}\n",
            "## N {#n}\n\n{{c1::a}} b c d\n",
            "'n' has no c3 and no c4 any more: learners keep an empty card and lose its reviews\n"
            "  hint: let every deletion that stays keep its number",
        ),
        (
            "## N {#n}\n\n1\n",
            "## N {#n}\n\n{{c1::1}}\n",
            "'n' becomes a note of type 'Groundtruth Cloze': Anki skips it, learners keep the old one\n"
            "  hint: give it a new id: they get it as a new note, and delete the old one",
        ),
    ],
)
def test_an_edit_that_loses_reviews_is_a_warning_once(
    author: Author, before: str, after: str, warning: str
) -> None:
    author.builds(before)
    assert said(author.builds(after)) == [f"cards/topic.md:6: warning: {warning}"]
    assert said(author.builds(after)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## N {#n}\n\n1\n", "## N {#n .typed}\n\n1\n"),
        ("## N {#n}\n\n1\n", "## N {#n .reversed}\n\n1\n"),
        ("## N {#n}\n\n{{c1::a}} b\n", "## N {#n}\n\n{{c1::a}} {{c2::b}}\n"),
    ],
)
def test_an_edit_that_loses_nothing_is_none(author: Author, before: str, after: str) -> None:
    author.builds(before)
    assert said(author.builds(after)) == []


# One deck of several


def test_a_build_of_one_deck_leaves_the_others_as_they_were(author: Author) -> None:
    write_notes(
        author.cards, "---\ndeck: Text::Words\n---\n# T\n\n" + TWO + "## Three? {#three}\n\n3\n", "b.md"
    )
    author.builds(ONE, name="a.md")
    decks = author.cards.parent / "decks"
    before = {file.name: file.read_bytes() for file in decks.iterdir()}
    (author.cards / "b.md").write_text(
        "---\ndeck: Text::Words\n---\n# T\n\n" + TWO.replace("\n2\n", "\nII\n")
    )
    report = author.builds(ONE.replace("\n1\n", "\nI\n"), name="a.md", deck="vision")
    assert [file.name for file, _, _ in report.packages] == ["vision.apkg"]
    assert (report.new, report.changed, report.gone, report.outdated) == ((), ("one",), (), ())
    after = {file.name: file.read_bytes() for file in decks.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"vision.apkg", "ledger.json"}
    assert after.keys() == before.keys()
    everything = author.builds(ONE.replace("\n1\n", "\nI\n"), name="a.md")
    assert (everything.changed, everything.gone) == (("two",), ("three",))


def test_a_build_of_a_deck_that_there_is_not_says_which_there_are(author: Author) -> None:
    author.builds(ONE)
    with pytest.raises(UsageError) as refused:
        author.builds(ONE, deck="Visoin")
    assert str(refused.value) == "there is no deck 'Visoin'\n  hint: did you mean 'Vision'?"


def test_the_guid_of_a_renamed_note_is_that_of_its_first_id(author: Author) -> None:
    author.builds(ONE)
    author.builds(ONE.replace("#one", "#uno was=one"))
    entry = read_ledger(author.cards.parent / "decks" / "ledger.json").notes[guid_of("one")]
    assert (entry.id, entry.was) == ("uno", "one")
