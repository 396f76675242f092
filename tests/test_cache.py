"""What is kept between builds: given back as it was put in, and ignored when anything about it is wrong."""

from __future__ import annotations

import os
import pickle
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.cache import Cache, digest
from generator.errors import Problem
from generator.notes import Location

KEY, OTHER = digest(b"one"), digest(b"another")
THING = (Problem(Location("cards/a.md", 3), "wrong", "mend it"), Path("figures/a.png"), {"x": (1, None)})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = Cache(tmp_path / ".cache")
    assert made.keeps
    return made


def entry(tmp_path: Path) -> Path:
    return tmp_path / ".cache" / "a.cache"


def test_a_thing_comes_back_under_its_name_and_its_key_alone(cache: Cache) -> None:
    cache.put("a", KEY, THING)
    assert cache.get("a", KEY) == THING
    assert cache.get("a", OTHER) is None
    assert cache.get("b", KEY) is None


def test_a_damaged_entry_is_absent(cache: Cache, tmp_path: Path) -> None:
    cache.put("a", KEY, THING)
    whole = entry(tmp_path).read_bytes()
    pick = random.Random(3)
    for _ in range(300):
        broken = bytearray(whole)
        if pick.random() < 0.3:
            del broken[pick.randrange(len(broken)) :]
        else:
            broken[pick.randrange(len(broken))] ^= 1 + pick.randrange(255)
        entry(tmp_path).write_bytes(bytes(broken))
        assert cache.get("a", KEY) is None
    for nonsense in (b"", b"\0" * 5000, whole + b"."):
        entry(tmp_path).write_bytes(nonsense)
        assert cache.get("a", KEY) is None


class Bomb:
    """What an attacker would put into a pickle."""

    def __reduce__(self) -> Any:
        return os.system, ("exit 1",)


@dataclass
class Stranger:
    """A record of somebody else."""

    name: str


@pytest.mark.parametrize(
    "thing",
    [Bomb(), Stranger("x"), Problem, os.getcwd, {"deep": [Bomb()]}],
    ids=lambda thing: str(type(thing)),
)
def test_an_entry_that_no_build_makes_is_absent_and_runs_nothing(
    cache: Cache, tmp_path: Path, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it ran")

    body = pickle.dumps(thing)
    entry(tmp_path).write_bytes(b"groundtruth cache 1\n" + KEY + digest(body) + body)
    monkeypatch.setattr(os, "system", refuse)
    found = cache.get("a", KEY)
    assert found is None or found is Problem


def test_sweeping_keeps_what_is_named_and_what_is_not_ours(cache: Cache, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cache.put(name, KEY, name)
    (tmp_path / ".cache" / "a.x1y2.part").touch()
    (tmp_path / ".cache" / "notes.txt").touch()
    cache.sweep(["a"])
    assert {file.name for file in (tmp_path / ".cache").iterdir()} == {".gitignore", "a.cache", "notes.txt"}


def test_a_cache_that_cannot_be_written_keeps_nothing_and_does_not_complain(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / ".cache")
    assert not cache.keeps
    cache.put("a", KEY, THING)
    cache.sweep([])
    assert cache.get("a", KEY) is None


def test_a_cache_without_a_folder_holds_nothing() -> None:
    cache = Cache(None)
    assert not cache.keeps
    cache.put("a", KEY, THING)
    cache.sweep([])
    assert cache.get("a", KEY) is None


def test_the_folder_is_not_for_version_control(cache: Cache, tmp_path: Path) -> None:
    assert (tmp_path / ".cache" / ".gitignore").read_text() == "*\n"
