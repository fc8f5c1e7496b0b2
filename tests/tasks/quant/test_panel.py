"""Panels: the axes are kept honest and nothing is ever filled forward."""

import numpy as np
import pytest

from tasks.quant.panel import Panel

DATES = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[D]")
PANEL = Panel(DATES, ("A", "B"), np.arange(6.0).reshape(3, 2))


def test_shapes_and_order_are_checked():
    with pytest.raises(ValueError, match="values are"):
        Panel(DATES, ("A",), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="dates"):
        Panel(DATES[::-1], ("A", "B"), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="symbols"):
        Panel(DATES, ("B", "A"), np.zeros((3, 2)))


def test_between_keeps_both_ends():
    assert PANEL.between("2024-01-03", "2024-01-04").values.tolist() == [[2, 3], [4, 5]]
    assert PANEL.between(None, None).values.tolist() == PANEL.values.tolist()


def test_on_another_grid_only_what_is_known_appears():
    dates = np.array(["2024-01-03", "2024-01-05"], dtype="datetime64[D]")
    moved = PANEL.on(dates, ["B", "C"])
    assert moved.values[0, 0] == 3
    assert np.isnan(moved.values[0, 1])
    assert np.isnan(moved.values[1]).all()
