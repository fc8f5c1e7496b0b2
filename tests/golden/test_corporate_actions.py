"""Corporate actions against published numbers: Yahoo's example, and Apple's splits and dividends.

Yahoo explains its adjusted close, by CRSP's method, with an example of a split and a dividend. Apple's events are
public; its raw closes come from the market data folder, whose factor files an independent vendor computed.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tasks.quant.adjust import dividend_multiplier, factors, split_multiplier

DATA = Path(__file__).parents[3] / "shared" / "data"
market_data = pytest.mark.skipif(not DATA.is_dir(), reason="the market data folder is absent")


def test_yahoo_s_example() -> None:
    closes = np.array([46.99, 48.30, 24.96, 24.53])
    days = np.array(["2003-02-13", "2003-02-14", "2003-02-18", "2003-02-19"], dtype="datetime64[D]")
    cash = dividend_multiplier(0.08, 24.96)
    assert cash == pytest.approx(0.9967949, abs=5e-8)
    steps = factors(days[[2, 3]], np.array([split_multiplier(2.0), 1.0]), np.array([1.0, cash]))
    factor = steps.price[np.searchsorted(steps.since, days, side="right") - 1]
    assert np.round(closes * factor, 2).tolist() == [23.42, 24.07, 24.88, 24.53]


@pytest.mark.parametrize(("dividend", "close", "multiplier"), [(2.40, 16.51, 0.8546), (1.25, 51.20, 0.9756)])
def test_crsp_s_multipliers(dividend, close, multiplier) -> None:
    assert dividend_multiplier(dividend, close) == pytest.approx(multiplier, abs=5e-5)


@pytest.fixture(scope="module")
def us_daily(tmp_path_factory):
    """Return the raw bars with their actions as ingest makes them, as {symbol: {day: row}}."""
    from tasks.ingest import run
    from tasks.ingest.kind import KIND
    from tasks.inputs import Inputs, LocalFile, TableFile
    from tasks.params import check

    folder = tmp_path_factory.mktemp("us_daily")
    with duckdb.connect() as db:
        db.execute(f"COPY (SELECT * FROM read_csv('{DATA}/corporate_actions.csv')) TO '{folder}/actions.parquet'")
    params = check(KIND.params, {"upload": "upl_01970000-0000-7000-8000-000000000000", "dataset": "us"})
    found = {
        "upload": LocalFile(DATA / "us_daily_raw.csv.gz", "us.csv.gz", "application/gzip", 0, ""),
        "corporate_actions": TableFile(folder / "actions.parquet", "", "inline", None, "/params/corporate_actions"),
    }
    outcome = run.run(params, Inputs(folder, found), lambda *_: None)
    with duckdb.connect() as db:
        rows = db.execute(
            "SELECT symbol, date, close, split_factor, adj_factor, adj_close FROM read_parquet(?)",
            [str(outcome.files[0].path)],
        ).fetchall()
    table: dict[str, dict[dt.date, tuple[float, ...]]] = {}
    for symbol, day, *values in rows:
        table.setdefault(symbol, {})[day] = tuple(values)
    return table


@pytest.mark.market_data
@market_data
@pytest.mark.parametrize(
    ("day", "split"),
    [("2020-08-31", 1.0), ("2020-08-28", 0.25), ("2014-06-09", 0.25), ("2014-06-06", 0.25 / 7), ("2005-02-25", 1 / 56)],
)
def test_apple_s_split_factors(us_daily, day, split) -> None:
    assert us_daily["AAPL"][dt.date.fromisoformat(day)][1] == pytest.approx(split, rel=1e-5)


@pytest.mark.market_data
@market_data
@pytest.mark.parametrize(
    ("before", "on", "multiplier"), [("2021-02-04", "2021-02-05", 0.9985079), ("2020-11-05", "2020-11-06", 0.9982777)]
)
def test_apple_s_dividends(us_daily, before, on, multiplier) -> None:
    apple = us_daily["AAPL"]
    found = apple[dt.date.fromisoformat(before)][2] / apple[dt.date.fromisoformat(on)][2]
    assert found == pytest.approx(multiplier, abs=1e-6)


@pytest.mark.market_data
@market_data
def test_apple_s_false_return_of_2013_08_08_is_not_ours(us_daily) -> None:
    """A vendor shows +3.9 % on this ex-date; the raw close fell 0.9 % and paid 3.05: the total return was -0.2 %."""
    apple = us_daily["AAPL"]
    found = apple[dt.date(2013, 8, 8)][3] / apple[dt.date(2013, 8, 7)][3] - 1
    assert found == pytest.approx(-0.0020, abs=1e-4)


@pytest.mark.market_data
@market_data
@pytest.mark.parametrize("symbol", ["AAPL", "AIG", "EEM", "IBM", "IWM", "SPY"])
def test_factors_agree_with_an_independent_vendor_s(us_daily, symbol) -> None:
    """Returns adjusted by our factors and by the vendor's factor file agree day by day to its rounding.

    These six kept their tickers. BAC was another company's until 1998 and QQQ traded as QQQQ for years, so that the
    vendor's permanent histories can't agree with rows named by the ticker of the day.
    """
    file = np.genfromtxt(DATA / "lean" / "factor_files" / f"{symbol.lower()}.csv", delimiter=",", dtype=str)
    until = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in file[:, 0]], dtype="datetime64[D]")
    vendor = file[:, 1].astype(float) * file[:, 2].astype(float)
    rows = us_daily[symbol]
    days = np.array(sorted(rows), dtype="datetime64[D]")
    ours = np.array([rows[day][2] for day in days.tolist()])
    theirs = vendor[np.searchsorted(until, days)]
    ratio = (ours / ours[-1]) / (theirs / theirs[-1])
    assert np.abs(np.log(ratio[1:] / ratio[:-1])).max() < 2e-4


@pytest.mark.market_data
@market_data
def test_adjusted_returns_are_price_and_dividend_returns_on_the_price_without_the_dividend(us_daily) -> None:
    """With p0, p1 the closes around an ex-date, D its dividend and r its split, the adjusted return is exactly
    (price return + dividend return) · p0/(p0 - D), where they are (r·p1 - p0)/p0 and D/p0; on other days the price's.
    """
    with duckdb.connect() as db:
        actions = db.execute(
            "SELECT symbol, ex_date, coalesce(max(ratio) FILTER (type = 'split'), 1), "
            "coalesce(sum(amount) FILTER (type = 'cash_dividend'), 0) "
            "FROM (SELECT DISTINCT * FROM read_csv(?)) GROUP BY ALL",
            [str(DATA / "corporate_actions.csv")],
        ).fetchall()
    known = {(symbol, day): (ratio, paid) for symbol, day, ratio, paid in actions}
    seen = 0
    for symbol in ("AAPL", "AIG", "BAC", "EEM", "IBM", "IWM", "SPY"):
        days = sorted(us_daily[symbol])
        for before, day in pairwise(days):
            (p0, _, _, adjusted0), (p1, _, _, adjusted1) = us_daily[symbol][before], us_daily[symbol][day]
            ratio, paid = known.get((symbol, day), (1.0, 0.0))
            seen += paid > 0
            expected = ((ratio * p1 - p0) / p0 + paid / p0) * p0 / (p0 - paid)
            assert adjusted1 / adjusted0 - 1 == pytest.approx(expected, abs=1e-9)
    assert seen > 400
