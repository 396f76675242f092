"""Pure functions of a block's code that remember their answers, also from one process to the next."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_KNOWN: dict[str, dict[str, Any]] = {}
"""Of each function, what it answered to each code."""

_ASKED: dict[str, set[str]] = {}
"""Of each function, what this process asked it."""


def remembered(function: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """Ask a function once for each code; its answers must be plain values that nobody changes.

    Exceptions are not remembered.
    """
    name = f"{function.__module__}.{function.__name__}"
    known: dict[str, Answer] = _KNOWN.setdefault(name, {})
    asked = _ASKED.setdefault(name, set())

    @wraps(function)
    def ask(code: str) -> Answer:
        asked.add(code)
        try:
            return known[code]
        except KeyError:
            answer = known[code] = function(code)
            return answer

    return ask


def recall(answers: dict[str, dict[str, Any]]) -> None:
    """Take over what `answers` gave, in a process with the same functions."""
    for name, known in _KNOWN.items():
        for code, answer in answers.get(name, {}).items():
            known.setdefault(code, answer)


def answers() -> dict[str, dict[str, Any]]:
    """What this process was answered; what it only took over and never asked for is left out."""
    return {
        name: {code: known[code] for code in sorted(_ASKED[name]) if code in known}
        for name, known in _KNOWN.items()
    }
