"""The main path: a file of prices becomes a canonical table with an account of every row."""

from __future__ import annotations

import datetime as dt

LONG = """Date,Ticker,Open,High,Low,Close,Volume
2020-01-03,MSFT,158,159,157,158.5,100
2020-01-02,MSFT,157,158,156,157.5,200
2020-01-02,AAPL,300,302,299,301,300
2020-01-03,AAPL,301,303,300,302,400
2020-01-03,AAPL,301,303,300,302,400
2020-01-06,AAPL,301,299,300,302,400
2020-01-07,AAPL,x,303,300,302,400
"""


def test_a_long_file_becomes_the_canonical_table(ingest) -> None:
    done = ingest(LONG)
    assert done.columns == [
        *("date", "symbol", "open", "high", "low", "close", "volume"),
        *("split_factor", "adj_factor", "adj_close"),
    ]
    assert done.rows[0] == (dt.date(2020, 1, 2), "AAPL", 300.0, 302.0, 299.0, 301.0, 300.0, 1.0, 1.0, 301.0)
    assert done.column("symbol") == ["AAPL", "AAPL", "MSFT", "MSFT"]
    assert done.column("date")[2:] == [dt.date(2020, 1, 2), dt.date(2020, 1, 3)]


def test_every_row_is_accounted_for_with_line_and_reason(ingest) -> None:
    done = ingest(LONG)
    counts = [done.result[f"rows_{name}"] for name in ("read", "kept", "quarantined", "duplicate", "total")]
    assert counts == [7, 4, 2, 1, 4]
    assert done.quarantine == [
        {
            "line": 7,
            "reason": "high below low",
            "column": "High",
            "value": "299",
            "raw": "2020-01-06,AAPL,301,299,300,302,400",
        },
        {
            "line": 8,
            "reason": "not a number",
            "column": "Open",
            "value": "x",
            "raw": "2020-01-07,AAPL,x,303,300,302,400",
        },
    ]


def test_what_was_detected_is_reported(ingest) -> None:
    detected = ingest(LONG).result["detected"]
    assert detected["delimiter"] == ","
    assert detected["date_format"] == "%Y-%m-%d"
    assert detected["layout"] == "long"
    assert detected["columns"]["symbol"] == "Ticker"


def test_a_wide_file_is_recognised_and_an_empty_cell_is_no_row(ingest) -> None:
    done = ingest("Date,AAPL,NA\n2020-01-02,10,\n2020-01-03,11,5\n")
    assert done.result["detected"]["layout"] == "wide"
    assert done.column("symbol") == ["AAPL", "AAPL", "NA"]
    assert done.column("close") == [10.0, 11.0, 5.0]
    assert done.column("open") == [None] * 3
    assert done.result["rows_read"] == 3


def test_actions_adjust_earlier_prices_only(ingest) -> None:
    prices = "date,symbol,close\n2020-01-02,A,100\n2020-01-03,A,50\n2020-01-06,A,49\n"
    done = ingest(
        prices, actions=[("2020-01-03", "A", "split", 2, None), ("2020-01-06", "A", "cash_dividend", None, 1)]
    )
    assert done.column("close") == [100.0, 50.0, 49.0]
    assert done.column("split_factor") == [0.5, 1.0, 1.0]
    assert done.column("adj_factor") == [0.5 * 0.98, 0.98, 1.0]
    assert done.column("adj_close") == [100 * (0.5 * 0.98), 49.0, 49.0]


def test_the_version_carries_what_a_preview_shows(ingest) -> None:
    version = ingest(LONG).version
    assert (version.rows, version.symbols, version.start, version.end) == (4, 2, "2020-01-02", "2020-01-03")
    assert version.health["sample"]["rows"][0][:2] == ["2020-01-02", "AAPL"]


def test_the_same_file_gives_the_same_bytes(ingest) -> None:
    assert ingest(LONG).path.read_bytes() == ingest(LONG).path.read_bytes()
