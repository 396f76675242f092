"""What every claim's process has at hand when its code begins: imported once, before the fork."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from collections.abc import Collection, Sequence

from verify.jobs import Job
from verify.pages import join_pages

ALWAYS = ("numpy", "numpy.random", "torch", "verify.values")
"""Imported where installed: a claim that needs none of them still runs without."""

WHEN_NAMED: dict[str, tuple[str, ...]] = {
    "sympy": ("sympy",),
    "verify": ("verify.measures.counting",),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_svg"),
    "chart": ("matplotlib.figure", "matplotlib.backends.backend_svg"),
    "scipy": ("scipy.stats",),
    "spread": ("scipy.stats",),
    "over_seeds": ("scipy.stats",),
    "paired": ("scipy.stats",),
    "digits": ("verify.measures.training",),
}
"""Imported when the code of some claim has the word: half a second each, paid once and not in every claim."""

FOR_FORMULAS = (
    "verify.formulas",
    "sympy.parsing.latex._antlr.latexparser",
    "sympy.parsing.latex._antlr.latexlexer",
    "sympy.combinatorics",
)
"""Imported when there is a formula to prove: building the grammar takes 0.4 s."""


COMPILER = dict.fromkeys(
    ("macs", "flops", "output_shape", "footprint", "meta", "compile", "export"), ("torch._dynamo",)
)
"""Also when the code has the word: torch imports its compiler, 0.8 s, at the first use of the meta device."""

WORTH_JOINING = 50
"""Forks from which on it pays to put the server's memory into large pages first: 0.3 s, and 5 ms for each."""


def worth_importing(jobs: Sequence[Job]) -> list[str]:
    """The modules beside `ALWAYS` that these jobs will import, by the words in their code."""
    text = "\n".join(source.code for job in jobs for source in job.sources)
    found = [modules for word, modules in (WHEN_NAMED | COMPILER).items() if word in text]
    if any(job.formulas for job in jobs):
        found.append(FOR_FORMULAS)
    return list(dict.fromkeys(name for modules in found for name in modules))


def warm(more: Collection[str], forks: int = 1) -> None:
    """Import what claims use, and nothing that a fork could not survive.

    Imports and `meta` tensors only: a process that once ran an OpenMP region hangs its forks at their first
    one, and a process that asked for CUDA makes it unusable in them.

    Args:
        more: modules to import beside `ALWAYS`.
        forks: about how many there will be.
    """
    for name in (*ALWAYS, *more):
        # OSError: a library that is there but cannot be loaded is the problem of the claim that asks for it.
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module(name)
    if "torch" in sys.modules:
        _warm_torch()
    if "torch._dynamo" in more and "verify.measures.counting" in sys.modules:
        _rehearse()
    # What is alive now stays alive: were the forks' garbage collectors to walk it, they would copy its pages.
    gc.collect()
    gc.freeze()
    if forks >= WORTH_JOINING:
        join_pages()


def _rehearse() -> None:
    """Count once, so that forks find what torch prepares at the first use: 3 ms for each."""
    import torch

    from verify.measures.counting import macs, parameters

    layer = torch.nn.Conv2d(1, 1, 1, device="meta")
    parameters(layer)
    macs(layer, (1, 1, 4, 4))


def _warm_torch() -> None:
    import torch

    # The first use of a layer imports what `meta` tensors need; forks then have it.
    torch.nn.Conv2d(1, 1, 1, device="meta")(torch.empty(1, 1, 1, 1, device="meta"))
