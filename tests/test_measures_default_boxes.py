"""SSD's default boxes: their number, places and shapes as the paper has them."""

from __future__ import annotations

from math import sqrt

import pytest
import torch

from verify import default_boxes, model, output_shape


def test_ssd300_has_8732_of_which_two_thirds_lie_on_the_finest_map() -> None:
    # Liu et al. 2016, section 3.1: 8,732 boxes.
    boxes = default_boxes()
    assert boxes.shape == (8732, 4)
    assert 38**2 * 4 / len(boxes) == pytest.approx(0.66, abs=0.005)
    assert len(boxes) == output_shape(model("ssd300-vgg16"), (1, 3, 300, 300))[1]


def test_boxes_of_a_map_are_two_squares_and_pairs_of_one_area() -> None:
    first = default_boxes()[:4]
    assert first[:, :2] == pytest.approx(0.5 / 38)
    wide, high = 0.1 * sqrt(2), 0.1 / sqrt(2)
    expected = [(0.1, 0.1), (sqrt(0.1 * 0.2), sqrt(0.1 * 0.2)), (wide, high), (high, wide)]
    assert torch.allclose(first[:, 2:], torch.tensor(expected))
    areas = first[[0, 2, 3], 2] * first[[0, 2, 3], 3]
    assert areas.tolist() == pytest.approx([0.01] * 3)


def test_cells_follow_row_by_row_and_fill_the_image_evenly() -> None:
    boxes = default_boxes((2,), (0.5, 0.6), ((),))
    assert (
        boxes[:, :2].tolist()
        == [[0.25, 0.25]] * 2 + [[0.75, 0.25]] * 2 + [[0.25, 0.75]] * 2 + [[0.75, 0.75]] * 2
    )


def test_scales_between_the_first_map_and_the_last_are_those_of_equation_4() -> None:
    steps = [0.2 + (0.9 - 0.2) / 4 * k for k in range(5)]
    starts = [0, *torch.tensor([4 * 38**2, 6 * 19**2, 6 * 100, 6 * 25, 4 * 9]).cumsum(0).tolist()]
    sides = [float(default_boxes()[start, 2]) for start in starts]
    assert sides == pytest.approx([0.1, *steps])


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        ValueError, match="2 maps need as many lists of ratios and one scale more, not 1 and 2"
    ):
        default_boxes((4, 2), (0.2, 0.5), ((2,),))
