"""What a run found so far: a line for each record, appended the moment that it is known.

`decks/measured/<machine>.journal` stands beside the machine's records from the first result of a run to its
end, or to the end of the next one after a run that was killed. To append costs the same however many records
there are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SUFFIX = ".journal"


class Damaged(ValueError):
    """A whole line that is no record; the argument says which."""


class Journal:
    """One machine's journal.

    Args:
        file: where it stands, or will stand.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._place: tuple[int, int] | None = None
        self._read_to = 0

    def unread(self) -> Iterator[dict[str, Any]]:
        """The entries that were not read before, in order; all of them when it is another file by now.

        A last line without its end is of a run that was killed while it wrote, and counts as not there.

        Raises:
            OSError: it cannot be read.
            Damaged: a line is no JSON object.
        """
        try:
            stream = self.file.open("rb")
        except (FileNotFoundError, NotADirectoryError):
            self.rewind()
            return
        with stream:
            status = os.fstat(stream.fileno())
            place = (status.st_dev, status.st_ino)
            if place != self._place or status.st_size < self._read_to:
                self._place, self._read_to = place, 0
            stream.seek(self._read_to)
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self._read_to += len(line)
                yield _entry(line)

    def append(self, entry: dict[str, Any]) -> None:
        """Write one more entry; whoever calls this holds the folder's lock and has read what was unread.

        Raises:
            OSError: it cannot be written; what was there before still is.
        """
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            status = os.fstat(handle)
            place = (status.st_dev, status.st_ino)
            start = self._read_to if place == self._place else 0
            if status.st_size > start:  # half a line of a run that was killed
                os.ftruncate(handle, start)
            try:
                written = os.pwrite(handle, line, start)
                while written < len(line):
                    written += os.pwrite(handle, line[written:], start + written)
            except OSError:
                os.ftruncate(handle, start)
                raise
            self._place, self._read_to = place, start + len(line)
        finally:
            os.close(handle)

    def remove(self) -> None:
        """Take it away: what it says stands in the records."""
        self.file.unlink(missing_ok=True)
        self.rewind()

    def rewind(self) -> None:
        """Read it again from its beginning the next time."""
        self._place, self._read_to = None, 0


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise Damaged(str(error)) from error
    if not isinstance(entry, dict):
        raise Damaged(f"{type(entry).__name__} instead of an object")
    return entry
