"""The notes that every candidate compiles: all different, each with math, code and a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PER_FILE = 100
"""Notes in one file; the same for every candidate that reads Markdown."""


def question(number: int) -> str:
    """The question of a note."""
    return f"How much work does stage {number} with ${_width(number)}$ channels take?"


def answer(number: int, inline: tuple[str, str] = ("$", "$"), display: tuple[str, str] = ("$$", "$$")) -> str:
    """The answer of a note: a sentence, math in a line and displayed, seven lines of Python, and a list.

    Args:
        number: which note.
        inline: what stands before and after math in a line.
        display: what stands before and after displayed math.
    """
    width, kernel = _width(number), 1 + 2 * (number % 5)
    return f"""It takes {inline[0]}C_{{{number}}}^2 \\cdot K^2{inline[1]} multiplications *per position*, with
{inline[0]}K = {kernel}{inline[1]} and `stage_{number}` as its name:

{display[0]}
W_{{{number}}} = \\sum_{{i=1}}^{{{width}}} \\frac{{K_i^2}}{{{number + 2}}} + {width}^2
{display[1]}

```python
def stage_{number}(values, width={width}):
    total = {number}
    for index, value in enumerate(values):
        if index % {kernel} == 0:
            total += value * width  # term {number}
    return total / {number + 1}
print(stage_{number}([{number}, 2.5, "x" * 3]))
```

- the kernel of stage {number} has side {kernel}
- its **width** is {width}
- nothing else counts
"""


def _width(number: int) -> int:
    return 8 + number * 7 % 1021


def write_ours(folder: Path, notes: int) -> None:
    """The notes in this project's language, which markdown-anki-decks reads as well."""
    for name, numbers in _files(notes):
        parts = [f"---\ndeck: Bench\n---\n\n# Topic {name}\n\nWhat {name} is about.\n"]
        parts += [f"## {question(number)} {{#bench-{number}}}\n\n{answer(number)}" for number in numbers]
        (folder / f"{name}.md").write_text("\n".join(parts), encoding="utf-8")


def write_for_ankdown(folder: Path, notes: int) -> None:
    """The notes as ankdown wants them: `%` between the sides, `---` between notes, its own math."""
    inline, display = ("\\\\(", "\\\\)"), ("\\\\[", "\\\\]")
    for name, numbers in _files(notes):
        cards = [
            f"{question(number).replace('$', '')}\n\n%\n\n{answer(number, inline, display)}"
            for number in numbers
        ]
        (folder / f"{name}.md").write_text("\n---\n\n".join(cards), encoding="utf-8")


def _files(notes: int) -> Iterator[tuple[str, range]]:
    for first in range(0, notes, PER_FILE):
        yield f"topic-{first // PER_FILE:04}", range(first, min(notes, first + PER_FILE))
