"""Blocks and links → what is to be run, with the digest that says whether it has to be run again."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generator.blocks import assigned_names, supporting, syntax, used_names
from generator.errors import Problem
from generator.media import locate
from generator.notes import Block, Claim, Location, Note, Topic
from generator.remembered import remembered
from verify import EXPORTS
from verify.jobs import Job, Source
from verify.numbers import states_number

PROTOCOL = 1
"""Version of the way in which claims are run and measured; a new one makes every record old."""

TIMEOUT = 60.0
"""Seconds that a claim may take unless its block says otherwise."""

TIMEOUT_WITH_DEVICE = 600.0
"""The same for one that needs a GPU: each of its measuring processes sets CUDA up anew."""

_TIMERS = frozenset({"compare", "latency", "throughput", "timings"})
"""Names of `verify` whose results belong to the machine that they were measured on."""

_FORMULA = re.compile(r"\s*\$(?P<latex>[^$]+)\$\s*")
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Task:
    """One job together with the links that state its values."""

    job: Job
    """What is to be run."""
    topic: Topic
    """The file that its links stand in."""
    note: Note | None
    """The note that its code belongs to; None for a file's own blocks."""
    claims: tuple[Claim, ...]
    """The links that state its values, in order."""
    figures: tuple[tuple[str, Path], ...]
    """The names of its figures, and the files that show them."""
    packages: tuple[str, ...]
    """The packages that its code imports, also through `verify`: a new version of one makes a record old."""


def formula_of(text: str) -> str | None:
    """The LaTeX of a text that is one formula, `$…$`; None for any other text."""
    match = _FORMULA.fullmatch(text)
    return match["latex"].strip() if match else None


def plan(topics: Iterable[Topic], root: Path, drawn: Path) -> list[Task]:
    """Every task of these files, in order: a file's own blocks first, then each note's.

    Args:
        topics: the files.
        root: the collection's folder; a file's own blocks are named by the path from it, wherever one stands.
        drawn: a folder for figures; the ones in the collection are only looked at.
    """
    tasks: list[Task] = []
    for topic in topics:
        in_file: list[Claim] = list(topic.claims)
        of_notes: list[Task] = []
        for note in topic.notes:
            own = frozenset[str]().union(*(assigned_names(block.code) for block in note.blocks))
            in_file += [claim for claim in note.claims if claim.name not in own]
            if note.blocks:
                mine = tuple(claim for claim in note.claims if claim.name in own)
                reads = frozenset[str]().union(*(used_names(block.code) for block in note.blocks))
                blocks = (*supporting(topic.blocks, reads), *note.blocks)
                of_notes.append(_task(topic, note, blocks, mine, root, drawn))
        if topic.blocks and (in_file or any(_asserts(block.code) for block in topic.blocks)):
            tasks.append(_task(topic, None, topic.blocks, tuple(in_file), root, drawn))
        tasks += of_notes
    return tasks


def check_imports(topics: Iterable[Topic]) -> list[Problem]:
    """Names that blocks import from `verify`, and that it does not have."""
    problems = []
    for topic in topics:
        for block in (*topic.blocks, *(block for note in topic.notes for block in note.blocks)):
            for name, line in _from_verify(block.code):
                if name not in EXPORTS:
                    place = Location(topic.path, block.location.line + line - 1)
                    hint = f"it offers: {', '.join(sorted(EXPORTS))}"
                    problems.append(Problem(place, f"verify has no '{name}'", hint))
    return problems


def check_figures(topics: Iterable[Topic], root: Path) -> list[Problem]:
    """Figures that could not be drawn where their image points to.

    Args:
        topics: the files.
        root: the collection's folder; nothing is ever written outside it.
    """
    problems = []
    for topic in topics:
        for claim in topic.all_claims():
            if not claim.is_figure:
                continue
            try:
                file = locate(claim.path, topic.file.parent, root)
            except ValueError as error:
                problems.append(Problem(claim.location, *error.args))
                continue
            if file.suffix.lower() != ".svg":
                problems.append(
                    Problem(claim.location, f"the figure {claim.path} is no .svg", "figures are drawn as SVG")
                )
    return problems


