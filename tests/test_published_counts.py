"""Figures from papers, counted again: `pytest tests/test_published_counts.py -rP` prints the table."""

from __future__ import annotations

import pytest

from tests.published import Figure, figures

ALL = list(figures())


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: f"{figure.what} {figure.source}")
def test_a_published_figure_is_reproduced_or_the_table_says_why_not(figure: Figure) -> None:
    print(figure)
    assert figure.is_reproduced is not bool(figure.why)


def test_every_figure_has_a_source_and_most_are_reproduced() -> None:
    assert all(figure.source for figure in ALL)
    papers = [figure for figure in ALL if figure.digit]
    reproduced = [figure for figure in papers if not figure.why]
    print(f"{len(reproduced)} of {len(papers)} rounded figures reproduced")
    assert len(papers) >= 60
    assert len(reproduced) >= 0.8 * len(papers)
