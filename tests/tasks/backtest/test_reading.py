from __future__ import annotations

import duckdb
import numpy as np
import pytest

from tasks.backtest.reading import read_members, read_scores
from tasks.errors import DataUnusable
from tasks.inputs import TableFile


@pytest.fixture
def written(tmp_path):
    """Return a function that writes what a query selects as a table input."""

    def write(query):
        path = tmp_path / "table.parquet"
        with duckdb.connect() as db:
            db.execute(f"COPY ({query}) TO '{path}' (FORMAT PARQUET)")
        return TableFile(path, "", "the table", pointer="/params/signal")

    return write


def test_the_only_column_of_numbers_is_the_score(written):
    panel = read_scores(written("SELECT DATE '2020-01-02' AS date, 'A' AS symbol, 'x' AS note, 1.5 AS alpha"), "score")
    assert panel.values.tolist() == [[1.5]]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT DATE '2020-01-02' AS date, 'A' AS symbol, 1 AS a, 2 AS b", "no column 'score'"),
        ("SELECT DATE '2020-01-02' AS date, 'A' AS symbol, 'inf'::DOUBLE AS score", "infinite"),
        ("SELECT '2020-01-02' AS date, 'A' AS symbol, 1.0 AS score", "must hold dates"),
        ("SELECT DATE '2020-01-02' AS date, 7 AS symbol, 1.0 AS score", "must hold text"),
        ("SELECT DATE '2020-01-02' AS date, 'A' AS symbol, 'high' AS score", "must hold numbers"),
    ],
)
def test_what_is_no_signal_is_refused(written, query, what):
    with pytest.raises(DataUnusable, match=what) as refused:
        read_scores(written(query), "score")
    assert refused.value.violations[0].pointer == "/params/signal"


def test_members_by_date_leave_out_names_without_prices(written):
    table = written(
        "SELECT * FROM (VALUES (DATE '2020-01-02', 'B'), (DATE '2020-01-02', 'X'), (DATE '2020-02-03', 'A'))"
        " t(date, symbol)"
    )
    members = read_members(table, ("A", "B"))
    assert members.dates.astype(str).tolist() == ["2020-01-02", "2020-02-03"]
    assert np.isfinite(members.values).tolist() == [[False, True], [True, False]]
