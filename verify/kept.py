"""Where the trainings of claims are kept, so that ten claims on one trained network train it once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

VARIABLE = "GROUNDTRUTH_TRAININGS"
"""Environment variable of a claim's process: the folder of kept trainings; unset keeps none."""


def trainings_of(decks: Path, machine: str) -> Path | None:
    """The folder for a machine's trainings, made if need be; None where it cannot be made.

    Round-off differs between machines, so each has its own. The folder lies in a cache that Git ignores, is
    never needed and never trusted, and may be deleted at any time.

    Args:
        decks: the folder that the tools write to.
        machine: the machine's name.
    """
    cache = decks / ".cache"
    folder = cache / "trainings" / machine
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if not (ignore := cache / ".gitignore").exists():
            ignore.write_text("*\n", encoding="ascii")
        return folder.resolve()
    return None
