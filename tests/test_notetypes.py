"""The note types, pinned: what learners have in their collections can never be renumbered.

The numbers stand here a second time on purpose. When one of these tests fails, the change in `notetypes.py`
is wrong: Anki would make a copy of the note type and skip every note that somebody already has.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from anki.collection import Collection

from generator.apkg import notetype_digests
from generator.notetypes import ALL, CLOZE, OCCLUSION, QUESTION, NoteType
from generator.theme import OURS, Theme

TYPES = pytest.mark.parametrize("notetype", ALL, ids=lambda notetype: notetype.name)


def test_the_ids_of_the_note_types_never_change() -> None:
    assert [(notetype.id, notetype.kind) for notetype in ALL] == [
        (1761400000001, "normal"),
        (1761400000002, "cloze"),
        (1761400000003, "cloze"),
    ]


def test_the_fields_of_questions_never_change_in_id_order_or_number() -> None:
    assert [(field.id, field.name) for field in QUESTION.fields] == [
        (7302614810017000, "Question"),
        (7302614810017001, "Answer"),
        (7302614810017002, "Reversed"),
        (7302614810017003, "Typed"),
        (7302614810017004, "Extra"),
        (7302614810017005, "Evidence"),
        (7302614810017006, "Source"),
        (7302614810017007, "Topic"),
        (7302614810017008, "Hint"),
        (7302614810017009, "Related"),
        (7302614810017010, "Expires"),
        (7302614810017011, "Id"),
        (7302614810017012, "Introduction"),
        (7302614810017013, "Spare 2"),
        (7302614810017014, "Spare 3"),
        (7302614810017015, "Spare 4"),
        (7302614810017016, "Spare 5"),
    ]


def test_the_fields_of_cloze_notes_never_change_in_id_order_or_number() -> None:
    assert [(field.id, field.name) for field in CLOZE.fields] == [
        (7302614810027000, "Text"),
        (7302614810027001, "Context"),
        (7302614810027002, "Extra"),
        (7302614810027003, "Evidence"),
        (7302614810027004, "Source"),
        (7302614810027005, "Topic"),
        (7302614810027006, "Hint"),
        (7302614810027007, "Related"),
        (7302614810027008, "Expires"),
        (7302614810027009, "Id"),
        (7302614810027010, "Introduction"),
        (7302614810027011, "Spare 2"),
        (7302614810027012, "Spare 3"),
        (7302614810027013, "Spare 4"),
        (7302614810027014, "Spare 5"),
    ]


def test_the_fields_of_image_occlusion_notes_begin_with_the_stock_ones_and_never_change() -> None:
    assert [(field.id, field.name, field.tag) for field in OCCLUSION.fields] == [
        (7302614810037000, "Occlusion", 0),
        (7302614810037001, "Image", 1),
        (7302614810037002, "Header", 2),
        (7302614810037003, "Back Extra", 3),
        (7302614810037004, "Comments", 4),
        (7302614810037005, "Evidence", None),
        (7302614810037006, "Source", None),
        (7302614810037007, "Topic", None),
        (7302614810037008, "Hint", None),
        (7302614810037009, "Related", None),
        (7302614810037010, "Expires", None),
        (7302614810037011, "Id", None),
        (7302614810037012, "Introduction", None),
        (7302614810037013, "Spare 2", None),
        (7302614810037014, "Spare 3", None),
        (7302614810037015, "Spare 4", None),
        (7302614810037016, "Spare 5", None),
    ]
    assert OCCLUSION.stock == 6, "Anki's editor for image occlusion goes by this"


def test_the_stock_fields_are_those_of_anki(tmp_path: Path) -> None:
    col = Collection(str(tmp_path / "collection.anki2"))
    stock = col.models.by_name("Image Occlusion")
    col.close()
    assert stock is not None and stock["originalStockKind"] == OCCLUSION.stock
    assert [(each["name"], each["tag"]) for each in stock["flds"]] == [
        (field.name, field.tag) for field in OCCLUSION.fields if field.tag is not None
    ]


def test_the_templates_never_change_in_id_order_or_number() -> None:
    assert [(template.id, template.name) for template in QUESTION.templates] == [
        (7302614810018000, "Question"),
        (7302614810018001, "Reversed"),
        (7302614810018002, "Spare"),
    ]
    assert [(template.id, template.name) for template in CLOZE.templates] == [(7302614810028000, "Cloze")]
    assert [(template.id, template.name) for template in OCCLUSION.templates] == [
        (7302614810038000, "Image Occlusion")
    ]


def named(template: str) -> set[str]:
    """The fields that a template names, without filters and section marks."""
    found = re.findall(r"\{\{([^{}]*)\}\}", template)
    return {name.lstrip("#/^").rpartition(":")[2].strip() for name in found}


@TYPES
def test_every_template_names_fields_that_exist(notetype: NoteType) -> None:
    names = {field.name for field in notetype.fields}
    for template in notetype.templates:
        for file in (template.front, template.back):
            assert named(OURS.template(file)) <= names, file


@TYPES
def test_every_section_of_a_template_is_closed(notetype: NoteType) -> None:
    for template in notetype.templates:
        for file in (template.front, template.back):
            waiting: list[str] = []
            for mark, name in re.findall(r"\{\{([#^/])([^{}]*)\}\}", OURS.template(file)):
                if mark == "/":
                    assert waiting.pop() == name
                else:
                    waiting.append(name)
            assert not waiting


@TYPES
def test_no_mark_for_an_include_is_left_in_a_template(notetype: NoteType) -> None:
    for template in notetype.templates:
        for file in (template.front, template.back):
            assert "<!--" not in OURS.template(file)


@TYPES
def test_the_answer_shows_what_the_question_hides(notetype: NoteType) -> None:
    below = {
        "Back Extra" if notetype is OCCLUSION else "Extra",
        "Evidence",
        "Introduction",
        "Source",
        "Related",
    }
    for template in notetype.templates:
        assert below <= named(OURS.template(template.back))
        assert not below & named(OURS.template(template.front))


def test_only_the_cloze_template_has_deletions() -> None:
    assert "{{cloze:Text}}" in OURS.template("cloze_question.html")
    assert "{{cloze:Text}}" in OURS.template("cloze_answer.html")
    assert not any("cloze:" in OURS.template(template.front) for template in QUESTION.templates)


def test_the_style_sheet_has_colours_for_the_night_and_fetches_nothing() -> None:
    assert ".nightMode" in OURS.css
    assert "url(" not in OURS.css and "@import" not in OURS.css
    assert OURS.css.count("{") == OURS.css.count("}")


def test_a_digest_of_each_note_type_moves_with_its_templates() -> None:
    before = notetype_digests()
    assert before.keys() == {"1761400000001", "1761400000002", "1761400000003"}
    original = OURS.template("cloze_answer.html")
    after = notetype_digests(Theme((("cloze_answer.html", original + "<hr>"),)))
    assert after["1761400000001"] == before["1761400000001"]
    assert after["1761400000002"] != before["1761400000002"]
