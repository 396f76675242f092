"""A digest of whatever a training is made from: code, data, numbers, networks.

Equal digests mean equal content. The opposite need not hold: the same thing written otherwise may get
another digest, which costs a training and is never wrong.
"""

from __future__ import annotations

import dis
import hashlib
import sys
import types
from collections.abc import Iterator
from copyreg import dispatch_table
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
_BUILTINS = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.ClassMethodDescriptorType,
)
_NO_CONTENT = frozenset(
    {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__annotate__", "_abc_impl"}
    | {"__annotate_func__", "__annotations_cache__", "__firstlineno__", "__static_attributes__"}
    | {"__dataclass_fields__", "__dataclass_params__"}
)
"""What a class carries that says nothing about what it does, or says it twice."""


class Unknown(TypeError):
    """Something whose content cannot be told: an open file, a generator, an object of C code."""


def fingerprint(thing: object) -> str:
    """The digest of a thing and of all that it reaches, 64 hexadecimal digits.

    Functions and classes count by their bytecode, constants, defaults, closures and the globals that they
    read, not by name, place or layout; those of the standard library and of installed packages by name and
    version. Objects count by their class and state, tensors by their bits.

    Raises Unknown for what has no content that could be read.
    """
    return _Walk().digest(thing).hex()


class _Walk:
    def __init__(self) -> None:
        self._known: dict[int, tuple[object, bytes]] = {}  # holds the things, so that ids stay theirs
        self._path: list[int] = []

    def digest(self, thing: object) -> bytes:
        if isinstance(thing, _SCALARS) and type(thing) in _SCALARS:
            return hashlib.sha256(f"{type(thing).__name__} {thing!r}".encode("utf-8", "replace")).digest()
        if id(thing) in self._known:
            return self._known[id(thing)][1]
        if id(thing) in self._path:  # a cycle: said by how far up it leads
            return f"up {len(self._path) - self._path.index(id(thing))}".encode()
        self._path.append(id(thing))
        found = hashlib.sha256()
        try:
            for part in _parts(thing):
                # Digests have fixed lengths but for cycles, so the parts are told apart by their lengths.
                said = part if isinstance(part, bytes) else self.digest(part)
                found.update(len(said).to_bytes(8, "big") + said)
        except RecursionError as error:
            raise Unknown("nested too deeply to be told") from error
        finally:
            self._path.pop()
        self._known[id(thing)] = (thing, found.digest())
        return found.digest()


def _parts(thing: Any) -> Iterator[Any]:
    """What makes up a thing: bytes stand for themselves, all else for its own digest."""
    yield type(thing).__qualname__.encode()
    if name := _published(thing):
        yield name.encode()
    elif isinstance(thing, Tensor):
        yield from _tensor(thing)
    elif type(thing) in (tuple, list):
        yield from thing
    elif type(thing) in (set, frozenset):
        yield from sorted(_Walk().digest(item) for item in thing)
    elif type(thing) in (dict, types.MappingProxyType):
        for key, value in thing.items():
            yield from (key, value)
    elif isinstance(thing, types.CodeType):
        yield from _code(thing)
    elif isinstance(thing, types.FunctionType):
        yield from _function(thing)
    elif isinstance(thing, types.MethodType):
        yield from (thing.__func__, thing.__self__)
    elif isinstance(thing, partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, staticmethod | classmethod):
        yield thing.__func__
    elif isinstance(thing, property):
        yield from (thing.fget, thing.fset, thing.fdel)
    elif isinstance(thing, type):
        yield from thing.__bases__
        for name, value in vars(thing).items():
            if name not in _NO_CONTENT:
                yield from (name, value)
    elif isinstance(thing, types.ModuleType):
        if not getattr(thing, "__file__", None):
            raise Unknown(f"the module {thing.__name__} has no file")
        yield Path(str(thing.__file__)).read_bytes()
    elif isinstance(thing, torch.Generator):
        yield thing.get_state()
    else:
        yield from _object(thing)


def _published(thing: Any) -> str:
    """How a thing of the standard library or of an installed package is called, with the version; else ''."""
    if isinstance(thing, types.ModuleType):
        return f"{thing.__name__} {version}" if (version := _version(thing.__name__)) else ""
    if isinstance(thing, _BUILTINS):
        owner = getattr(thing, "__self__", None) or getattr(thing, "__objclass__", None)
        if owner is not None and not isinstance(owner, types.ModuleType | type):
            return ""  # the method of an object, which counts
        return f"{getattr(thing, '__module__', '')} {getattr(owner, '__name__', '')} {thing.__qualname__}"
    if isinstance(thing, type | types.FunctionType):
        found: Any = sys.modules.get(thing.__module__ or "")
        for part in thing.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is thing and (version := _version(thing.__module__)):
            return f"{thing.__module__}.{thing.__qualname__} {version}"
    return ""


def _version(module: str) -> str:
    """The version of a module's package, Python's for its own; '' for code that no version speaks for."""
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names and root != "__main__":
        return sys.version
    return str(getattr(sys.modules.get(root), "__version__", ""))


def _tensor(thing: Tensor) -> Iterator[Any]:
    if thing.layout is not torch.strided or thing.is_quantized or thing.device.type == "meta":
        raise Unknown(f"a tensor of layout {thing.layout} on {thing.device}")
    yield f"{thing.dtype} {tuple(thing.shape)} {thing.device} {thing.requires_grad}".encode()
    flat = thing.detach().cpu().contiguous().reshape(-1)
    yield flat.view(torch.uint8).numpy().tobytes()


def _code(code: types.CodeType) -> Iterator[Any]:
    yield code.co_code
    # Constants as a list: the same numbers, but 1 and True, and nested code, are told apart.
    yield list(code.co_consts)
    yield from (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    yield from (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    yield getattr(code, "co_exceptiontable", b"")


def _function(function: types.FunctionType) -> Iterator[Any]:
    yield from (function.__code__, function.__defaults__, function.__kwdefaults__)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            yield b"empty"
    for how, name in sorted(set(_reads(function.__code__))):
        if how == "import":
            yield f"import {name} {_installed(name)}".encode()
        elif name in function.__globals__:
            yield from (name, function.__globals__[name])


def _reads(code: types.CodeType) -> Iterator[tuple[str, str]]:
    """The globals that code reads, and the modules that it imports, also in functions within it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield "global", instruction.argval
        elif instruction.opname == "IMPORT_NAME":
            yield "import", instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _reads(constant)


def _installed(module: str) -> str:
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        return sys.version
    try:
        return metadata.version(root)
    except metadata.PackageNotFoundError as error:
        raise Unknown(f"a function imports {module}, of which no version is known") from error


def _object(thing: Any) -> Iterator[Any]:
    """An object by what pickle would take of it, if pickle could."""
    if isinstance(thing, types.BuiltinFunctionType | types.MethodWrapperType):
        yield from (thing.__qualname__, thing.__self__)
        return
    try:
        reduce = dispatch_table.get(type(thing))
        reduced: Any = reduce(thing) if reduce else thing.__reduce_ex__(4)
    except Exception as error:
        raise Unknown(f"the content of a {type(thing).__qualname__} cannot be told: {error}") from error
    if isinstance(reduced, str):
        yield reduced
        return
    for part in reduced:  # what makes it, its arguments, its state; then iterators over its items
        yield list(part) if isinstance(part, Iterator) else part
