"""Figures are drawn as the same bytes while their data are the same, and as others when one point moves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
        ("moved", "1", 9.5, "UTC"),
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
