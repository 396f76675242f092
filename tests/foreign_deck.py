"""Collections of people who never saw this tool, made, studied and exported with Anki itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anki.collection import ExportAnkiPackageOptions

from tests.anki_engine import Learner

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


def add(
    learner: Learner, notetype: str, fields: list[str], deck: str = "Spanish", tags: tuple[str, ...] = ()
) -> Any:
    """Add a note to a collection, as a person does in Anki; returns it."""
    note = learner.col.new_note(learner.col.models.by_name(notetype))
    for index, html in enumerate(fields):
        note.fields[index] = html
    note.tags = list(tags)
    learner.col.add_note(note, learner.col.decks.id(deck))
    return note


def own_type(learner: Learner, name: str = "Verb*s [x]_1") -> str:
    """A note type with four fields of odd names and three templates; returns its name."""
    models = learner.col.models
    made = models.new(name)
    for field in ("Verb", "C #", "Front & *Back*", "Field 2"):
        models.add_field(made, models.new_field(field))
    for title, front in (
        ("Ask", "{{Verb}}"),
        ("Ask back", "{{#C #}}{{Verb}}: {{C #}}{{/C #}}"),
        ("Maybe", "{{^Verb}}none{{/Verb}}{{#Field 2}}{{hint:Field 2}}{{/Field 2}}"),
    ):
        template = models.new_template(title)
        template["qfmt"], template["afmt"] = front, "{{FrontSide}}<hr id=answer>\n\n{{Front & *Back*}}"
        models.add_template(made, template)
    made["css"] += "\n.card { background: url('_back.png'); }\n"
    made["sortf"] = 2
    made["latexsvg"] = True
    models.add(made)
    return name


def fill(learner: Learner) -> None:
    """Give a collection notes of many kinds, with media, in three decks."""
    media = learner.col.media
    names = [
        media.write_data(name, PIXEL + name.encode())
        for name in ("plain.png", "with space & (brackets).png", "größe 100% #1.png", "_back.png")
    ]
    names.append(media.write_data("señal.mp3", b"ID3 sound"))
    _, odd, large, _, sound = names
    add(learner, "Basic", ["What is <b>hola</b>?", "hello"], tags=("verbs::irregular", 'say"{x}"', "ÑU%20"))
    add(learner, "Basic", ["price $5 and $10", "a*b*c _d_ [e](f) `g` # h &lt;i&gt; &amp;amp;"])
    add(learner, "Basic", ["1. not a list", "line<br>line<br><br>paragraph&nbsp;"])
    add(
        learner,
        "Basic",
        ["<div>old</div><div>editor</div>", "<p>html</p>\n<table><tr><td>x</td></tr></table>"],
    )
    add(learner, "Basic", [r"math \(\frac{a_1}{b_1}\)", r"\[x &lt; y\]<br>\(z\)"])
    add(learner, "Basic", [f'<img src="{odd.replace("&", "&amp;")}">', f"[sound:{sound}]"])
    add(learner, "Basic", ['see <img src="plain.png">', f'<img src="{large}" alt="x"> and ```fence```\n```x'])
    add(learner, "Basic", ["only a front", ""])
    add(
        learner, "Basic", ["<ul><li>one</li><li>two <i>three</i></li></ul>", "x<ol><li>a</li><li>b</li></ol>"]
    )
    add(learner, "Basic", ["missing", '<img src="nowhere.png"> <img src="https://example.org/x.png">'])
    add(learner, "Basic", ["日本語", '二 <code>a`b</code> <a href="https://example.org/?a=1&amp;b=2">t</a>'])
    add(learner, "Basic", ["日本語 C #", "### not a heading {#x type=y}"])
    add(learner, "Basic (and reversed card)", ["uno", "one"], deck="Spanish::Números [1]")
    add(learner, "Basic (optional reversed card)", ["dos", "two", "y"], deck="Spanish::Números [1]")
    add(learner, "Basic (optional reversed card)", ["tres", "three", ""], deck="Spanish::Números [1]")
    add(learner, "Basic (type in the answer)", ["cuatro", "four"], deck='Odd "deck": #1 ½')
    add(learner, "Cloze", ["{{c1::uno}} y {{c2::dos::two}} {x}", "extra std::vector"])
    add(learner, "Cloze", [r"{{c1::\(\frac{a}{b} \)}} and {{c3::<b>x {{c2::y}}</b>}}", ""])
    verb = own_type(learner)
    add(learner, verb, ["ser", "", "to be", "x"])
    add(learner, verb, ["estar", "to be", "", "hint"])
    description = learner.col.decks.by_name("Spanish")
    description["desc"] = "My <b>own</b> deck"
    learner.col.decks.save(description)


def export(learner: Learner, file: Path, legacy: bool = True, scheduling: bool = True) -> Path:
    """Export the whole collection as Anki's dialog does; returns the file."""
    options = ExportAnkiPackageOptions(
        with_scheduling=scheduling, with_deck_configs=False, with_media=True, legacy=legacy
    )
    learner.col.export_anki_package(out_path=str(file), options=options, limit=None)
    return file


def state(learner: Learner) -> dict[str, list[Any]]:
    """Everything of a collection that an import could touch."""
    database = learner.col.db
    learner.col.models._clear_cache()  # Anki's Python side does not hear of an import
    return {
        "notes": database.all("select guid, mid, mod, tags, flds, sfld from notes order by guid"),
        "cards": database.all(
            "select nid, did, ord, type, queue, due, ivl, factor, reps, lapses, left from cards order by id"
        ),
        "types": sorted((one["id"], repr(one)) for one in learner.col.models.all()),
        "decks": sorted((one["name"], one.get("desc", "")) for one in learner.col.decks.all()),
    }
