"""Two vendors' prices of the same symbols: the days on which they disagree are named, one by one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from tasks.errors import DataUnusable, Invalid
from tasks.ingest.kind import KIND
from tasks.params import check

DATA = Path(__file__).parents[4] / "shared" / "data"
H = "date,symbol,close\n"
OURS = H + "2020-01-02,A,100\n2020-01-03,A,101\n2020-01-06,A,103\n2020-01-07,A,104\n2020-01-02,B,5\n"
AUGUST = dt.date(2013, 8, 8)


@pytest.fixture
def actions() -> list[tuple[object, ...]]:
    with duckdb.connect() as db:
        return db.execute(
            "SELECT ex_date::VARCHAR, * EXCLUDE (ex_date) FROM read_csv(?)", [str(DATA / "corporate_actions.csv")]
        ).fetchall()


def disputed(done) -> dict[str, int]:
    return {entry["symbol"]: entry["disputed"] for entry in done.health["cross_check"]["by_symbol"]}


def days(done) -> set[tuple[str, dt.date]]:
    table = done.outcome.tables[2]
    assert table.name == "cross_check.csv"
    return set(zip(table.columns["symbol"].tolist(), table.columns["date"].tolist(), strict=True))


def test_a_day_on_which_the_other_says_otherwise_is_named(ingest) -> None:
    other = ingest(OURS.replace("06,A,103", "06,A,106"))
    done = ingest(OURS, against=other)
    assert days(done) == {("A", dt.date(2020, 1, 6)), ("A", dt.date(2020, 1, 7))}
    first = done.health["cross_check"]["largest"][0]
    assert (first["date"], first["return"]) == ("2020-01-06", pytest.approx(103 / 101 - 1))
    assert first["other_return"] == pytest.approx(106 / 101 - 1)
    assert any(w.startswith("2 of 3 daily returns differ") for w in done.result["warnings"])
    assert done.health["symbols"][0]["score"] < done.health["symbols"][1]["score"]


def test_a_price_level_of_its_own_and_a_gap_are_no_dispute(ingest) -> None:
    other = ingest(H + "2020-01-02,A,10\n2020-01-06,A,10.3\n2020-01-07,A,10.4\n")
    done = ingest(OURS, against=other)
    assert days(done) == set()
    assert done.health["cross_check"]["returns"] == 2


def test_returns_just_within_the_tolerance_agree(ingest) -> None:
    other = ingest(OURS.replace("06,A,103", "06,A,103.2"))
    assert days(ingest(OURS, against=other)) == set()
    assert len(days(ingest(OURS, against=other, cross_check_tolerance=0.001))) == 2


def test_nothing_in_common_is_said(ingest) -> None:
    done = ingest(OURS, against=ingest(H + "2020-01-02,Z,1\n2020-01-03,Z,1.01\n"))
    assert any("compared nothing" in warning for warning in done.result["warnings"])


def test_a_table_without_prices_is_refused(ingest) -> None:
    other = ingest("symbol,sector\nA,Tech\n", **{"as": "classifications"})
    with pytest.raises(DataUnusable, match="has no column close, date"):
        ingest(OURS, against=other)


def test_only_prices_are_cross_checked() -> None:
    given = {"upload": "upl_01970000-0000-7000-8000-000000000000", "dataset": "x", "as": "positions"}
    with pytest.raises(Invalid) as caught:
        check(KIND.params, given | {"cross_check": "ds_01970000-0000-7000-8000-000000000000"})
    assert caught.value.violations[0].pointer == "/params/cross_check"


@pytest.mark.market_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the market data folder is absent")
def test_apple_s_false_return_of_2013_08_08_is_found_among_the_published_counts(ingest) -> None:
    """63 days of AAPL, 19 of BBY and none of AMD differ by more than 0.5 %, of 7,124 that both files have."""
    other = ingest(DATA / "sp500_20_adjusted_wide.csv.gz")
    done = ingest(DATA / "ragged_20_wide.csv", against=other)
    counts = disputed(done)
    assert [counts[symbol] for symbol in ("AAPL", "BBY", "AMD")] == [63, 19, 0]
    assert ("AAPL", AUGUST) in days(done)


@pytest.mark.market_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the market data folder is absent")
def test_raw_bars_with_their_corporate_actions_find_it_as_well(ingest, actions) -> None:
    raw = ingest(DATA / "us_daily_raw.csv.gz", actions=actions)
    done = ingest(DATA / "ragged_20_wide.csv", against=raw)
    assert ("AAPL", AUGUST) in days(done)
    fine = ingest(DATA / "sp500_20_adjusted_wide.csv.gz", against=raw)
    assert ("AAPL", AUGUST) not in days(fine)
