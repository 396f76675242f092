"""Exact values with a unit."""

from __future__ import annotations

from verify.values import Spread


def quantity(value: float, unit: str) -> Spread:
    """A value with a unit and without any spread: `quantity(0.0042, "s")`, `quantity(2**20, "bytes")`.

    Time, memory, frequency, power, energy and rates of them are converted between prefixes (`4.2 ms`,
    `1 MiB`, `3.3 TB/s`, `1.98 GHz`); so are counts (`125 TFLOP/s`). Every other word is a label, and converts
    nothing.

    Args:
        value: the number, in `unit`.
        unit: `s`, `bytes`, `bytes/s`, `Hz`, `W`, `J`, `FLOP/s`, `ms` …, or any label such as `dB`.

    Raises:
        ValueError: the value is not finite.
    """
    return Spread(float(value), float(value), float(value), unit=unit)
