"""TensorRT as our code uses it, held against its real Python bindings.

The bindings are proprietary: they are fetched as `FETCH` says, and nothing made from them is kept. They
import without TensorRT's libraries when three stubs stand in for them, since they link nine symbols.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

BINDINGS = "GROUNDTRUTH_TENSORRT_BINDINGS"
HERE = Path(__file__).parent.parent / ".venv" / "tensorrt-bindings"
FETCH = "make bindings"


@dataclass(frozen=True, slots=True)
class Use:
    """One place where code reaches for something of TensorRT."""

    name: str
    """`Builder.create_network`, `BuilderFlag.TF32`, `__version__`."""
    how: str
    """`call`, `assign`, `read`, or `define` for a method that a subclass brings."""
    positional: int = 0
    """Arguments of a call without a name."""
    keywords: tuple[str, ...] = ()
    """Arguments of a call with a name."""


def uses(code: str) -> set[Use]:
    """Everything of tensorrt that the code uses.

    What is reached through the module, and what belongs to objects whose type is written beside them:
    variables, arguments, fields, base classes.
    """
    return {use for scope in ast.parse(code).body for use in _uses_in(scope)}


def _uses_in(scope: ast.stmt) -> set[Use]:
    types: dict[str, str] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.AnnAssign) and (kind := type_in(node.annotation)):
            types |= {ast.unparse(node.target): kind, f"self.{ast.unparse(node.target)}": kind}
        elif isinstance(node, ast.arg) and node.annotation and (kind := type_in(node.annotation)):
            types[node.arg] = kind
    for node in ast.walk(scope):
        if isinstance(node, ast.comprehension) and ast.unparse(node.iter) in types:
            types[ast.unparse(node.target)] = types[ast.unparse(node.iter)]
    return set(_found(scope, types))


def _found(scope: ast.stmt, types: dict[str, str]) -> Iterator[Use]:
    calls = {id(node.func): node for node in ast.walk(scope) if isinstance(node, ast.Call)}
    for node in ast.walk(scope):
        if isinstance(node, ast.ClassDef):
            for base in filter(None, map(type_in, node.bases)):
                yield from (
                    Use(f"{base}.{part.name}", "define")
                    for part in node.body
                    if isinstance(part, ast.FunctionDef)
                )
        if not isinstance(node, ast.Attribute) or (name := _name(node, types)) is None:
            continue
        if id(node) in calls:
            call = calls[id(node)]
            yield Use(name, "call", len(call.args), tuple(word.arg or "**" for word in call.keywords))
        else:
            yield Use(name, "assign" if isinstance(node.ctx, ast.Store) else "read")


def _name(node: ast.Attribute, types: dict[str, str]) -> str | None:
    written, owner = ast.unparse(node), ast.unparse(node.value)
    if written.startswith("trt.") and "(" not in written:
        return written.removeprefix("trt.")
    return f"{types[owner]}.{node.attr}" if owner in types else None


def type_in(annotation: ast.expr) -> str | None:
    """`Builder`, for `trt.Builder` and for `list[trt.Builder]`."""
    written = ast.unparse(annotation.slice if isinstance(annotation, ast.Subscript) else annotation)
    return written.removeprefix("trt.") if written.startswith("trt.") else None


def without_a_type(code: str) -> list[str]:
    """Assignments of what tensorrt returned to a variable without a type: its names would not be found."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if ast.unparse(node.value.func).startswith("trt.")
    ]


STUB = "void *{0}(void) {{ return 0; }}\n"
SYMBOLS = """createInferBuilder_INTERNAL createInferRefitter_INTERNAL createInferRuntime_INTERNAL
createNvOnnxParser_INTERNAL createNvOnnxParserRefitter_INTERNAL getBuilderPluginRegistry
getNvOnnxParserVersion getPluginRegistry initLibNvInferPlugins"""

PROBE = '''
import inspect, json, re, sys
folder, uses = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, folder)
try:
    import tensorrt_bindings as trt
except ImportError:
    import tensorrt as trt

def parts(text):
    depth, found = 0, [""]
    for letter in text:
        depth += (letter in "[({<") - (letter in "])}>")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found if part.strip()]

def signatures(thing, name):
    """Parameter names and whether each has a default, of every overload that the docstring lists."""
    text = (thing.__init__ if isinstance(thing, type) else thing).__doc__ or ""
    word = "__init__" if isinstance(thing, type) else name
    for line in re.findall(r"^(?:\\d+\\. )?" + word + r"\\((.*)\\) -> ", text, re.MULTILINE):
        if line != "*args, **kwargs":
            found = [(part.split(":")[0].split("=")[0].strip(), "=" in part) for part in parts(line)]
            yield found[1:] if found and found[0][0] == "self" else found

def accepts(signature, positional, keywords):
    names = [name for name, _ in signature]
    given = set(names[:positional]) | set(keywords)
    return (
        positional <= len(names)
        and set(keywords) <= set(names[positional:])
        and all(default or name in given for name, default in signature)
    )

def wrong(use):
    owner, thing = None, trt
    for part in use["name"].split("."):
        owner, thing = thing, getattr(thing, part, None)
    if thing is None:
        return "is not there"
    name = use["name"].split(".")[-1]
    if use["how"] == "call":
        known = list(signatures(thing, name))
        if not callable(thing):
            return "cannot be called"
        if known and not any(accepts(one, use["positional"], use["keywords"]) for one in known):
            return f"takes {known}, not {use['positional']} and {use['keywords']}"
    elif use["how"] == "assign":
        if not isinstance(thing, property) or thing.fset is None:
            return "cannot be set"
    elif use["how"] == "read" and isinstance(owner, type):
        if not isinstance(thing, (property, type)) and name not in getattr(owner, "__members__", {}):
            return "is a method, and read like a value"
    return None

class Collect(trt.ILogger):
    def log(self, severity, msg): pass
Collect()
print(json.dumps([trt.__version__, {use["name"]: why for use in uses if (why := wrong(use))}]))
'''


def held_against(folder: str, used: set[Use], scratch: Path) -> tuple[str, dict[str, str]]:
    """The version of the bindings in `folder`, and what they do not have as it is used, with why."""
    (scratch / "stub.c").write_text("".join(STUB.format(symbol) for symbol in SYMBOLS.split()))
    for library in ("nvinfer", "nvinfer_plugin", "nvonnxparser"):
        for major in (10, 11):
            target = scratch / f"lib{library}.so.{major}"
            subprocess.run(["gcc", "-shared", "-fPIC", "-o", target, scratch / "stub.c"], check=True)
    listed = json.dumps([asdict(use) for use in sorted(used, key=repr)])
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, folder, listed],
        env={**os.environ, "LD_LIBRARY_PATH": str(scratch)} if folder else None,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    version, wrong = json.loads(ran.stdout.splitlines()[-1])
    return version, wrong


def bindings() -> list[str]:
    """Folders with unpacked bindings; the empty one stands for an installed TensorRT."""
    named = [folder for folder in os.environ.get(BINDINGS, "").split(os.pathsep) if folder]
    fetched = [str(folder) for folder in sorted(HERE.glob("*")) if folder.is_dir()]
    return named or fetched or ([""] if find_spec("tensorrt") else [])
