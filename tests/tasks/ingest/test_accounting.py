"""Whatever a file holds, its rows add up, and the lines that quarantine names are the lines in the file."""

from __future__ import annotations

import csv
import io
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

cell = st.sampled_from(["1", "2.5", "0", "-1", "x", "", "nan", "1e400", "1_0", '"7"', "  3 "])
day = st.sampled_from(["2020-01-02", "2020-01-03", "2020-02-30", "", "03/01/2020"])
name = st.sampled_from(["A", "B", '"A,B"', '"C\nD"', '"E""F"', "", "NA"])
row = st.one_of(
    st.tuples(day, name, cell).map(",".join),
    st.tuples(day, name).map(",".join),
    st.tuples(day, name, cell, cell).map(",".join),
    st.just(""),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, max_size=25), newline=st.sampled_from(["\n", "\r\n"]))
def test_rows_add_up_and_lines_are_right(ingest, rows, newline) -> None:
    anchor = "2020-05-04,Z,1"
    text = "\n".join(["date,symbol,close", anchor, *rows]) + "\n"
    text = text.replace("\n", newline)
    done = ingest(text, calendar=None, date_format="%Y-%m-%d")
    physical = text.split(newline)
    expected = [parsed for parsed in csv.reader(io.StringIO(text, newline="")) if parsed]
    counts = done.result
    assert counts["rows_read"] == len(expected) - 1
    assert counts["rows_read"] == sum(counts[f"rows_{fate}"] for fate in ("kept", "quarantined", "duplicate"))
    assert counts["rows_kept"] == len(done.rows)
    assert counts["rows_quarantined"] == len(done.quarantine)
    for entry in done.quarantine:
        first = re.split(r"\r?\n", entry["raw"])[0]
        assert physical[entry["line"] - 1] == first
