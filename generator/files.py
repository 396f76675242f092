"""Writing files so that a reader sees the old one or the new one, and never a half."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from generator.errors import StateError

_UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}\.part")
"""What a file is called while it is written."""


def write_atomically(file: Path, data: bytes) -> bool:
    """Replace a file's content, unless it holds these bytes already.

    Args:
        file: the file; its folder is made if it is missing.
        data: the whole new content.

    Returns:
        Whether the file was written.

    Raises:
        StateError: it cannot be written; the old content is still there.
    """
    temporary: str | None = None
    try:
        if file.is_file() and file.read_bytes() == data:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
        Path(temporary).chmod(mode)
        Path(temporary).replace(file)
    except BaseException as error:  # Ctrl-C too
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise _unwritable(file, error) from error
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other builds from reading and writing a folder's files at the same time; it is made if missing.

    What a build that was killed left half written is removed.

    Raises:
        StateError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(OSError):
            for file in list(folder.iterdir()):
                if _UNFINISHED.fullmatch(file.name):
                    file.unlink()
        yield
    finally:
        os.close(handle)


def _unwritable(file: Path, error: OSError) -> StateError:
    return StateError(
        f"{file}: cannot be written ({error.strerror})", "check its folder and the space on disk"
    )
