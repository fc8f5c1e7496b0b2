"""Who a ticker was on a day: histories join where one company changed its name, and nowhere else."""

from __future__ import annotations

import datetime as dt

import pytest

from tasks.errors import DataUnusable
from tasks.ingest.identity import Rename, Tenure, from_renames

PRICES = "date,symbol,close\n2022-06-07,FB,190\n2022-06-08,FB,196\n2022-06-09,META,184\n2022-06-10,META,175\n"
MAP = ["symbol", "valid_from", "valid_to", "permanent_id"]
DAY = dt.date(2022, 6, 9)


def test_a_rename_joins_the_histories_under_the_last_name(ingest) -> None:
    done = ingest(PRICES, actions=[("2022-06-09", "FB", "rename", None, None, "META")])
    assert done.column("symbol") == ["META"] * 4
    assert done.column("ticker") == ["FB", "FB", "META", "META"]


def test_without_a_rename_or_map_two_tickers_stay_two(ingest) -> None:
    done = ingest(PRICES)
    assert done.column("symbol") == ["FB", "FB", "META", "META"]
    assert "ticker" not in done.columns


def test_actions_find_the_company_under_the_ticker_of_their_day(ingest) -> None:
    rename = ("2022-06-09", "FB", "rename", None, None, "META")
    done = ingest(PRICES, actions=[rename, ("2022-06-08", "FB", "split", 2, None)])
    assert done.column("split_factor") == [0.5, 1.0, 1.0, 1.0]


def test_the_old_ticker_s_next_company_does_not_join(ingest) -> None:
    done = ingest(PRICES + "2022-06-10,FB,12\n", actions=[("2022-06-09", "FB", "rename", None, None, "META")])
    assert done.column("symbol") == ["FB", "META", "META", "META", "META"]
    assert done.column("close")[0] == 12.0


def test_the_new_ticker_s_former_company_is_set_aside(ingest) -> None:
    rows = PRICES + "2022-06-07,META,9\n"
    done = ingest(rows, actions=[("2022-06-09", "FB", "rename", None, None, "META")])
    assert [(row["line"], row["value"]) for row in done.quarantine] == [(6, "META")]
    assert len(done.rows) == 4


def test_a_vendor_that_joined_the_histories_already_is_left_alone(ingest) -> None:
    rows = PRICES.replace("FB", "META")
    done = ingest(rows, actions=[("2022-06-09", "FB", "rename", None, None, "META")])
    assert done.column("symbol") == ["META"] * 4
    assert not done.quarantine


def test_a_chain_of_renames_ends_at_the_last_name() -> None:
    later = dt.date(2024, 1, 2)
    found = from_renames([Rename("FB", "META", DAY), Rename("META", "M", later)], {"FB", "META", "M"})
    before = dt.timedelta(days=1)
    assert Tenure("FB", dt.date(1, 1, 1), DAY - before, "M") in found
    assert Tenure("META", DAY, later - before, "M") in found
    assert Tenure("META", dt.date(1, 1, 1), DAY - before, None) in found


def test_a_symbol_map_makes_the_permanent_id_the_symbol(ingest) -> None:
    rows = [("FB", None, "2022-06-08", "fb-inc"), ("META", "2022-06-09", None, "fb-inc")]
    done = ingest(PRICES + "2022-06-07,OTHER,1\n", symbol_map=(MAP, rows))
    assert done.column("symbol") == ["OTHER", *["fb-inc"] * 4]
    assert done.column("ticker") == ["OTHER", "FB", "FB", "META", "META"]


def test_a_day_that_the_map_does_not_cover_is_set_aside(ingest) -> None:
    rows = [("FB", None, "2022-06-07", "fb-inc"), ("META", "2022-06-09", None, "fb-inc")]
    done = ingest(PRICES, symbol_map=(MAP, rows))
    assert [(row["line"], row["reason"]) for row in done.quarantine] == [
        (3, "no company is known to have had this ticker on this day")
    ]


def test_a_reused_ticker_is_two_companies(ingest) -> None:
    rows = [("AAA", None, "2007-05-18", "AAA.1"), ("AAA", "2020-09-09", None, "AAA")]
    done = ingest("date,symbol,close\n2007-05-18,AAA,50\n2020-09-09,AAA,25\n", symbol_map=(MAP, rows))
    assert done.column("symbol") == ["AAA", "AAA.1"]
    assert done.health["found"]["suspected_splits"] == 0


def test_a_map_that_gives_a_ticker_to_two_companies_at_once_is_refused(ingest) -> None:
    rows = [("FB", None, "2022-06-09", "a"), ("FB", "2022-06-09", None, "b")]
    with pytest.raises(DataUnusable, match="a ticker means one company"):
        ingest(PRICES, symbol_map=(MAP, rows))
