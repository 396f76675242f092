"""The ways in which people write a number, plainly and in math, as patterns; and advice for near misses."""

from __future__ import annotations

import re

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LOWERED = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
BOUNDS = {
    **dict.fromkeys(("<", r"\lt"), "<"),
    **dict.fromkeys((">", r"\gt"), ">"),
    **dict.fromkeys(("≤", "<=", r"\le", r"\leq", r"\leqslant"), "≤"),
    **dict.fromkeys(("≥", ">=", r"\ge", r"\geq", r"\geqslant"), "≥"),
    **dict.fromkeys(("≈", "~", r"\approx", r"\sim", r"\simeq"), "≈"),
}
"""Every spelling of a bound, and the bound."""

_PLAIN_BOUND = r"(?:<=|>=|[<>≤≥≈~])\s*"
_MATH_BOUND = r"(?:<|>|≤|≥|≈|\\(?:leq?|geq?|leqslant|geqslant|lt|gt|approx|sim|simeq)(?![A-Za-z]))\s*"
_SIGN = r"(?P<sign>[-−+]?)"
_EXPONENT = r"(?P<{}>[-+−]?[0-9]{{1,4}})"
_SUPERSCRIPT = r"⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}"
_PLAIN_GROUPS = r"[,_\u2009\u202f]"
_MATH_GROUPS = r"(?:\{,\}|\\,)"
_DECIMALS = r"(?:\.(?P<decimals>[0-9]+))?"
_WHOLE = r"(?:[0-9]{{1,3}}(?P<grouping>{0})[0-9]{{3}}(?:(?P=grouping)[0-9]{{3}})*|[0-9]+)"
_BAR = r"[0-9]+/0*[1-9][0-9]*"

_PLAIN_LABEL = r"(?:\s*[^\s\d?.,:/^_+\\$|{}⁻⁰¹²³⁴⁵⁶⁷⁸⁹–—±][^\d?$]*)?"
_UPRIGHT = r"\\(?:text|textrm|mathrm|mathsf|operatorname)\s*\{([^{}\d?]*)\}"
_SPACE = r"(?:\s|~|\\[,;:! ]|\\q?quad(?![A-Za-z]))*"
_MATH_LABEL = rf"{_SPACE}(?:\\times(?![A-Za-z])|×|\\%|(?:\\mu\s*)?{_UPRIGHT})?\s*\$"

_PLAIN_POWER = (
    rf"(?P<power>[eE](?=[-+−]?[0-9])|\s*[×x·]\s*10(?:\^(?P<brace>\{{)?|(?={_SUPERSCRIPT})))"
    rf"(?P<exponent>[-+−]?[0-9]{{1,4}}|{_SUPERSCRIPT})(?(brace)\}})"
)
_PLAIN_TOWER = (
    rf"(?P<base>[2-9]|[1-9][0-9]{{1,2}})(?:\^(?P<inner>\{{)?{_EXPONENT.format('raised')}(?(inner)\}})"
    rf"|(?P<superscript>{_SUPERSCRIPT}))"
)
_MATH_POWER = (
    r"(?P<power>\s*(?:\\cdot|\\times|×|·)\s*10\s*\^\s*(?P<brace>\{\s*)?)"
    r"(?P<exponent>(?(brace)[-+−]?[0-9]{1,4}|[0-9]))(?(brace)\s*\})"
)
_MATH_TOWER = (
    r"(?P<base>[2-9]|[1-9][0-9]{1,2})\s*\^\s*(?P<inner>\{\s*)?"
    r"(?P<raised>(?(inner)[-+−]?[0-9]{1,4}|[0-9]))(?(inner)\s*\})(?P<superscript>(?!))?"
)
_MATH_FRACTION = r"\\[dt]?frac\s*(?:\{[0-9]+\}\s*\{0*[1-9][0-9]*\}|[0-9][1-9])"

