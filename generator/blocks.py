"""Claim blocks: fences whose info string says `python claim`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import lru_cache

from markdown_it.token import Token

from generator.errors import Problem
from generator.notes import Block, Location
from generator.remembered import remembered
from generator.source import Source

NEEDS = ("cuda", "tensorrt")
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `ast.parse` raises for code that is none, or nested too deep."""
_EXAMPLE = "write ```python claim needs=cuda timeout=120"


def is_claim_block(token: Token) -> bool:
    """Whether a token is a fence of Python that `verify` runs."""
    return token.type == "fence" and token.info.split()[:2] == ["python", "claim"]


def read_block(source: Source, token: Token, problems: list[Problem]) -> Block | None:
    """The claim block that a token holds, or None for any other token.

    Code that does not parse is a problem at its own line; the block is returned all the same.
    """
    if not is_claim_block(token) or token.map is None:
        return None
    first = source.at(token.map[0] + 1)
    if token.level:
        what = "a claim block inside a list or a quote"
        problems.append(Problem(source.at(token.map[0]), what, "let it stand at the margin"))
    try:
        ast.dump(syntax(token.content))  # dumped, since code that parses may be too deep to walk
    except SyntaxError as error:
        place = Location(first.path, first.line + max(0, (error.lineno or 1) - 1))
        problems.append(
            Problem(place, f"the claim's code is no Python: {error.msg}", "mend the code of the block")
        )
    except ValueError as error:
        problems.append(
            Problem(first, f"the claim's code is no Python: {error}", "mend the code of the block")
        )
    except (RecursionError, MemoryError):
        problems.append(Problem(first, "the claim's code is nested too deep", "split it into several lines"))
    needs, timeout = _attributes(source.at(token.map[0]), token.info, problems)
    return Block(token.content, first, needs, timeout)


def _attributes(place: Location, info: str, problems: list[Problem]) -> tuple[tuple[str, ...], float | None]:
    needs: tuple[str, ...] = ()
    timeout: float | None = None
    for word in info.split()[2:]:
        key, equals, value = word.partition("=")
        if key == "needs" and equals:
            needs = tuple(value.split(","))
            for need in needs:
                if need not in NEEDS:
                    known = ", ".join(NEEDS)
                    problems.append(Problem(place, f"nothing is known about needs={need}", f"known: {known}"))
        elif key == "timeout" and equals and value.replace(".", "", 1).isdigit() and float(value) > 0:
            timeout = float(value)
        else:
            problems.append(Problem(place, f"cannot read '{word}' after 'python claim'", _EXAMPLE))
    return needs, timeout


@lru_cache(1024)
def syntax(code: str) -> ast.Module:
    """The syntax tree of a block, parsed once however often it is asked for; nobody may change it.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the code is none, or is nested too deep.
    """
    return ast.parse(code)


@remembered
def assigned_names(code: str) -> frozenset[str]:
    """The names that a block binds at its top level: assignments, loops, imports, definitions.

    Names bound inside functions, classes, lambdas and comprehensions do not count. Code that does not parse
    binds nothing.
    """
    try:
        return names_bound(syntax(code))
    except UNPARSABLE:
        return frozenset()


@remembered
def used_names(code: str) -> frozenset[str]:
    """Every name that a block reads anywhere; code that does not parse reads nothing."""
    try:
        return names_read(syntax(code))
    except UNPARSABLE:
        return frozenset()


def names_bound(tree: ast.Module | ast.stmt) -> frozenset[str]:
    """The names that a module or one statement of it binds at the top level."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body) if isinstance(tree, ast.Module) else [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                continue
            case ast.Import() | ast.ImportFrom():
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
                continue
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                names.add(name)
        waiting.extend(ast.iter_child_nodes(node))
    return frozenset(names)


def names_read(tree: ast.AST) -> frozenset[str]:
    """Every name that is read anywhere below."""
    return frozenset(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )


def supporting(blocks: Sequence[Block], names: Iterable[str]) -> tuple[Block, ...]:
    """The blocks that these names rest on, directly or through one another, in their order."""
    wanted, kept = set(names), list[Block]()
    for block in reversed(blocks):
        if assigned_names(block.code) & wanted:
            kept.append(block)
            wanted |= used_names(block.code)
    return tuple(reversed(kept))
