"""An exception of a claim's code → what is wrong, at which line of the card, and what to do about it."""

from __future__ import annotations

import ast
import errno
import linecache
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from types import FrameType, TracebackType
from typing import Any, Literal

from verify.jobs import Source
from verify.unmeasured import Unmeasured
from verify.walls import FILE_SIZE, PROCESSES

NAMES_SHOWN = 5
"""How many of an assertion's names are shown with their values."""

LONGEST = 300
"""Characters of an exception's message that are kept, and of an assertion."""

LONGEST_VALUE = 60
"""Characters of a shown value."""

INSTALL = "pip install '.[verify]' (or '.[gpu]') in the tools' folder brings what claims import"
OURS = {
    "torch",
    "sympy",
    "antlr4",
    "numpy",
    "scipy",
    "sklearn",
    "transformers",
    "onnx",
    "onnxruntime",
    "matplotlib",
}
OURS |= {"tensorrt"}
NO_NETWORK = "claims have no network: models come from `verify.model`, data from `verify.digits`"
SMALLER = "compute on smaller inputs, or count on the `meta` device"
FEWER = "start fewer at the same time, and wait for their end"
TRUE_STATEMENT = "correct the statement, or the code that ought to make it true"
NEEDS_CUDA = "write needs=cuda after the word claim: machines without an NVIDIA GPU skip it then"
_WITHOUT_GPU = (
    "Torch not compiled with CUDA enabled",
    "Found no NVIDIA driver",
    "No CUDA GPUs are available",
)
"""What torch says where there is no GPU, or where it was built without CUDA."""
MEND = "mend the claim's code; once `--update` has marked it, the note stays out of the deck until it runs"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a claim's code did not reach its end."""

    state: Literal["refuted", "failed", "skipped"]
    """`refuted`: a statement of the card is false; `skipped`: this machine cannot say; else `failed`."""
    what: str
    """What is wrong, in one line."""
    hint: str
    """What the card's author can do."""
    path: str | None
    """The card; None when none of its lines is to blame."""
    line: int | None
    """The card's line."""


def compile_source(source: Source) -> Any:
    """The code object of a block, with the card's own path and line numbers.

    Raises:
        SyntaxError: with the card's line.
    """
    tree = _parse(source)
    # Not this module's own __future__ imports, and assertions whatever flags python was started with.
    return compile(tree, source.path, "exec", dont_inherit=True, optimize=0)


def _parse(source: Source) -> ast.Module:
    try:
        tree = ast.parse(source.code, source.path)
    except SyntaxError as error:
        error.lineno = (error.lineno or 1) + source.line - 1
        raise
    ast.increment_lineno(tree, source.line - 1)
    return tree


def explain(
    error: BaseException, sources: Sequence[Source], memory: int, needs: Sequence[str] = ()
) -> Failure:
    """Say what went wrong, in the terms of the card.

    Args:
        error: what the code raised.
        sources: the blocks that were run.
        memory: the limit in bytes that it ran under.
        needs: what the code says that it needs of the machine.
    """
    unmeasured = next((link for link in islice(_chain(error), 20) if isinstance(link, Unmeasured)), None)
    if unmeasured is not None:
        return Failure("skipped", unmeasured.what, unmeasured.hint, None, None)
    paths = {source.path for source in sources}
    steps = list(_steps(error.__traceback__))
    own = next((step for step in reversed(steps) if step.tb_frame.f_code.co_filename in paths), None)
    path, line = (own.tb_frame.f_code.co_filename, own.tb_lineno) if own else (None, None)
    if isinstance(error, SyntaxError) and error.filename in paths:
        path, line = error.filename, error.lineno
    if isinstance(error, AssertionError) and own:
        statement = _statement(own, sources) if own is steps[-1] else None
        if statement:
            return Failure("refuted", _false(statement, own.tb_frame, error), TRUE_STATEMENT, path, line)
        if ".testing" in steps[-1].tb_frame.f_globals.get("__name__", ""):  # torch's and numpy's assert_close
            return Failure("refuted", _message(error), TRUE_STATEMENT, path, line)
    what, hint = _crowded(error, steps) or _failed(error, memory)
    if hint == MEND and not needs and any(words in what for words in _WITHOUT_GPU):
        hint = NEEDS_CUDA
    return Failure("failed", what, hint, path, line)


