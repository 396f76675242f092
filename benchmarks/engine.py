"""What it costs to run each claim alone, beside ways that do not, and beside a fresh interpreter for each.

    python benchmarks/engine.py [--blocks 500] [--rounds 3] [--fresh 10] [--peers VENV | --install VENV]

The same counting blocks are run by every candidate, in turns, so that what else goes on in the machine meets
all of them alike; results are checked. The plain process and the notebook run everything in one process,
where a crash or a changed global costs all. Of the fresh interpreters only some are started, and their time
is multiplied. Notes were read before, so that all candidates run code and nothing else. `--install` makes a
virtual environment with papermill, which sees the libraries of this one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import site
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("papermill==2.7.0", "ipykernel==7.1.0")

BLOCKS = (
    """\
from torch.nn import Conv2d
from verify import parameters
first = parameters(Conv2d({a}, {b}, 3, bias=False))
second = first + {n}
""",
    """\
from torch.nn import Conv2d
from verify import macs
first = macs(Conv2d({a}, {b}, 3, padding=1), (1, {a}, 56, 56))
second = macs(Conv2d({a}, {b}, 1), (1, {a}, 56, 56)) + {n}
""",
    """\
from torch.nn import BatchNorm2d, Conv2d, ReLU, Sequential
from verify import flops, parameters
block = Sequential(Conv2d({a}, {b}, 3, padding=1), BatchNorm2d({b}), ReLU(), Conv2d({b}, {b}, 3, padding=1))
first = parameters(block)
second = flops(block, (1, {a}, 28, 28)) + {n}
""",
    """\
import random
from torch.nn import Conv2d
from verify import parameters
for _ in range(100):
    k, c_in, c_out = random.randint(1, 7), random.randint(1, 99), random.randint(1, 99)
    assert parameters(Conv2d(c_in, c_out, k)) == k**2 * c_in * c_out + c_out
first = parameters(Conv2d({a}, {b}, 5))
second = first + {n}
""",
    """\
import torch
first = torch.zeros({a}, {b}).numel()
second = first * 4 + {n}
""",
)
"""Blocks as the collection has them: they take from 0.1 ms to some 30 ms."""

PLAIN = """
import json, sys
for code in json.load(open(sys.argv[1])):
    names = {"__name__": "claim"}
    exec(code, names)
    print(names["first"], names["second"])
"""


@dataclass(slots=True)
class Candidate:
    """One way to run the blocks."""

    name: str
    """What the table calls it."""
    run: Callable[[], list[str]]
    """Runs them; returns what has to be the same for all, or nothing."""
    share: float = 1.0
    """Which part of the blocks it runs."""
    seconds: list[float] = field(default_factory=list)
    """How long each round took on the wall, for all blocks."""
    work: list[float] = field(default_factory=list)
    """Processor seconds of each round, which a busy machine changes less."""

    @property
    def median(self) -> float:
        """Its usual time in seconds."""
        return statistics.median(self.seconds)


def main() -> int:
    """Run the benchmark; returns the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="groundtruth-bench-") as folder:
        candidates = _candidates(Path(folder), options)
        wanted, _ = candidates[0].run(), candidates[1].run()  # which also warms the disk's cache
        for _ in range(options.rounds):
            for candidate in candidates:
                began, before = time.perf_counter(), _work()
                found = candidate.run()
                candidate.work.append((_work() - before) / candidate.share)
                candidate.seconds.append((time.perf_counter() - began) / candidate.share)
                if found and found != wanted[: len(found)]:
                    print(f"{candidate.name}: other results than {candidates[0].name}", file=sys.stderr)
                    return 1
    _print(candidates, options)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=500, help="claim blocks, of two claims each")
    parser.add_argument("--rounds", type=int, default=3, help="how often each candidate runs")
    parser.add_argument("--fresh", type=int, default=10, help="interpreters that are really started")
    parser.add_argument("--peers", type=Path, help="a virtual environment that holds papermill")
    parser.add_argument("--install", type=Path, help="make such an environment here, from the package index")
    return parser.parse_args()


def _peers(options: argparse.Namespace) -> Path | None:
    place: Path | None = options.install or options.peers
    if options.install is not None and not (options.install / "bin" / "papermill").exists():
        subprocess.run([sys.executable, "-m", "venv", options.install], check=True)
        subprocess.run([options.install / "bin" / "pip", "install", "--quiet", *PEERS], check=True)
        packages = next(options.install.glob("lib/python*/site-packages"))
        ours = [path for path in site.getsitepackages() if Path(path).is_dir()]
        (packages / "beside.pth").write_text("\n".join([*ours, str(ROOT)]) + "\n", encoding="utf-8")
    return place.resolve() if place is not None else None


