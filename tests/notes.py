"""Small notes for the tests of the generator: parsed where they stand, or written to a folder."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from generator.errors import Problem
from generator.notes import Note, Topic
from generator.parse import parse
from generator.references import Reference
from generator.render import Rendered, render
from generator.source import Source

HEAD = "# Topic\n\n## Question? {#q}\n\n"
"""The lines above the body of the one note in most tests; the body begins on line 5."""


def write_notes(folder: Path, text: str, name: str = "topic.md") -> Path:
    """Write a file of notes, its line endings as they are; returns the file."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))
    return file


def parsed(text: str) -> tuple[Topic, list[Problem]]:
    """The topic that a text is, and what is wrong with it."""
    topic, problems = parse(Source.of("topic.md", text), Path("topic.md"))
    assert topic is not None
    return topic, problems


def topic_of(text: str) -> Topic:
    """The topic that a faultless text is."""
    topic, problems = parsed(text)
    assert not problems, "\n".join(map(str, problems))
    return topic


def note_of(body: str, heading: str = "## Question? {#q}") -> Note:
    """The one note with this body; there must be nothing wrong with it."""
    (note,) = topic_of(f"# Topic\n\n{heading}\n\n{body}").notes
    return note


def complaints(text: str) -> list[str]:
    """Everything that is wrong with a text, `path:line: what` and the hint below it."""
    _, problems = parse(Source.of("topic.md", text), Path("topic.md"))
    return [str(problem) for problem in sorted(problems, key=lambda problem: problem.location)]


def rendered(
    text: str, folder: Path = Path("cards"), references: dict[str, Reference] | None = None
) -> Rendered:
    """The first note of a text, rendered as if it lay in this folder."""
    topic, problems = parse(Source.of("topic.md", text), folder / "topic.md")
    assert topic is not None and not problems, "\n".join(map(str, problems))
    return render(topic.notes[0], topic, folder, references or {})


def html_of(body: str) -> str:
    """The HTML of a note's answer (or of a cloze note's text)."""
    fields = rendered(HEAD + body).fields
    return fields["Answer"] if "Answer" in fields else fields["Text"]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.pieces.append(data)


def visible(html: str) -> str:
    """The text that a browser shows of some HTML, white space folded."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.pieces).split())
