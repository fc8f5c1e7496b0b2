"""The dataset types other than prices: what each needs, keeps and sets aside."""

from __future__ import annotations

import datetime as dt

import pytest

from tasks.errors import DataUnusable, Invalid
from tasks.ingest.kind import KIND
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


@pytest.mark.parametrize(
    "rows",
    [
        "date,factor,return\n2020-01-02,MKT,0.01\n2020-01-02,HML,-0.002\n2020-01-03,MKT,-0.02\n",
        "Date,MKT,HML\n2020-01-02,0.01,-0.002\n2020-01-03,-0.02,\n",
    ],
)
def test_factor_returns_come_long_or_with_a_column_for_each_factor(ingest, rows) -> None:
    done = ingest(rows, **{"as": "factor_returns"})
    first, second = dt.date(2020, 1, 2), dt.date(2020, 1, 3)
    assert done.columns == ["date", "factor", "return"]
    assert done.rows == [(first, "HML", -0.002), (first, "MKT", 0.01), (second, "MKT", -0.02)]
    assert (done.version.symbols, done.version.start, done.version.end) == (2, "2020-01-02", "2020-01-03")


def test_a_bad_factor_return_is_set_aside_and_the_others_of_its_day_stay(ingest) -> None:
    done = ingest("Date,MKT,HML\n2020-01-02,-1.5,0.01\n2020-01-03,x,0.02\n", **{"as": "factor_returns"})
    assert done.column("return") == [0.01, 0.02]
    assert [(row["line"], row["column"], row["value"]) for row in done.quarantine] == [
        (2, "MKT", "-1.5"),
        (3, "MKT", "x"),
    ]


def test_factor_returns_in_percent_are_refused(ingest) -> None:
    with pytest.raises(DataUnusable, match="look like percents"):
        ingest("Date,MKT\n2020-01-02,0.8\n2020-01-03,-1.2\n2020-01-06,0.5\n", **{"as": "factor_returns"})


def test_factor_returns_are_appended_to(ingest) -> None:
    first = ingest("Date,MKT\n2020-01-02,0.01\n", **{"as": "factor_returns"})
    done = ingest("Date,MKT\n2020-01-02,0.01\n2020-01-03,0.02\n", onto=first, **{"as": "factor_returns"})
    assert (done.column("return"), done.result["rows_duplicate"]) == ([0.01, 0.02], 1)


def test_texts_may_be_many_on_a_day_and_one_twice_is_a_duplicate(ingest) -> None:
    rows = [
        "published,ticker,headline,lang",
        '2020-01-02,A,"Profit, at last",en',
        "2020-01-02,A,Chief resigns,en",
        "2020-01-02,A,Chief resigns,en",
        "2020-01-02,,Markets rise,en",
    ]
    done = ingest("\n".join(rows) + "\n", **{"as": "text"})
    assert done.columns == ["date", "symbol", "text", "lang"]
    assert done.column("text") == ["Chief resigns", "Profit, at last"]
    assert (done.result["rows_duplicate"], done.quarantine[0]["reason"]) == (1, "symbol is missing")


@pytest.mark.parametrize("name", ["corporate_actions", "symbol_map"])
def test_only_prices_take_actions_and_maps(name) -> None:
    table = {"columns": ["a"], "rows": []}
    given = {"upload": "upl_01970000-0000-7000-8000-000000000000", "dataset": "x", "as": "positions", name: table}
    with pytest.raises(Invalid) as caught:
        check(KIND.params, given)
    assert caught.value.violations[0].pointer == f"/params/{name}"
