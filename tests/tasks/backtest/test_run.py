from __future__ import annotations

import re

import numpy as np
import pytest

from reports.render import render
from tasks.backtest.kind import KIND
from tasks.errors import DataUnusable, Invalid

COSTS = {"commission_bps": 2, "half_spread_bps": 3, "min_commission": 1, "impact": {"model": "square_root"}}
LONG_SHORT = {"construction": {"type": "quantile_long_short"}, "costs": COSTS, "borrow": {"annual_bps": 80}}
WAYS = {
    "monthly": {},
    "weekly long-short": {"rebalance": "W", **LONG_SHORT},
    "daily at the open": {"rebalance": "D", "execution_price": "open", "execution_lag_days": 2, **LONG_SHORT},
    "limited volume": {"rebalance": "W", "max_adv_participation": 0.02, "cash_rate": 0.03, "costs": COSTS},
    "dividends in cash": {"rebalance": "W", "dividends": "cash", "on_missing_price": "close_out", **LONG_SHORT},
    "inverse volatility": {"construction": {"type": "top_n", "top_n": 8, "weighting": "inverse_volatility"}},
    "score weighted": {"construction": {"type": "score_weighted", "net": 0.2, "max_weight": 0.1}, "rebalance": "Q"},
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def tables(outcome):
    return {table.name: table.columns for table in outcome.tables}


def scored(prices, signal, **more):
    return {"prices": prices, "signal": signal, **more}


@each_way
def test_every_day_cash_and_positions_are_the_equity(backtest, prices, signal, way):
    found = tables(backtest(scored(prices, signal), **way))
    equity, positions = found["equity"], found["positions"]
    held = np.zeros(len(equity["date"]))
    np.add.at(held, np.searchsorted(equity["date"], positions["date"]), positions["shares"] * positions["price"])
    assert np.abs(equity["cash"] + held - equity["equity"]).max() <= 1e-8 * equity["equity"].min()
    assert all(np.isfinite(values).all() for name, values in positions.items() if values.dtype == float)
    assert np.isfinite(equity["equity"]).all()


@each_way
def test_the_trades_replayed_give_the_positions_and_the_cash(backtest, prices, signal, way):
    found = tables(backtest(scored(prices, signal), **way))
    equity, trades, positions = found["equity"], found["trades.csv"], found["positions"]
    shares, at = {}, 0
    cash = equity["cash"][0]
    held = {}
    for day, symbol, count in zip(positions["date"], positions["symbol"], positions["shares"], strict=True):
        held.setdefault(day, {})[symbol] = count
    for t, day in enumerate(equity["date"]):
        cash += equity["interest"][t] - equity["borrow"][t] + equity["dividends"][t]
        while at < len(trades["date"]) and trades["date"][at] == day:
            sign = 1.0 if trades["side"][at] == "buy" else -1.0
            shares[trades["symbol"][at]] = shares.get(trades["symbol"][at], 0.0) + sign * trades["shares"][at]
            cash -= sign * trades["notional"][at]
            cash -= trades["commission"][at] + trades["spread_cost"][at] + trades["impact_cost"][at]
            at += 1
        assert {name: count for name, count in shares.items() if abs(count) > 1e-6} == pytest.approx(held.get(day, {}))
        assert cash == pytest.approx(equity["cash"][t], abs=1e-3)
    assert at == len(trades["date"]) > 0


@each_way
def test_the_attribution_sums_to_the_total_return(backtest, prices, signal, way):
    outcome = backtest(scored(prices, signal), **way)
    found = tables(outcome)["attribution.csv"]
    parts = {
        level: found["contribution"][found["level"] == level].sum() for level in ("symbol", "sector", "cash", "total")
    }
    assert parts["symbol"] + parts["cash"] == pytest.approx(outcome.result["total_return"], abs=1e-10)
    assert parts["sector"] + parts["cash"] == pytest.approx(parts["total"], abs=1e-10)


def poisoned(table, after, names):
    """Multiply every number of the named columns after a date by random noise."""
    rng = np.random.default_rng(99)
    late = table["date"] > after
    noise = {name: np.where(late, table[name] * rng.uniform(0.2, 5.0, size=len(late)), table[name]) for name in names}
    return {**table, **noise}


def until(columns, last):
    keep = columns["date"] <= last
    return {name: values[keep] for name, values in columns.items()}


@each_way
def test_no_price_volume_or_score_of_the_future_changes_a_bit_of_the_past(backtest, prices, signal, way):
    cut = np.datetime64("2020-09-15")
    whole = tables(backtest(scored(prices, signal), **way))
    others = {
        "poison": backtest(
            scored(poisoned(prices, cut, ("close", "open", "volume")), poisoned(signal, cut, ("score",))), **way
        ),
        "truncated": backtest(scored(until(prices, cut), until(signal, cut)), **way),
        "shorter end": backtest(scored(prices, signal), end=str(cut), **way),
    }
    for outcome in others.values():
        for name in ("equity", "trades.csv", "positions"):
            before, after = until(whole[name], cut), until(tables(outcome)[name], cut)
            for column, values in before.items():
                same = values.tolist() == after[column].tolist() or values.tobytes() == after[column].tobytes()
                assert same, (name, column)


def test_every_declared_artifact_comes_out_twice_the_same(backtest, prices, signal, tmp_path):
    digests = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        outcome = backtest(scored(prices, signal), benchmark="S01", **WAYS["weekly long-short"])
        files = render(outcome, KIND, tmp_path / name)
        digests.append({file.name: file.sha256 for file in files})
    assert digests[0] == digests[1]
    assert {artifact.name for artifact in KIND.artifacts} <= set(digests[0])
    KIND.result().load(dict(outcome.result))


def test_the_signal_at_the_close_trades_so_many_sessions_later(backtest, prices, signal):
    for lag in (1, 3):
        found = tables(backtest(scored(prices, signal), execution_lag_days=lag))
        first = found["trades.csv"]["date"][0]
        assert int(np.busday_count("2020-01-31", first)) == lag


def test_weights_are_held_as_given_on_the_dates_of_their_table(backtest, prices):
    dates = np.array(["2020-02-08", "2020-04-15"], dtype="datetime64[D]")  # a Saturday and a Wednesday
    weights = long_weights(dates, {"S00": (0.5, 0.0), "S01": (-0.25, 0.75)})
    found = tables(backtest({"prices": prices, "weights": weights}, rebalance="table"))
    positions = found["positions"]
    for day, expected in (("2020-02-10", {"S00": 0.5, "S01": -0.25}), ("2020-04-16", {"S01": 0.75})):
        on = positions["date"] == np.datetime64(day)
        assert dict(zip(positions["symbol"][on], positions["weight"][on], strict=True)) == pytest.approx(expected)
    assert set(found["trades.csv"]["date"][found["trades.csv"]["reason"] == "rebalance"].astype(str)) == {
        "2020-02-10",
        "2020-04-16",
    }


def long_weights(dates, by_symbol):
    return {
        "date": np.tile(dates, len(by_symbol)),
        "symbol": np.repeat(np.array(list(by_symbol), dtype=object), len(dates)),
        "weight": np.array([weight for weights in by_symbol.values() for weight in weights]),
    }


def test_only_members_of_the_universe_are_held(backtest, prices, signal):
    members = {
        "date": np.array(["2020-01-02"] * 6 + ["2020-06-01"] * 3, dtype="datetime64[D]"),
        "symbol": np.array(["S00", "S01", "S02", "S03", "S04", "S06", "S10", "S11", "S12"], dtype=object),
    }
    positions = tables(backtest(scored(prices, signal, universe=members), construction={"quantile": 0.5}))["positions"]
    early = set(positions["symbol"][positions["date"] < np.datetime64("2020-06-01")])
    late = set(positions["symbol"][positions["date"] > np.datetime64("2020-07-02")])
    assert early <= {"S00", "S01", "S02", "S03", "S04", "S06"}
    assert late <= {"S10", "S11", "S12"}
    assert early
    assert late


def test_a_name_whose_prices_end_leaves_with_a_reason(backtest, prices, signal):
    everything = {"construction": {"quantile": 0.5}, "stale_sessions": 4, "rebalance": "D"}
    only = {name: values[signal["symbol"] == "S07"] for name, values in signal.items()}
    found = tables(backtest(scored(prices, only), **everything))
    trades = found["trades.csv"]
    assert trades["reason"][-1] == "missing_price"
    assert trades["side"][-1] == "sell"
    assert found["positions"]["date"][-1] < trades["date"][-1]


def test_fees_by_symbol_replace_the_general_one(backtest, prices, signal):
    way = {"construction": {"type": "quantile_long_short"}, "borrow": {"annual_bps": 100}}
    general = backtest(scored(prices, signal), **way)
    free = {"symbol": np.array([f"S{i:02d}" for i in range(24)], dtype=object), "annual_bps": np.zeros(24)}
    assert general.result["costs"]["borrow"] > 0.0
    assert backtest({**scored(prices, signal), "borrow.by_symbol": free}, **way).result["costs"]["borrow"] == 0.0


def test_a_benchmark_from_the_prices_or_from_a_table_is_the_same(backtest, prices, signal):
    of = prices["symbol"] == "S01"
    table = {"date": prices["date"][of], "close": prices["close"][of]}
    by_symbol = backtest(scored(prices, signal), benchmark="S01")
    by_table = backtest(scored(prices, signal, benchmark=table))
    assert by_symbol.result["benchmark"] == pytest.approx(by_table.result["benchmark"])
    assert by_symbol.result["benchmark"]["beta"] != 0.0
    level = tables(by_symbol)["equity"]["benchmark"]
    assert level[0] == 1_000_000.0
    assert np.isfinite(level).all()


def test_sectors_gather_their_names(backtest, prices, signal):
    sectors = {
        "symbol": np.array([f"S{i:02d}" for i in range(20)], dtype=object),
        "sector": np.array(["Energy", "Banks"] * 10, dtype=object),
    }
    found = tables(backtest(scored(prices, signal, classifications=sectors)))["attribution.csv"]
    assert set(found["name"][found["level"] == "sector"]) == {"Energy", "Banks", "Unclassified"}
    of_energy = (found["level"] == "symbol") & (found["sector"] == "Energy")
    whole = found["pnl"][(found["level"] == "sector") & (found["name"] == "Energy")]
    assert found["pnl"][of_energy].sum() == pytest.approx(whole[0])


def test_every_statistic_states_its_convention(backtest, prices, signal):
    kpis = next(document for document in backtest(scored(prices, signal)).documents if document.name == "kpis.json")
    for statistic in kpis.content["statistics"]:
        assert statistic["convention"]
        assert {"name", "value", "convention", "ddof", "periods_per_year", "n"} <= set(statistic)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"weights": "ds_01970000-0000-7000-8000-000000000009"}, "signal"),
        ({"execution_lag_days": 0}, "execution_lag_days"),
        ({"construction": {"type": "optimize"}}, "construction/type"),
        ({"construction": {"type": "quantile_long_only", "net": 0.5}}, "construction/net"),
        ({"construction": {"type": "score_weighted", "weighting": "inverse_volatility"}}, "construction/weighting"),
        ({"start": "2020-05-01", "end": "2020-05-01"}, "end"),
        ({"rebalance": "daily"}, "rebalance"),
    ],
)
def test_what_cannot_hold_together_is_refused_where_it_stands(backtest, prices, signal, change, field):
    with pytest.raises(Invalid) as refused:
        backtest(scored(prices, signal), **change)
    assert refused.value.violations[0].pointer == f"/params/{field}"


