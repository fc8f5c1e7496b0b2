from __future__ import annotations

import numpy as np
import pytest

from tasks.quant.market import market

NAN = np.nan
DATES = np.array(["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08"], dtype="datetime64[D]")


def one(close, **how):
    column = {name: np.array(values, dtype=float)[:, None] for name, values in how.items() if isinstance(values, list)}
    rest = {name: value for name, value in how.items() if name not in column}
    return market(DATES, ("A",), np.array(close, dtype=float)[:, None], **column, **rest)


def test_calendar_days_between_sessions():
    assert one([1, 1, 1, 1, 1]).days.tolist() == [0, 1, 3, 1, 1]


def test_a_split_changes_the_shares_and_not_the_unit_price():
    place = one([100, 102, 51, 52, 53], adj_factor=[0.5, 0.5, 1, 1, 1], split_factor=[0.5, 0.5, 1, 1, 1])
    assert place.factor[:, 0].tolist() == [1, 1, 2, 2, 2]
    assert place.unit_close[:, 0].tolist() == [100, 102, 102, 104, 106]


def test_a_dividend_in_cash_pays_its_amount_and_leaves_the_shares():
    kept = 1 - 2 / 100
    place = one([100, 98, 99, 99, 99], adj_factor=[kept, 1, 1, 1, 1], split_factor=[1] * 5, cash_dividends=True)
    assert place.factor[:, 0].tolist() == [1.0] * 5
    columns, paid = place.dividends[1]
    assert list(place.dividends) == [1]
    assert columns.tolist() == [0]
    assert paid.tolist() == pytest.approx([2.0])


def test_a_missing_price_keeps_the_last_and_cannot_be_traded():
    place = one([NAN, 10, NAN, NAN, 12], gone_after=2)
    assert place.unit_close[:, 0].tolist() == [1, 10, 10, 10, 12]
    assert place.tradable[:, 0].tolist() == [False, True, False, False, True]
    assert place.absent[:, 0].tolist() == [-1, 0, 1, 2, 0]
    assert {row: exits[0].reason for row, exits in place.exits.items()} == {3: "missing_price"}


def test_the_open_trades_where_there_is_one_else_stands_the_close_before():
    place = one([10, 11, 12, 13, 14], open_=[9, 10.5, NAN, 12.5, 0])
    assert place.unit_trade[:, 0].tolist() == [9, 10.5, 11, 12.5, 13]
    assert place.tradable[:, 0].tolist() == [True, True, False, True, False]


def test_a_delisting_settles_once_at_its_final_return():
    place = one([10, 11, NAN, NAN, NAN], delisting_return=[NAN, -0.5, NAN, NAN, NAN])
    assert place.unit_close[:, 0].tolist() == [10, 11, 5.5, 1, 1]
    assert place.exits[2][0].reason == "delisted"


def test_a_delisting_return_before_more_prices_settles_nothing():
    place = one([10, 11, 12, NAN, NAN], delisting_return=[NAN, -0.5, NAN, NAN, NAN])
    assert not place.exits
    assert place.unit_close[:, 0].tolist() == [10, 11, 12, 12, 12]
