"""A number and its unit stay on one line: `less than 2 %` does not break before its percent sign."""

from __future__ import annotations

import re

_UNIT = re.compile(
    r"(?<=\d) (?=%|(?:[kMGTPmµn]?(?:B|Hz|W|s)(?:/s)?|[KMGT]iB|[kMGTP]?(?:FLOP|MAC)s?(?:/s)?|dB|[kMGT])(?!\w))"
)
"""The space before a percent sign, a unit, or a letter that stands for thousands, millions and so on."""


def bound(html: str) -> str:
    """Escaped text whose spaces between numbers and units do not break.

    Source: BIPM, The International System of Units (SI Brochure), section 5.4.3: a space separates the two,
    and the percent sign is written like a unit.
    """
    return _UNIT.sub("&nbsp;", html)
