"""Figures are drawn as the same bytes while their data are the same, and as others when one point moves;
a figure that is not what its code draws is not forgotten."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.workplace import environment_of_tools, run_tool, write
from verify.figures import same_drawing

DRAW = """
import sys
from pathlib import Path
import numpy
from matplotlib.figure import Figure
from verify.sandbox import _draw

def figure(kind, point):
    drawn = Figure()
    axes = drawn.subplots()
    data = [1.0, 4.0, point, 16.0]
    if kind == "lines":
        axes.plot(data, marker="o", label="$x^2$")
        axes.fill_between(range(4), data, alpha=0.3)
        axes.legend()
    elif kind == "bars":
        axes.bar(list("abcd"), data, hatch="/")
    elif kind == "points":
        axes.scatter(range(4), data, c=data, s=data)
    else:
        axes.imshow(numpy.array([data, data]))
    axes.set_title("Latency by batch")
    return drawn

folder, point = Path(sys.argv[1]), float(sys.argv[2])
for kind in ("lines", "bars", "points", "image"):
    _draw(figure(kind, point), folder / f"{kind}.svg")
"""
KINDS = ("lines", "bars", "points", "image")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same figures from two processes with other hashes and at another time, and with a point moved."""
    folders: dict[str, Path] = {}
    for name, seed, point, zone in (
        ("one", "1", 9.0, "UTC"),
        ("two", "2", 9.0, "Asia/Tokyo"),
        ("near", "1", 9.05, "UTC"),
        ("moved", "1", 10.0, "UTC"),
    ):
        folders[name] = tmp_path_factory.mktemp(name)
        environment = {
            **environment_of_tools(),
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "SOURCE_DATE_EPOCH": seed,
        }
        command = [sys.executable, "-c", DRAW, str(folders[name]), str(point)]
        subprocess.run(command, env=environment, check=True, cwd=folders[name], timeout=120)
    return folders


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_are_drawn_as_the_same_bytes(drawn: dict[str, Path], kind: str) -> None:
    one, two = (drawn[name] / f"{kind}.svg" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_that_moves_is_another_drawing(drawn: dict[str, Path], kind: str) -> None:
    assert not same_drawing(drawn["one"] / f"{kind}.svg", drawn["moved"] / f"{kind}.svg")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("other", "same"), [("near", True), ("moved", False)])
def test_what_nobody_sees_is_the_same_by_eye(
    drawn: dict[str, Path], kind: str, other: str, same: bool
) -> None:
    one, two = drawn["one"] / f"{kind}.svg", drawn[other] / f"{kind}.svg"
    assert same_drawing(one, two, by_eye=True) is same
    assert not same_drawing(one, two)