@pytest.mark.parametrize(
    "lack",
    [
        ("volume", {"costs": {"impact": {"model": "square_root"}}}, "/params/prices"),
        ("open", {"execution_price": "open"}, "/params/prices"),
        ("split_factor", {"dividends": "cash"}, "/params/prices"),
        (None, {"benchmark": "SPY"}, "/params/benchmark"),
        (None, {"start": "2021-02-24"}, "/params"),
    ],
)
def test_data_that_lacks_what_is_asked_is_refused(backtest, prices, signal, lack):
    missing, way, pointer = lack
    short = {name: values for name, values in prices.items() if name != missing}
    with pytest.raises(DataUnusable) as refused:
        backtest(scored(short, signal), **way)
    assert refused.value.violations[0].pointer == pointer


def test_adjusted_closes_alone_say_what_the_factors_say(backtest, prices, signal):
    adjusted = np.round(prices["close"] * prices["adj_factor"], 6)
    printed = {"date": prices["date"], "symbol": prices["symbol"], "close": prices["close"], "adj_close": adjusted}
    by_factor, by_close = backtest(scored(prices, signal)).result, backtest(scored(printed, signal)).result
    assert by_close["total_return"] == pytest.approx(by_factor["total_return"], abs=1e-4)
    reasons = tables(backtest(scored(printed, signal)))["trades.csv"]["reason"]
    assert 0 < np.count_nonzero(reasons == "dividend_reinvested") < 60


