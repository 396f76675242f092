"""What a measurement says of itself, for the record: modes, seeds, controls and raw times."""

from __future__ import annotations

from typing import Any

_noted: list[dict[str, Any]] = []


def note(**facts: Any) -> None:
    """Keep the circumstances of one measurement: plain JSON values, floats rounded to five digits."""
    _noted.append({name: rounded(fact) for name, fact in facts.items()})


def noted() -> list[dict[str, Any]]:
    """What was noted in this process so far, in order."""
    return list(_noted)


def rounded(fact: Any) -> Any:
    """The same with every float, at any depth, to five significant digits."""
    if isinstance(fact, float):
        return float(f"{fact:.5g}")
    if isinstance(fact, list | tuple):
        return [rounded(each) for each in fact]
    if isinstance(fact, dict):
        return {name: rounded(each) for name, each in fact.items()}
    return fact
