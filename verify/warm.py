"""What every claim's process has at hand when its code begins: imported once, before the fork."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterable, Sequence

from verify.jobs import Job

ALWAYS = ("numpy", "numpy.random", "sympy", "torch", "verify.values", "verify.formulas")
"""Imported where installed: a claim that needs none of them still runs without."""

WHEN_NAMED: dict[str, tuple[str, ...]] = {
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_svg"),
    "chart": ("matplotlib.figure", "matplotlib.backends.backend_svg"),
    "scipy": ("scipy.stats",),
    "spread": ("scipy.stats",),
    "over_seeds": ("scipy.stats",),
    "paired": ("scipy.stats",),
    "digits": ("verify.measures.training",),
}
"""Imported when the code of some claim has the word: half a second each, paid once and not in every claim."""

FOR_FORMULAS = ("sympy.parsing.latex._antlr.latexparser", "sympy.parsing.latex._antlr.latexlexer")
"""Imported when there is a formula to prove: building the grammar takes 0.4 s."""


def worth_importing(jobs: Sequence[Job]) -> list[str]:
    """The modules beside `ALWAYS` that these jobs will import, by the words in their code."""
    text = "\n".join(source.code for job in jobs for source in job.sources)
    found = [modules for word, modules in WHEN_NAMED.items() if word in text]
    if any(job.formulas for job in jobs):
        found.append(FOR_FORMULAS)
    return list(dict.fromkeys(name for modules in found for name in modules))


def warm(more: Iterable[str]) -> None:
    """Import what claims use, and nothing that a fork could not survive.

    Imports and `meta` tensors only: a process that once ran an OpenMP region hangs its forks at their first
    one, and a process that asked for CUDA makes it unusable in them.

    Args:
        more: modules to import beside `ALWAYS`.
    """
    for name in (*ALWAYS, *more):
        # OSError: a library that is there but cannot be loaded is the problem of the claim that asks for it.
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module(name)
    if "torch" in sys.modules:
        _warm_torch()
    # What is alive now stays alive: were the forks' garbage collectors to walk it, they would copy its pages.
    gc.collect()
    gc.freeze()


def _warm_torch() -> None:
    import torch

    # The first use of a layer imports what `meta` tensors need; forks then have it.
    torch.nn.Conv2d(1, 1, 1, device="meta")(torch.empty(1, 1, 1, 1, device="meta"))
