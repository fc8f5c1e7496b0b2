"""Factors from company figures: by hand, from the day of publication, and blind to what was published later."""

import numpy as np
import pytest

from reports.tables import write_parquet
from tasks.errors import DataUnusable
from tasks.factors.fundamentals import Fundamentals
from tasks.factors.kind import KIND
from tasks.factors.run import run
from tasks.inputs import Inputs, TableFile
from tasks.params import check

DATASET = "ds_01970000-0000-7000-8000-000000000000"
NAMES = 30
DAYS = np.arange("2021-01-01", "2022-12-31", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]
SYMBOLS = np.array([f"S{j:02d}" for j in range(NAMES)], dtype=object)
FIGURES = (
    "shares_outstanding", "net_income", "book_equity", "revenue", "operating_cash_flow", "dividends", "gross_profit",
    "total_assets", "total_debt", "esg_score",
)  # fmt: skip


def close():
    rng = np.random.default_rng(17)
    return np.exp(np.cumsum(rng.normal(0, 0.02, (len(DAYS), NAMES)), axis=0)) * 40


def filings():
    """One filing a quarter and company, published some 45 days after its period's end, with blanks."""
    rng = np.random.default_rng(18)
    ends = np.array(
        ["2020-09-30", "2020-12-31", "2021-03-31", "2021-06-30", "2021-12-31", "2022-06-30"], "datetime64[D]"
    )
    count = NAMES * len(ends)
    table = {
        "symbol": np.repeat(SYMBOLS, len(ends)),
        "period_end": np.tile(ends, NAMES),
        "available_from": np.tile(ends, NAMES) + rng.integers(30, 60, count),
    }
    for name in FIGURES:
        values = np.exp(rng.normal(5, 1, count))
        if name in {"net_income", "operating_cash_flow", "book_equity"}:
            values -= 60.0
        values[rng.random(count) < 0.05] = np.nan
        table[name] = values
    table["shares_outstanding"] = np.exp(rng.normal(5, 1, count))
    return table


def written(folder, name, columns):
    path = folder / f"{name}.parquet"
    write_parquet(columns, path)
    return TableFile(path, "0" * 64, f"{DATASET}@1", pointer=f"/params/{name}")


def scores(folder, factor, figures=None, prices=None, frequency="D"):
    prices = close() if prices is None else prices
    column, row = np.indices(prices.T.shape).reshape(2, -1)
    volume = np.random.default_rng(4).integers(1000, 9000, prices.size).astype(float)
    table = {"date": DAYS[row], "symbol": SYMBOLS[column], "close": prices[row, column], "volume": volume}
    params = check(
        KIND.params,
        {
            "prices": DATASET,
            "fundamentals": DATASET,
            "recipe": {"factors": [factor], "winsorize": {"method": "none"}},
            "frequency": frequency,
            "evaluate": {"horizons": [1]},
        },
    )
    found = {
        "prices": written(folder, "prices", table),
        "fundamentals": written(folder, "fundamentals", filings() if figures is None else figures),
    }
    return run(params, Inputs(folder, found), lambda *_: None)


def latest(outcome):
    table = next(table for table in outcome.tables if table.name == "latest.csv").columns
    return dict(zip(table["symbol"].tolist(), table[outcome.result["factors"][0]["label"]].tolist(), strict=True))


def known(name, day, figures=None):
    """Each company's newest published value of a figure on a day, read with a plain loop."""
    table = filings() if figures is None else figures
    found = dict.fromkeys(SYMBOLS.tolist(), np.nan)
    order = np.lexsort((table["period_end"], table["available_from"]))
    for i in order:
        if table["available_from"][i] <= day and np.isfinite(table[name][i]):
            found[table["symbol"][i]] = table[name][i]
    return np.array(list(found.values()))


def z(x):
    x = np.clip(x, *np.nanquantile(x, [0.01, 0.99]))
    return (x - np.nanmean(x)) / np.nanstd(x, ddof=1)


def by_hand(name, day=DAYS[-1], earlier=DAYS[-1 - 252]):
    f = {figure: known(figure, day) for figure in FIGURES}
    cap = f["shares_outstanding"] * close()[np.searchsorted(DAYS, day)]
    positive = lambda x: np.where(x > 0, x, np.nan)
    match name:
        case "value":
            yields = (
                f["net_income"],
                positive(f["book_equity"]),
                f["revenue"],
                f["operating_cash_flow"],
                f["dividends"],
            )
            parts = [x / cap for x in yields]
        case "quality":
            assets = f["total_assets"]
            parts = [
                f["net_income"] / positive(f["book_equity"]),
                f["gross_profit"] / assets,
                -(f["net_income"] - f["operating_cash_flow"]) / assets,
                -f["total_debt"] / assets,
            ]
        case "growth":
            sales = f["revenue"] / positive(known("revenue", earlier)) - 1.0
            parts = [sales, (f["net_income"] - known("net_income", earlier)) / cap]
        case "size":
            return -np.log(cap)
    zs = np.array([z(part) for part in parts])
    enough = np.isfinite(zs).sum(axis=0) >= len(parts) / 2
    return np.where(enough, np.nanmean(zs, axis=0), np.nan)


