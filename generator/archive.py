"""A zip from somebody else, read within limits; nothing in it is ever unpacked by a path of its own."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO

from generator.errors import StateError
from generator.zstd import NEWER, reader

MOST_MEMBERS = 200_000
MOST_BYTES = 8 << 30
"""Of all members together, unpacked."""
MOST_DATABASE = 1 << 30
MOST_LISTING = 64 << 20
_PIECE = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class Archive:
    """An open zip file.

    Args:
        file: where it lies.

    Raises:
        StateError: it is no zip file, or holds more than any deck would.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        if file.is_dir():
            raise StateError(f"{file}: is a folder", "name a file that Anki exported, deck.apkg")
        try:
            self._zip = zipfile.ZipFile(file)
        except FileNotFoundError:
            raise StateError(f"{file}: no such file", "name a file that Anki exported, deck.apkg") from None
        except _BROKEN as error:
            raise StateError(
                f"{file}: is no Anki package ({error})", "export the deck again, in Anki: File → Export"
            ) from None
        members = self._zip.infolist()
        self._left = MOST_BYTES
        if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_BYTES:
            self._zip.close()
            raise StateError(
                f"{file}: unpacks to more than {MOST_BYTES >> 30} GB or {MOST_MEMBERS:,} files",
                "export fewer decks at once",
            )
        self.members = frozenset(member.filename for member in members)

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    @property
    def newer(self) -> bool:
        """Whether this is a package of Anki's newer format, whose members are packed once more."""
        return NEWER in self.members

    def _open(self, name: str) -> IO[bytes]:
        stream = self._zip.open(name)
        return reader(stream, self.file) if self.newer else stream

    def read(self, name: str, most: int) -> bytes:
        """A member whole.

        Raises:
            StateError: it is damaged, missing, or longer than `most` bytes, whatever the zip says of it.
        """
        if name not in self.members:
            raise self.damaged(f"it has no member {name}")
        try:
            with self._open(name) as stream:
                data = stream.read(most + 1)
        except _BROKEN as error:
            raise self.damaged(f"{name}: {error}") from error
        if len(data) > most:
            raise StateError(
                f"{self.file}: {name} unpacks to more than {most >> 20:,} MB", "export fewer decks at once"
            )
        return data

    def copy(self, name: str, target: Path) -> None:
        """Write a member to a file that must not exist yet.

        Raises:
            StateError: it is damaged or missing, or all that was copied is too much.
            OSError: the file cannot be written.
        """
        with target.open("xb") as out:
            try:
                with self._open(name) as stream:
                    while piece := stream.read(_PIECE):
                        self._left -= len(piece)
                        if self._left < 0:
                            raise self.damaged("it unpacks to more than it says")
                        out.write(piece)
                        if shutil.disk_usage(target.parent).free < _PIECE:
                            raise StateError(f"{target}: the disk is full", "make room and import again")
            except (KeyError, *_BROKEN) as error:
                raise self.damaged(f"{name}: {error}") from error

    def damaged(self, why: str) -> StateError:
        """The error of a package that Anki did not write so."""
        hint = "let Anki check itself (Tools → Check Database), and export the deck again"
        return StateError(f"{self.file}: the package is damaged ({why})", hint)