PLAIN = re.compile(
    rf"(?P<lead>(?:{_PLAIN_BOUND})?){_SIGN}(?:{_PLAIN_TOWER}"
    rf"|(?P<digits>(?P<fraction>{_BAR})|{_WHOLE.format(_PLAIN_GROUPS)}{_DECIMALS})(?:{_PLAIN_POWER})?)"
    rf"(?P<suffix>{_PLAIN_LABEL})"
)
MATH = re.compile(
    rf"(?P<lead>(?:{_PLAIN_BOUND})?\$\s*|\$\s*{_MATH_BOUND}){_SIGN}(?:{_MATH_TOWER}"
    rf"|(?P<digits>(?P<fraction>{_MATH_FRACTION}|{_BAR})|{_WHOLE.format(_MATH_GROUPS)}{_DECIMALS})"
    rf"(?:{_MATH_POWER})?)(?P<suffix>{_MATH_LABEL}{_PLAIN_LABEL})"
)
QUESTION = re.compile(
    rf"(?P<lead>(?:{_PLAIN_BOUND})?){_SIGN}\?(?:(?P<dash>\s*–\s*)\?)?(?P<suffix>{_PLAIN_LABEL}|\$)"
)
MATH_QUESTION = re.compile(
    rf"(?P<lead>(?:{_PLAIN_BOUND})?\$\s*|\$\s*{_MATH_BOUND}){_SIGN}\?(?P<suffix>{_MATH_LABEL}{_PLAIN_LABEL})"
)
RANGE = re.compile(
    r"(?P<first>[^–]*[0-9}⁰¹²³⁴⁵⁶⁷⁸⁹][^–0-9]*?)(?P<dash>(?:\\text\{–\}|\s*–\s*))(?P<second>[-−]?[0-9\\].*)"
)


def label_of(suffix: str) -> str:
    """What stands behind a number, without what only sets it: ` ms` and `\\,\\mathrm{ms}$` are `ms`."""
    text = re.sub(r"\\mu\s*", "µ", suffix.replace("$", " "))
    text = re.sub(r"\\[,;:! ]|\\q?quad|~", " ", re.sub(_UPRIGHT, r"\1", text))
    return text.replace(r"\times", "×").replace(r"\%", "%").strip()


def advice(text: str) -> str:
    """What an author probably meant by a text that is no number."""
    bare = text.strip()
    number = re.search(r"[0-9][0-9.,]*", bare)
    if number and re.search(r"^\$.*\$$", bare):
        return r"in math, write $294{,}912$, $1.2 \cdot 10^{6}$, $2^{-25}$ or $\frac{1}{9}$, and nothing else"
    if number and re.search(r"[*_`{}\[\]]", bare):
        return f"leave the markup outside the brackets: **[{number[0]}](claim:…)**"
    if re.fullmatch(r"[-−–]?[0-9]+,[0-9]+\W*\w*", bare):
        return "write a decimal point; a comma groups thousands, as in 1,234,567"
    if re.fullmatch(r"[0-9]{1,3}( [0-9]{3})+", bare):
        return f"group thousands by commas: {bare.replace(' ', ',')}"
    if ends := re.fullmatch(r"([0-9][0-9.,]*)\s*(?:-|—|to)\s*([0-9].*)", bare):
        return f"write a range with an en dash: {ends[1]}–{ends[2]}"
    if "±" in bare:
        return "write the range, as in 96.7–97.5 %, or the digits that the spread carries"
    if bare.startswith(("–", "—")) and number:
        return f"write a minus sign, −{number[0]}, or a hyphen, -{number[0]}"
    if number and re.search(r"[A-Za-z]\s+$|[$€£¥]\s*$", bare[: number.start()]):
        before = bare[: number.start()].strip()
        return f"leave '{before}' outside the brackets: {before} [{bare[number.start() :]}](claim:…)"
    return "write one, such as 8.7×, 71.8 %, 4.2 ms, 1.2e-7 or 25/36; words need a bool, other text a str"
