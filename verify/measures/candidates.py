"""What can be timed: a function, a module with its inputs, a runtime session; and how it is made ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard, runtime_checkable

import torch
from torch import nn

from verify.measures.modes import Modes

Run = Callable[[], object]


@runtime_checkable
class Session(Protocol):
    """A network in a runtime with its inputs in place; see `verify.session`."""

    def run(self) -> object:
        """Compute the outputs once, in place."""

    def running(self) -> Any:
        """A context in which `run` computes with the session's own precision."""


Candidate = Callable[..., object] | nn.Module | Session


@dataclass(frozen=True, slots=True)
class Ready:
    """A candidate that only has to be called."""

    run: Run
    """Does the work once."""
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    """A context for each block of calls, outside of what is timed: a session's own precision."""

    def __call__(self) -> object:
        """Do the work once, in the right context."""
        with self.around():
            return self.run()


def check_candidate(name: str, candidate: object, inputs: Sequence[object] | None) -> None:
    """Raises TypeError for what cannot be timed, ValueError for a module without inputs."""
    if _is_session(candidate):
        return
    if isinstance(candidate, nn.Module) and inputs is None:
        raise ValueError(f"{name} is a module: give the inputs that it is called with, inputs=(x,)")
    if not callable(candidate):
        raise TypeError(f"{name} is {type(candidate).__name__}; a function, a module or a session is wanted")


def made_ready(candidate: Candidate, inputs: Sequence[object] | None, modes: Modes) -> Ready:
    """The candidate ready to be called, in the modes that are already set.

    A module is called with `inputs` as it is (`eval()` is the caller's). With a CUDA graph it is called
    three times on a side stream, captured, and from then on replayed.
    """
    if _is_session(candidate):
        ready = Ready(candidate.run, candidate.running)
    elif inputs is None:
        ready = Ready(candidate)  # type: ignore[arg-type]
    else:
        ready = Ready(_called(candidate, inputs))  # type: ignore[arg-type]
    if not modes.cuda_graph:
        return ready
    if not getattr(candidate, "capturable", True):
        raise ValueError(f"{getattr(candidate, 'runtime', 'a session')} cannot be captured in a CUDA graph")
    with ready.around():
        return Ready(_captured(ready.run), ready.around)


def _called(candidate: Callable[..., object], inputs: Sequence[object]) -> Run:
    arguments = tuple(inputs)
    return lambda: candidate(*arguments)


def _is_session(candidate: object) -> TypeGuard[Session]:
    return isinstance(candidate, Session) and not isinstance(candidate, nn.Module)


def _captured(run: Run) -> Run:
    """Replays what one call queued. Source: PyTorch documentation, torch.cuda.graph."""
    side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = run()

    def replay() -> object:
        graph.replay()
        return output

    return replay
