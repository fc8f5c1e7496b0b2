"""The factor `expression` as a job runs it: its columns, what it refuses, and nothing of the future."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.errors import DataUnusable, Invalid
from tests.tasks.factors.sample import DATASET, asked, frame, market, outcome, price_columns, sector_columns

PLAIN = {"neutralize": [], "decay": None, "winsorize": {"method": "none"}}


def asked_for(*texts, recipe=PLAIN, **changes):
    factors = [{"name": "expression", "label": f"e{i}", "params": {"expression": text}} for i, text in enumerate(texts)]
    return asked(recipe=recipe | {"factors": factors}, **{"classifications": None, **changes})


def bars(days, symbols, close, factor, split):
    """The price table with the columns beside the close."""
    columns = price_columns(days, symbols, close, factor, split)
    rng = np.random.default_rng(7)
    noise = np.exp(rng.normal(0, 0.01, len(columns["close"])))
    shares = np.round(np.exp(rng.normal(10, 1, len(columns["close"]))))
    return columns | {"open": columns["close"] * noise, "high": columns["close"] * 1.02, "volume": shares}


def scores_of(tmp_path, params, columns, **tables):
    return frame(outcome(tmp_path, params, prices=columns, **tables), "scores")


def test_named_factors_can_be_written_as_expressions(tmp_path):
    days, symbols, *panels = market()
    factors = [
        {"name": "momentum", "params": {"lookback": 40, "skip": 5, "min_coverage": 0.0}},
        {"name": "low_volatility", "params": {"lookback": 30}},
        {"name": "expression", "label": "m", "params": {"expression": "delay(close, 5) / delay(close, 40) - 1"}},
        {"name": "expression", "label": "v", "params": {"expression": "-std(returns, 30)"}},
    ]
    params = asked(classifications=None, recipe=PLAIN | {"factors": factors})
    found = scores_of(tmp_path, params, price_columns(days, symbols, *panels))
    for written, named in (("m_z", "momentum_z"), ("v_z", "low_volatility_z")):
        np.testing.assert_array_equal(found[written].notna(), found[named].notna())
        np.testing.assert_allclose(found[written], found[named], rtol=0, atol=1e-9)


def latest(tmp_path, text, columns):
    made = outcome(tmp_path, asked_for(text), prices=columns)
    return frame(made, "latest.csv").set_index("symbol")["e0"].sort_index()


def test_open_and_high_are_adjusted_as_the_close_is(tmp_path):
    columns = bars(*market())
    raw = pd.DataFrame({name: columns[name] for name in ("date", "symbol", "open", "high", "close")})
    raw = raw[raw["date"] == raw["date"].max()].set_index("symbol").sort_index()
    found = latest(tmp_path, "open / close", columns)
    np.testing.assert_allclose(found, (raw["open"] / raw["close"])[found.index], rtol=1e-12)
    found = latest(tmp_path, "high / close", columns)
    np.testing.assert_allclose(found, 1.02, rtol=1e-12)


def test_volume_is_in_shares_of_the_first_session_and_as_traded_where_that_is_asked(tmp_path):
    days, symbols, close, factor, split = market()
    columns = bars(days, symbols, close, factor, split)
    newest = columns["date"] == days[-1]
    traded = pd.Series(columns["volume"][newest], index=columns["symbol"][newest]).sort_index()
    since = pd.Series(1.0 / split[0], index=symbols)[traded.index]
    assert since.max() == pytest.approx(3.0)
    np.testing.assert_allclose(latest(tmp_path, "volume", columns), traded / since, rtol=1e-12)
    np.testing.assert_allclose(latest(tmp_path, "traded_volume", columns), traded)
    amount = traded * pd.Series(columns["close"][newest], index=columns["symbol"][newest])
    np.testing.assert_allclose(latest(tmp_path, "dollar_volume", columns), amount)


def test_figures_hold_from_their_publication(tmp_path):
    days, symbols, *panels = market()
    figures = {
        "symbol": np.array([*symbols, *symbols], dtype=object),
        "available_from": np.repeat([days[50], days[200]], 40),
        "shares_outstanding": np.ones(80),
        "Net_Income": np.r_[np.arange(40.0), -np.arange(40.0)],
    }
    params = asked_for("Net_Income", fundamentals=DATASET)
    found = scores_of(tmp_path, params, price_columns(days, symbols, *panels), fundamentals=figures)
    assert found["date"].min() == days[50]
    by_symbol = found[found["symbol"] == "S000"].set_index("date")["score"]
    assert by_symbol[days[150] : days[199]].max() < 0 < by_symbol[days[200] :].min()


MIXED = (
    "rank(-delta(close, 5)) * corr(close, volume, 20) + log(open / high)",
    "group_zscore(mean(dollar_volume, 10), sector) - where(returns > 0, ts_rank(close, 15), ema(returns, 3))",
)


def test_a_history_cut_short_says_the_same_though_factors_were_revised(tmp_path):
    days, symbols, close, factor, split = market()
    stop = 300
    close[:stop, 7] = np.nan  # lists after the cut
    listed = np.isfinite(close[:stop]).any(axis=0)
    params = asked_for(*MIXED, classifications=DATASET, recipe={"neutralize": ["sector"], "decay": {"half_life": 5}})
    columns = bars(days, symbols, close, factor, split)
    whole = scores_of(tmp_path, params, columns, classifications=sector_columns(symbols))
    inside = columns["date"] < days[stop]
    cut = {name: values[inside] for name, values in columns.items()}
    last = {name: panel[stop - 1] for name, panel in (("adj_factor", factor), ("split_factor", split))}
    place = np.array([int(symbol[1:]) for symbol in cut["symbol"]])
    for name, known in last.items():
        cut[name] = cut[name] / known[place]
    assert not listed.all()
    early = scores_of(tmp_path, params, cut, classifications=sector_columns(symbols))
    before = whole[whole["date"] < days[stop]].reset_index(drop=True)
    assert len(before) > 5000
    pd.testing.assert_frame_equal(early, before, check_exact=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rank(close", "col 11: found the end where ',' or ')' belongs.\nrank(close\n          ^"),
        ("rank(clse)", "col 6: 'clse' is none of close, open"),
        ("group_mean(close, sector)", "col 19: 'sector' comes from classifications"),
        ("__import__('os').system('true')", "col 12"),
        ("close > 1", "where(condition, 1, 0)"),
    ],
)
def test_mistakes_are_refused_at_submission_and_pointed_at(text, says):
    with pytest.raises(Invalid) as refused:
        asked_for("close", text)
    (violation,) = refused.value.violations
    assert violation.pointer == "/params/recipe/factors/1/params/expression"
    assert says in violation.detail


def test_columns_that_a_table_lacks_are_named(tmp_path):
    days, symbols, *panels = market(rows=60)
    columns = price_columns(days, symbols, *panels)
    with pytest.raises(DataUnusable, match="'open'"):
        outcome(tmp_path, asked_for("open"), prices=columns)
    figures = {
        "symbol": np.array(symbols, dtype=object),
        "available_from": np.repeat(days[:1], 40),
        "revenue": np.ones(40),
    }
    with pytest.raises(DataUnusable, match="no column 'ebitda'"):
        outcome(tmp_path, asked_for("ebitda", fundamentals=DATASET), prices=columns, fundamentals=figures)