@pytest.mark.parametrize(
    "wrong",
    [
        ("signal", "score", lambda n: np.array(["high"] * n, dtype=object)),
        ("signal", "date", lambda n: np.array(["2020-01-02"] * n, dtype=object)),
        ("prices", "close", lambda n: np.array(["12.5"] * n, dtype=object)),
    ],
)
def test_columns_of_the_wrong_kind_are_refused_at_their_table(backtest, prices, signal, wrong):
    table, column, values = wrong
    given = {"prices": prices, "signal": signal}
    given[table] = {**given[table], column: values(len(given[table][column]))}
    with pytest.raises(DataUnusable) as refused:
        backtest(given)
    assert refused.value.violations[0].pointer == f"/params/{table}"


def test_a_name_without_a_price_on_the_day_is_not_ranked(backtest, prices, signal):
    of = np.isin(signal["symbol"], ["S05", "S06"])  # S05 has no price in the first 60 sessions
    two = {name: values[of] for name, values in signal.items()}
    two["score"] = np.where(two["symbol"] == "S05", 2.0, 1.0)
    found = tables(backtest(scored(prices, two), construction={"type": "top_n", "top_n": 1}))["positions"]
    early = found["date"] < np.datetime64("2020-03-20")
    assert set(found["symbol"][early]) == {"S06"}
    assert "S05" in set(found["symbol"])


