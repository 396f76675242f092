"""Mutated notes through `generator build`: each must become a deck, or an error with its place.

    python benchmarks/fuzz.py [--notes 10000] [--first 0]

A fault is printed with its seed; `tests/mutations.py` makes the note from it again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from tests.test_fuzz import fault  # noqa: E402


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--notes", type=int, default=10_000, help="how many notes (default: 10000)")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first (default: 0)")
    options = parser.parse_args()
    os.fsync = lambda handle: None
    faults, started = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="groundtruth-fuzz-") as folder:
        for seed in range(options.first, options.first + options.notes):
            what = fault(seed, Path(folder))
            if what:
                faults += 1
                print(f"seed {seed}: {what}", flush=True)
    print(f"{options.notes:,} notes, {faults} faults, {time.monotonic() - started:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
