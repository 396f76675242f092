"""Whether a card can be read: contrast of every colour of text on what lies behind it, light and dark."""

from __future__ import annotations

import re

import pytest

from generator.theme import OURS

READABLE = 4.5
"""WCAG 2.2, success criterion 1.4.3 (AA): the contrast of text and background."""


def luminance(colour: str) -> float:
    """Relative luminance of `#rgb` or `#rrggbb`, as WCAG defines it."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def palette(selector: str) -> dict[str, str]:
    """The named colours that a rule sets."""
    (rule,) = re.findall("^" + re.escape(selector) + r" \{\s*(--ink.*?)$", OURS.css, re.MULTILINE)
    return dict(re.findall(r"(--[a-z]+): (#[0-9a-f]{6});", rule))


LIGHT, DARK = ".card", ".card.nightMode, .nightMode .card"


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("selector", [LIGHT, DARK])
@pytest.mark.parametrize("ink", ["--ink", "--soft", "--mark", "--link"])
@pytest.mark.parametrize("behind", ["--paper", "--panel"])
def test_every_colour_of_text_can_be_read(selector: str, ink: str, behind: str) -> None:
    colours = palette(selector)
    assert contrast(colours[ink], colours[behind]) >= READABLE


@pytest.mark.parametrize(("scope", "selector"), [(".code", LIGHT), (".nightMode .code", DARK)])
def test_every_colour_of_code_can_be_read(scope: str, selector: str) -> None:
    panel = palette(selector)["--panel"]
    rules = re.findall(rf"^{re.escape(scope)} (\.h-\w+) \{{([^}}]*)\}}", OURS.css, re.MULTILINE)
    assert len(rules) > 40
    for name, rule in rules:
        colour = re.search(r"(?<![-\w])color: (#[0-9a-fA-F]{3,6})", rule)
        behind = re.search(r"background-color: (#[0-9a-fA-F]{3,6})", rule)
        if colour and name != ".h-w":  # white space, of which there is nothing to see
            found = contrast(colour[1], behind[1] if behind else panel)
            assert found >= READABLE, f"{scope} {name}: {found:.2f}"
