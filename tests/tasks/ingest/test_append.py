"""Appending: yesterday's version stays as it is, today's rows and actions build upon it."""

from __future__ import annotations

import pytest

from tasks.errors import DataUnusable, Invalid
from tasks.ingest.kind import KIND
from tasks.params import check, references

DATASET = "ds_01970000-0000-7000-8000-000000000000"
H = "date,symbol,close\n"
FIRST = H + "2020-01-02,A,100\n2020-01-03,A,50\n2020-01-03,B,7\n"
SPLIT = ("2020-01-03", "A", "split", 2, None)
MAP = ["symbol", "valid_from", "valid_to", "permanent_id"]


def test_rows_are_added_and_only_the_new_ones_are_counted(ingest) -> None:
    done = ingest(H + "2020-01-06,A,51\n", onto=ingest(FIRST))
    assert done.column("close") == [100.0, 50.0, 51.0, 7.0]
    assert [done.result[f"rows_{name}"] for name in ("read", "kept", "total")] == [1, 1, 4]
    assert (done.version.rows, done.version.start, done.version.end) == (4, "2020-01-02", "2020-01-06")


def test_the_version_says_what_it_was_added_to(ingest) -> None:
    first = ingest(FIRST)
    assert (first.version.base, ingest(FIRST, onto=first).version.base) == (None, f"{DATASET}@1")


def test_a_day_at_a_time_gives_the_same_table_as_all_at_once(ingest) -> None:
    dividend = ("2020-01-06", "A", "cash_dividend", None, 1)
    step = ingest(H + "2020-01-06,A,49\n", actions=[SPLIT, dividend], onto=ingest(FIRST, actions=[SPLIT]))
    whole = ingest(FIRST + "2020-01-06,A,49\n", actions=[SPLIT, dividend])
    assert step.rows == whole.rows
    assert step.health["corporate_actions"]["without_effect"] == {"in the dataset already": 1}


def test_a_row_that_is_there_already_is_a_duplicate(ingest) -> None:
    done = ingest(H + "2020-01-03,A,50\n2020-01-06,A,51\n", onto=ingest(FIRST))
    assert (done.result["rows_kept"], done.result["rows_duplicate"]) == (1, 1)


def test_a_row_that_contradicts_the_version_is_set_aside_and_the_version_stays(ingest) -> None:
    done = ingest(H + "2020-01-03,A,55\n2020-01-06,A,51\n", onto=ingest(FIRST))
    assert done.column("close") == [100.0, 50.0, 51.0, 7.0]
    assert [(row["line"], row["value"]) for row in done.quarantine] == [(2, "2020-01-03")]


def test_the_same_file_again_changes_nothing(ingest) -> None:
    first = ingest(FIRST)
    again = ingest(FIRST, onto=first)
    assert again.rows == first.rows
    assert again.result["rows_duplicate"] == 3


def test_columns_of_either_are_kept(ingest) -> None:
    first = ingest("date,symbol,close,currency\n2020-01-02,A,100,USD\n")
    done = ingest("date,symbol,open,close\n2020-01-03,A,50,50\n", onto=first)
    assert done.column("currency") == ["USD", None]
    assert done.column("open") == [None, 50.0]


def test_a_rename_carries_the_rows_before_along(ingest) -> None:
    done = ingest(H + "2020-01-06,M,51\n", onto=ingest(FIRST), actions=[("2020-01-06", "A", "rename", None, None, "M")])
    assert done.column("symbol") == ["B", "M", "M", "M"]
    later = ingest(H + "2020-01-07,M,52\n", onto=done)
    assert later.column("symbol") == ["B", "M", "M", "M", "M"]
    assert later.column("ticker") == ["B", "A", "A", "M", "M"]


def test_permanent_ids_and_tickers_do_not_mix(ingest) -> None:
    mapped = ingest(FIRST, symbol_map=(MAP, [("A", None, None, "id-a"), ("B", None, None, "id-b")]))
    with pytest.raises(DataUnusable, match="permanent ids"):
        ingest(H + "2020-01-06,A,51\n", onto=mapped)


def test_another_type_of_rows_is_refused(ingest) -> None:
    with pytest.raises(DataUnusable, match="holds prices, not classifications"):
        ingest("symbol,sector\nA,Tech\n", onto=ingest(FIRST), **{"as": "classifications"})


def test_append_needs_the_id_which_is_a_reference_to_a_version() -> None:
    given = {"upload": "upl_01970000-0000-7000-8000-000000000000", "mode": "append", "dataset": "us"}
    with pytest.raises(Invalid) as caught:
        check(KIND.params, given)
    assert caught.value.violations[0].pointer == "/params/dataset"
    loaded = check(KIND.params, given | {"dataset": "ds_01970000-0000-7000-8000-000000000000"})
    assert [ref.to for ref in references(KIND.params, loaded)] == ["upload", "dataset"]
