"""The part of a file's shared code that a note rests on, for its reader.

`verify` runs whole blocks. What the learner unfolds is shorter: the statements that bear on the note's
numbers. So a change of one shared constant reaches exactly the notes that rest on it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from generator.blocks import names_bound, names_read, syntax
from generator.notes import Block

_IMPORTS = (ast.Import, ast.ImportFrom)
_BINDING = (*_IMPORTS, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign)


def relevant_code(blocks: Sequence[Block], names: Iterable[str]) -> str:
    """The statements of these blocks that the names rest on, in their order and as they are written.

    A statement counts when it binds such a name, or works on one without binding anything (a call, an
    assignment to an attribute, an assertion about it). Code that does not parse is given whole.
    """
    bodies: list[tuple[str, list[ast.stmt]]] = []
    for block in blocks:
        try:
            bodies.append((block.code, syntax(block.code).body))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return "\n".join(each.code for each in blocks)
    imported = frozenset[str]().union(
        *(names_bound(each) for _, body in bodies for each in body if isinstance(each, _IMPORTS))
    )
    wanted = set(names)
    kept: list[str] = []
    for code, body in reversed(bodies):
        chosen: list[ast.stmt] = []
        for statement in reversed(body):
            if _bears_on(statement, wanted, imported):
                chosen.append(statement)
                wanted |= names_read(statement)
        kept.append(_written(code, chosen))
    return "\n".join(code for code in reversed(kept) if code)


def _bears_on(statement: ast.stmt, wanted: set[str], imported: frozenset[str]) -> bool:
    if names_bound(statement) & wanted:
        return True
    if isinstance(statement, _BINDING):
        return False
    read = names_read(statement) & wanted
    if isinstance(statement, ast.Assign):
        # `layer.weight = …` and `table[key] = …` change what a name stands for.
        targets = [each for each in statement.targets if isinstance(each, ast.Attribute | ast.Subscript)]
        return any(names_read(target) & wanted for target in targets)
    # A call on a module (`torch.manual_seed(0)`) counts; an assertion that only uses one does not.
    return bool(read) if isinstance(statement, ast.Expr) else bool(read - imported)


def _written(code: str, statements: Sequence[ast.stmt]) -> str:
    """The lines of these statements, with the comments above them and blank lines as the code has them."""
    lines = code.split("\n")
    wanted: list[int] = []
    for statement in statements:
        decorators = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        while first > 0 and lines[first - 1].lstrip().startswith("#"):
            first -= 1
        wanted += range(first, statement.end_lineno or statement.lineno)
    chosen = sorted(set(wanted))
    written: list[str] = []
    for index, number in enumerate(chosen):
        if index and not lines[number - 1].strip():
            written.append("")
        written.append(lines[number])
    return "".join(f"{line}\n" for line in written)
