"""What zstandard packed, unpacked: Anki's newer packages hold their collection and their media so."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any, cast

from generator.errors import StateError

NEWER = "collection.anki21b"
"""The member of a newer package that holds its collection."""


def reader(stream: IO[bytes], file: object) -> IO[bytes]:
    """A stream of what another stream holds packed; damage is a ValueError when it is read.

    Args:
        stream: the packed bytes.
        file: the package, for the error.

    Raises:
        StateError: no library that unpacks it is installed.
    """
    library, opened = _library(file)
    return cast(IO[bytes], _Reader(opened(stream), library.ZstdError))


def unpacked(data: bytes, most: int, file: object) -> bytes:
    """Bytes, unpacked, and at most `most + 1` of them.

    Raises:
        ValueError: they are damaged.
        StateError: no library that unpacks them is installed.
    """
    with reader(BytesIO(data), file) as stream:
        return stream.read(most + 1)


def _library(file: object) -> tuple[Any, Any]:
    """Python 3.14's own library, or the package `zstandard`; and what opens a stream with it."""
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        return zstd, zstd.ZstdFile
    except ImportError:
        pass
    try:
        import zstandard
    except ImportError:
        hint = "`pip install zstandard`, or export it with 'Support older Anki versions' ticked"
        what = f"{file}: is in Anki's newer format, which needs zstandard to be read"
        raise StateError(what, hint) from None
    return zstandard, lambda stream: zstandard.ZstdDecompressor().stream_reader(
        stream, read_across_frames=True
    )


class _Reader:
    """A stream whose errors are ValueErrors, whichever library reads it."""

    def __init__(self, stream: Any, broken: type[Exception]) -> None:
        self._stream, self._broken = stream, broken

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; fewer only at the end."""
        pieces, left = [], size
        try:
            while left and (piece := self._stream.read(left)):
                pieces.append(piece)
                left -= len(piece) if left > 0 else 0
        except (self._broken, EOFError) as error:
            raise ValueError(str(error)) from error
        return b"".join(pieces)

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
