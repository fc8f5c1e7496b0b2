"""The catalogue of bad files: each is accepted, set aside row by row, or refused, with the line and the reason."""

from __future__ import annotations

import gzip

import duckdb
import pytest
import zstandard

from tasks.errors import DataUnusable, Invalid

H = "date,symbol,close\n"
OK = "2020-01-02,A,1\n2020-01-03,A,2\n"
GOOD = (H + OK).encode()


def counts(done) -> tuple[int, ...]:
    return tuple(done.result[f"rows_{name}"] for name in ("read", "kept", "quarantined", "duplicate"))


def reasons(done) -> list[tuple[int, str, str, str]]:
    return [(row["line"], row["reason"], row["column"], row["value"]) for row in done.quarantine]


def refused(ingest, content, match: str, **params) -> None:
    with pytest.raises(DataUnusable, match=match) as caught:
        ingest(content, **params)
    assert caught.value.violations, "a refusal says where to mend"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="B01 byte order mark"),
        pytest.param((H + OK).encode("utf-16"), id="B02 UTF-16 with its mark"),
        pytest.param((H + OK.rstrip("\n")).encode(), id="B06 no last line end"),
        pytest.param(GOOD.replace(b"\n", b"\r\n"), id="B06 CRLF"),
        pytest.param(GOOD.replace(b"\n", b"\r"), id="B06 CR"),
        pytest.param(b"date,symbol,close\r\n2020-01-02,A,1\n2020-01-03,A,2\r", id="B06 mixed"),
        pytest.param(GOOD.replace(b",", b";"), id="B08 semicolon"),
        pytest.param(GOOD.replace(b",", b"\t"), id="B08 tab"),
        pytest.param(gzip.compress(GOOD), id="gzip"),
        pytest.param(gzip.compress(H.encode()) + gzip.compress(OK.encode()), id="gzip of two members"),
        pytest.param(zstandard.compress(GOOD), id="zstd"),
        pytest.param(b"date,symbol,close\n\n2020-01-02,A,1\n\n2020-01-03,A,2\n\n", id="blank lines"),
        pytest.param(b"2020-01-03,A,2\n2020-01-02,A,1\n".join([H.encode(), b""]), id="B10 unsorted"),
    ],
)
def test_what_only_looks_odd_reads_like_the_plain_file(ingest, content) -> None:
    done = ingest(content)
    assert counts(done) == (2, 2, 0, 0)
    assert done.column("close") == [1.0, 2.0]
    assert [str(day) for day in done.column("date")] == ["2020-01-02", "2020-01-03"]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        pytest.param(GOOD.replace(b"A", "Ä".encode("latin-1")), "byte 0xc4 at offset 29", id="B02 latin-1"),
        pytest.param(GOOD + b"2020-01-06,\xff\xfe,1\n", "byte 0xff at offset 59", id="B02 mixed bytes"),
        pytest.param((H + OK).encode("utf-16-le"), "zero byte at offset 1", id="B02 UTF-16 without mark"),
        pytest.param(b"", "empty", id="B03 empty"),
        pytest.param(b"\xef\xbb\xbf", "no text", id="B03 mark only"),
        pytest.param(H, "header but no rows", id="B03 header only"),
        pytest.param(OK, "not a header but data", id="B04 no header"),
        pytest.param("date,symbol,close,close\n" + OK, "more than once", id="B04 twice"),
        pytest.param("date,symbol,Px,px\n2020-01-02,A,1,1\n", "more than once", id="B04 case twins"),
        pytest.param("date,symbol,,close\n2020-01-02,A,1,1\n", "Column 3 of the header has no name", id="B04 blank"),
        pytest.param(H + '2020-01-02,"A,1\n2020-01-03,A,2\n', "never closed", id="B07 unclosed quote"),
        pytest.param("date;symbol;close\n2020-01-02;A;1,5\n2020-01-03;A;2,5\n", "decimal comma", id="B08 comma"),
        pytest.param(H + "03/04/2020,A,1\n04/04/2020,A,2\n", "day first or month first", id="B16 ambiguous"),
        pytest.param(H + "24/04/2020,A,1\n04/24/2020,A,2\n", "mixes day-first", id="B16 mixed"),
        pytest.param(H + "45292,A,1\n45293,A,2\n", "spreadsheet", id="B16 serial"),
        pytest.param(H + "1577923200000,A,1\n1577923300000,A,2\n", "milliseconds or nanoseconds", id="B16 epoch"),
        pytest.param(H + "2020-01-02 09:30:00,A,1\n2020-01-02 09:31:00,A,2\n", "times of day", id="B17 intraday"),
        pytest.param(b"PK\x03\x04aaaa", "ZIP archive", id="B26 zip"),
        pytest.param(gzip.compress(gzip.compress(GOOD)), "another packed file", id="B26 nested"),
        pytest.param(gzip.compress(b"0" * 100_000_000), "unpacks to more than", id="B26 gzip bomb"),
        pytest.param(zstandard.compress(b"0" * 100_000_000), "unpacks to more than", id="B26 zstd bomb"),
        pytest.param(gzip.compress(GOOD * 50)[:-10], "cut short", id="gzip cut"),
        pytest.param(b"\x1f\x8b" + b"x" * 50, "damaged", id="gzip damaged"),
        pytest.param(b"\x28\xb5\x2f\xfd" + b"x" * 50, "damaged", id="zstd damaged"),
        pytest.param(b"PAR1" + b"x" * 100 + b"PAR1", "Parquet file can't be read", id="B27 fake magic"),
        pytest.param(b"<!DOCTYPE html><html></html>", "HTML", id="B29 html"),
        pytest.param(b"MZ\x90\x00", "a Windows program", id="B29 program"),
        pytest.param(b'<?xml version="1.0"?><svg/>', "HTML or XML", id="B29 svg"),
        pytest.param("date,A,B\n2020-01-02,.01,-.02\n2020-01-03,-.01,.03\n", "look like returns", id="wide returns"),
        pytest.param("date,open,high,low,close\n2020-01-02,1,1,1,1\n", "No column for symbol", id="no symbol"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_with_what_to_do(ingest, content, match) -> None:
    refused(ingest, content, match)


def test_b02_a_declared_encoding_is_used(ingest) -> None:
    done = ingest(GOOD.replace(b"A", "Ä".encode("latin-1")), encoding="latin-1")
    assert done.column("symbol") == ["Ä", "Ä"]


def test_b03_one_row_is_enough(ingest) -> None:
    assert counts(ingest(H + "2020-01-02,A,1")) == (1, 1, 0, 0)


def test_b05_ragged_rows_go_to_quarantine_by_line(ingest) -> None:
    done = ingest(H + OK + "2020-01-04,A\n2020-01-05,A,1,2\n")
    assert reasons(done) == [
        (4, "2 values where the header has 3", "", ""),
        (5, "4 values where the header has 3", "", ""),
    ]


def test_b07_quotes_hold_commas_line_ends_and_quotes_and_lines_stay_right(ingest) -> None:
    rows = '2020-01-02,"A,B",1\n2020-01-03,"A\nB",2\n2020-01-06,"A""B",3\n2020-01-07,"A\nB",0\n2020-01-08,C,zz\n'
    done = ingest(H + rows)
    assert sorted(done.column("symbol")) == ["A\nB", 'A"B', "A,B"]
    assert [(row["line"], row["value"], row["raw"]) for row in done.quarantine] == [
        (6, "0", '2020-01-07,"A\nB",0'),
        (8, "zz", "2020-01-08,C,zz"),
    ]


def test_b07_a_field_of_ten_megabytes_is_one_bad_row(ingest) -> None:
    done = ingest(H + OK + "2020-01-04," + "x" * 10_000_000 + ",3\n2020-01-06,A,0\n")
    assert [(row["line"], row["reason"]) for row in done.quarantine] == [
        (4, "longer than 4,194,304 bytes"),
        (5, "zero price"),
    ]
    assert len(done.quarantine[0]["raw"]) == 2000


def test_b08_a_declared_decimal_comma_is_read_and_thousands_never(ingest) -> None:
    done = ingest("date;symbol;close\n2020-01-02;A;1234,5\n2020-01-03;A;1.234,5\n", decimal=",")
    assert done.column("close") == [1234.5]
    assert reasons(done) == [(3, "not a number", "close", "1.234,5")]


def test_b09_the_same_row_again_is_dropped_and_a_conflict_set_aside(ingest) -> None:
    done = ingest(H + OK + "2020-01-03,A,2\n2020-01-02,B,1\n2020-01-02,B,2\n")
    assert counts(done) == (5, 2, 2, 1)
    assert [row["line"] for row in done.quarantine] == [5, 6]
    assert {row["reason"] for row in done.quarantine} == {"another row for the same symbol and date says otherwise"}


def test_b11_zero_volume_is_fine_zero_and_negative_prices_are_not(ingest) -> None:
    done = ingest(
        "date,symbol,close,volume\n2020-01-02,A,1,0\n2020-01-03,A,0,1\n2020-01-06,A,-37.6,1\n2020-01-07,A,1,-1\n"
    )
    assert reasons(done) == [
        (3, "zero price", "close", "0"),
        (4, "negative price", "close", "-37.6"),
        (5, "negative volume", "volume", "-1"),
    ]


@pytest.mark.parametrize("value", ["inf", "-inf", "Infinity", "1e308", "1e400", "NaN", "nan"])
def test_b12_what_is_not_finite_is_set_aside(ingest, value) -> None:
    assert reasons(ingest(H + OK + f"2020-01-06,A,{value}\n")) == [(4, "not a finite number", "close", value)]


@pytest.mark.parametrize(
    "value", ["-", "N/A", "#DIV/0!", "1 000", "$5", "10 000", "1_0", "0x10", "1d", "５", "=1+1", "1.2.3", "true"]
)
def test_b12_b14_what_is_not_a_number_is_set_aside(ingest, value) -> None:
    assert reasons(ingest(H + OK + f"2020-01-06,A,{value}\n")) == [(4, "not a number", "close", value)]


def test_b13_b31_tickers_and_formulas_are_kept_as_text_exactly(ingest) -> None:
    names = ["NA", "NULL", "TRUE", "NAN", "1E5", "MAR1", "null", "nan", "007", "1.10", "=cmd|' /C calc'!A0", "+1", "-1"]
    names += ["@SUM(A1)", "\uff1d1", " A "]
    done = ingest(H + "".join(f"2020-01-02,{name},1\n" for name in names))
    assert sorted(done.column("symbol")) == sorted(names)


def test_b15_a_bar_that_contradicts_itself_is_set_aside_and_rounding_is_not(ingest) -> None:
    rows = ["5,4,6,5", "5,6,4,7", "7,6,4,5", "5,6,4,6.000001", "5,6,4,5"]
    done = ingest(
        "date,symbol,open,high,low,close\n" + "".join(f"2020-01-0{i + 1},A,{r}\n" for i, r in enumerate(rows))
    )
    assert [(row["line"], row["reason"]) for row in done.quarantine] == [
        (2, "high below low"),
        (3, "close outside low and high"),
        (4, "open outside low and high"),
    ]


@pytest.mark.parametrize(
    ("dates", "found"),
    [
        (("03/04/2020", "24/04/2020"), "%d/%m/%Y"),
        (("04/03/2020", "04/24/2020"), "%m/%d/%Y"),
        (("03.04.2020", "24.04.2020"), "%d.%m.%Y"),
        (("20200403", "20200424"), "%Y%m%d"),
        (("03-Apr-2020", "24-Apr-2020"), "%d-%b-%Y"),
        (("2020/04/03", "2020/04/24"), "%Y/%m/%d"),
        (("2020-04-03T00:00:00Z", "2020-04-24 00:00:00+00:00"), "%Y-%m-%d 00:00"),
    ],
)
def test_b16_dates_are_read_where_the_values_tell(ingest, dates, found) -> None:
    done = ingest(H + "".join(f'"{day}",A,{i + 1}\n' for i, day in enumerate(dates)))
    assert [str(day) for day in done.column("date")] == ["2020-04-03", "2020-04-24"]
    assert done.result["detected"]["date_format"] == found


def test_b16_what_tells_day_from_month_may_stand_at_the_end_of_the_file(ingest) -> None:
    rows = "".join(f"0{i % 9 + 1}/0{i % 8 + 1}/{2000 + i // 72},A,1\n" for i in range(300)) + "24/04/2020,B,1\n"
    assert ingest(H + rows).result["detected"]["date_format"] == "%d/%m/%Y"


def test_b16_a_declared_format_is_used(ingest) -> None:
    done = ingest(H + "2 January 2020,A,1\n3 January 2020,A,2\n", date_format="%d %B %Y")
    assert [str(day) for day in done.column("date")] == ["2020-01-02", "2020-01-03"]


def test_b16_a_day_that_does_not_exist_or_is_written_otherwise_is_set_aside(ingest) -> None:
    done = ingest(H + OK + "2020-02-30,A,3\n2020/03/02,A,3\n1066-10-14,A,3\n")
    assert [(row["line"], row["reason"]) for row in done.quarantine] == [
        (4, "not a date written %Y-%m-%d"),
        (5, "not a date written %Y-%m-%d"),
        (6, "year outside 1800 to 2199"),
    ]


def test_b18_b19_gaps_and_weekend_rows_are_told(ingest) -> None:
    done = ingest(H + "2020-01-02,A,1\n2020-01-03,A,2\n2020-01-04,A,2\n2020-01-08,A,2.1\n")
    assert done.health["findings"]["missing_windows"] == [
        {"symbol": "A", "start": "2020-01-06", "end": "2020-01-07", "sessions": 2}
    ]
    (symbol,) = done.health["symbols"]
    assert (symbol["sessions_missing"], symbol["off_calendar_rows"], symbol["coverage"]) == (2, 1, 0.6)


def test_b19_a_venue_that_never_shuts_has_no_weekend(ingest) -> None:
    done = ingest(H + "2020-01-03,A,1\n2020-01-04,A,2\n2020-01-05,A,2\n", calendar="24/7")
    assert done.health["coverage"] == 1.0


def test_an_unknown_calendar_is_refused(ingest) -> None:
    with pytest.raises(Invalid, match="no calendar known"):
        ingest(GOOD, calendar="XNIL")


def test_b25_a_file_of_ten_thousand_columns_is_read_wide(ingest) -> None:
    names = [f"S{i:05d}" for i in range(10_000)]
    content = "date," + ",".join(names) + "\n2020-01-02" + ",5" * 10_000 + "\n2020-01-03" + ",6" * 10_000 + "\n"
    done = ingest(content, calendar=None)
    assert counts(done) == (20_000, 20_000, 0, 0)


def parquet(tmp_path, select: str):
    path = tmp_path / "in.parquet"
    with duckdb.connect() as db:
        db.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path


def test_b27_a_parquet_file_with_its_tail_cut_is_refused(ingest, tmp_path) -> None:
    path = parquet(tmp_path, "SELECT DATE '2020-01-02' AS date, 'A' AS symbol, 1.5 AS close")
    refused(ingest, path.read_bytes()[:-20], "can't be read")


@pytest.mark.parametrize("at", [8, 40, 90])
def test_b27_flipped_bytes_never_pass_as_other_numbers_unnoticed(ingest, tmp_path, at) -> None:
    path = parquet(
        tmp_path, "SELECT DATE '2020-01-02' + i::INT AS date, 'A' AS symbol, i + 1.5 AS close FROM range(50) r(i)"
    )
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    try:
        done = ingest(bytes(content), calendar=None)
    except DataUnusable:
        return
    assert done.result["rows_read"] == 50


def test_b28_decimals_and_timestamps_are_read_exactly(ingest, tmp_path) -> None:
    select = "SELECT TIMESTAMP '2020-01-02' AS date, 'A' AS symbol, 1.25::DECIMAL(38,18) AS close, 3::HUGEINT AS volume"
    done = ingest(parquet(tmp_path, select))
    assert (done.column("close"), done.column("volume")) == ([1.25], [3.0])


def test_b28_nested_columns_are_refused(ingest, tmp_path) -> None:
    refused(
        ingest, parquet(tmp_path, "SELECT DATE '2020-01-02' AS date, 'A' AS symbol, [1.5] AS close"), "must be a number"
    )


def test_b28_a_parquet_bomb_is_refused_before_it_is_read(ingest, tmp_path) -> None:
    select = "SELECT DATE '2020-01-02' AS date, 'A' AS symbol, 1.5::DOUBLE AS close FROM range(20_000_000)"
    refused(ingest, parquet(tmp_path, select), "unpacks to far too much")


def test_a_bad_cell_of_a_wide_file_costs_that_cell_alone(ingest) -> None:
    rows = ["2020-01-02,1,x", "2020-01-03,2,3", "bad,2,3", "2020-01-06,2,-3", "2020-01-07,2", "2020-01-08,,4"]
    done = ingest("date,A,B\n" + "\n".join(rows) + "\n")
    assert counts(done) == (9, 5, 4, 0)
    assert reasons(done) == [
        (2, "not a number", "B", "x"),
        (4, "not a date written %Y-%m-%d", "date", "bad"),
        (5, "negative price", "B", "-3"),
        (6, "2 values where the header has 3", "", ""),
    ]


def test_a_wide_file_whose_date_column_has_no_name_is_read(ingest) -> None:
    assert ingest(",A,B\n2020-01-02,1,2\n").column("symbol") == ["A", "B"]


def test_reject_refuses_the_whole_file_and_names_the_lines(ingest) -> None:
    with pytest.raises(DataUnusable, match="1 of 3 rows can't be used; the first: line 4") as caught:
        ingest(H + OK + "x,A,1\n", on_bad_row="reject")
    assert "line 4" in caught.value.violations[0].detail


def test_a_file_without_one_good_row_is_refused(ingest) -> None:
    refused(ingest, H + "2020-01-02,A,0\n", "1 of 1 rows")
