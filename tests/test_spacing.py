"""A number and its unit stay on one line."""

from __future__ import annotations

import pytest

from generator.spacing import bound
from tests.notes import rendered


@pytest.mark.parametrize(
    "text",
    [
        "2 %",
        "4.2 ms",
        "98 MB",
        "80 GiB",
        "3.3 TB/s",
        "1,979 TFLOP/s",
        "569 M",
        "0.39 G",
        "31 dB",
        "1.98 GHz",
        "700 W",
        "13 µs",
    ],
)
@pytest.mark.parametrize("around", ["less than {}.", "({})", "{}, then more", "{}"])
def test_a_number_is_bound_to_its_unit(text: str, around: str) -> None:
    assert bound(around.format(text)) == around.format(text.replace(" ", "&nbsp;"))


@pytest.mark.parametrize(
    "text", ["12 heads", "3 seeds", "a %", "5 Gaussians", "2 Mbit-like things", "16 bits", "8.7×", "1 to 64"]
)
def test_other_words_may_go_to_the_next_line(text: str) -> None:
    assert bound(text) == text


NOTE = """# T

Introduced.

## What share (in %) of 10 ms is 2 ms? {#share .typed}

20 %

---

`20 %` in code, $20 \\%$ in math, and 20 % in words.
"""


def test_a_card_binds_words_and_leaves_code_math_and_what_is_typed_as_they_were() -> None:
    fields = rendered(NOTE).fields
    assert fields["Question"] == "What share (in %) of 10&nbsp;ms is 2&nbsp;ms?"
    assert fields["Typed"] == "20 %"
    extra = r"<p><code>20 %</code> in code, \(20 \%\) in math, and 20&nbsp;% in words.</p>"
    assert fields["Extra"] == extra
