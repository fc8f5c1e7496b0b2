"""The dataset types other than prices: what each needs, keeps and sets aside."""

from __future__ import annotations

import datetime as dt

import pytest

from tasks.errors import Invalid
from tasks.ingest.kind import KIND
from tasks.ingest.types import PLANNED
from tasks.params import check


def test_classifications_keep_further_columns_as_text(ingest) -> None:
    rows = "Ticker,GICS Sector,code,market_cap\nB,Tech,0045,1e9\nA,,0012,2.5e9\nB,Tech,0045,1e9\n"
    done = ingest(rows, **{"as": "classifications"})
    assert done.columns == ["symbol", "sector", "market_cap", "code"]
    assert done.rows == [("A", None, 2.5e9, "0012"), ("B", "Tech", 1e9, "0045")]
    assert done.result["rows_duplicate"] == 1


def test_corporate_actions_name_what_is_wrong_with_one(ingest) -> None:
    rows = "ex_date,symbol,type,ratio,amount\n2020-01-02,A,split,2,\n2020-01-02,A,split,,3\n2020-01-02,A,bonus,2,\n"
    done = ingest(rows, **{"as": "corporate_actions"})
    assert done.result["rows_kept"] == 1
    assert [(row["line"], row["column"]) for row in done.quarantine] == [(3, "ratio"), (4, "type")]


def test_fundamentals_need_their_publication_date(ingest) -> None:
    rows = [
        "symbol,filed,period_end,net_income,sector_code,note",
        "A,2020-02-10,2019-12-31,5.5,01,x",
        "A,,2020-03-31,6,01,y",
        "A,2020-03-01,2020-03-31,7,01,z",
    ]
    done = ingest("\n".join(rows) + "\n", **{"as": "fundamentals"})
    assert done.columns == ["symbol", "available_from", "period_end", "net_income", "sector_code", "note"]
    assert done.rows == [("A", dt.date(2020, 2, 10), dt.date(2019, 12, 31), 5.5, "01", "x")]
    assert [row["line"] for row in done.quarantine] == [3, 4]
    assert "published before its period ended" in done.quarantine[1]["reason"]


def test_a_symbol_map_is_a_dataset(ingest) -> None:
    rows = "FB,,2022-06-08,meta\nMETA,2022-06-09,,meta\nX,2020-01-02,2019-01-01,x\n"
    done = ingest("symbol,valid_from,valid_to,permanent_id\n" + rows, **{"as": "symbol_map"})
    assert done.column("permanent_id") == ["meta", "meta"]
    assert [row["line"] for row in done.quarantine] == [4]


def test_benchmark_weights_are_fractions(ingest) -> None:
    done = ingest("date,symbol,weight\n2020-01-02,A,0.02\n2020-01-02,B,2.5\n", **{"as": "benchmark_weights"})
    assert done.column("weight") == [0.02]
    assert done.quarantine[0]["value"] == "2.5"


def test_positions_may_be_short(ingest) -> None:
    done = ingest("account,symbol,qty,px\nX,A,-100,5\nX,B,0,0\n", **{"as": "positions"})
    assert done.rows == [("A", -100.0, 5.0, "X")]
    assert done.quarantine[0]["reason"] == "not a price"


@pytest.mark.parametrize("name", PLANNED)
def test_what_is_not_offered_yet_says_so(name) -> None:
    with pytest.raises(Invalid) as caught:
        check(KIND.params, {"upload": "upl_01970000-0000-7000-8000-000000000000", "dataset": "x", "as": name})
    assert "not offered yet" in caught.value.violations[0].detail


@pytest.mark.parametrize("name", ["corporate_actions", "symbol_map"])
def test_only_prices_take_actions_and_maps(name) -> None:
    table = {"columns": ["a"], "rows": []}
    given = {"upload": "upl_01970000-0000-7000-8000-000000000000", "dataset": "x", "as": "positions", name: table}
    with pytest.raises(Invalid) as caught:
        check(KIND.params, given)
    assert caught.value.violations[0].pointer == f"/params/{name}"
