"""What a claim's code printed, without what its author already knows or cannot mend."""

from __future__ import annotations

import re
from pathlib import Path

_OURS = str(Path(__file__).parent)
_INSTALLED = re.compile(r"/lib/python\d|/(?:site|dist)-packages/|^<frozen ")
_START = "Traceback (most recent call last):\n"
_FRAME = re.compile(r'  File "(?P<file>[^"\n]+)", line \d+.*\n(?:    .*\n)*')


def told(output: str) -> str:
    """The output without frames of ours and of libraries, and without a traceback that says nothing new.

    Args:
        output: the end of what a process printed, its last traceback included.
    """
    text = _FRAME.sub(_kept, output if output.endswith("\n") else f"{output}\n")
    before, start, trace = text.rpartition(_START)
    frames = _FRAME.findall(trace)
    if start and _START not in before and len(frames) <= 1:
        # The place and the error stand above it already.
        return before.rstrip("\n")
    return text.rstrip("\n")


def _kept(frame: re.Match[str]) -> str:
    file = frame["file"]
    ours = file.startswith(_OURS) and Path(file).parent.name != "measures"
    return "" if ours or _INSTALLED.search(file) else frame[0]
