"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.errors import StateError
from generator.files import write_atomically


def test_a_file_gets_its_new_content_and_its_folders(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "c.txt"
    assert write_atomically(file, b"1\r\n")
    assert file.read_bytes() == b"1\r\n"
    assert write_atomically(file, b"2")
    assert file.read_bytes() == b"2"


def test_nothing_else_is_left_behind(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"1")
    write_atomically(tmp_path / "a", b"2")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_file_that_holds_these_bytes_already_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomically(file, b"1")
    os.utime(file, ns=(1, 1))
    assert not write_atomically(file, b"1")
    assert file.stat().st_mtime_ns == 1


def test_a_file_keeps_its_permissions_and_a_new_one_is_readable_by_all(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomically(file, b"1")
    assert file.stat().st_mode & 0o777 == 0o644
    file.chmod(0o600)
    write_atomically(file, b"2")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_reader_of_the_old_file_goes_on_reading_it(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomically(file, b"old")
    with file.open("rb") as reader:
        write_atomically(file, b"new")
        assert reader.read() == b"old"


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_old_content_and_no_scraps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file = tmp_path / "a"
    write_atomically(file, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, full)
    with pytest.raises(StateError) as refused:
        write_atomically(file, b"new")
    assert str(refused.value) == (
        f"{file}: cannot be written (No space left on device)\n  hint: check its folder and the space on disk"
    )
    assert file.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(StateError, match=r"a: cannot be written \(Is a directory\)"):
        write_atomically(tmp_path / "a", b"1")
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(StateError, match="cannot be written"):
        write_atomically(tmp_path / "a" / "b", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
