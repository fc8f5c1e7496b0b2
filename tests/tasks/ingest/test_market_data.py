"""Real files, as a new user would upload them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

DATA = Path(__file__).parents[4] / "shared" / "data"

pytestmark = [
    pytest.mark.market_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the market data folder is absent"),
]


def actions() -> list[tuple]:
    with duckdb.connect() as db:
        query = "SELECT ex_date::VARCHAR, symbol, type, ratio, amount FROM read_csv(?)"
        return db.execute(query, [str(DATA / "corporate_actions.csv")]).fetchall()


def test_raw_daily_bars_with_their_actions(ingest) -> None:
    done = ingest(DATA / "us_daily_raw.csv.gz", actions=actions())
    assert (done.result["rows_read"], done.result["rows_kept"]) == (70025, 70025)
    told = done.health["corporate_actions"]
    assert told["applied"]["split"] == 17
    suspected = {(s["symbol"], s["date"]) for s in done.health["findings"]["suspected_splits"]}
    assert ("AAPL", "2014-06-09") not in suspected
    assert 40 < done.result["score"] < 60
    assert [entry["symbol"] for entry in done.health["worst"][:2]] == ["USO", "BNO"]


def test_the_same_bars_without_actions_are_suspected_of_their_splits(ingest) -> None:
    found = ingest(DATA / "us_daily_raw.csv.gz").health["findings"]["suspected_splits"]
    apple = {s["date"]: s["ratio"] for s in found if s["symbol"] == "AAPL"}
    profit_warning = {"2000-09-29": 2.0}  # it halved the price in a day: only a person can tell that from a split
    assert apple == {"2000-06-21": 2.0, "2005-02-28": 2.0, "2014-06-09": 7.0, "2020-08-31": 4.0} | profit_warning


def test_a_reused_ticker_shows_as_a_gap_of_thirteen_years(ingest) -> None:
    windows = ingest(DATA / "us_daily_raw.csv.gz").health["findings"]["missing_windows"]
    assert {"symbol": "AAA", "start": "2007-05-21", "end": "2020-09-08", "sessions": 3350} in windows


@pytest.mark.parametrize(
    ("name", "rows", "symbols"),
    [
        ("etf_23_wide.csv", 49_243, 23),
        ("sp500_20_adjusted_wide.csv.gz", 166_260, 20),
        ("ragged_20_wide.csv", 106_931, 20),
        ("ten_stocks_and_spy.csv", 11_044, 11),
        ("sp500_index.csv.gz", 8_313, 1),
        ("style_etfs.csv.gz", 11_320, 5),
    ],
)
def test_wide_files(ingest, name, rows, symbols) -> None:
    done = ingest(DATA / name)
    assert done.result["detected"]["layout"] == "wide"
    assert (done.result["rows_kept"], done.result["symbols"], done.result["rows_quarantined"]) == (rows, symbols, 0)
    assert done.result["score"] > (75 if symbols == 20 else 90)  # twenty stocks halved on bad news now and then


def test_a_ragged_start_is_no_gap(ingest) -> None:
    done = ingest(DATA / "ragged_20_wide.csv")
    starts = {entry["symbol"]: entry["start"] for entry in done.health["symbols"]}
    assert starts["FB"] == "2012-05-18"
    assert done.health["coverage"] > 0.999


def test_the_actions_file_is_a_dataset_too(ingest) -> None:
    done = ingest(DATA / "corporate_actions.csv", **{"as": "corporate_actions"})
    assert (done.result["rows_read"], done.result["rows_kept"], done.result["rows_duplicate"]) == (671, 669, 2)
