from __future__ import annotations

import datetime as dt

import numpy as np
import openpyxl
import pytest

from reports.workbook import TEXT_MAX, write_workbook


def read(tmp_path, *sheets):
    write_workbook({"title": "T", "sheets": [{"name": n, "columns": c} for n, c in sheets]}, tmp_path / "t.xlsx")
    return openpyxl.load_workbook(tmp_path / "t.xlsx")


def test_cells_have_the_types_of_their_columns_and_missing_ones_are_empty(tmp_path):
    columns = {
        "date": np.array(["2024-02-29", "NaT"], dtype="datetime64[D]"),
        "x": np.array([0.1, np.nan]),
        "inf": np.array([np.inf, -1e-18]),
        "n": np.array([7, -3]),
        "b": np.array([True, False]),
        "s": np.array(["1e5", None], dtype=object),
    }
    rows = list(read(tmp_path, ("t", columns))["t"].iter_rows(values_only=True))
    leap_day = dt.datetime.fromisoformat("2024-02-29")
    assert rows[0] == tuple(columns)
    assert rows[1:] == [(leap_day, 0.1, None, 7, True, "1e5"), (None, None, -1e-18, -3, False, None)]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "@SUM(A1)", "{=1}", "http://127.0.0.1/", "mailto:a@b", "\t=1", "<b>&", "Ω 三"]
)
def test_text_is_text_whatever_it_looks_like(tmp_path, text):
    book = read(tmp_path, ("t", {"s": np.array([text], dtype=object)}))
    cell = book["t"]["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_sheet_names_are_such_as_excel_takes(tmp_path):
    columns = {"x": np.array([1.0])}
    names = ["a/b", "A_b", "x" * 50, "x" * 60, "'quoted'", "History", "", "[1]"]
    got = read(tmp_path, *((name, columns) for name in names)).sheetnames
    assert len({name.casefold() for name in got}) == len(names)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in got)


def test_a_text_longer_than_a_cell_is_cut_visibly(tmp_path):
    value = read(tmp_path, ("t", {"s": np.array(["a" * 40_000], dtype=object)}))["t"]["A2"].value
    assert len(value) == TEXT_MAX
    assert value.endswith("\u2026")
