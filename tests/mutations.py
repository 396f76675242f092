"""Notes as no author writes them: real ones, cut, shuffled and soiled, the same from the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

CARDS = Path(__file__).parent.parent / "cards"
EVERYTHING = """\
---
deck: Vision::Everything
tags: [one, two]
---

# Everything

It shows $x_1^2$ and more. A second sentence.

```python claim
x = 4
```

## What is it? {#what .reversed tags="why core" hint="a hint"}

[4](claim:x) of [71 %](cite:nobody "Table 4"), ~~no~~ **yes**, `{{ user }}`, [3×3]{.given}.

$$
\\sum_{i=1}^{n} \\frac{a}{b}
$$

---

| a | b |
| --- | --- |
| $x \\| y$ | [4](claim:x "bench, 2026-11") |

## Sizes {#sizes}

It is {{c1::four::a number}} or {{c2,3::$\\frac{a}{b}$ `std::vector`}}, $5 and $10.

- one
  1. two
- three

```c++
std::vector<int> v{{1}, {2}};
```

![a box](box.svg "claim:x"){width=9}
"""
BIB = "@article{nobody, author={Nobody, N.}, title={Nothing}, year={2016}}\n"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
_NASTY = (
    *("{{c1::", "}}", "::", "$$", "$", "```", "~~~", "](claim:x)", "[?](claim:", '"', "{#", "}", "\\", "\\("),
    *(
        "<!--",
        "![",
        "](",
        "[^1]",
        "&#0;",
        "# ",
        "## ",
        "> ",
        "- ",
        "|",
        "`",
        "*",
        "_",
        "~~",
        "{.typed}",
        "deck: [",
    ),
    *("---\n", "\r", "\r\n", "\0", "\u2028", "\ufeff", "\t", "\ud7ff", "\U0010ffff", "\x0b", "\x1f"),
)


def mutated(seed: int) -> bytes:
    """The bytes of a file of notes with one to four faults."""
    pick = random.Random(seed)
    data = pick.choice(_corpus())
    if len(data) > 1500 and pick.random() < 0.8:
        data = data[: pick.randrange(400, 1500)]
    for _ in range(pick.randint(1, 4)):
        data = pick.choice(_MUTATIONS)(data, pick)
    return data


@cache
def _corpus() -> tuple[bytes, ...]:
    texts = [file.read_text(encoding="utf-8") for file in sorted(CARDS.rglob("*.md"))]
    for pattern, kept in ((r"cite:\w+", "cite:nobody"), (r"[\w/.-]+\.svg", "box.svg"), (r"requires: .*", "")):
        texts = [re.sub(pattern, kept, text) for text in texts]
    return (EVERYTHING.encode(),) * len(texts) + tuple(text.encode() for text in texts)


def _cut(data: bytes, pick: random.Random) -> bytes:
    return data[: pick.randrange(len(data) + 1)]


def _remove(data: bytes, pick: random.Random) -> bytes:
    start = pick.randrange(len(data) + 1)
    return data[:start] + data[start + pick.randrange(60) :]


def _repeat(data: bytes, pick: random.Random) -> bytes:
    start = pick.randrange(len(data) + 1)
    part = data[start : start + pick.randrange(80)]
    return data[:start] + part * pick.randint(2, 4) + data[start:]


def _soil(data: bytes, pick: random.Random) -> bytes:
    start = pick.randrange(len(data) + 1)
    return data[:start] + pick.randbytes(pick.randint(1, 6)) + data[start:]


def _insert(data: bytes, pick: random.Random) -> bytes:
    start = pick.randrange(len(data) + 1)
    return data[:start] + (pick.choice(_NASTY) * pick.choice((1, 1, 1, 2, 40))).encode() + data[start:]


def _swap_lines(data: bytes, pick: random.Random) -> bytes:
    lines = data.split(b"\n")
    first, second = pick.randrange(len(lines)), pick.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _swap_fences(data: bytes, pick: random.Random) -> bytes:
    fences = [b"```", b"~~~", b"$$", b"---", b"$", b"{{", b"}}", b"##", b"[", b"]"]
    first, second = pick.sample(fences, 2)
    return data.replace(first, b"\0").replace(second, first).replace(b"\0", second)


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _remove, _repeat, _soil, _insert, _insert, _swap_lines, _swap_fences,
)  # fmt: skip
