"""The whole kind on real Parquet files: against a plain pandas loop, against poisoned futures, and its edges."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.render import render
from tasks.errors import DataUnusable, Invalid
from tasks.factors.kind import KIND
from tasks.params import check
from tests.tasks.factors.sample import DATASET, asked, frame, market, outcome, price_columns, sector_columns

REAL = Path(__file__).parents[4] / "shared" / "data" / "sp500_20_adjusted_wide.csv.gz"


@pytest.fixture
def made(tmp_path):
    days, symbols, *panels = market()
    return outcome(
        tmp_path, asked(), prices=price_columns(days, symbols, *panels), classifications=sector_columns(symbols)
    )


# --- an independent implementation: pandas, one date and one regression at a time ---


def naive(days, symbols, adjusted, sectors, params):
    """The chain as its definition reads, with nothing clever in it."""
    prices = pd.DataFrame(adjusted, index=days, columns=symbols)
    returns = prices.pct_change(fill_method=None)
    market_mean = returns.mean(axis=1)
    beta = pd.DataFrame(np.nan, index=days, columns=symbols)
    for symbol in symbols:
        both = returns[symbol].notna() & market_mean.notna()
        r, m = returns[symbol].where(both), market_mean.where(both)
        window = {"window": 252, "min_periods": 227}
        beta[symbol] = r.rolling(**window).cov(m) / m.rolling(**window).var()
    z = {}
    for factor in params["recipe"]["factors"]:
        raw = naive_factor(prices, returns, factor).where(prices.notna())
        z[factor["label"]] = raw.apply(lambda row: naive_neutral(naive_z(row), row.name, beta, sectors, params), axis=1)
    weights = {factor["label"]: factor["weight"] for factor in params["recipe"]["factors"]}
    present = sum(weights[name] * panel.notna() for name, panel in z.items())
    total = sum(weights[name] * panel.fillna(0.0) for name, panel in z.items())
    combined = (total / present).where(present >= 0.5 * sum(weights.values())).apply(naive_z, clip=False, axis=1)
    half_life = params["recipe"]["decay"]["half_life"]
    decayed = combined.ewm(halflife=half_life, ignore_na=False).mean().where(combined.notna())
    return decayed.apply(naive_z, clip=False, axis=1)


def naive_factor(prices, returns, factor):
    p = factor["params"]
    if factor["name"] == "momentum":
        width = p["lookback"] - p["skip"] + 1
        enough = prices.notna().rolling(width).sum().shift(p["skip"]) >= 0.9 * width
        return (prices.shift(p["skip"]) / prices.shift(p["lookback"]) - 1.0).where(enough)
    least = int(np.ceil(0.9 * p["lookback"]))
    return -returns.rolling(p["lookback"], min_periods=least).std() * np.sqrt(252)


def naive_z(row, clip=True):
    if row.notna().sum() < 10:
        return row * np.nan
    if clip:
        row = row.clip(*row.quantile([0.01, 0.99]))
    return (row - row.mean()) / row.std()


def naive_neutral(row, day, beta, sectors, params):
    exposures = []
    if "sector" in params["recipe"]["neutralize"]:
        exposures.append(pd.get_dummies(sectors).astype(float))
    if "beta" in params["recipe"]["neutralize"]:
        exposures.append(beta.loc[day].rename("beta"))
    if not exposures:
        return row
    design = pd.concat(exposures, axis=1).assign(one=1.0)
    names = row.notna() & design.notna().all(axis=1)
    x, y = design[names].to_numpy(), row[names].to_numpy()
    if len(y) <= np.linalg.matrix_rank(x) if len(y) else True:
        return row * np.nan
    residual = pd.Series(np.nan, index=row.index)
    residual[names] = y - x @ np.linalg.lstsq(x, y)[0]
    return naive_z(residual, clip=False)


def compare(made, expected, tolerance):
    wide = frame(made, "scores").set_index(["date", "symbol"])["score"].unstack()  # noqa: PD010 - a pivot_table would average duplicates away
    wide = wide.reindex(index=expected.index, columns=expected.columns)
    np.testing.assert_array_equal(wide.notna(), expected.notna())
    assert expected.notna().any(axis=1).sum() > 50
    np.testing.assert_allclose(wide, expected, rtol=0, atol=tolerance)


def test_agrees_with_a_plain_loop_on_random_prices(tmp_path):
    days, symbols, close, _, split = market()
    params = asked()
    made = outcome(
        tmp_path,
        params,
        prices=price_columns(days, symbols, close, np.ones_like(close), split),
        classifications=sector_columns(symbols),
    )
    sectors = pd.Series(sector_columns(symbols)["sector"], index=symbols)
    compare(made, naive(days, symbols, close, sectors, params), 1e-12)


@pytest.mark.market_data
def test_agrees_with_a_plain_loop_on_twenty_real_stocks(tmp_path):
    if not REAL.exists():
        pytest.skip(f"{REAL.name} is not there: the folder of real market data is absent")
    wide = pd.read_csv(REAL, index_col=0, parse_dates=True).iloc[-900:]
    days, symbols = wide.index.to_numpy().astype("datetime64[D]"), wide.columns.tolist()
    ones = np.ones(wide.shape)
    params = asked(classifications=None, recipe={"neutralize": ["beta"]})
    made = outcome(tmp_path, params, prices=price_columns(days, symbols, wide.to_numpy(), ones, ones))
    compare(made, naive(days, symbols, wide.to_numpy(), None, params), 1e-12)


def test_splits_and_dividends_are_in_the_returns(tmp_path):
    days, symbols, close, factor, split = market()
    params = asked(classifications=None, recipe={"neutralize": []})
    made = outcome(tmp_path, params, prices=price_columns(days, symbols, close, factor, split))
    compare(made, naive(days, symbols, close * factor, None, params), 1e-10)


# --- nothing of the future ---


def upto(made, day):
    """Every number of the scores up to a day, as bytes."""
    scores = frame(made, "scores")
    scores = scores[scores["date"] <= day]
    return len(scores), {name: scores[name].to_numpy().tolist() for name in scores}


RECIPES = {
    "as asked": {},
    "ranks": {"standardize": "rank_normal", "winsorize": {"method": "mad"}, "decay": None},
    "plain": {"standardize": "rank", "winsorize": {"method": "sigma"}, "neutralize": ["beta"], "combine": "equal"},
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("frequency", ["D", "W", "M"])
def test_prices_after_a_date_change_no_bit_up_to_it(tmp_path, recipe, frequency):
    days, symbols, *panels = market()
    columns = price_columns(days, symbols, *panels)
    poisoned = copy.deepcopy(columns)
    day = days[299]
    noise = np.where(columns["date"] > day, np.exp(np.random.default_rng(9).normal(0, 1, len(columns["date"]))), 1.0)
    poisoned["close"] *= noise
    poisoned["adj_close"] *= noise
    params = asked(frequency=frequency, recipe=recipe)
    sectors = sector_columns(symbols)
    clean = outcome(tmp_path, params, prices=columns, classifications=sectors)
    dirty = outcome(tmp_path, params, prices=poisoned, classifications=sectors)
    count, values = upto(clean, day)
    assert count > 100
    assert repr((count, values)) == repr(upto(dirty, day))
    assert repr(upto(clean, days[-1])) != repr(upto(dirty, days[-1]))


def test_a_history_cut_short_says_the_same_though_factors_were_revised(tmp_path):
    """Without the future there are fewer splits, dividends and companies: the past must not know."""
    days, symbols, close, factor, split = market()
    stop = 300
    close[:stop, 7] = np.nan  # a company that lists after the cut is not in the cut file at all
    listed = np.isfinite(close[:stop]).any(axis=0)
    params = asked()
    whole = outcome(
        tmp_path,
        params,
        prices=price_columns(days, symbols, close, factor, split),
        classifications=sector_columns(symbols),
    )
    names = [symbol for symbol, there in zip(symbols, listed, strict=True) if there]
    revised = [(panel[:stop] / panel[stop - 1])[:, listed] for panel in (factor, split)]
    cut = outcome(
        tmp_path,
        params,
        prices=price_columns(days[:stop], names, close[:stop, listed], *revised),
        classifications=sector_columns(symbols),
    )
    assert repr(upto(whole, days[stop - 1])) == repr(upto(cut, days[stop - 1]))


def test_end_is_where_reading_stops(tmp_path):
    days, symbols, *panels = market()
    columns, sectors = price_columns(days, symbols, *panels), sector_columns(symbols)
    ended = outcome(tmp_path, asked(end=str(days[299])), prices=columns, classifications=sectors)
    before = {name: values[columns["date"] <= days[299]] for name, values in columns.items()}
    cut = outcome(tmp_path, asked(), prices=before, classifications=sectors)
    for name in ("scores", "ic.csv", "ic_series", "quantile_returns.csv", "latest.csv"):
        pd.testing.assert_frame_equal(frame(ended, name), frame(cut, name), check_exact=True)
    assert ended.result == cut.result


def test_start_only_leaves_the_earlier_dates_out(tmp_path):
    days, symbols, *panels = market()
    columns, sectors = price_columns(days, symbols, *panels), sector_columns(symbols)
    whole = frame(outcome(tmp_path, asked(), prices=columns, classifications=sectors), "scores")
    late = outcome(tmp_path, asked(start=str(days[310])), prices=columns, classifications=sectors)
    expected = whole[whole["date"] >= days[310]].reset_index(drop=True)
    pd.testing.assert_frame_equal(frame(late, "scores"), expected, check_exact=True)
    assert late.result["start"] == str(days[310])


# --- what it leaves behind ---


def test_leaves_every_artifact_that_it_declares(made, tmp_path):
    names = {file.name for file in render(made, KIND, tmp_path)}
    assert {artifact.name for artifact in KIND.artifacts if not artifact.optional} <= names


def test_the_result_is_as_declared(made):
    assert check(KIND.result, dict(made.result)) == made.result
    scores = frame(made, "scores")
    assert made.result["scores"] == len(scores)
    assert made.result["symbols"] == 40
    assert made.result["dates"] == 340
    assert made.result["dates"] - made.result["null_cross_sections"] == scores["date"].nunique()
    assert 0 < made.result["coverage"] < 1


def test_scores_hold_each_factor_before_and_after_neutralising(made):
    scores = frame(made, "scores")
    factors = ["momentum_z", "momentum_n", "low_volatility_z", "low_volatility_n"]
    assert scores.columns.tolist() == ["date", "symbol", "score", *factors]
    assert scores["date"].is_monotonic_increasing
    sector = dict(zip(*sector_columns([f"S{j:03d}" for j in range(40)]).values(), strict=True))
    by_sector = scores.assign(sector=scores["symbol"].map(sector)).groupby(["date", "sector"])["momentum_n"].mean()
    assert by_sector.abs().max() < 1e-12
    assert scores.groupby("date")["momentum_z"].mean().abs().max() > 1e-3


def test_latest_is_the_newest_date_best_first_with_the_view_within_sectors(made):
    latest, scores = frame(made, "latest.csv"), frame(made, "scores")
    newest = scores[scores["date"] == scores["date"].max()].set_index("symbol")["score"]
    assert latest["score"].is_monotonic_decreasing
    pd.testing.assert_series_equal(latest.set_index("symbol")["score"].sort_index(), newest.sort_index())
    assert latest["rank"].tolist() == list(range(1, len(latest) + 1))
    for _, sector in latest.groupby("sector"):
        assert sector["sector_rank"].tolist() == list(range(1, len(sector) + 1))
        assert sector["sector_z"].mean() == pytest.approx(0.0, abs=1e-12)
        assert sector["sector_z"].std() == pytest.approx(1.0)


def test_information_coefficients_are_those_of_the_scores(made):
    days, _, close, factor, _ = market()
    prices = pd.DataFrame(close * factor, index=days, columns=[f"S{j:03d}" for j in range(40)])
    prices.loc[days[250] :, "S038"] = prices["S038"].ffill()  # delisted: its last price stands
    scores = frame(made, "scores").set_index(["date", "symbol"])["score"].unstack()  # noqa: PD010 - see above
    scores = scores.reindex_like(prices)
    series = frame(made, "ic_series")
    for horizon in (1, 5):
        forward = prices.shift(-horizon) / prices - 1.0
        expected = [
            s[f.notna() & s.notna()].rank().corr(f[f.notna() & s.notna()].rank())
            if (f + s).notna().sum() >= 10
            else np.nan
            for (_, s), (_, f) in zip(scores.iterrows(), forward.iterrows(), strict=True)
        ]
        found = series[series["horizon"] == horizon]["spearman"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        table = frame(made, "ic.csv").query(f"signal == 'score' and method == 'spearman' and horizon == {horizon}")
        assert table["mean"].item() == pytest.approx(found.mean())
        assert table["icir"].item() == pytest.approx(found.mean() / found.std())
        assert table["newey_west_lags"].item() == horizon - 1


def test_long_short_is_the_top_quantile_less_the_bottom(made):
    returns = frame(made, "quantile_returns.csv").set_index(["horizon", "quantile"])["mean"]
    for horizon in (1, 5):
        assert returns[horizon, "long_short"] == pytest.approx(returns[horizon, "5"] - returns[horizon, "1"])


def test_histograms_count_every_number(made):
    content = next(d for d in made.documents if d.name == "histograms.json").content
    histogram = content["all_dates"]["score"]
    assert sum(histogram["counts"]) + histogram["below"] + histogram["above"] == made.result["scores"]


# --- whom it scores ---


def test_only_members_of_the_universe_are_scored_from_the_day_they_are(tmp_path):
    days, symbols, *panels = market()
    early, late = symbols[:20], symbols[10:30]
    universe = {
        "date": np.array([days[100]] * 20 + [days[200]] * 20),
        "symbol": np.array([*early, *late], dtype=object),
    }
    made = outcome(
        tmp_path,
        asked(universe=DATASET, recipe={"neutralize": []}, classifications=None),
        prices=price_columns(days, symbols, *panels),
        universe=universe,
    )
    scores = frame(made, "scores")
    assert scores["date"].min() == days[100]
    assert set(scores[scores["date"] < days[200]]["symbol"]) <= set(early)
    assert set(scores[scores["date"] >= days[200]]["symbol"]) <= set(late)
    assert "S015" in set(scores[scores["date"] == days[200]]["symbol"])


def test_neutral_to_market_capitalisation(tmp_path):
    days, symbols, close, factor, split = market()
    rng = np.random.default_rng(2)
    shares = {
        "symbol": np.array(symbols, dtype=object),
        "available_from": np.repeat(days[:1], 40),
        "shares_outstanding": np.round(np.exp(rng.normal(15, 1, 40))),
    }
    recipe = {"factors": [{"name": "low_volatility", "params": {"lookback": 30}}], "neutralize": ["log_market_cap"]}
    params = asked(fundamentals=DATASET, classifications=None, recipe=recipe)
    made = outcome(tmp_path, params, prices=price_columns(days, symbols, close, factor, split), fundamentals=shares)
    scores = frame(made, "scores")
    row, column = np.searchsorted(days, scores["date"]), scores["symbol"].str[1:].astype(int)
    since_the_filing = split[row, column] / split[0, column]  # a 3:1 split makes three shares of one
    caps = shares["shares_outstanding"][column] * since_the_filing * close[row, column]
    by_date = scores.assign(cap=np.log(caps)).groupby("date")
    assert by_date[["cap", "low_volatility_n"]].corr().iloc[0::2, 1].abs().max() < 1e-12
    assert by_date[["cap", "low_volatility_z"]].corr().iloc[0::2, 1].abs().max() > 1e-2


def test_a_symbol_without_a_sector_is_left_out_and_counted(tmp_path):
    days, symbols, *panels = market()
    some = {name: values[5:] for name, values in sector_columns(symbols).items()}
    made = outcome(tmp_path, asked(), prices=price_columns(days, symbols, *panels), classifications=some)
    assert made.result["unclassified_symbols"] == 5
    assert not set(symbols[:5]) & set(frame(made, "scores")["symbol"])


def test_too_few_names_are_null_and_counted(tmp_path):
    days, symbols, *panels = market()
    params = asked(recipe={"min_names": 41})
    made = outcome(
        tmp_path, params, prices=price_columns(days, symbols, *panels), classifications=sector_columns(symbols)
    )
    assert made.result["null_cross_sections"] == made.result["dates"] == 340
    assert made.result["scores"] == 0
    assert made.result["evaluation"][0]["mean_ic"] is None
    render(made, KIND, tmp_path)


def test_direction_turns_a_factor_round(tmp_path):
    days, symbols, *panels = market()
    found = {}
    for direction in (1, -1):
        recipe = {"factors": [{"name": "momentum", "direction": direction, "params": {"lookback": 20, "skip": 1}}]}
        made = outcome(
            tmp_path,
            asked(recipe=recipe | {"winsorize": {"method": "none"}}),
            prices=price_columns(days, symbols, *panels),
            classifications=sector_columns(symbols),
        )
        found[direction] = frame(made, "scores")["score"].to_numpy()
    np.testing.assert_allclose(found[1], -found[-1], rtol=0, atol=1e-12)


# --- what it refuses ---


@pytest.mark.parametrize(
    ("changes", "pointer", "says"),
    [
        ({"recipe": {"factors": []}}, "/params/recipe/factors", "1"),
        (
            {"recipe": {"factors": [{"name": "expression"}]}},
            "/params/recipe/factors/0/params/expression",
            "is missing",
        ),
        ({"recipe": {"factors": [{"name": "value"}]}}, "/params/fundamentals", "'value' needs it"),
        ({"recipe": {"factors": [{"name": "momentun"}]}}, "/params/recipe/factors/0/name", "Did you mean 'momentum'"),
        (
            {"recipe": {"factors": [{"name": "momentum", "params": {"lookback": 20, "skip": 20}}]}},
            "/params/recipe/factors/0/params/skip",
            "leaves nothing",
        ),
        (
            {"recipe": {"factors": [{"name": "momentum", "params": {"window": 20}}]}},
            "/params/recipe/factors/0/params/window",
            "not a field",
        ),
        (
            {"recipe": {"factors": [{"name": "momentum"}, {"name": "momentum"}]}},
            "/params/recipe/factors/1/label",
            "another label",
        ),
        (
            {"recipe": {"factors": [{"name": "momentum", "weight": 0}]}},
            "/params/recipe/factors/0/weight",
            "more than 0",
        ),
        ({"recipe": {"combine": "by_luck"}}, "/params/recipe/combine", "weighted, equal, ic_weighted"),
        ({"recipe": {"winsorize": {"limits": [0.9, 0.1]}}}, "/params/recipe/winsorize/limits", "ascending"),
        ({"recipe": {"neutralize": ["log_market_cap"]}}, "/params/fundamentals", "needs it"),
        ({"classifications": None}, "/params/classifications", "needs it"),
        ({"start": "2021-01-02", "end": "2021-01-01"}, "/params/end", "before start"),
        ({"evaluate": {"horizons": [5, 1]}}, "/params/evaluate/horizons", "ascending"),
    ],
)
def test_refuses_with_the_place_and_the_mend(changes, pointer, says):
    with pytest.raises(Invalid) as refused:
        asked(**changes)
    violations = {violation.pointer: violation.detail for violation in refused.value.violations}
    assert says in violations[pointer]


def test_defaults_are_filled_in():
    params = check(KIND.params, {"prices": DATASET, "recipe": {"factors": [{"name": "momentum"}]}})
    factor = params["recipe"]["factors"][0]
    assert factor["params"] == {"lookback": 252, "skip": 21, "min_coverage": 0.9}
    assert factor["label"] == "momentum"
    assert params["recipe"]["winsorize"] == {"method": "quantile", "limits": [0.01, 0.99]}
    assert check(KIND.params, params) == params


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": "2030-01-01"}, "after the last price"),
        ({"end": "2010-01-01"}, "no price up to 2010-01-01"),
    ],
)
def test_dates_outside_the_prices_are_refused(tmp_path, change, says):
    days, symbols, *panels = market(rows=60)
    with pytest.raises(DataUnusable, match=says):
        outcome(
            tmp_path,
            asked(**change),
            prices=price_columns(days, symbols, *panels),
            classifications=sector_columns(symbols),
        )


def test_classifications_of_other_symbols_are_refused(tmp_path):
    days, symbols, *panels = market(rows=60)
    others = {"symbol": np.array(["X"], dtype=object), "sector": np.array(["Tech"], dtype=object)}
    with pytest.raises(DataUnusable, match="gives no symbol of the prices a sector"):
        outcome(tmp_path, asked(), prices=price_columns(days, symbols, *panels), classifications=others)


def test_text_that_is_no_date_is_refused(tmp_path):
    days, symbols, *panels = market(rows=60)
    universe = {"date": np.array(["soon"], dtype=object), "symbol": np.array(["S001"], dtype=object)}
    params = asked(universe=DATASET, classifications=None, recipe={"neutralize": []})
    with pytest.raises(DataUnusable, match="'date'"):
        outcome(tmp_path, params, prices=price_columns(days, symbols, *panels), universe=universe)
