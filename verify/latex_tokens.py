"""LaTeX as cards write it, cut into names, numbers, commands and signs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from verify.values import Refusal

LONGEST = 300
"""Characters that a formula may have."""

LARGEST = 1000
"""The largest exponent, and the digits of the largest number, that a formula may have."""

GREEK = re.compile(
    r"alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|(?:var)?theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|"
    r"upsilon|(?:var)?phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|ell|infty"
)
CONSTANTS = frozenset({"pi", "e", "infty"})
APPLIED = {"log", "ln", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min", "erf", "round"}
RENAMED = {
    **{
        "dfrac": "frac",
        "tfrac": "frac",
        "times": "cdot",
        "*": "cdot",
        "div": "/",
        "vert": "|",
        "mod": "bmod",
    },
    **{"lg": "log:10", r"\{": "(", r"\}": ")"},
}
OPENING = {"(": ")", "[": "]", "{": "}", "lfloor": "rfloor", "lceil": "rceil", "lvert": "rvert"}
CLOSING = {*OPENING.values(), "rceil"}
LARGE = {"sum", "prod", "bmod"}
COMMANDS = {"log:10", "frac", "binom", "sqrt", "cdot", "/", "|", *LARGE, *APPLIED, *OPENING, *CLOSING}
SPELLED = {"lvert": r"{\absolute(", "rvert": ")}", "[": "(", "]": ")"}

UPRIGHT = r"\\(?:text|textrm|mathrm|mathit|mathsf|mathbf|mathcal|boldsymbol|bm|operatorname)(?![A-Za-z])"
WORD = UPRIGHT + r"\s*\{\s*[A-Za-z][A-Za-z0-9 _-]*\}"
ACCENT = r"\\(?:hat|bar|tilde|vec|dot|overline|widehat)(?![A-Za-z])\s*"
ACCENTED = re.compile(r"\\(hat|bar|tilde|vec|dot|overline|widehat)(?![A-Za-z])\s*\{*\s*(\\?[A-Za-z]+)\s*\}*")
SPOKEN = {"overline": "bar", "widehat": "hat"}
CASES = re.compile(r"\\begin\s*\{cases\}(?P<rows>.*?)\\end\s*\{cases\}", re.DOTALL)
SERIES = re.compile(r"\\(?P<series>sum|prod)(?![A-Za-z])\s*(?:\\limits\s*)?")
RELATION = re.compile(r"(<=|>=|[<>=≤≥]|\\(?:leq?|geq?|lt|gt|leqslant|geqslant|neq?)(?![A-Za-z]))")
RELATIONS = {
    **dict.fromkeys(("<", r"\lt"), "<"),
    **dict.fromkeys((">", r"\gt"), ">"),
    **dict.fromkeys(("<=", "≤", r"\le", r"\leq", r"\leqslant"), "<="),
    **dict.fromkeys((">=", "≥", r"\ge", r"\geq", r"\geqslant"), ">="),
    **{"=": "==", r"\ne": "!=", r"\neq": "!="},
}
"""Every spelling of a relation in a condition, and the relation as sympy names it."""
OTHERWISE = re.compile(UPRIGHT + r"\s*\{\s*(?:otherwise|else|elsewhere)\s*[.,]?\s*\}")
WHEN = re.compile(UPRIGHT + r"\s*\{\s*(?:if|for|when)\s*\}")
INDEX = r"(?:\s*_\s*(?:[A-Za-z0-9]|\\[A-Za-z]+(?![A-Za-z])(?:\s*\{[^{}]*\})?|\{(?:[^{}]|\{[^{}]*\})*\}))?'*"
TOKEN = re.compile(
    r"(?P<space>(?:\s|~|&|\\[,;:!> ]|\\(?:left|right|[bB]igg?[lr]?|q?quad|displaystyle|limits)(?![A-Za-z]))+)"
    r"|(?P<number>[0-9]+(?:(?:\{,\}|\\,)[0-9]{3})*(?:\.[0-9]+)?)"
    r"|\\log\s*_\s*(?P<base>[A-Za-z0-9]|\{\s*(?:[0-9]+|[A-Za-z])\s*\})"
    rf"|(?P<name>(?:[A-Za-z]|{WORD}|\\(?:{GREEK.pattern})(?![A-Za-z])|{ACCENT}(?:[A-Za-z]|"
    rf"\\(?:{GREEK.pattern})(?![A-Za-z])|\{{(?:[^{{}}]|\{{[^{{}}]*\}})*\}})){INDEX})"
    r"|\\(?P<command>[A-Za-z]+)|(?P<sign>\\[{}]|[-+*/^=(){}\[\],!|])"
)
HINT = (
    r"write it with names, \frac, \sqrt, ^{…}, \cdot, \bmod, \lfloor…\rfloor, \max(…), \log_2(…), \exp(…), "
    r"\sum_{i=1}^{n}, \begin{cases} and ="
)


class BadFormula(Refusal, ValueError):
    """A text that is no formula, or one that can be read in two ways."""


class Token(NamedTuple):
    """A piece of a formula."""

    kind: str
    """`name`, `number`, `command` or `sign`; `series`, `cases` or `object` for what is read apart."""
    text: str
    """A name without braces and underscores, a number without grouping, a command without its backslash."""
    spelling: str
    """As the author wrote it."""
    parts: tuple[Part, ...] = ()
    """The index's name and the limits of a series; the rows of cases, each a value and its condition."""


