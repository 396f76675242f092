"""Texts, addresses and values as a page may hold them; all that comes from a note is escaped here."""

from __future__ import annotations

import re
from fractions import Fraction
from html import escape
from urllib.parse import quote

from verify.listing import spelled
from verify.values import Value

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
"""What HTML may not hold or nobody sees, with what would turn the text's direction around."""


def plain(text: str) -> str:
    """A text as HTML that reads as just that text, inside of an attribute, too."""
    return escape(_UNSEEN.sub("\ufffd", text.replace("\r\n", "\n")))


def code(text: str) -> str:
    """A name as code."""
    return f"<code>{plain(text)}</code>"


def link(address: str, text: str) -> str:
    """A link; the address is escaped already."""
    return f'<a href="{address}">{plain(text)}</a>'


def address(path: str, line: int = 0) -> str:
    """The address of a line of a file, relative to the page."""
    # `./` keeps a path such as `javascript:x` from being read as a scheme.
    start = "" if path.startswith(("/", ".")) else "./"
    return f"{start}{quote(path)}" + (f"#L{line}" if line else "")


def anchor(text: str) -> str:
    """The name of a place in the page."""
    return quote(text, safe="/:")


def exactly(value: Value) -> str:
    """A value in full: `294,912`, `2.66667 (8/3)`, `0.977 (0.969 to 0.985, 5 samples)`."""
    unit = f" {value.unit}" if value.unit else ""
    if isinstance(value.number, Fraction):
        number = value.number
        if number.denominator == 1:
            return f"{number.numerator:,}{unit}" if abs(number) < 10**30 else f"{float_of(number)}{unit}"
        return f"{float_of(number)}{unit} ({number})" if len(str(number)) < 40 else float_of(number) + unit
    if value.kind == "number" and value.number is not None:
        return f"{value.number:.8g}{unit}"
    if value.number is None or value.low is None or value.high is None:
        return spelled(value).partition(": ")[2] or spelled(value)
    if value.low == value.high:
        return f"{value.number:.6g}{unit}"
    interval = f"{value.low:.4g} to {value.high:.4g}"
    several = f", {len(value.samples)} samples" if value.samples else ""
    return f"{value.number:.6g}{unit} ({interval}{several})"


def float_of(number: Fraction) -> str:
    """A fraction of any size with six significant digits."""
    try:
        return f"{float(number):.6g}"
    except OverflowError:
        return (
            f"about {'-' if number < 0 else ''}1e{len(str(abs(number.numerator // number.denominator))) - 1}"
        )