@pytest.mark.parametrize("name", ["value", "quality", "growth", "size"])
def test_agrees_with_the_definition_worked_by_hand(tmp_path, name):
    found = latest(scores(tmp_path, {"name": name}))
    expected = dict(zip(SYMBOLS.tolist(), by_hand(name).tolist(), strict=True))
    assert set(found) == {symbol for symbol, value in expected.items() if np.isfinite(value)}
    assert len(found) > 20
    for symbol, value in found.items():
        assert value == pytest.approx(expected[symbol], abs=1e-12)


ALL = [
    {"name": "momentum", "params": {"lookback": 60, "skip": 5}}, {"name": "short_term_reversal"}, {"name": "value"},
    {"name": "quality"}, {"name": "growth", "params": {"lookback": 100}}, {"name": "size"}, {"name": "esg"},
    {"name": "low_volatility", "params": {"lookback": 60}}, {"name": "beta", "params": {"lookback": 60}},
    {"name": "liquidity"}, {"name": "liquidity", "params": {"measure": "amihud"}},
]  # fmt: skip


@pytest.mark.parametrize("factor", ALL, ids=lambda factor: factor["name"] + str(factor.get("params", "")))
def test_no_factor_knows_later_prices_or_filings(tmp_path, factor):
    day = DAYS[400]
    prices, figures = close(), filings()
    rng = np.random.default_rng(5)
    prices[401:] *= np.exp(rng.normal(0, 1, prices[401:].shape))
    later = figures["available_from"] > day
    for name in FIGURES:
        figures[name] = np.where(later, figures[name] * 3.0 + 1.0, figures[name])
    kept = {name: values[~later] for name, values in filings().items()}
    clean = upto(scores(tmp_path, factor), day)
    assert len(clean[0]) > 1000
    assert clean == upto(scores(tmp_path, factor, figures, prices), day)
    assert clean == upto(scores(tmp_path, factor, kept), day)


def upto(outcome, day):
    table = next(table for table in outcome.tables if table.name == "scores").columns
    inside = table["date"] <= day
    return [repr(values[inside].tolist()) for values in table.values()]


def test_a_filing_counts_from_its_publication_not_its_period(tmp_path):
    table = {
        "symbol": np.array(["S00"] * 4, dtype=object),
        "period_end": np.array(["2021-03-31", "2021-06-30", "2021-03-31", "2021-06-30"], "datetime64[D]"),
        "available_from": np.array(["2021-05-14", "2021-08-13", "2021-09-01", "2021-10-01"], "datetime64[D]"),
        "revenue": np.array([1.0, 2.0, 9.0, 3.0]),  # a late correction of the older quarter, one of the newer
    }
    known = Fundamentals(written(tmp_path, "fundamentals", table), DAYS, tuple(SYMBOLS), {"close": close()})
    found = known.figure("revenue")[:, 0]
    for day, value in (("2021-05-13", np.nan), ("2021-05-14", 1.0), ("2021-08-12", 1.0), ("2021-08-13", 2.0),
                       ("2021-09-02", 2.0), ("2021-10-01", 3.0)):  # fmt: skip
        np.testing.assert_equal(found[np.searchsorted(DAYS, np.datetime64(day))], value)


def test_names_the_parts_that_it_found_columns_for(tmp_path):
    figures = {name: values for name, values in filings().items() if name not in {"dividends", "operating_cash_flow"}}
    outcome = scores(tmp_path, {"name": "value"}, figures)
    assert outcome.result["factors"][0]["parts"] == ["earnings", "book", "sales"]
    with pytest.raises(DataUnusable, match="has no column 'dividends'"):
        scores(tmp_path, {"name": "value", "params": {"parts": ["dividend"]}}, figures)


def test_without_any_column_the_parts_are_explained(tmp_path):
    figures = {name: filings()[name] for name in ("symbol", "available_from", "shares_outstanding")}
    with pytest.raises(DataUnusable, match="no part of 'quality'"):
        scores(tmp_path, {"name": "quality"}, figures)
    with pytest.raises(DataUnusable, match="neither 'market_cap' nor 'shares_outstanding'"):
        scores(tmp_path, {"name": "size"}, {name: filings()[name] for name in ("symbol", "available_from")})


def test_a_name_without_an_esg_score_counts_as_average_or_not_at_all(tmp_path):
    figures = filings()
    figures["esg_score"][figures["symbol"] == "S03"] = np.nan
    neutral = latest(scores(tmp_path, {"name": "esg"}, figures))
    others = [value for symbol, value in neutral.items() if symbol != "S03"]
    assert neutral["S03"] == pytest.approx(np.mean(others))
    assert "S03" not in latest(scores(tmp_path, {"name": "esg", "params": {"missing": "null"}}, figures))


def test_a_table_without_volume_can_not_give_liquidity(tmp_path):
    table = {"date": DAYS[:2], "symbol": SYMBOLS[:2], "close": np.ones(2)}
    params = check(KIND.params, {"prices": DATASET, "recipe": {"factors": [{"name": "liquidity"}]}})
    with pytest.raises(DataUnusable, match="no column 'volume'"):
        run(params, Inputs(tmp_path, {"prices": written(tmp_path, "prices", table)}), lambda *_: None)