class Part(NamedTuple):
    """A formula inside a formula."""

    sides: tuple[list[Token], ...]
    """One formula, or those of a condition; none for `otherwise`."""
    relations: tuple[str, ...] = ()
    """What stands between the sides of a condition."""


def names_of(tokens: Iterable[Token]) -> Iterator[Token]:
    """The names in a formula and in the parts of it, but for the indices of its series."""
    bound = {token.parts[0].sides[0][0].text for token in tokens if token.kind == "series"}
    for token in tokens:
        if token.kind == "name" and token.text not in bound:
            yield token
        inner = token.parts[1:] if token.kind == "series" else token.parts
        for part in inner:
            for side in part.sides:
                yield from (name for name in names_of(side) if name.text not in bound)


def plain_name(name: str) -> str:
    r"""A name without what only sets it: `C_{\text{in}}`, `C_in`, `Cin` are one; so are `\hat{y}`, `yhat`."""
    spoken = ACCENTED.sub(lambda found: found[2] + SPOKEN.get(found[1], found[1]), re.sub(UPRIGHT, "", name))
    return re.sub(r"[\\{}_\s,]", "", spoken).replace("lambda", "lamda")


def tokenize(latex: str, known: Mapping[str, Any]) -> list[Token]:
    """The pieces of a formula.

    Args:
        latex: the formula, without dollar signs.
        known: the names that the claim has; several letters are one name where they are among these.

    Raises:
        BadFormula: it is too long, or there is something in it that no formula has.
    """
    if len(latex) > LONGEST:
        raise BadFormula(f"the formula has more than {LONGEST} characters", "shorten it")
    tokens: list[Token] = []
    at = bars = 0
    while at < len(latex):
        if apart := _cases(latex, at, known) or _series(latex, at, known):
            tokens.append(apart)
            at += len(apart.spelling)
            continue
        match = TOKEN.match(latex, at)
        if match is None:
            raise BadFormula(f"`{latex[at:][:12]}` is not understood in a formula", HINT)
        kind, spelling = match.lastgroup or "", match[0]
        before = [token.text for token in tokens[-2:]]
        if kind == "name":
            spelling = _longest(latex, at, spelling, known)
            text = plain_name(spelling)
            if text in APPLIED and text not in known:
                kind = "command"
        elif kind == "number":
            if "frac" in before and "{" not in before and "(" not in before:
                spelling = spelling[0]  # as TeX reads \frac12
            elif before[-1:] in (["^"], ["sqrt"]) and len(spelling) > 1:
                raise BadFormula(
                    f"`{before[-1]}{spelling}` takes in only the first digit", "put it into braces"
                )
            elif tokens and tokens[-1].kind == "number":
                raise BadFormula(
                    f"`{tokens[-1].spelling} {spelling}` is two numbers in a row", r"write \cdot"
                )
            text = re.sub(r"\{,\}|\\,", "", spelling)
        elif kind == "base":
            kind, text = "command", "log:" + match["base"].strip("{ }")
        else:
            text = RENAMED.get(match[kind], match[kind])
            if text == "|":
                text, bars = ("lvert", "rvert")[bars % 2], bars + 1
            if kind == "command" and text not in COMMANDS:
                raise BadFormula(f"`{spelling}` is not understood in a formula", HINT)
            kind = "command" if text == "cdot" else kind
        at += len(spelling)
        if kind != "space":
            tokens.append(Token(kind, text, spelling))
    return tokens


