"""The child's side: run one job's code in this process, read its values, leave a report, and end."""

from __future__ import annotations

import difflib
import faulthandler
import json
import linecache
import os
import signal
import sys
import traceback
import types
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from verify import evidence, namespaces, walls
from verify.cells import Cell
from verify.explain import compile_source, explain
from verify.jobs import Derivation, Job

LARGEST_REPORT = 16 << 20
"""Bytes of a report; more is no value of a flash card."""

MODULE = "claim"
"""The name of the module that claims run in."""


class Rooms:
    """Where one job's files lie, below a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "scratch"
        """The code's working folder and home: all that it may litter."""
        self.figures = folder / "figures"
        """The drawn figures, `0.svg` for the job's first."""
        self.output = folder / "output"
        """What the code printed."""
        self.trace = folder / "trace"
        """Where the code stood when it crashed, or when its time was up."""
        self.report = folder / "report.json"
        """The report; anything but one whole JSON object counts as none."""

    def make(self) -> None:
        """Create the folders; the files come by themselves."""
        self.scratch.mkdir(parents=True)
        self.figures.mkdir()


def run_job(job: Job, folder: Path, memory: int, cell: Cell | None = None) -> NoReturn:
    """Run `job` in this process, which was forked for it, and end the process.

    The report is a JSON file beside the scratch folder, not a message through a pipe: half a message cannot
    keep the parent waiting, and a claim that closes every file descriptor does not lose it.

    Args:
        job: what to run.
        folder: holds the `Rooms`.
        memory: bytes that the process may map.
        cell: its namespaces; None where the system allows none.
    """
    rooms = Rooms(folder)
    status = 1
    try:
        _move_in(job, rooms, memory, cell)
        report = _execute(job, rooms, memory)
        text = json.dumps(report, allow_nan=False).encode()
        if len(text) > LARGEST_REPORT:
            what = f"the values take more than {LARGEST_REPORT >> 20} MiB"
            text = json.dumps({"state": "failed", "what": what, "hint": "claim single values"}).encode()
        rooms.report.write_bytes(text)  # half of it would be no JSON
        status = 0
    except BaseException:
        traceback.print_exc()  # into the output, which travels with the outcome
    finally:
        os._exit(status)  # no destructors, no atexit: they belong to the server


def _move_in(job: Job, rooms: Rooms, memory: int, cell: Cell | None) -> None:
    # The child becomes the leader of a group, by which the server ends it with all that it started.
    os.setsid()
    walls.settle(rooms.scratch, rooms.output)
    trace = os.open(rooms.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    faulthandler.enable(trace, all_threads=False)
    # The server's way to ask, before it ends a process that takes too long, where it stands.
    faulthandler.register(signal.SIGUSR1, trace, all_threads=False)
    faulthandler.register(signal.SIGXCPU, trace, all_threads=False, chain=True)
    walls.seed_fork(job)
    walls.limit(job, memory, cell is not None)
    if cell is None:
        walls.unplug()
    else:
        walls.shut(cell, rooms.scratch.parent)
    namespaces.die_with_parent()


def _execute(job: Job, rooms: Rooms, memory: int) -> dict[str, Any]:
    process = os.getpid()
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module  # dataclasses and pickle look their module up
    _remember(job, module)
    try:
        for source in job.sources:
            exec(compile_source(source), module.__dict__)
    except BaseException as error:
        if os.getpid() == process:
            if not isinstance(error, SystemExit):
                traceback.print_exc()
            return asdict(explain(error, job.sources, memory, job.needs))
    if os.getpid() != process:  # the code forked, and this is the twin that fell through to its end
        os._exit(0)
    return {"state": "done", **_read(job, module.__dict__, rooms), "evidence": evidence.noted()}


def _remember(job: Job, module: types.ModuleType) -> None:
    """Let tracebacks, `inspect.getsource` and torch's compilers find the lines of the code."""
    lines: dict[str, list[str]] = {}
    for source in job.sources:
        known = lines.setdefault(source.path, [])
        code = [f"{line}\n" for line in source.code.split("\n")]
        end = source.line - 1 + len(code)
        known.extend(["\n"] * (end - len(known)))
        known[source.line - 1 : end] = code
        module.__file__ = source.path
    for path, text in lines.items():
        linecache.cache[path] = (sum(map(len, text)), None, text, path)


def _read(job: Job, namespace: Mapping[str, Any], rooms: Rooms) -> dict[str, Any]:
    """Portray the values, prove the formulas and draw the figures; one that fails costs its name alone."""
    values: dict[str, Any] = {}
    derivations: list[Derivation] = []
    wrong = {name: _missing(name, namespace) for name in _wanted(job) if name not in namespace}
    for name in job.names:
        if name not in wrong:
            try:
                values[name] = _portray(namespace[name])
            except Exception as error:
                wrong[name] = _reason(error)
    for name, latex in job.formulas:
        if name in namespace:
            derivations.append(_derive(name, latex, namespace[name]))
    for index, (name, _) in enumerate(job.figures):
        if name in namespace:
            try:
                _draw(namespace[name], rooms.figures / f"{index}.svg")
            except Exception as error:
                wrong[name] = _reason(error)
    return {"values": values, "unportrayable": wrong, "derivations": [asdict(each) for each in derivations]}


def _wanted(job: Job) -> list[str]:
    return [*job.names, *(name for name, _ in job.formulas), *(name for name, _ in job.figures)]


def _missing(name: str, namespace: Mapping[str, Any]) -> str:
    known = [other for other in namespace if not other.startswith("_")]
    close = difflib.get_close_matches(name, known, n=1)
    return f"the code gives no value the name `{name}`" + (f"; did you mean `{close[0]}`?" if close else "")


def _reason(error: Exception) -> str:
    from verify.values import Incomparable

    return str(error) if isinstance(error, Incomparable) else f"{type(error).__name__}: {error}"


def _portray(thing: object) -> Any:
    from verify.values import portray

    value = portray(thing).to_json()
    json.dumps(value, allow_nan=False)  # what JSON cannot hold costs this name, not the report
    return value


def _derive(name: str, latex: str, value: object) -> Derivation:
    from verify.formulas import BadFormula, prove

    try:
        proof = prove(latex, value)
    except BadFormula as error:
        return Derivation(name, latex, "malformed", str(error))
    except Exception as error:
        return Derivation(name, latex, "malformed", f"{type(error).__name__}: {error}")
    return Derivation(name, latex, proof.state, proof.counterexample)


def _draw(thing: Any, file: Path) -> None:
    """Write a matplotlib figure (or the figure of axes) as the same bytes each time.

    Raises:
        TypeError: it is neither.
    """
    figure = getattr(thing, "figure", None)
    if figure is None or not hasattr(figure, "savefig"):
        raise TypeError(f"a matplotlib figure was expected, not {type(thing).__name__}")
    import matplotlib

    # Identifiers from a fixed salt, no clock, no version, letters as paths: as any machine would draw them.
    with matplotlib.rc_context({"svg.hashsalt": "groundtruth", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
