"""The figures of cards: their size, their inks against both grounds, and what a chart refuses."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import matplotlib as mpl
import pytest

from verify import chart
from verify.measures.charts import GREY, INKS


@pytest.fixture(autouse=True)
def defaults_come_back() -> Iterator[None]:
    with mpl.rc_context():
        yield


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, by WCAG 2.2's definition of relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#2c2c2c"])
@pytest.mark.parametrize("ink", [*INKS, GREY])
def test_every_ink_can_be_told_from_a_light_and_from_a_dark_ground(ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= 2.8


def test_a_figure_is_as_wide_as_a_phone_and_has_no_ground_of_its_own() -> None:
    figure, axes = chart("depth", "gradient", log="y", height=2.5)
    axes.plot([1, 2], [1, 100])
    written = io.BytesIO()
    figure.savefig(written, format="svg")
    root = ET.fromstring(written.getvalue())
    assert (root.get("width"), root.get("height")) == ("288pt", "180pt")
    assert not [part for part in root.iter() if "fill: #ffffff" in part.get("style", "")], (
        "a white patch on a dark card"
    )


def test_the_named_axes_are_logarithmic_and_labelled() -> None:
    _, axes = chart("width", "error", log="x")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "error")


def test_columns_stand_side_by_side_with_one_scale() -> None:
    _, pair = chart("x", "y", columns=2)
    pair[0].plot([0, 1], [0, 9])
    assert pair[1].get_ylim() == pair[0].get_ylim()
    assert [axes.get_ylabel() for axes in pair] == ["y", ""]


def test_a_legend_that_is_added_later_has_the_inks_of_its_lines() -> None:
    _, axes = chart()
    axes.plot([0, 1], label="ReLU")
    assert axes.legend().get_texts()[0].get_color() == INKS[0]


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"log": "z"}, "the axes x and y, not 'z'"), ({"columns": 0}, "one column, not 0")],
)
def test_what_is_no_axis_and_no_column_is_refused(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        chart(**changes)  # type: ignore[arg-type]