def test_bankruptcy_ends_the_run_and_is_told_in_every_artifact(backtest, prices, tmp_path):
    rising = {**prices, "close": prices["close"].copy()}
    rising["close"][(prices["symbol"] == "S02") & (prices["date"] >= np.datetime64("2020-06-10"))] *= 3.0
    weights = long_weights(np.array(["2020-02-03"], dtype="datetime64[D]"), {"S02": (-2.0,)})
    outcome = backtest({"prices": rising, "weights": weights}, rebalance="table", benchmark="S01")
    assert outcome.result["bankrupt_on"] == outcome.result["end"] == "2020-06-10"
    assert outcome.result["final_equity"] < 0.0
    assert outcome.result["annual_return"] is None
    assert 1.0 < outcome.result["average_gross"] <= outcome.result["maximum_gross"]
    assert "2020-06-10" in outcome.result["notes"][-1]
    assert tables(outcome)["equity"]["date"][-1] == np.datetime64("2020-06-10")
    assert tables(outcome)["attribution.csv"]["contribution"][-1] == pytest.approx(outcome.result["total_return"])
    render(outcome, KIND, tmp_path)


def test_a_signal_that_ends_and_a_benchmark_that_stops_are_told(backtest, prices, signal):
    early = until(signal, np.datetime64("2020-06-30"))
    short = {"date": prices["date"][:40], "close": prices["close"][:40]}  # the first name's first forty sessions
    notes = backtest(scored(prices, early, benchmark=short)).result["notes"]
    assert any("rebalances found nothing decided in the 45 days before" in note for note in notes)
    assert any("The benchmark has not moved since 2020-02" in note for note in notes)


def test_a_name_without_a_price_that_could_not_be_sold_is_told_with_its_worth_and_the_exposure(backtest, prices):
    gap = (prices["symbol"] == "S02") & (prices["date"] == np.datetime64("2020-03-03"))
    kept = {name: values[~gap] for name, values in prices.items()}
    weights = long_weights(
        np.array(["2020-02-03", "2020-03-02"], dtype="datetime64[D]"), {"S02": (1.0, 0.0), "S03": (0.0, 1.0)}
    )
    notes = backtest({"prices": kept, "weights": weights}, rebalance="table").result["notes"]
    missed, exposed = (next(note for note in notes if word in note) for word in ("no price", "Gross exposure"))
    assert re.match(r"1 trade worth [\d,]{7,9} in the prices' currency not made", missed)
    assert re.match(r"Gross exposure was [12]\d\d% of equity on 2020-.*; at most 100% was ever decided\.", exposed)
    whole = backtest({"prices": prices, "weights": weights}, rebalance="table").result["notes"]
    assert not [note for note in whole if "price" in note or "exposure" in note]


@each_way
def test_prices_are_reported_as_they_were_printed(backtest, prices, signal, way):
    found = tables(backtest(scored(prices, signal), **way))
    printed = {
        name: {
            (day, symbol): value
            for day, symbol, value in zip(prices["date"], prices["symbol"], prices[name], strict=True)
        }
        for name in ("close", "open")
    }
    positions, trades = found["positions"], found["trades.csv"]
    for day, symbol, price in zip(positions["date"], positions["symbol"], positions["price"], strict=True):
        assert printed["close"].get((day, symbol), price) == price
    made = trades["reason"] == "rebalance"
    at = printed[way.get("execution_price", "close")]
    for day, symbol, price in zip(trades["date"][made], trades["symbol"][made], trades["price"][made], strict=True):
        assert at[day, symbol] == price
