"""LaTeX as cards write it, read into sympy expressions by sympy's grammar; nothing of it is ever run."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, NamedTuple

import sympy
from sympy.core.function import AppliedUndef
from sympy.parsing.latex import parse_latex
from sympy.parsing.latex.errors import LaTeXParsingError

from verify.values import Refusal

LONGEST = 300
"""Characters that a formula may have."""

LARGEST = 1000
"""The largest exponent, and the digits of the largest number, that a formula may have."""

GREEK = re.compile(
    r"alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|(?:var)?theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|"
    r"upsilon|(?:var)?phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|ell"
)
CONSTANTS = {"pi": sympy.pi, "e": sympy.E}
UNDEFINED = {"max": sympy.Max, "min": sympy.Min, "erf": sympy.erf, "absolute": sympy.Abs}
APPLIED = {"log", "ln", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min", "erf"}
RENAMED = {"dfrac": "frac", "tfrac": "frac", "times": "cdot", "*": "cdot", "div": "/", r"\{": "(", r"\}": ")"}
OPENING = {"(": ")", "[": "]", "{": "}", "lfloor": "rfloor", "lceil": "rceil", "lvert": "rvert"}
CLOSING = set(OPENING.values())
COMMANDS = {"frac", "binom", "sqrt", "cdot", "/", *APPLIED, *OPENING, *CLOSING}
SPELLED = {"lvert": r"{\absolute(", "rvert": ")}", "[": "(", "]": ")"}

UPRIGHT = r"\\(?:text|textrm|mathrm|mathit|mathsf|operatorname)(?![A-Za-z])"
WORD = UPRIGHT + r"\s*\{\s*[A-Za-z][A-Za-z0-9 _-]*\}"
INDEX = r"(?:\s*_\s*(?:[A-Za-z0-9]|\\[A-Za-z]+(?![A-Za-z])(?:\s*\{[^{}]*\})?|\{(?:[^{}]|\{[^{}]*\})*\}))?'*"
TOKEN = re.compile(
    r"(?P<space>(?:\s|~|&|\\[,;:!> ]|\\(?:left|right|[bB]igg?[lr]?|q?quad|displaystyle|limits)(?![A-Za-z]))+)"
    r"|(?P<number>[0-9]+(?:(?:\{,\}|\\,)[0-9]{3})*(?:\.[0-9]+)?)"
    r"|\\log\s*_\s*(?P<base>[A-Za-z0-9]|\{\s*(?:[0-9]+|[A-Za-z])\s*\})"
    rf"|(?P<name>(?:[A-Za-z]|{WORD}|\\(?:{GREEK.pattern})(?![A-Za-z])){INDEX})"
    r"|\\(?P<command>[A-Za-z]+)|(?P<sign>\\[{}]|[-+*/^=(){}\[\],!|])"
)
HINT = r"write it with names, \frac, \sqrt, ^{…}, \cdot, \lfloor…\rfloor, \max(…), \log_2(…), \exp(…) and ="


class BadFormula(Refusal, ValueError):
    """A text that is no formula, or one that can be read in two ways."""


class Token(NamedTuple):
    """A piece of a formula."""

    kind: str
    """`name`, `number`, `command` or `sign`."""
    text: str
    """A name without braces and underscores, a number without grouping, a command without its backslash."""
    spelling: str
    """As the author wrote it."""


def plain_name(name: str) -> str:
    """A name without what only sets it: `C_{\text{in}}`, `C_in` and `Cin` are one."""
    return re.sub(r"[\\{}_\s,]", "", re.sub(UPRIGHT, "", name)).replace("lambda", "lamda")


def tokenize(latex: str, known: dict[str, Any]) -> list[Token]:
    if len(latex) > LONGEST:
        raise BadFormula(f"the formula has more than {LONGEST} characters", "shorten it")
    tokens: list[Token] = []
    at = bars = 0
    while at < len(latex):
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
        at += len(spelling)
        if kind != "space":
            tokens.append(Token(kind, text, spelling))
    return tokens


def _longest(latex: str, at: int, spelling: str, known: dict[str, Any]) -> str:
    """The name at `at`: several letters are one name where the claim has it, and its first letter is none."""
    letters = re.compile("[A-Za-z]*").match(latex, at)
    if letters and plain_name(spelling) not in known:
        for length in range(len(letters[0]), 1, -1):
            match = re.compile(rf"[A-Za-z]{{{length}}}{INDEX}").match(latex, at)
            if match and plain_name(match[0]) in known:
                return match[0]
    return spelling


def split_sides(tokens: list[Token]) -> list[list[Token]]:
    sides: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == "=":
            sides.append([])
        else:
            sides[-1].append(token)
    if not all(sides):
        raise BadFormula("there is nothing " + ("in the formula" if len(sides) == 1 else "beside a ="), HINT)
    return sides


def is_name(side: list[Token], known: dict[str, Any]) -> bool:
    """Whether a left-hand side only names what follows: `y`, or `f(n)` where the claim has no f."""
    if side[0].kind != "name" or len(side) == 1:
        return side[0].kind == "name"
    return side[0].text not in known and side[1].text == "(" and _closing(side, 1) == len(side) - 1


def read_expression(tokens: list[Token], known: dict[str, Any]) -> Any:
    # The grammar sees no name and no number, only what stands for them: it would take `C_{in}` for C_{i n},
    # `dN` for a differential and 1.5 for a float, and it runs the digits of a number through `sympify`.
    atoms = {token.text: token.kind for token in tokens if token.kind in ("name", "number")}
    bases = [token.text[4:] for token in tokens if token.text.startswith("log:")]
    atoms |= {base: "number" if base.isdigit() else "name" for base in bases}
    stands_for = {text: f"symbol{'i' * turn}" for turn, text in enumerate(atoms)}
    spelled = _spell(tokens, stands_for)
    try:
        parsed = parse_latex(spelled, backend="antlr", strict=True)
    except (LaTeXParsingError, AttributeError, IndexError, RecursionError, TypeError, ValueError) as error:
        text = "".join(token.spelling for token in tokens)
        raise BadFormula(f"`{text}` is not a whole formula", HINT) from error
    meant: dict[Any, Any] = {}
    for text, kind in atoms.items():
        if kind == "number":
            number = Fraction(text)
            meant[sympy.Symbol(stands_for[text])] = sympy.Rational(number.numerator, number.denominator)
        elif text in known or text in CONSTANTS:
            meant[sympy.Symbol(stands_for[text])] = known.get(text) or CONSTANTS[text]
    with sympy.evaluate(False):
        parsed = parsed.xreplace(meant)
    for node in sympy.postorder_traversal(parsed):
        if (node.is_Pow or isinstance(node, sympy.factorial)) and node.is_number:
            _stop_giants(node.args[-1], LARGEST)
            _stop_giants(node, sympy.Integer(10) ** LARGEST)
    return parsed.replace(
        lambda node: isinstance(node, AppliedUndef), lambda node: UNDEFINED[node.func.__name__](*node.args)
    ).doit()


def _stop_giants(number: Any, largest: Any) -> None:
    if abs(number.evalf(5)) > largest:
        raise BadFormula("the formula has a number too large to compare", f"stay below 10^{LARGEST}")


def _spell(tokens: list[Token], stands_for: dict[str, str]) -> str:
    """The tokens as LaTeX that sympy's grammar can read in one way only."""
    parts: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = at + 1
        if token.kind in ("name", "number"):
            parts.append(rf"{{\{stands_for[token.text]}}}")
        elif token.text.partition(":")[0] in APPLIED:
            end = _operand(tokens, at)
            parts.append(_applied(tokens[at:end], stands_for))
            bare = tokens[at + 1].text not in OPENING and end < len(tokens)
            if bare and (_begins(tokens[end]) or tokens[end].text == "/"):
                raise BadFormula(
                    f"`{token.spelling}` may reach further than it should", "put its argument into ( )"
                )
        elif token.text == "sqrt" and tokens[end : end + 1] and tokens[end].text == "[":
            end = _closing(tokens, at + 1) + 1
            parts.append(rf"\sqrt[{_spell(tokens[at + 2 : end - 1], stands_for)}]")
        else:
            if token.text == "^" and tokens[_argument(tokens, end) :][:1] == [token]:
                raise BadFormula("an exponent follows an exponent", "put the inner one into braces")
            if token.text == "/" and any(map(_begins, tokens[_operand(tokens, end) :][:1])):
                raise BadFormula(
                    "what follows / can be read in two ways", r"write \frac{…}{…}, or ( ) around it"
                )
            plain = rf"\{token.text} " if token.kind == "command" and token.text != "/" else token.text
            parts.append(SPELLED.get(token.text, plain))
        at = end
    return "".join(parts)


