"""Trainings made before: what a training gave is kept by what it was made from.

An entry is one file: a line that names the format, the digest of the network that the training gave, and its
state as `torch.save` writes it. It is used only when it rebuilds a network of exactly that digest.
"""

from __future__ import annotations

import fcntl
import io
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import nn

from verify.kept import VARIABLE
from verify.measures.fingerprint import Unknown, fingerprint

FORMAT = b"groundtruth training 1\n"
LARGEST = 256 << 20
"""Bytes of a folder; what was not used for longest goes first."""
_LARGEST_ENTRY = 64 << 20
_SUFFIX, _UNFINISHED, _LOCK = ".training", ".part", ".lock"


def once(build: Callable[[], nn.Module], fit: Callable[[], nn.Module]) -> nn.Module:
    """What `fit()` gives, or an equal network that `build()` and the kept result of an equal `fit` give.

    The key is the `fingerprint` of `fit` itself, so of its code and of all that it closes over and calls
    (model, data, numbers, the trainer), with the versions of Python and torch.

    Nothing is kept where that could be told from training: when the training changed its own inputs (a
    list of losses, say), or random numbers outside torch; when a built network with the trained state is not
    the trained one; when the content of something cannot be read. Processes that want the same training
    at the same time wait for the first one.

    Args:
        build: makes the untrained network, with the same random numbers as `fit` does.
        fit: makes and trains it.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return fit()
    everything = (fit, *_surroundings())
    try:
        key = fingerprint(everything)
    except Unknown:
        return fit()
    file = Path(folder) / f"{key[:40]}{_SUFFIX}"
    with _alone(file.with_suffix(_LOCK)):
        found = _read(file, build)
        if found is not None:
            return found
        before = fingerprint(_other_generators())
        trained = fit()
        with suppress(Unknown):
            if fingerprint(everything) == key and fingerprint(_other_generators()) == before:
                _write(file, trained, build)
    return trained


def _surroundings() -> tuple[object, ...]:
    """What decides the bits of a training, and is nothing that its code names."""
    torch_is = (torch.__version__, str(torch.version.git_version), torch.backends.cpu.get_cpu_capability())
    return sys.version, *torch_is, torch.get_default_dtype(), torch.backends.mkldnn.enabled


def _other_generators() -> tuple[object, ...]:
    import numpy

    return random.getstate(), numpy.random.get_state()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock, where that can be; it only saves work, so who cannot have it goes on without."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        # Those that wait hold the file without a name, and find the entry; a newcomer makes a new one.
        lock.unlink(missing_ok=True)
        os.close(handle)


def _read(file: Path, build: Callable[[], nn.Module]) -> nn.Module | None:
    try:
        data = file.read_bytes()
        head, digest, state = data[: len(FORMAT)], data[len(FORMAT) :][:64], data[len(FORMAT) + 64 :]
        if head != FORMAT:
            return None
        found = _rebuilt(build, state)
        if fingerprint(found).encode() != digest:
            return None
        os.utime(file)
    except Exception:  # of whatever kind: an entry is never worth more than training again
        return None
    return found


def _rebuilt(build: Callable[[], nn.Module], state: bytes) -> nn.Module:
    module = build()
    module.load_state_dict(torch.load(io.BytesIO(state), weights_only=True), strict=True)
    return module.eval()


def _write(file: Path, trained: nn.Module, build: Callable[[], nn.Module]) -> None:
    buffer = io.BytesIO()
    torch.save(trained.state_dict(), buffer)
    digest = fingerprint(trained)
    if buffer.tell() > _LARGEST_ENTRY or fingerprint(_rebuilt(build, buffer.getvalue())) != digest:
        return
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(suffix=_UNFINISHED, dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(FORMAT + digest.encode() + buffer.getvalue())
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _make_room(file.parent)


def _make_room(folder: Path) -> None:
    entries = sorted(
        ((entry.stat(), Path(entry.path)) for entry in os.scandir(folder) if entry.is_file()),
        key=lambda pair: -pair[0].st_mtime,
    )
    held = 0
    for status, path in entries:
        held += status.st_size
        if held > LARGEST:
            path.unlink(missing_ok=True)