def _steps(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace:
        yield trace
        trace = trace.tb_next


def _crowded(error: BaseException, steps: Sequence[TracebackType]) -> tuple[str, str] | None:
    """Says so when the system refused one more process or thread; else None."""
    last = steps[-1] if steps else None
    if isinstance(error, BlockingIOError) and error.errno == errno.EAGAIN and last:
        file = last.tb_frame.f_code.co_filename
        # Sockets say the same when they have nothing to give.
        forked = "fork" in linecache.getline(file, last.tb_lineno) or file.endswith("subprocess.py")
    else:
        forked = isinstance(error, RuntimeError) and str(error) == "can't start new thread"
    if not forked:
        return None
    return f"has more processes and threads than a claim may have ({PROCESSES})", FEWER


def _failed(error: BaseException, memory: int) -> tuple[str, str]:
    text = _message(error)
    chain = list(islice(_chain(error), 20))
    if type(error).__name__ == "OutOfMemoryError":
        return f"ran out of GPU memory: {text}"[:LONGEST], SMALLER
    if any(isinstance(link, MemoryError) or _says_no_memory(link) for link in chain):
        return f"ran out of memory (limit {memory / 2**30:.3g} GiB)", SMALLER
    if isinstance(error, SystemExit):
        code = "" if error.code is None else repr(error.code)
        return f"the code called sys.exit({code})", "a claim ends with its last line"
    if isinstance(error, ImportError):
        package = (error.name or "").partition(".")[0]
        own = package in OURS or not package
        return text, INSTALL if own else f"pip install {package} where the tools are, or claim without it"
    if isinstance(error, FileNotFoundError):
        return text, "claims run in an empty scratch folder: compute the data, or take it from a package"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return text, f"a file may have {FILE_SIZE / 2**30:.3g} GiB, and so may what the code prints"
    unreachable = (errno.ENETUNREACH, errno.ENETDOWN)
    if any(isinstance(link, socket.gaierror) or getattr(link, "errno", 0) in unreachable for link in chain):
        return text, NO_NETWORK
    return text, MEND


def _says_no_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from: libraries wrap a lost connection several times."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _message(error: BaseException) -> str:
    kind = type(error).__name__
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = "(its message cannot be read)"
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return (f"{kind}: {first}" if first else kind)[:LONGEST]


def _statement(step: TracebackType, sources: Sequence[Source]) -> ast.Assert | None:
    """The assert statement that the frame stopped in, found by the position of its instruction."""
    code = step.tb_frame.f_code
    line, _, column, _ = next(islice(code.co_positions(), step.tb_lasti // 2, None), (None,) * 4)
    if line is None or column is None:
        return None
    for source in sources:
        if source.path != code.co_filename:
            continue
        for node in ast.walk(_parse(source)):
            if isinstance(node, ast.Assert) and _begins(node) <= (line, column) < _ends(node):
                return node
    return None


def _begins(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _ends(node: ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _false(statement: ast.Assert, frame: FrameType, error: AssertionError) -> str:
    what = f"the assertion `{ast.unparse(statement.test)[:LONGEST]}` is false"
    if statement.msg is not None:
        what += f" ({_message(error).removeprefix('AssertionError: ')})"
    names = [node for node in ast.walk(statement.test) if isinstance(node, ast.Name)]
    names.sort(key=lambda node: (node.lineno, node.col_offset))
    values: Mapping[str, Any] = {**frame.f_globals, **frame.f_locals}
    shown = {node.id: text for node in names if (text := _show(values.get(node.id)))}
    listed = ", ".join(f"{name} = {text}" for name, text in islice(shown.items(), NAMES_SHOWN))
    return f"{what}: {listed}" if listed else what


def _show(value: object) -> str | None:
    """A number, string, expression or one-element tensor in few characters; None for anything else."""
    try:
        if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
            value = value.item()
        if isinstance(value, str):
            text = repr(value)
        elif isinstance(value, int | float | complex | Fraction | Decimal) or _is_symbolic(value):
            text = str(value)
        else:
            return None
    except Exception:
        return None
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _is_symbolic(value: object) -> bool:
    sympy = sys.modules.get("sympy")
    return type(value).__name__ == "Spread" or (sympy is not None and isinstance(value, sympy.Basic))
