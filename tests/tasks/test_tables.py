"""Reading tables: nulls, dates, refusals that name the place."""

import duckdb
import numpy as np
import pytest

from tasks.errors import DataUnusable
from tasks.inputs import TableFile
from tasks.tables import column_types, read_columns, read_panel, read_panels


def table(tmp_path, sql):
    path = tmp_path / "t.parquet"
    duckdb.connect().execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
    return TableFile(path, "0" * 64, "ds_x@1", pointer="/params/prices")


LONG = """SELECT * FROM (VALUES (DATE '2024-01-03', 'B', 2.0, 7), (DATE '2024-01-02', 'A', 1.0, NULL),
          (DATE '2024-01-03', 'A', NULL, 9)) t(date, symbol, close, volume)"""


def test_columns_come_typed_with_nulls_as_nan_nat_and_none(tmp_path):
    found = read_columns(
        table(
            tmp_path,
            "SELECT 1::DECIMAL(9,2) d, NULL::DATE n, NULL::VARCHAR s, 3::BIGINT i, true b "
            "UNION ALL SELECT 2, DATE '2024-01-02', 'x', NULL, false",
        ),
        order_by="d",
    )
    assert found["d"].tolist() == [1.0, 2.0]
    assert np.isnat(found["n"][0])
    assert str(found["n"][1]) == "2024-01-02"
    assert found["s"].tolist() == [None, "x"]
    assert found["i"][0] == 3.0
    assert np.isnan(found["i"][1])
    assert found["b"].tolist() == [True, False]


def test_a_panel_is_sorted_on_both_axes_with_gaps_as_nan(tmp_path):
    panels = read_panels(table(tmp_path, LONG), ["close", "volume"])
    close = panels["close"]
    assert close.symbols == ("A", "B")
    assert [str(day) for day in close.dates] == ["2024-01-02", "2024-01-03"]
    np.testing.assert_array_equal(close.values, [[1.0, np.nan], [np.nan, 2.0]])
    np.testing.assert_array_equal(panels["volume"].values, [[np.nan, np.nan], [9.0, 7.0]])


def test_a_missing_column_is_named_with_what_there_is(tmp_path):
    with pytest.raises(DataUnusable, match="no column 'adj_close'; it has date, symbol") as caught:
        read_panel(table(tmp_path, LONG), "adj_close")
    assert caught.value.violations[0].pointer == "/params/prices"


def test_a_day_that_appears_twice_is_refused(tmp_path):
    with pytest.raises(DataUnusable, match="A on 2024-01-02 2 times"):
        read_panel(table(tmp_path, f"{LONG} UNION ALL SELECT DATE '2024-01-02', 'A', 5.0, 1"), "close")


def test_an_empty_table_is_refused(tmp_path):
    with pytest.raises(DataUnusable, match="holds no rows"):
        read_panel(table(tmp_path, f"{LONG} LIMIT 0"), "close")


def test_odd_column_names_are_only_names(tmp_path):
    assert column_types(table(tmp_path, 'SELECT 1 AS "a""; DROP"')) == {'a"; DROP': "INTEGER"}
    assert read_columns(table(tmp_path, 'SELECT 1 AS "a""; DROP"'))['a"; DROP'].tolist() == [1]
