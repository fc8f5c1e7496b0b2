"""`combine: ic_weighted` as a job runs it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.render import render
from tasks.errors import Invalid
from tasks.factors.kind import KIND
from tests.tasks.factors.sample import asked, frame, market, outcome, price_columns, sector_columns

EARLY = {"horizon": 5, "window": 40, "min_dates": 10}
TABLES = ("scores", "weights.csv")


def made_from(tmp_path, columns, symbols, recipe=None, **changes):
    wanted = {"combine": "ic_weighted", "ic_weighting": EARLY, **(recipe or {})}
    return outcome(tmp_path, asked(recipe=wanted, **changes), prices=columns, classifications=sector_columns(symbols))


def upto(made, day):
    return [frame(made, name)[lambda table: table["date"] <= day].reset_index(drop=True) for name in TABLES]


@pytest.mark.parametrize("frequency", ["D", "W"])
def test_prices_after_a_date_change_no_bit_up_to_it(tmp_path, frequency):
    days, symbols, *panels = market()
    columns = price_columns(days, symbols, *panels)
    later = columns["date"] > days[299]
    noise = np.where(later, np.exp(np.random.default_rng(9).normal(0, 1, len(later))), 1.0)
    poisoned = columns | {name: columns[name] * noise for name in ("close", "adj_close")}
    clean, dirty = (made_from(tmp_path, found, symbols, frequency=frequency) for found in (columns, poisoned))
    for a, b in zip(upto(clean, days[299]), upto(dirty, days[299]), strict=True):
        assert len(a) > 50
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert not frame(clean, "weights.csv").equals(frame(dirty, "weights.csv"))


def test_a_history_cut_short_says_the_same(tmp_path):
    days, symbols, close, factor, split = market()
    close[:300, 7] = np.nan  # lists after the cut
    columns = price_columns(days, symbols, close, factor, split)
    whole = made_from(tmp_path, columns, symbols)
    cut = {name: values[columns["date"] < days[300]] for name, values in columns.items()}
    early = made_from(tmp_path, cut, symbols)
    for a, b in zip(upto(whole, days[299]), upto(early, days[299]), strict=True):
        pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_dates_with_too_little_history_use_the_recipes_own_weights(tmp_path):
    days, symbols, *panels = market()
    columns = price_columns(days, symbols, *panels)
    made = made_from(tmp_path, columns, symbols, {"decay": None})
    weights = frame(made, "weights.csv")
    given = weights["source"] == "given"
    own = weights.loc[given, ["momentum_weight", "low_volatility_weight"]].to_numpy()
    np.testing.assert_allclose(own, np.tile([0.6, 0.4], (given.sum(), 1)))
    assert made.result["ic_weighted_dates"] == (~given).sum() > 50
    plain = made_from(tmp_path, columns, symbols, {"decay": None, "combine": "weighted"})
    early = set(weights.loc[given, "date"])
    one, other = (frame(m, "scores")[lambda t: t["date"].isin(early)] for m in (made, plain))
    assert len(one) > 500
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True), check_exact=True)
    assert not frame(made, "scores").equals(frame(plain, "scores"))
    render(made, KIND, tmp_path)


def test_start_only_leaves_the_earlier_dates_out(tmp_path):
    days, symbols, *panels = market()
    columns = price_columns(days, symbols, *panels)
    whole = made_from(tmp_path, columns, symbols)
    late = made_from(tmp_path, columns, symbols, start=str(days[310]))
    for name in TABLES:
        expected = frame(whole, name)[lambda table: table["date"] >= days[310]].reset_index(drop=True)
        pd.testing.assert_frame_equal(frame(late, name), expected, check_exact=True)


def test_more_dates_than_the_window_holds_are_refused():
    with pytest.raises(Invalid) as refused:
        asked(recipe={"combine": "ic_weighted", "ic_weighting": {"window": 10, "min_dates": 11}})
    assert "never fit" in refused.value.violations[0].detail
    assert refused.value.violations[0].pointer == "/params/recipe/ic_weighting/min_dates"
