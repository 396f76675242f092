"""What earlier builds compiled, kept beside the decks: a convenience that is never needed and never trusted.

An entry is one file: a line that names the format, a key that says what it was made from, a digest of the
rest, and the things themselves. Whatever does not fit (another format, another key, a damaged byte, a thing
that no build makes) counts as absent.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = ".cache"
_FORMAT = b"groundtruth cache 1\n"
_SIZE = 32
"""Bytes of a key and of a digest."""
_SUFFIX, _UNFINISHED = ".cache", ".part"


class Cache:
    """A folder of entries; a cache without a folder holds nothing and keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def keeps(self) -> bool:
        """Whether entries can be put into it."""
        if self._folder is None:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            ignore = self._folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="ascii")
        except OSError:
            return False
        return os.access(self._folder, os.W_OK)

    def get(self, name: str, key: bytes) -> Any:
        """What was put under a name with the same key, or None."""
        if self._folder is None:
            return None
        try:
            data = (self._folder / f"{name}{_SUFFIX}").read_bytes()
            at, then = len(_FORMAT), len(_FORMAT) + _SIZE
            body = memoryview(data)[then + _SIZE :]
            if data[:at] != _FORMAT or data[at:then] != key or data[then : then + _SIZE] != digest(body):
                return None
            return _Reader(io.BytesIO(body)).load()
        except Exception:  # of whatever kind: an entry is never worth more than making it again
            return None

    def put(self, name: str, key: bytes, thing: Any) -> None:
        """Keep a thing; where that cannot be, nothing is kept."""
        if self._folder is None:
            return
        written = io.BytesIO()
        _Writer(written, protocol=5).dump(thing)
        body = written.getvalue()
        with suppress(OSError):
            handle, temporary = tempfile.mkstemp(prefix=f"{name}.", suffix=_UNFINISHED, dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(_FORMAT + key + digest(body))
                    stream.write(body)
                Path(temporary).replace(self._folder / f"{name}{_SUFFIX}")
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def sweep(self, names: Iterable[str]) -> None:
        """Remove all entries but these, and what interrupted builds left."""
        if self._folder is None:
            return
        kept = {f"{name}{_SUFFIX}" for name in names}
        with suppress(OSError):
            for file in list(self._folder.iterdir()):
                if file.suffix in (_SUFFIX, _UNFINISHED) and file.name not in kept:
                    file.unlink(missing_ok=True)


class _Writer(pickle.Pickler):
    """Writes a record as a call of its class, which takes half the time to read of one whose state is set."""

    def reducer_override(self, thing: Any) -> Any:
        """How one thing is written."""
        if isinstance(thing, type) or not is_dataclass(thing):
            return NotImplemented
        kind: Any = type(thing)
        return kind, tuple(getattr(thing, name) for name in _names(kind))


@cache
def _names(record: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


class _Reader(pickle.Unpickler):
    """Reads the plain records of this package, and nothing that could do anything."""

    def find_class(self, module: str, name: str) -> Any:
        """A class that an entry may hold; every other is refused."""
        if (module, name) in (("pathlib", "PosixPath"), ("pathlib", "WindowsPath")):
            return super().find_class(module, name)
        found = getattr(sys.modules.get(module), name, None) if module.startswith("generator.") else None
        if not (isinstance(found, type) and is_dataclass(found) and found.__module__ == module):
            raise pickle.UnpicklingError(f"{module}.{name} is no record")
        return found


def digest(*parts: bytes | memoryview) -> bytes:
    """A digest of some bytes, as long as keys are."""
    made = hashlib.blake2b(digest_size=_SIZE)
    for part in parts:
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.digest()


@cache
def tool_digest() -> bytes:
    """A digest of everything in this tool that a note's HTML depends on: its own code, and its libraries'."""
    import markdown_it
    import mdit_py_plugins
    import pygments
    import yaml

    versions = [markdown_it.__version__, mdit_py_plugins.__version__, pygments.__version__, yaml.__version__]
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return digest(
        *(f"{each}".encode() for each in (*versions, sys.version)), *(f.read_bytes() for f in files)
    )
