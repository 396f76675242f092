"""Claims that print: nobody reads it, and the learner sees the line on the back of the card."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from generator.blocks import syntax
from generator.notes import Location
from verify.claims import Task


def prints(tasks: Iterable[Task]) -> list[Location]:
    """The lines at which the code of these tasks calls `print`, each once, in order."""
    found = {
        Location(source.path, source.line + node.lineno - 1)
        for task in tasks
        for source in task.job.sources
        if "print" in source.code
        for node in ast.walk(syntax(source.code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    return sorted(found)
