from __future__ import annotations

import csv
import math

import duckdb
import numpy as np
import pytest

from reports.tables import inert, write_csv, write_parquet

NUMBERS = [0.1, -0.0, 1e-18, 1e22, 5e-324, 1.7976931348623157e308, 1 / 3, -0.05, 1e15, 123456789.0]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_csv_numbers_read_back_equal_to_the_last_bit(tmp_path):
    random = np.random.default_rng(1)
    values = np.r_[NUMBERS, random.normal(size=2000), 10.0 ** random.uniform(-300, 300, 2000)]
    write_csv({"x": values}, tmp_path / "t.csv")
    back = np.array([float(row[0]) for row in rows_of(tmp_path / "t.csv")[1:]])
    assert back.tobytes() == values.tobytes()


def test_csv_writes_dates_integers_booleans_and_null(tmp_path):
    columns = {
        "date": np.array(["2024-02-29", "NaT"], dtype="datetime64[D]"),
        "n": np.array([2**62, -1]),
        "b": np.array([True, False]),
        "x": np.array([np.nan, np.inf]),
        "s": np.array([None, ""], dtype=object),
        "none": np.array([None, None], dtype=object),
    }
    write_csv(columns, tmp_path / "t.csv")
    expected = 'date,n,b,x,s,none\n2024-02-29,4611686018427387904,true,,,\n,-1,false,,"",\n'
    assert (tmp_path / "t.csv").read_bytes() == expected.encode()


def test_csv_quotes_as_rfc_4180_says(tmp_path):
    texts = ["a,b", 'say "hi"', "two\nlines", "carriage\rreturn", "  spaces  ", "NULL", "é"]
    write_csv({"s": np.array(texts, dtype=object)}, tmp_path / "t.csv")
    assert [row[0] for row in rows_of(tmp_path / "t.csv")[1:]] == texts


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"]
)
def test_csv_text_that_a_spreadsheet_would_run_is_made_inert(tmp_path, text):
    write_csv({text: np.array([text, f"a{text}"], dtype=object)}, tmp_path / "t.csv")
    assert rows_of(tmp_path / "t.csv") == [[f"'{text}"], [f"'{text}"], [f"a{text}"]]
    assert inert(text) == f"'{text}"


def test_csv_numbers_are_never_made_inert(tmp_path):
    write_csv({"x": np.array([-0.05]), "n": np.array([-3])}, tmp_path / "t.csv")
    assert rows_of(tmp_path / "t.csv")[1] == ["-0.05", "-3"]


def test_parquet_keeps_types_and_turns_what_is_not_a_number_into_null(tmp_path):
    columns = {
        "date": np.array(["2024-02-29", "NaT"], dtype="datetime64[D]"),
        "x": np.array([1.5, np.nan]),
        "inf": np.array([np.inf, -np.inf]),
        "n": np.array([1, 2]),
        "b": np.array([True, False]),
        "s": np.array(["=raw", None], dtype=object),
        "none": np.array([None, None], dtype=object),
    }
    write_parquet(columns, tmp_path / "it's.parquet")
    with duckdb.connect() as db:
        relation = db.execute("SELECT * FROM read_parquet(?)", [str(tmp_path / "it's.parquet")])
        types = [str(column[1]) for column in relation.description]
        first, second = relation.fetchall()
    assert types == ["DATE", "DOUBLE", "DOUBLE", "BIGINT", "BOOLEAN", "VARCHAR", "VARCHAR"]
    assert first[1:] == (1.5, None, 1, True, "=raw", None)
    assert second == (None, None, None, 2, False, None, None)


def test_a_table_of_no_rows_keeps_its_columns(tmp_path):
    columns = {"date": np.zeros(0, "datetime64[D]"), "x": np.zeros(0), "s": np.zeros(0, object)}
    write_parquet(columns, tmp_path / "t.parquet")
    write_csv(columns, tmp_path / "t.csv")
    with duckdb.connect() as db:
        described = db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(tmp_path / "t.parquet")]).fetchall()
    assert [row[:2] for row in described] == [("date", "DATE"), ("x", "DOUBLE"), ("s", "VARCHAR")]
    assert (tmp_path / "t.csv").read_text() == "date,x,s\n"


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"a": np.zeros(2), "b": np.zeros(3)},
        {"a": np.zeros(1), "A": np.zeros(1)},
        {"a": np.zeros(1, dtype=complex)},
    ],
    ids=["none", "lengths", "case", "dtype"],
)
def test_what_is_no_table_is_refused_and_nothing_is_written(tmp_path, columns):
    with pytest.raises(ValueError, match="column"):
        write_parquet(columns, tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())


def test_names_with_quotes_and_keywords_are_only_names(tmp_path):
    names = ['a"b', "select", "x; DROP TABLE t", "with space"]
    write_csv({name: np.array([math.pi]) for name in names}, tmp_path / "t.csv")
    assert rows_of(tmp_path / "t.csv")[0] == names


def test_a_million_rows_are_written_whole(tmp_path):
    n = 1_000_000
    write_csv({"n": np.arange(n), "x": np.full(n, 0.1), "s": np.full(n, "S1", dtype=object)}, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open() as file:
        lines = sum(1 for _ in file)
    assert lines == n + 1
