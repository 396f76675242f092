"""Why a claim has no value here and now although nothing is wrong with its card."""

from __future__ import annotations


class Unmeasured(Exception):
    """This machine cannot give the measurement now; the text keeps its last value.

    Args:
        what: what stands in the way, in one clause.
        hint: what would bring the measurement: an install line, or a quieter machine.
    """

    def __init__(self, what: str, hint: str) -> None:
        self.what = what
        self.hint = hint
        super().__init__(f"{what}: {hint}")


class Unavailable(Unmeasured):
    """A runtime, a library or a device that the measurement needs is not here."""


class Unreliable(Unmeasured):
    """The measurement was made, and its own controls say that it is worth nothing."""