def _applied(tokens: list[Token], stands_for: dict[str, str]) -> str:
    name, _, base = tokens[0].text.partition(":")
    inner = tokens[1:]
    while inner[0].text in ("(", "{") and _closing(inner, 0) == len(inner) - 1:
        inner = inner[1:-1]
        if not inner:
            raise BadFormula(f"`{tokens[0].spelling}` has no argument", HINT)
    applied = rf"\{name}({_spell(inner, stands_for)})"
    if not base:
        return f"{{{applied}}}"
    return rf"{{\frac{{{applied}}}{{\log({{\{stands_for[base]}}})}}}}"


def _begins(token: Token) -> bool:
    """Whether a factor can begin here without a sign before it."""
    if token.text in CLOSING or token.text in ("cdot", "/"):
        return False
    return token.kind != "sign" or token.text in OPENING


def _operand(tokens: list[Token], at: int) -> int:
    """The index after the operand that begins at `at`, its exponents included."""
    if at >= len(tokens):
        raise BadFormula("the formula ends too early", HINT)
    name = tokens[at].text.partition(":")[0]
    if name in APPLIED:
        if tokens[at + 1 :] and tokens[at + 1].text in ("(", "{"):
            return _closing(tokens, at + 1) + 1
        return _operand(tokens, at + 1)
    end = _argument(tokens, at)
    while end < len(tokens) and tokens[end].text in ("^", "!"):
        end = _argument(tokens, end + 1) if tokens[end].text == "^" else end + 1
    return end


def _argument(tokens: list[Token], at: int) -> int:
    """The index after the bracket, command or token at `at`."""
    if at >= len(tokens):
        raise BadFormula("the formula ends too early", HINT)
    if tokens[at].text in OPENING:
        return _closing(tokens, at) + 1
    if tokens[at].text in ("frac", "binom"):
        return _argument(tokens, _argument(tokens, at + 1))
    if tokens[at].text == "sqrt":
        end = at + 1
        return _argument(
            tokens, _closing(tokens, end) + 1 if tokens[end:] and tokens[end].text == "[" else end
        )
    return at + 1


def _closing(tokens: list[Token], at: int) -> int:
    """The index of the bracket that closes the one at `at`."""
    wanted: list[str] = []
    for index in range(at, len(tokens)):
        text = tokens[index].text
        if text in OPENING:
            wanted.append(OPENING[text])
        elif text in CLOSING and wanted.pop() != text:
            break
        if not wanted:
            return index
    raise BadFormula(f"`{tokens[at].spelling}` is never closed", HINT)