def _task(
    topic: Topic,
    note: Note | None,
    blocks: Sequence[Block],
    claims: tuple[Claim, ...],
    root: Path,
    drawn: Path,
) -> Task:
    code = [block.code for block in blocks]
    imported = sorted({name for text in code for name, _ in _from_verify(text)} & EXPORTS.keys())
    needs = tuple(dict.fromkeys(need for block in blocks for need in block.needs))
    patience = TIMEOUT_WITH_DEVICE if needs else TIMEOUT
    modules = sorted(chosen({module for name in imported for module in _closure(EXPORTS[name])}, code))
    parts = [PROTOCOL, needs, [_shape(text) for text in code], [_module_shape(module) for module in modules]]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
    figures = tuple(
        (claim.name, locate(claim.path, topic.file.parent, root)) for claim in claims if claim.is_figure
    )
    # A number in math is compared in its own digits; what is no number has to be proved.
    formulas = [
        (claim.name, formula_of(claim.text))
        for claim in claims
        if not (claim.is_figure or claim.table or states_number(claim.text))
    ]
    job = Job(
        owner=note.id
        if note is not None
        else f"file:{topic.file.resolve().relative_to(root.resolve()).as_posix()}",
        sources=tuple(Source(block.code, topic.path, block.location.line) for block in blocks),
        names=tuple(dict.fromkeys(claim.name for claim in claims)),
        formulas=tuple(dict.fromkeys((name, latex) for name, latex in formulas if latex is not None)),
        figures=tuple((name, str(drawn / f"{digest}-{name}.svg")) for name, _ in figures),
        needs=needs,
        timeout=max((block.timeout or patience for block in blocks), default=patience),
        # A GPU is one: what runs beside a measurement on it would be measured too.
        alone=bool(needs or _TIMERS.intersection(imported)),
        digest=digest,
    )
    packages = {package for text in code for package in _packages(text)}
    packages |= {package for module in modules for package in _packages(_module_text(module))}
    return Task(job, topic, note, claims, figures, tuple(sorted(packages)))


@remembered
def _asserts(code: str) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(syntax(code)))


@remembered
def _texts(code: str) -> tuple[str, ...]:
    """The texts in a program."""
    found = (node.value for node in ast.walk(syntax(code)) if isinstance(node, ast.Constant))
    return tuple(value for value in found if isinstance(value, str))


@remembered
def _rests_on(code: str) -> tuple[str, ...]:
    """The modules of `verify` that a module imports."""
    found = (node.module for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom))
    return tuple(name for name in found if name and name.startswith("verify."))


@remembered
def _words(code: str) -> dict[str, str]:
    """A module's `CHOSEN_BY_WORD`, empty where it has none."""
    for node in ast.parse(code).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="CHOSEN_BY_WORD")], value=value):
                table: dict[str, str] = ast.literal_eval(value)
                return table
    return {}


@remembered
def _shape(code: str) -> str:
    """A program without its comments, layout and docstrings: what it does, not how it looks."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                    node.body = rest or [ast.Pass()]
    return ast.dump(tree)


@remembered
def _from_verify(code: str) -> tuple[tuple[str, int], ...]:
    """Names of `verify` and its modules that a block uses, imported or as `verify.name`, with their lines."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(syntax(code)):
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").partition(".")[0] == "verify"
            and not node.level
        ):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "verify"
        ):
            found.append((node.attr, node.lineno))
    return tuple(found)


@remembered
def _packages(code: str) -> frozenset[str]:
    """The top-level packages that a program imports."""
    found = set[str]()
    for node in ast.walk(syntax(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found - {"verify", "generator"})


def chosen(modules: Iterable[str], code: Iterable[str]) -> set[str]:
    """The modules, and those that a claim picks by a word in its code.

    A table `CHOSEN_BY_WORD` maps words to modules that the table's own module imports when it is asked for
    such a name, as in `model("resnet50")`. A module belongs to the claim when its word occurs in any text in
    the code; where no word does, names are made in a way that cannot be seen here, and all modules belong.
    """
    found = set(modules)
    texts = [text for block in code for text in _texts(block)]
    for module in modules:
        table = _table(module)
        named = {other for word, other in table.items() if any(word in text for text in texts)}
        for other in named or set(table.values()):
            found |= _closure(other)
    return found


@cache
def _table(module: str) -> dict[str, str]:
    return _words(_module_text(module))


@cache
def _module_text(module: str) -> str:
    file = _HERE.parent.joinpath(*module.split("."))
    return (file / "__init__.py" if file.is_dir() else file.with_suffix(".py")).read_text(encoding="utf-8")


@cache
def _module_shape(module: str) -> str:
    return hashlib.sha256(_shape(_module_text(module)).encode()).hexdigest()


@cache
def _closure(module: str) -> frozenset[str]:
    """A module of the measuring library and all of the library that it rests on."""
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _rests_on(_module_text(name))
    return frozenset(found)
