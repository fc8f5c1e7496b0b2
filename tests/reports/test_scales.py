from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.scales import (
    DASH,
    Scale,
    axis_percent,
    date_ticks,
    log_ticks,
    money,
    nice_ticks,
    percent,
    ratio,
    short_money,
)

FINITE = st.floats(-1e12, 1e12, allow_nan=False)


@given(FINITE, st.floats(1e-6, 1e12))
def test_nice_ticks_are_few_even_and_cover_the_values(low, span):
    ticks = nice_ticks(low, low + span)
    steps = np.diff(ticks)
    assert 2 <= len(ticks) <= 12
    if abs(low) < 1e6 * span:  # beyond that, neighbouring floats are as far apart as the steps
        assert np.allclose(steps, steps[0], rtol=1e-3)
        assert ticks[0] <= low + 1e-6 * span
        assert ticks[-1] >= low + span * (1 - 1e-6)


@given(FINITE)
def test_a_single_value_still_gets_an_axis(value):
    ticks = nice_ticks(value, value)
    assert ticks[0] < ticks[-1]


def test_ticks_are_round_numbers():
    assert nice_ticks(0.0, 1.0) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert nice_ticks(-0.3, 0.0, 4) == [-0.3, -0.2, -0.1, 0.0]
    assert log_ticks(0.9e6, 9e6) == [1e6, 2e6, 5e6]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2021-01-29", "2021-06-02", ["Feb 2021", "Mar 2021", "Apr 2021", "May 2021", "Jun 2021"]),
        ("2019-01-02", "2023-11-01", ["2020", "2021", "2022", "2023"]),
        ("1990-01-02", "2023-11-01", ["1995", "2000", "2005", "2010", "2015", "2020"]),
        ("2021-01-04", "2021-01-08", ["4 Jan", "5 Jan", "6 Jan", "7 Jan", "8 Jan"]),
    ],
)
def test_date_ticks_are_starts_of_years_months_or_days(first, last, expected):
    ticks = date_ticks(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert [label for _, label in ticks][: len(expected)] == expected
    assert len(ticks) <= 13


def test_numbers_are_written_alike_everywhere():
    assert (percent(0.12345), percent(-0.00001), percent(None), percent(float("nan"))) == (
        "12.35%",
        "0.00%",
        DASH,
        DASH,
    )
    assert (ratio(-1234.5), money(1234567.8), short_money(1.25e6), short_money(-350e3)) == (
        "-1,234.50", "1,234,568", "1.25M", "-350k",
    )  # fmt: skip
    assert axis_percent([0.0, 0.025, 0.05]) == ["0.0%", "2.5%", "5.0%"]
    assert axis_percent([-0.2, -0.1, 0.0]) == ["-20%", "-10%", "0%"]


def test_a_scale_maps_ends_to_ends_also_when_logarithmic():
    assert Scale(0, 10, 100, 200).at(5) == 150
    assert Scale(1, 100, 0, 10, log=True).at(10) == pytest.approx(5)
    assert np.isnan(Scale(0, 10, 0, 1)(np.array([np.nan]))).all()