def _candidates(folder: Path, options: argparse.Namespace) -> list[Candidate]:
    codes = [_code(number) for number in range(options.blocks)]
    (folder / "codes.json").write_text(json.dumps(codes), encoding="utf-8")
    texts = _plain(folder / "codes.json")
    _write_notes(folder / "notes", codes, texts)
    few = codes[: options.fresh]
    found = [
        Candidate("one plain process", lambda: _plain(folder / "codes.json")),
        Candidate("verify run", lambda: _verify(folder, "--force")),
        Candidate("verify run -j 1", lambda: _verify(folder, "--force", "-j", "1")),
        Candidate("a fresh interpreter each", lambda: _fresh(folder, few), len(few) / len(codes)),
        Candidate("verify run, nothing changed", lambda: _verify(folder)),
        Candidate("verify check", lambda: _verify(folder, command="check")),
    ]
    peers = _peers(options)
    if peers is not None:
        notebook = folder / "blocks.ipynb"
        notebook.write_text(json.dumps(_notebook(codes)), encoding="utf-8")
        found.insert(4, Candidate("papermill, one notebook", lambda: _papermill(peers, notebook)))
    return found


def _code(number: int) -> str:
    return BLOCKS[number % len(BLOCKS)].format(a=16 + number % 37, b=24 + number % 53, n=number)


def _write_notes(folder: Path, codes: list[str], texts: list[str]) -> None:
    folder.mkdir()
    notes = [
        f"## What do layers {number} take? {{#engine-{number}}}\n\n```python claim\n{code}```\n\n"
        f"[{text.split()[0]}](claim:first) and [{text.split()[1]}](claim:second)\n"
        for number, (code, text) in enumerate(zip(codes, texts, strict=True))
    ]
    for start in range(0, len(notes), 10):
        body = "\n".join(notes[start : start + 10])
        (folder / f"topic-{start:04}.md").write_text(f"# Topic {start}\n\n{body}", encoding="utf-8")


def _start(*command: str | Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def _work() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _plain(codes: Path) -> list[str]:
    return _start(sys.executable, "-c", PLAIN, codes).splitlines()


def _verify(folder: Path, *more: str, command: str = "run") -> list[str]:
    _start(sys.executable, "-m", "verify", command, folder / "notes", "--decks", folder / "decks", *more)
    return []  # its exit code says that every text agrees


def _fresh(folder: Path, codes: list[str]) -> list[str]:
    found: list[str] = []
    for code in codes:
        (folder / "one.json").write_text(json.dumps([code]), encoding="utf-8")
        found += _plain(folder / "one.json")
    return found


def _notebook(codes: list[str]) -> dict[str, object]:
    cells = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [], "execution_count": None}
        | {"source": f"{code}print(first, second)"}
        for number, code in enumerate(codes)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _papermill(peers: Path, notebook: Path) -> list[str]:
    done = notebook.with_name("done.ipynb")
    _start(peers / "bin" / "papermill", "--no-progress-bar", "--kernel", "python3", notebook, done)
    cells = json.loads(done.read_text(encoding="utf-8"))["cells"]
    printed = [
        "".join(text)
        for cell in cells
        for output in cell["outputs"]
        if output.get("name") == "stdout"
        for text in output["text"]
    ]
    return "".join(printed).splitlines()


def _print(candidates: list[Candidate], options: argparse.Namespace) -> None:
    plain, ours = candidates[0].median, candidates[1].median
    load = os.getloadavg()[0]
    print(
        f"{options.blocks:,} blocks with {2 * options.blocks:,} claims, medians of {options.rounds} rounds, "
        f"{os.cpu_count()} cores, load {load:.1f} at the end\n"
    )
    print("| candidate | seconds | processor seconds | ms per block | × plain process | × verify run |")
    print("| --- | --- | --- | --- | --- | --- |")
    for each in candidates:
        cost, work = 1000 * each.median / options.blocks, statistics.median(each.work)
        print(
            f"| {each.name} | {each.median:.2f} | {work:.2f} | {cost:.1f} | {each.median / plain:.2f} "
            f"| {each.median / ours:.2f} |"
        )
    pairs = zip(candidates[1].seconds, candidates[0].seconds, strict=True)
    over = statistics.median(1000 * (walled - bare) / options.blocks for walled, bare in pairs)
    print(f"\nverify run costs {over:.1f} ms per block more than the plain process")


if __name__ == "__main__":
    sys.exit(main())
