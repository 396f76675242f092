"""What is asked of one claim's process, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["done", "refuted", "failed", "skipped"]

DerivationState = Literal["proved", "refuted", "open", "malformed"]


@dataclass(frozen=True, slots=True)
class Source:
    """One claim block, as the process gets it."""

    code: str
    """The Python source, without the fences."""
    path: str
    """The card's path as people see it; tracebacks name it."""
    line: int
    """The line of the code's first line in that file, counted from 1."""


@dataclass(frozen=True, slots=True)
class Job:
    """The claim code of one note (or of one file's head), to be run in a process of its own."""

    owner: str
    """A note's id, or `file:<path>` with the path from the collection's folder."""
    sources: tuple[Source, ...]
    """What is executed, in order, in one namespace: the file's blocks, then the note's."""
    names: tuple[str, ...] = ()
    """The names whose values are wanted."""
    formulas: tuple[tuple[str, str], ...] = ()
    """Pairs of a name and the LaTeX that is to be proved equal to its value."""
    figures: tuple[tuple[str, str], ...] = ()
    """Pairs of a name and the absolute path that its matplotlib figure is written to, as SVG."""
    needs: tuple[str, ...] = ()
    """What the machine must have: `cuda`, `tensorrt`."""
    timeout: float = 60.0
    """Seconds on the wall clock that the process may take."""
    alone: bool = False
    """True for timings: nothing else runs at the same time."""
    digest: str = ""
    """The key under which the caller keeps the result; passed through untouched."""

    def to_json(self) -> dict[str, Any]:
        """The job as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """The job that `to_json` wrote down."""
        pairs = {key: tuple((name, text) for name, text in data[key]) for key in ("formulas", "figures")}
        lists = {key: tuple(data[key]) for key in ("names", "needs")}
        sources = tuple(Source(**source) for source in data["sources"])
        return cls(**{**data, **pairs, **lists, "sources": sources})


@dataclass(frozen=True, slots=True)
class Derivation:
    """What came of proving one formula."""

    name: str
    """The name of the value in the claim's code."""
    latex: str
    """The formula as the card writes it."""
    state: DerivationState
    """Whether it equals the value; `open` could not be decided, `malformed` could not be read."""
    detail: str = ""
    """A counterexample for `refuted`, the reason for `malformed`; else empty."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one job."""

    job: Job
    """What was asked."""
    state: State
    """`done`: the code reached its end; `refuted`: an assertion of the card is false; `skipped`: this machine
    cannot measure it now; else `failed`."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The values that could be read, by name, as `verify.values.Value.to_json` writes them."""
    derivations: tuple[Derivation, ...] = ()
    """One entry for each formula whose name has a value."""
    unportrayable: Mapping[str, str] = field(default_factory=dict)
    """Names that are missing or whose value cannot be compared or drawn, with what is wrong."""
    what: str = ""
    """For all but `done`: what is wrong, in one line."""
    hint: str = ""
    """What the card's author can do about it."""
    path: str | None = None
    """The card that the line belongs to."""
    line: int | None = None
    """The card's own line at which the code stopped; None where nobody could tell."""
    output: str = ""
    """The last characters of what the code printed."""
    seconds: float = 0.0
    """How long the process lived."""
    evidence: Sequence[Mapping[str, Any]] = ()
    """What its measurements say of themselves: modes, seeds, controls, raw times."""