def test_pictures_of_another_size_are_others_by_eye(drawn: dict[str, Path], tmp_path: Path) -> None:
    small, large = (tmp_path / f"{width}.svg" for width in (1, 2))
    for width, file in enumerate((small, large), start=1):
        picture = io.BytesIO()
        Image.new("RGBA", (width, 1)).save(picture, "png")
        data = base64.b64encode(picture.getvalue()).decode()
        file.write_text(f'<svg viewBox="0 0 9 9"><image href="data:image/png;base64,{data}"/></svg>')
    assert same_drawing(small, small, by_eye=True)
    assert not same_drawing(small, large, by_eye=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_names_no_time_no_version_and_no_font_that_a_reader_must_have(
    drawn: dict[str, Path], kind: str
) -> None:
    text = (drawn["one"] / f"{kind}.svg").read_text(encoding="utf-8")
    assert "<dc:date>" not in text and "Matplotlib v" not in text and "<text" not in text


NOTE = """# T

## What does it show? {#q}

```python claim
from matplotlib.figure import Figure

data = [1.0, 4.0, 9.0]
plot = Figure()
axes = plot.subplots()
line = axes.plot(data)
```

![Squares](figures/squares.svg "claim:plot")
"""


def test_a_figure_is_written_once_and_again_when_a_point_of_its_data_changes(tmp_path: Path) -> None:
    note = write(tmp_path / "cards/t.md", NOTE)
    figure = tmp_path / "cards/figures/squares.svg"
    assert run_tool("verify", "run", "cards", "--update", cwd=tmp_path).code == 0
    first, stamp = figure.read_bytes(), figure.stat().st_mtime_ns
    assert run_tool("verify", "run", "cards", "--update", "--force", cwd=tmp_path).code == 0
    assert (figure.read_bytes(), figure.stat().st_mtime_ns) == (first, stamp)
    note.write_text(NOTE.replace("9.0]", "8.0]"), encoding="utf-8")
    changed = run_tool("verify", "run", "cards", "--update", cwd=tmp_path)
    assert "changed    figure: Squares" in changed.out
    assert figure.read_bytes() != first
    assert note.read_text(encoding="utf-8") == NOTE.replace("9.0]", "8.0]")


def test_a_figure_that_is_not_what_its_code_draws_is_told_until_it_is_drawn(tmp_path: Path) -> None:
    note = write(tmp_path / "cards/t.md", NOTE)
    run_tool("verify", "run", "cards", "--update", cwd=tmp_path)
    note.write_text(NOTE.replace("9.0]", "8.0]"), encoding="utf-8")
    for command in (("run", "cards"), ("run", "cards"), ("check", "cards")):
        again = run_tool("verify", *command, cwd=tmp_path)
        assert (again.code, "squares.svg shows something else than the code draws" in again.out) == (1, True)
    assert run_tool("verify", "run", "cards", "--update", cwd=tmp_path).code == 0
    assert run_tool("verify", "check", "cards", cwd=tmp_path).code == 0
    quiet = run_tool("verify", "run", "cards", cwd=tmp_path)
    assert (quiet.code, "ran " in quiet.out + quiet.err) == (0, False)


def test_a_figure_that_somebody_replaced_is_told_without_running_anything(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", NOTE)
    run_tool("verify", "run", "cards", "--update", cwd=tmp_path)
    write(tmp_path / "cards/figures/squares.svg", "<svg/>")
    checked = run_tool("verify", "check", "cards", cwd=tmp_path)
    assert (checked.code, "changed    figure: Squares" in checked.out) == (1, True)
    assert run_tool("verify", "run", "cards", "--update", cwd=tmp_path).code == 0
    assert "<path" in (tmp_path / "cards/figures/squares.svg").read_text()


def redrawn(folder: Path, data: str, machine: str) -> tuple[int, bool]:
    """Run the note with other data, its record made to say that this code drew the figure that is there.

    Returns:
        The exit code, and whether the file is still the same.
    """
    figure = folder / "cards/figures/squares.svg"
    before = figure.read_bytes()
    write(folder / "cards/t.md", NOTE.replace("[1.0, 4.0, 9.0]", data))
    # Two machines may disagree about the same code. Here the code differs, and its record is forged.
    listed = run_tool("verify", "export-jobs", "cards", "--force", "-o", "jobs.jsonl", cwd=folder)
    assert listed.code == 0
    (digest,) = set(re.findall(r'"digest": "(\w+)"', (folder / "jobs.jsonl").read_text()))
    record = folder / "decks/measured/bench.json"
    record.write_text(re.sub(r'"digest": "\w+"', f'"digest": "{digest}"', record.read_text()))
    ran = run_tool("verify", "run", "cards", "--update", cwd=folder, GROUNDTRUTH_MACHINE=machine)
    return ran.code, figure.read_bytes() == before


@pytest.mark.parametrize(
    ("data", "stays"), [("[1.0, 4.01, 9.0]", True), ("[1.0, 5.0, 9.0]", False)], ids=["unseen", "seen"]
)
def test_another_machine_redraws_a_figure_only_where_somebody_would_see_it(
    tmp_path: Path, data: str, stays: bool
) -> None:
    write(tmp_path / "cards/t.md", NOTE)
    run_tool("verify", "run", "cards", "--update", cwd=tmp_path)
    assert redrawn(tmp_path, data, "other-bench") == (0, stays)
    for machine in ("other-bench", "a-third"):
        checked = run_tool("verify", "check", "cards", cwd=tmp_path, GROUNDTRUTH_MACHINE=machine)
        assert (checked.code, checked.out.count("changed")) == (0, 0), checked.out


def test_after_an_edit_of_the_code_what_nobody_sees_is_redrawn_too(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", NOTE)
    run_tool("verify", "run", "cards", "--update", cwd=tmp_path)
    figure = tmp_path / "cards/figures/squares.svg"
    before = figure.read_bytes()
    write(tmp_path / "cards/t.md", NOTE.replace("4.0", "4.02"))
    assert run_tool("verify", "run", "cards", "--update", cwd=tmp_path).code == 0
    assert figure.read_bytes() != before
