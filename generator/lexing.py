"""Pygments' lexers, run faster: a state's rules are tried as one expression in place of one by one.

A lexer of Pygments tries forty expressions at every token until one matches. An alternation of the same
expressions, in the same order, finds the same one in a single call. What cannot stand in an alternation (a
reference to a group, flags of its own) stays by itself, and so does a lexer that has its own way to read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pygments.lexer import Lexer, RegexLexer
from pygments.token import Error, Whitespace, _TokenType

_FLAGS = re.compile(r"\(\?([ims]+)\)")
"""Flags at the start of an expression, which can be those of a group as well."""
_ALONE = re.compile(r"\\[1-9]|\(\?P|\(\?\(|\(\?[aiLmsux]+\)")
"""What keeps an expression from being one alternative among others."""
_OPENING = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)", re.DOTALL)
"""An escaped character or a set of characters, which are left as they are, or the start of a group."""
_MOST = 90
"""Alternatives in one expression."""

Rule = tuple[Callable[..., Any], Any, Any]
"""Pygments' own triple: the match function, what to do, and the state that follows."""
Step = tuple[Callable[[str, int], "re.Match[str] | None"], list[Rule | None]]
"""A match function, and the rule behind each number that its match may have as `lastindex`."""


class Fused:
    """A lexer and the alternations of its states."""

    def __init__(self, lexer: RegexLexer) -> None:
        self._lexer = lexer
        self._rules: dict[str, list[Rule]] = lexer._tokens  # type: ignore[attr-defined]
        self._steps: dict[str, list[Step]] = {}

    @classmethod
    def of(cls, lexer: Lexer) -> Fused | None:
        """The fast way to run a lexer, or None for one that does not only follow a table of rules."""
        reads = type(lexer).get_tokens_unprocessed
        if not isinstance(lexer, RegexLexer) or reads is not RegexLexer.get_tokens_unprocessed:
            return None
        return None if lexer.filters or not hasattr(lexer, "_tokens") else cls(lexer)

    def tokens(self, text: str) -> Iterator[tuple[_TokenType, str]]:
        """What `lexer.get_tokens(text)` gives."""
        text = self._lexer._preprocess_lexer_input(text)  # type: ignore[attr-defined]
        position, stack = 0, ["root"]
        steps = self._of_state("root")
        while True:
            for match_at, rules in steps:
                match = match_at(text, position)
                if match is not None:
                    rule = rules[match.lastindex or 0]
                    assert rule is not None
                    _, action, state = rule
                    end = match.end()
                    if type(action) is _TokenType:
                        yield action, text[position:end]
                    elif action is not None:
                        # The rule's groups have other numbers in an alternation: it matches again by itself.
                        for _, kind, value in action(self._lexer, rule[0](text, position)):
                            yield kind, value
                    position = end
                    if state is not None:
                        _follow(state, stack)
                        steps = self._of_state(stack[-1])
                    break
            else:
                if position >= len(text):
                    return
                if text[position] == "\n":
                    stack = ["root"]
                    steps = self._of_state("root")
                    yield Whitespace, "\n"
                else:
                    yield Error, text[position]
                position += 1

    def _of_state(self, state: str) -> list[Step]:
        steps = self._steps.get(state)
        if steps is None:
            steps = self._steps[state] = _fuse(self._rules[state])
        return steps


def _follow(state: Any, stack: list[str]) -> None:
    """Change the stack of states as a rule asks; the last state is never taken off."""
    if isinstance(state, int):
        del stack[max(1, len(stack) + state) if state < 0 else state :]
    elif state == "#push":
        stack.append(stack[-1])
    else:
        for name in state:
            if name == "#push":
                stack.append(stack[-1])
            elif name != "#pop":
                stack.append(name)
            elif len(stack) > 1:
                stack.pop()


def _fuse(rules: list[Rule]) -> list[Step]:
    steps: list[Step] = []
    together: list[tuple[str, Rule]] = []
    flags = 0
    for rule in [*rules, None]:
        pattern: Any = getattr(rule[0], "__self__", None) if rule is not None else None
        part = _alternative(pattern) if isinstance(pattern, re.Pattern) else None
        if together and (part is None or part[1] != flags or len(together) == _MOST):
            steps += _alternation(together, flags)
            together = []
        if part is not None and rule is not None:
            together.append((part[0], rule))
            flags = part[1]
        elif rule is not None:
            steps.append(_alone(rule))
    return steps


def _alternative(pattern: re.Pattern[str]) -> tuple[str, int] | None:
    """An expression as one alternative among others, and the flags that it shares with them."""
    text, flags = pattern.pattern, pattern.flags
    own = _FLAGS.match(text)
    if own is not None:
        text = text[own.end() :]
        for letter in own[1]:
            flags &= ~re.RegexFlag[letter.upper()].value
    if _ALONE.search(text):
        return None
    # A verbose expression may end in a comment, which would swallow the parenthesis.
    end = "\n" if pattern.flags & re.VERBOSE else ""
    return f"(?{own[1] if own else ''}:{_OPENING.sub(_uncapture, text)}{end})", flags


def _uncapture(match: re.Match[str]) -> str:
    return "(?:" if match[0] == "(" else match[0]


def _alternation(members: list[tuple[str, Rule]], flags: int) -> list[Step]:
    # Each alternative ends in an empty group, the only one in it, which `lastindex` then names. A group
    # around it would hide from the engine with which character it begins, which spares most of the attempts.
    try:
        fused = re.compile("|".join(f"{text}()" for text, _ in members), flags)
    except re.error:
        fused = None
    if fused is None or fused.groups != len(members):
        return [_alone(rule) for _, rule in members]
    return [(fused.match, [None, *(rule for _, rule in members)])]


def _alone(rule: Rule) -> Step:
    pattern = getattr(rule[0], "__self__", None)
    return rule[0], [rule] * (getattr(pattern, "groups", 0) + 1)