def _longest(latex: str, at: int, spelling: str, known: Mapping[str, Any]) -> str:
    """The name at `at`: several letters are one name where the claim has it, and its first letter is none."""
    letters = re.compile("[A-Za-z]*").match(latex, at)
    if letters and plain_name(spelling) not in known:
        for length in range(len(letters[0]), 1, -1):
            match = re.compile(rf"[A-Za-z]{{{length}}}{INDEX}").match(latex, at)
            if match and plain_name(match[0]) in known:
                return match[0]
    return spelling


def _cases(latex: str, at: int, known: Mapping[str, Any]) -> Token | None:
    """`\\begin{cases} … \\end{cases}`, where it begins here."""
    found = CASES.match(latex, at)
    if found is None:
        return None
    parts: list[Part] = []
    for row in found["rows"].split(r"\\"):
        if not row.strip():
            continue
        value, mark, condition = row.partition("&")
        if not mark:
            raise BadFormula(f"`{row.strip()[:12]}` in cases has no condition", r"write x & x > 0 \\")
        parts.append(Part((tokenize(value.strip().rstrip(","), known),)))
        if OTHERWISE.fullmatch(condition.strip()):
            parts.append(Part(()))
            continue
        pieces = RELATION.split(WHEN.sub("", condition).strip().rstrip(".,"))
        if len(pieces) == 1:
            hint = r"write a relation such as x > 0, or \text{otherwise}"
            raise BadFormula(f"`{condition.strip()[:12]}` is no condition", hint)
        sides = tuple(tokenize(piece.strip(), known) for piece in pieces[::2])
        parts.append(Part(sides, tuple(RELATIONS[piece] for piece in pieces[1::2])))
    if not parts or not all(part.sides or index % 2 for index, part in enumerate(parts)):
        raise BadFormula("there is nothing in the cases", HINT)
    return Token("cases", "cases", found[0], tuple(parts))


def _series(latex: str, at: int, known: Mapping[str, Any]) -> Token | None:
    """`\\sum_{i=1}^{n}` or `\\prod…` with both limits, where it begins here; what it adds comes after it."""
    found = SERIES.match(latex, at)
    if found is None:
        return None
    limits: dict[str, str] = {}
    end = found.end()
    while latex[end : end + 1] in ("_", "^") and latex[end] not in limits:
        mark, (limits_text, end) = latex[end], _group(latex, end + 1)
        limits[mark] = limits_text
        end += len(latex[end:]) - len(latex[end:].lstrip())
    name, equals, lower = limits.get("_", "").partition("=")
    index = tokenize(name.strip(), {})
    if not equals or "^" not in limits or [token.kind for token in index] != ["name"]:
        raise BadFormula(f"`{found[0].strip()}` lacks its limits", rf"write {found[0].strip()}_{{i=1}}^{{n}}")
    parts = (Part((index,)), Part((tokenize(lower, known),)), Part((tokenize(limits["^"], known),)))
    return Token("series", found["series"], latex[at:end], parts)


def _group(latex: str, at: int) -> tuple[str, int]:
    """What stands in the braces that open at `at`, or the one sign there; and the index after it."""
    at += len(latex[at:]) - len(latex[at:].lstrip())
    if latex[at : at + 1] != "{":
        sign = re.compile(r"\\[A-Za-z]+|.").match(latex, at)
        if sign is None:
            raise BadFormula("the formula ends too early", HINT)
        return sign[0], sign.end()
    depth = 0
    for index in range(at, len(latex)):
        depth += (latex[index] == "{") - (latex[index] == "}")
        if not depth:
            return latex[at + 1 : index], index + 1
    raise BadFormula("`{` is never closed", HINT)


def closing(tokens: list[Token], at: int) -> int:
    """The index of the bracket that closes the one at `at`."""
    wanted: list[str] = []
    for index in range(at, len(tokens)):
        text = tokens[index].text
        if text in OPENING:
            wanted.append(OPENING[text])
        elif text in CLOSING and wanted.pop() not in (text, "rfloor" if text == "rceil" else text):
            break
        if not wanted:
            return index
    raise BadFormula(f"`{tokens[at].spelling}` is never closed", HINT)
