"""How much is done for a collection: counted, not timed; once for each thing, in step with their number."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from markdown_it import MarkdownIt

from generator import highlight
from generator.build import build
from generator.lexing import Fused
from tests.notes import write_notes

NOTE = """\
## What is {0} of it? {{#n-{0}}}

It is [{0}](claim:a_{0}) and ${0}^2$ by [71 %](cite:he "Table {0}").

```python claim
a_{0} = shared * 0 + {0}
```

---

| a | b |
| --- | --- |
| {{{0}}} | `{0}` |
"""


def write_topic(root: Path, numbers: range) -> None:
    head = f"# T{numbers.start}\n\n```python claim\nshared = {numbers.start}\n```\n\n"
    write_notes(root, head + "\n".join(NOTE.format(number) for number in numbers), f"t{numbers.start}.md")
    write_notes(root, "@article{he, author={He, K.}, title={Residual}, year={2016}}\n", "references.bib")


def counted(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, key: Callable[..., object]
) -> Counter[object]:
    calls: Counter[object] = Counter()
    real = getattr(owner, name)

    def counting(*arguments: Any, **named: Any) -> object:
        calls[key(*arguments, **named)] += 1
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, counting)
    return calls


def test_every_block_is_parsed_once_every_file_once_and_every_code_coloured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in (91_000, 92_000):
        write_topic(tmp_path / "cards", range(first, first + 4))
    blocks = counted(monkeypatch, ast, "parse", lambda code, *rest, **named: code)
    files = counted(monkeypatch, MarkdownIt, "parse", lambda md, text, *rest: text)
    codes = counted(monkeypatch, Fused, "tokens", lambda fused, code: code)
    highlight.highlight_code.cache_clear()
    build(tmp_path / "cards", tmp_path / "decks")
    assert len(blocks) == 2 * (4 + 1) and set(blocks.values()) == {1}
    assert set(files.values()) == {1}
    assert len(codes) == 2 * 4 and set(codes.values()) == {1}


def events(root: Path, out: Path) -> int:
    """How many lines of Python a build runs in this tool and its parser."""
    total = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal total
        total += event == "line"
        return trace if _counts(frame.f_code) else None

    sys.settrace(trace)
    try:
        build(root, out)
    finally:
        sys.settrace(None)
    return total


def _counts(code: CodeType) -> bool:
    return "/generator/" in code.co_filename or "/markdown_it/" in code.co_filename


@pytest.mark.parametrize("one_file", [True, False], ids=["in-one-file", "in-a-file-each-ten"])
def test_twice_the_notes_are_twice_the_work(tmp_path: Path, one_file: bool) -> None:
    def work(notes: int) -> int:
        root = tmp_path / str(notes)
        step = notes if one_file else 10
        for first in range(0, notes, step):
            write_topic(root, range(first, first + step))
        build(root, tmp_path / f"out-{notes}")  # what is imported and cached once is not counted
        for file in (tmp_path / f"out-{notes}").iterdir():
            if file.is_file():
                file.unlink()
        return events(root, tmp_path / f"out-{notes}")

    few, many = work(40), work(80)
    assert 1.6 < many / few < 2.1
