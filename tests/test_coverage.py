"""Where the numbers of answers come from, and which digits are numbers at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workplace import read_topic
from verify.coverage import Coverage, cover


def covered(folder: Path, answer: str, *, code: str = "", question: str = "Q?", head: str = "") -> Coverage:
    """The numbers of a note with this answer."""
    block = f"```python claim\n{code}\n```\n\n" if code else ""
    return cover([read_topic(folder, f"# T\n\n{head}## {question} {{#q}}\n\n{block}{answer}\n")])


NAMES = [
    "INT8 and FP16",
    "ResNet-50",
    "MobileNetV2",
    "an L2 norm",
    "2-D and 3D",
    "8-bit weights",
    "top-1 error",
    "top–5",
    "GPT-3.5",
    "conv1_2",
    "H200",
    "COCO-2017",
    "EfficientNet-B0",
    "x86_64",
    "sm_90",
    "v2",
    "bfloat16",
    "the 3-layer one",
    "4-way",
    "Conv2d",
    "`7 + 8` in code",
    "$3 \\times 3$",
    "$$9$$",
    "1. in a list\n2. so",
    "```python\nx = 5\n```",
    "no digits at all",
    "**ResNet**-50 and `cuda`-12",
    "a link [to](https://example.org/7)",
    "![alt 7](f.svg)",
]


@pytest.mark.parametrize("text", NAMES)
def test_digits_of_names_math_code_and_markers_are_no_numbers(tmp_path: Path, text: str) -> None:
    assert covered(tmp_path, text).numbers == 0


NUMBERS = {
    "It is 7.": 1,
    "8.7× fewer": 1,
    "from 3 to 5": 2,
    "3–5 layers": 2,
    "3-5 layers": 2,
    "294,912 weights": 1,
    "71.8 %": 1,
    "-5 dB": 1,
    "−5 dB": 1,
    "a loss of -0.5": 1,
    "3×3": 2,
    "25/36 of it": 1,
    "24/7/365": 3,
    "1.2×10⁶ images": 1,
    "1.2 · 10^6 or 1.2 × 10^{-7}": 2,
    "2^-25, 2⁻²⁵ and 10⁻⁷": 3,
    "a 3 × 10 grid": 2,
    "1.9–2.1× fewer": 2,
    "≈ 2× and < 0.1 %": 2,
    "80GiB, 3TB/s and 5MiB": 3,
    "1.2e-7": 1,
    "1e5 images": 1,
    "5x faster": 1,
    "25.6M weights": 1,
    "4.1G, 8B, 16K": 3,
    "12ms, 3µs, 9us": 3,
    "80GB or 16GiB": 2,
    "(2024)": 1,
    "v2 of 3": 1,
    "> quoted 7": 1,
    "| a | b |\n|---|---|\n| 1 | 2 |": 2,
    "- item 7": 1,
    "### Heading 7": 1,
    "**7**": 1,
    "[see 7](https://example.org)": 1,
    "twenty 20\u202f000": 1,
}


@pytest.mark.parametrize(("text", "count"), NUMBERS.items())
def test_every_other_digit_is_part_of_a_number(tmp_path: Path, text: str, count: int) -> None:
    found = covered(tmp_path, text)
    assert len(found.bare) == found.numbers == count


def counts(found: Coverage) -> tuple[int, int, int, int]:
    return found.measured, found.cited, found.given, len(found.bare)


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        ("[8.7×](claim:x)", (1, 0, 0, 0)),
        ("[25/36](claim:x) and 7", (1, 0, 0, 1)),
        ("[$\\frac{1}{9}$](claim:x)", (1, 0, 0, 0)),
        ("[≈ $1.2 \\cdot 10^6$ weights](claim:x)", (1, 0, 0, 0)),
        ("[1.9–2.1×](claim:x)", (1, 0, 0, 0)),
        ("[**8.7**×](claim:x) so", (1, 0, 0, 0)),
        ("[between 4 and 7 times](claim:x)", (2, 0, 0, 0)),
        ("[$\\frac{1}{K} + 3^2$](claim:x)", (2, 0, 0, 0)),
        ("[71.8 %](cite:key)", (0, 1, 0, 0)),
        ("[3×3]{.given}", (0, 0, 2, 0)),
        ("[3×3]{.other}", (0, 0, 0, 2)),
        ("[**3** of [4]{.given}]{.other}", (0, 0, 1, 1)),
        ("[?](claim:x)", (0, 0, 0, 0)),
        ("{{c1::[8.7×](claim:x)}} and {{c2::9}}", (1, 0, 0, 1)),
        ("[8.7×](claim:x) of 8.7", (1, 0, 0, 1)),
        ("None.\n\n---\n\n[8.7×](claim:x) and 7", (1, 0, 0, 1)),
    ],
)
def test_a_number_is_measured_cited_given_or_bare(
    tmp_path: Path, answer: str, counted: tuple[int, int, int, int]
) -> None:
    assert counts(covered(tmp_path, answer, code="x = 1")) == counted


@pytest.mark.parametrize(
    ("code", "text", "given"),
    [
        ("M = 128", "128 channels", True),
        ("M = 1024", "1,024 channels", True),
        ("M = 1_000_000", "1,000,000", True),
        ("rate = 0.10", "0.1", True),
        ("rate = 1e-5", "1e-5", True),
        ("rate = 5.0", "5", True),
        ("M = 1_200_000", "1.2×10⁶", True),
        ("a, b = 25, 36", "25/36", True),
        ("a, b = 25, 36", "25/37", False),
        ("M = 1024", "2^10", True),
        ("M = 64 * 2", "128 channels", False),
        ("M = '128'", "128 channels", False),
        ("M = True", "1", False),
    ],
)
def test_a_literal_of_the_notes_own_code_is_given(tmp_path: Path, code: str, text: str, given: bool) -> None:
    assert counts(covered(tmp_path, text, code=code)) == ((0, 0, 1, 0) if given else (0, 0, 0, 1))


def test_a_literal_of_the_files_code_is_given_and_one_of_another_note_is_not(tmp_path: Path) -> None:
    head = "```python claim\nN = 256\n```\n\n## Other? {#other}\n\n```python claim\nM = 128\n```\n\nSo.\n\n"
    assert counts(covered(tmp_path, "128 and 256", head=head)) == (0, 0, 1, 1)


def test_a_number_of_the_question_is_given(tmp_path: Path) -> None:
    question = "What costs a $5 \\times 5$ layer with 1,024 channels and K = 7?"
    assert counts(covered(tmp_path, "1024 channels, 5 wide, 7 high, 9 deep", question=question)) == (
        0,
        0,
        3,
        1,
    )


def test_a_bare_number_is_shown_with_its_line_and_its_neighbours(tmp_path: Path) -> None:
    found = covered(tmp_path, "First line\nand some words before the 42 that stands alone\nthird")
    (bare,) = found.bare
    assert str(bare.location) == "cards/topic.md:6"
    assert bare.text == "me words before the 42 that stands alone"


def test_what_stands_above_the_first_note_is_no_answer(tmp_path: Path) -> None:
    assert covered(tmp_path, "So.", head="An introduction with 42 words.\n\n").numbers == 0
