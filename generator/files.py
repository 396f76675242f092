"""Writing files so that a reader sees the old one or the new one, and never a half."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from generator.errors import StateError


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
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StateError(
            f"{file}: cannot be written ({error.strerror})", "check its folder and the space on disk"
        ) from error
    return True
