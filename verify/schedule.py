"""Which job may start beside which: the order of a run, and the GPU that each job gets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verify.jobs import Job


@dataclass(frozen=True, slots=True)
class Start:
    """A job that may start now."""

    job: Job
    """What is to be run."""
    gpu: str | None = None
    """What `CUDA_VISIBLE_DEVICES` has to be for it; None leaves that as it is."""
    beside: int = 0
    """How many others may run at its beginning: with more, the server lets it wait."""


class Schedule:
    """The jobs of a run: first those that may run side by side, then those on GPUs, then the timings.

    Nothing runs beside a timing, and only jobs on other GPUs beside a job on a GPU. Of the first kind one job
    more than may run is handed out, so that the server has it at hand the moment that another one ends.

    Args:
        jobs: what is to be run.
        workers: how many of the first kind may run at the same time.
        gpus: the devices that jobs are spread over, as `CUDA_VISIBLE_DEVICES` names them; without any, one
            job that needs a GPU runs at a time, and finds what there is.
    """

    def __init__(self, jobs: Iterable[Job], workers: int, gpus: Sequence[str] = ()) -> None:
        self._waiting = deque(sorted(jobs, key=_phase))
        self._workers = workers
        self._free: deque[str | None] = deque(gpus or (None,))
        self._running: list[Start] = []

    def __bool__(self) -> bool:
        """Whether there is anything that has not ended."""
        return bool(self._waiting or self._running)

    def start(self) -> Start | None:
        """The next job, if one may start beside those that run."""
        if not self._waiting:
            return None
        job = self._waiting[0]
        phase = _phase(job)
        if any(_phase(other.job) != phase for other in self._running):
            return None
        most = (self._workers, len(self._free) + len(self._running), 1)[phase]
        if len(self._running) >= most + (phase == 0):
            return None
        start = Start(self._waiting.popleft(), self._free.popleft() if phase == 1 else None, most - 1)
        self._running.append(start)
        return start

    def ended(self, start: Start) -> None:
        """Take note that a job has ended; its GPU is free again."""
        self._running.remove(start)
        if _phase(start.job) == 1:
            self._free.append(start.gpu)

    def lose(self) -> list[Start]:
        """Nothing runs any more; returns what did. What only waited at hand waits again."""
        lost = list(self._running)
        for start in lost:
            self.ended(start)
        at_hand = [start for index, start in enumerate(lost) if index > start.beside]
        self._waiting.extendleft(start.job for start in at_hand)
        return lost[: len(lost) - len(at_hand)]


def _phase(job: Job) -> int:
    return 1 if job.needs else 2 if job.alone else 0
