"""Exact values with a unit."""

from __future__ import annotations

from verify.values import Spread


def quantity(value: float, unit: str) -> Spread:
    """A value with a unit and without any spread: `quantity(0.0042, "s")`, `quantity(2**20, "bytes")`.

    Units are converted between spellings of seconds and bytes (`4.2 ms`, `1 MiB`); every other word is a
    label, which the text has to use as it is.

    Args:
        value: the number, in `unit`.
        unit: `s`, `bytes`, or any label such as `Hz`.

    Raises:
        ValueError: the value is not finite.
    """
    return Spread(float(value), float(value), float(value), unit=unit)
