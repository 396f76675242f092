"""What a learner unfolds of a file's shared code: what the note rests on, as it is written."""

from __future__ import annotations

import pytest

from generator.notes import Block, Location
from generator.slicing import relevant_code

SHARED = """\
import torch
from torch.nn import Conv2d
from verify import macs, parameters

# A layer as MobileNet has it.
width = 64
layer = Conv2d(width, width, 3)
layer.weight.data = torch.ones(1)
torch.manual_seed(0)


def ratio(a, b):
    \"\"\"Their quotient.\"\"\"
    return a / b


standard = parameters(Conv2d(128, 256, 3))
separable = 33_920
saving = ratio(standard, separable)
assert saving > 8
for k in (1, 3):
    assert parameters(Conv2d(1, 1, k)) > 0
"""


def sliced(*names: str, code: str = SHARED) -> str:
    return relevant_code([Block(code, Location("t.md", 3))], names)


def test_a_name_brings_what_it_rests_on_and_nothing_else() -> None:
    assert sliced("standard") == (
        "from torch.nn import Conv2d\nfrom verify import macs, parameters\n"
        "\nstandard = parameters(Conv2d(128, 256, 3))\n"
    )


def test_what_works_on_a_value_comes_with_it_and_so_do_comments() -> None:
    assert sliced("layer") == (
        "import torch\nfrom torch.nn import Conv2d\n"
        "\n# A layer as MobileNet has it.\nwidth = 64\nlayer = Conv2d(width, width, 3)\n"
        "layer.weight.data = torch.ones(1)\n"
    )


def test_a_seed_counts_for_whoever_draws_numbers_after_it() -> None:
    assert sliced("torch") == "import torch\ntorch.manual_seed(0)\n"


def test_functions_come_whole_and_assertions_with_what_they_are_about() -> None:
    code = sliced("saving")
    assert '    """Their quotient."""\n    return a / b\n' in code
    assert "assert saving > 8\n" in code
    assert "width" not in code


@pytest.mark.parametrize("name", ["Conv2d", "parameters"])
def test_an_import_alone_brings_no_loop_of_assertions(name: str) -> None:
    assert "for k in" not in sliced(name)


def test_no_name_brings_nothing() -> None:
    assert sliced("unheard_of") == ""


def test_a_later_block_brings_what_it_needs_of_an_earlier_one() -> None:
    blocks = [Block("a = 1\nb = 2\n", Location("t.md", 3)), Block("c = a + 1\nd = b\n", Location("t.md", 9))]
    assert relevant_code(blocks, ["c"]) == "a = 1\n\nc = a + 1\n"


def test_code_that_does_not_parse_is_given_whole() -> None:
    assert sliced("a", code="a = (\n") == "a = (\n"
