"""Writing missing ids into headings, and touching nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.collection import load
from generator.ids import write_ids
from generator.notes import Note
from tests.notes import write_notes


def ids_in(folder: Path, text: str) -> list[str]:
    """The ids that a file with this text lacks."""
    write_notes(folder, text)
    return [new.id for new in write_ids(load(folder), write=False)]


def after_writing(folder: Path, text: str) -> str:
    """What becomes of a file."""
    file = write_notes(folder, text)
    write_ids(load(folder), write=True)
    return file.read_bytes().decode("utf-8")


@pytest.mark.parametrize(
    ("question", "identity"),
    [
        ("Why is a depthwise convolution cheap?", "depthwise-convolution-cheap"),
        ("How many weights does one 3×3 layer have, and how many does the other?", "weights-3-3-layer-other"),
        ("What is **INT8** `x_min`?", "int8-x-min"),
        ("Wie groß ist das Maß é?", "wie-gross-ist-das-mass"),
        ("What is it?", "note"),
        ("何?", "note"),
        ("What is $x$ for?", "note"),
    ],
)
def test_an_id_is_made_from_the_words_of_the_question(tmp_path: Path, question: str, identity: str) -> None:
    assert ids_in(tmp_path, f"# T\n\n## {question}\n\na\n") == [identity]


def test_no_id_is_given_twice(tmp_path: Path) -> None:
    write_notes(tmp_path, "# T\n\n## Cheap? {#cheap}\n\na\n", "b.md")
    write_notes(tmp_path, "# T\n\n## X? {#Dear}\n\na\n", "c.md")
    text = "# T\n\n## Cheap?\n\na\n\n## Cheap?\n\nb\n\n## Dear?\n\nc\n"
    assert ids_in(tmp_path, text) == ["cheap-2", "cheap-3", "dear-2"]


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("## Cheap?", "## Cheap? {#cheap}"),
        ("## Cheap?  ", "## Cheap? {#cheap}  "),
        ("##\tCheap?\t", "##\tCheap? {#cheap}\t"),
        ("  ## Cheap?", "  ## Cheap? {#cheap}"),
        ("## Cheap? ##", "## Cheap? {#cheap} ##"),
        ("## Cheap? #### ", "## Cheap? {#cheap} #### "),
        ("## Cheap C#", "## Cheap C# {#cheap-c}"),
        ("## Cheap? {.typed}", "## Cheap? {#cheap .typed}"),
        ("## Cheap? {.typed} ##", "## Cheap? {#cheap .typed} ##"),
        ("## Cheap? { .typed }", "## Cheap? {#cheap  .typed }"),
        ('## Cheap? {tags="a b"}', '## Cheap? {#cheap tags="a b"}'),
        ('## Cheap? {hint="item #1"}', '## Cheap? {#cheap hint="item #1"}'),
        ("## Cheap? {}", "## Cheap? {#cheap}"),
        ("## Cheap {!}", "## Cheap {!} {#cheap}"),
        ("## Cheap $x^{2}$", "## Cheap $x^{2}$ {#cheap}"),
        ("## Cheap{.typed}", "## Cheap{.typed} {#cheap-typed}"),
        ("## Cheap? {#cheap}", "## Cheap? {#cheap}"),
    ],
)
def test_an_id_goes_to_the_end_of_the_heading_or_into_its_braces(
    tmp_path: Path, heading: str, expected: str
) -> None:
    before, after = "# T\n\n", "\n\na\n"
    assert after_writing(tmp_path, before + heading + after) == before + expected + after


@pytest.mark.parametrize(
    "heading",
    [
        "## Cheap? {#cheap .nope}",
        "## Cheap? {#größe}",
        "## Cheap? {#one #two}",
        "## Cheap? {#}",
        "## Cheap {x}",
        "Cheap?\n---",
    ],
)
def test_a_heading_that_its_author_has_to_mend_first_is_left_alone(tmp_path: Path, heading: str) -> None:
    # Braces that cannot be read may hold the id that learners know the note by.
    text = f"# T\n\n{heading}\n\na\n"
    assert after_writing(tmp_path, text) == text
    assert ids_in(tmp_path, text) == []


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
def test_the_rest_of_the_file_stays_byte_for_byte(tmp_path: Path, ending: str, mark: str) -> None:
    text = mark + ending.join(
        [
            "---",
            "deck:   D   # ours",
            "---",
            "# T",
            "## Cheap? ",
            "a\u2028\x0c b  ",
            "~~~",
            "## no heading",
            "~~~",
            "	```",
            "```",
            "## no heading either",
            "```",
            "",
            "## Dear? {.typed}",
            "𝄞",
            "### A part",
            "## Last?",
            "no line end here",
        ]
    )
    expected = (
        text.replace("## Cheap?", "## Cheap? {#cheap}")
        .replace("{.typed}", "{#dear .typed}")
        .replace("## Last?", "## Last? {#last}")
    )
    assert after_writing(tmp_path, text) == expected


def test_only_files_that_lack_an_id_are_written(tmp_path: Path) -> None:
    done = write_notes(tmp_path, "# T\n\n## Q? {#q}\n\na\n", "done.md")
    before = done.stat()
    lacking = write_notes(tmp_path, "# T\n\n## Cheap?\n\na\n", "lacking.md")
    write_ids(load(tmp_path), write=True)
    after = done.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert "{#cheap}" in lacking.read_text(encoding="utf-8")


def test_without_write_nothing_is_written_and_the_places_are_named(tmp_path: Path) -> None:
    text = "# T\n\n## Cheap?\n\na\n\n## Dear?\n\nb\n"
    file = write_notes(tmp_path, text)
    found = write_ids(load(tmp_path), write=False)
    assert [(new.location.line, new.id) for new in found] == [(3, "cheap"), (7, "dear")]
    assert file.read_text(encoding="utf-8") == text


PIECES = st.sampled_from(
    [
        "## Cheap?",
        "## Dear? ##",
        "## X {.typed}",
        "## Y {}",
        "## {x}",
        "## Z {#z}",
        "##",
        "a",
        "- ## b",
        "---",
        "{}",
        "```",
        "> c",
        "\u2028",
        "\t",
        "  ",
        "# T",
        "### s",
        "\n",
        "\r\n",
        "\n\n",
        "\n\n",
        "\r",
        "#",
        " {",
        "} ",
    ]
)


def is_held_by(text: str, longer: str) -> bool:
    """Whether a text is left when some characters of the longer one are taken away."""
    waiting = iter(longer)
    return all(character in waiting for character in text)


def question_of(note: Note) -> str:
    """A question as it is written, without a pair of empty braces at its end."""
    return re.sub(r"\s*\{\s*\}$", "", "".join(token.content for token in note.question))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=15).map(lambda pieces: "# T\n\n" + "".join(pieces)))
def test_whatever_the_file_every_new_id_is_read_back_and_the_rest_is_as_it_was(
    tmp_path: Path, text: str
) -> None:
    file = write_notes(tmp_path, text)
    before = load(tmp_path)
    found = write_ids(before, write=True)
    written, after = file.read_bytes().decode("utf-8"), load(tmp_path)
    assert is_held_by(text, written)
    assert len(written) - len(text) <= sum(len(f" {{#{new.id}}}") for new in found)
    for (_, old), (_, now) in zip(before.notes(), after.notes(), strict=True):
        assert (now.kind, question_of(now)) == (old.kind, question_of(old))
        assert not old.id or now.id == old.id
    assert {new.id for new in found} <= {note.id for _, note in after.notes()}
    assert write_ids(after, write=False) == []
