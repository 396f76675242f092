"""How far a run is: a line that lives on a terminal, and nothing but plain lines where nobody watches."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from generator.errors import count
from verify.running import Result

TICK = 1.0
"""Seconds after which the line is written anew, so that a long claim does not look like a hang."""

NAMED = 3
"""As many claims that are left are named."""


class Clock:
    """A stopwatch."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._start


class Progress:
    """What is said while claims run, on stderr; a context manager that leaves no line behind.

    Args:
        device: what they run on.
        away: the machine whose timings the texts state, where that is another one.
        watched: whether somebody watches; by default, whether stderr is a terminal that can be written over.
    """

    def __init__(self, device: str, away: str = "", *, watched: bool | None = None) -> None:
        self._device = f"{device} (timings are those of {away})" if away else device
        terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._watched = terminal if watched is None else watched
        self._left: list[str] = []
        self._whole = self._known = self._skipped = 0
        self._clock = Clock()
        self._turn = threading.RLock()
        self._over = threading.Event()

    def begins(self, owners: Sequence[str]) -> None:
        """Say what is about to run.

        Args:
            owners: the owners of the claim blocks.
        """
        self._left, self._whole, self._clock = list(owners), len(owners), Clock()
        known = f", {self._known:,} need no run" if self._known else ""
        skipped = f", {self._skipped:,} skipped" if self._skipped else ""
        running = f"running {count(self._whole, 'claim block')} on {self._device}{known}{skipped}"
        print(running, file=sys.stderr, flush=True)
        if self._watched:
            threading.Thread(target=self._tick, daemon=True).start()

    def warns(self, line: str) -> None:
        """Say what the system does not allow."""
        with self.aside():
            print(f"verify: {line}", file=sys.stderr, flush=True)

    def ends(self, result: Result) -> None:
        """Count a result."""
        with self._turn:
            if result.task.job.owner in self._left:
                self._left.remove(result.task.job.owner)
            elif any(judgement.verdict == "skipped" for judgement in result.judgements):
                self._skipped += 1
            else:
                self._known += 1

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while something else is printed."""
        with self._turn:
            self._clear()
            yield
            sys.stdout.flush()
            self._draw()

    def line(self) -> str:
        """How far the run is, in one line."""
        done = self._whole - len(self._left)
        left = f" · left: {', '.join(self._left)}" if len(self._left) <= NAMED else ""
        left = left if done else " · starting"
        return f"[{done:,}/{self._whole:,}] {self._clock.seconds():.0f} s{left}"

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            with self._turn:
                if not self._over.is_set():
                    self._draw()

    def _draw(self) -> None:
        if self._watched and self._left:
            # A line that wraps could not be taken away again.
            text = self.line()[: shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._watched and self._whole:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turn:
            self._over.set()
            self._clear()
