"""Imports run one way, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
HEAVY = {
    "torch",
    "sympy",
    "numpy",
    "scipy",
    "sklearn",
    "transformers",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "tensorrt",
}
WRITING_HALF = {"render", "highlight", "slicing", "notetypes", "ledger", "apkg", "build", "ids", "commands"}
WRITING_HALF |= {"lexing", "gather", "workers"}
WRITING_HALF |= {"check", "lint", "explain", "rules"}
WRITING_HALF |= {"inert", "mathjax", "theme", "describe"}
WRITING_HALF |= {"spacing"}
WRITING_HALF |= {"history", "decks", "diff", "show_diff", "packages", "words", "listing", "scaffold"}
WRITING_HALF |= {"adopt", "archive", "cards", "editor_html", "importing", "sections", "shelves"}
WRITING_HALF |= {"to_markdown", "unpack", "write_up", "newer", "zstd"}
RUNS_IN_CLAIMS = {"verify/formulas.py", "verify/latex.py", "verify/latex_parts.py", "verify/warm.py"}


def imports(file: Path, top_only: bool = False) -> Iterator[str]:
    """The modules that a file imports: everywhere, or only when it is itself imported."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = list(tree.body) if top_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(folder: str) -> list[Path]:
    return sorted((REPOSITORY / folder).rglob("*.py"))


@pytest.mark.parametrize("file", files("generator"), ids=lambda file: file.name)
def test_the_generator_never_sees_verify_nor_anything_heavy(file: Path) -> None:
    roots = {name.partition(".")[0] for name in imports(file)}
    assert "verify" not in roots
    assert not roots & HEAVY


@pytest.mark.parametrize("file", files("verify"), ids=lambda file: file.name)
def test_verify_uses_only_the_reading_half_of_the_generator(file: Path) -> None:
    used = {name.split(".")[1] for name in imports(file) if name.startswith("generator.")}
    assert not used & WRITING_HALF
    assert "genanki" not in {name.partition(".")[0] for name in imports(file)}


@pytest.mark.parametrize("file", files("verify"), ids=lambda file: file.name)
def test_only_what_runs_beside_a_claim_imports_heavy_packages_at_its_top(file: Path) -> None:
    name = file.relative_to(REPOSITORY).as_posix()
    if name.startswith("verify/measures/") or name in RUNS_IN_CLAIMS:
        pytest.skip("imported in a claim's process only")
    assert not {module.partition(".")[0] for module in imports(file, top_only=True)} & HEAVY


@pytest.mark.parametrize("tool", ["generator", "verify"])
def test_help_imports_neither_a_parser_nor_anything_heavy(tool: str) -> None:
    program = (
        f"import sys, runpy; sys.argv = ['{tool}', '--help']\n"
        f"try: runpy.run_module('{tool}', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('loaded:', sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(done.stdout.rpartition("loaded:")[2].strip()))
    assert not loaded & (HEAVY | {"markdown_it", "genanki", "yaml", "pygments", "bibtexparser"})


def test_verify_check_imports_nothing_heavy_and_no_genanki(tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    cards.mkdir()
    note = "# T\n\nAbout it.\n\n## Q? {#q}\n\n```python claim\nx = 4\n```\n\n[4](claim:x)\n"
    (cards / "note.md").write_text(note, encoding="utf-8")
    program = (
        "import sys\nfrom verify.__main__ import main\n"
        f"main(['check', {str(cards)!r}])\n"
        "print('loaded:', sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(done.stdout.rpartition("loaded:")[2].strip()))
    assert not loaded & (HEAVY | {"genanki", "pygments"})
