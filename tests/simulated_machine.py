"""A machine whose time is a number: calls take what they are said to, times what the machine is up to.

The noise is a model of what `benchmarks/honesty.py` saw on a shared 2-core machine: each process is a little
faster or slower for as long as it lives, the machine drifts within seconds, and now and then something else
takes the core.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Machine:
    """A clock that moves only when something is called."""

    seed: int = 0
    """Of its noise."""
    process_sd: float = 0.0
    """Standard deviation between processes, of the logarithm of time."""
    drift_sd: float = 0.0
    """Standard deviation of the slow drift, of the logarithm of time."""
    drift_seconds: float = 1.0
    """How long the drift remembers."""
    call_sd: float = 0.0
    """Standard deviation between calls, of the logarithm of time."""
    spikes: float = 0.0
    """The share of calls in which something else takes the core for three times as long."""
    nanoseconds: float = 0.0
    """The time."""
    draw: random.Random = field(init=False)
    drift: float = field(init=False)
    process: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.drift = self.draw.gauss(0, self.drift_sd)

    def now(self) -> int:
        """The clock, in nanoseconds."""
        return round(self.nanoseconds)

    def new_process(self) -> None:
        """What is called from here on lives in another process, which took half a second to start."""
        self.process = self.draw.gauss(0, self.process_sd)
        self._pass(0.5)

    def work(self, seconds: float) -> Callable[[], object]:
        """A candidate that takes `seconds` where nothing disturbs it."""

        def call() -> None:
            noise = self.process + self.drift + self.draw.gauss(0, self.call_sd)
            spike = 3.0 if self.draw.random() < self.spikes else 1.0
            self._pass(seconds * math.exp(noise) * spike)

        return call

    def _pass(self, seconds: float) -> None:
        self.nanoseconds += seconds * 1e9
        if self.drift_sd:  # an Ornstein-Uhlenbeck process, exact for any step
            kept = math.exp(-seconds / self.drift_seconds)
            self.drift = kept * self.drift + self.draw.gauss(0, self.drift_sd * math.sqrt(1 - kept * kept))
