"""The score: what costs points, whose symbols, and that every lost point is accounted for."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tasks.errors import Invalid
from tasks.ingest.kind import KIND
from tasks.params import check

H = "date,symbol,close\n"
DAYS = [day for n in range(400) if (day := dt.date(2021, 1, 1) + dt.timedelta(n)).weekday() < 5][:250]


def prices(symbol: str, seed: int, ticks: tuple[int, ...] = ()) -> list[tuple[dt.date, str, float]]:
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, len(DAYS))))
    closes[list(ticks)] *= 1.4
    return [(day, symbol, round(float(close), 2)) for day, close in zip(DAYS, closes, strict=True)]


def csv(rows: list[tuple[dt.date, str, float]]) -> str:
    return H + "".join(f"{day},{symbol},{close}\n" for day, symbol, close in rows)


def test_a_bad_tick_costs_its_symbol_points_and_shows_in_the_score(ingest) -> None:
    names = [f"S{i:02}" for i in range(20)]
    rows = [row for i, name in enumerate(names) for row in prices(name, i, (120,) if i == 7 else ())]
    done = ingest(csv(rows), calendar=None)
    assert [entry["symbol"] for entry in done.health["worst"]] == ["S07"]
    assert done.health["worst"][0]["score"] <= 95
    assert (done.result["symbols_with_findings"], done.health["symbols_graded"]) == (1, 20)
    mean = np.mean([entry["score"] for entry in done.health["symbols"]])
    assert done.result["score"] < mean < 100
    assert "1 of 20 symbols lost points; the worst is S07 with" in done.result["warnings"][-1]


def test_every_point_that_is_missing_is_accounted_for(ingest) -> None:
    rows = [row for i in range(12) for row in prices(f"S{i:02}", i, tuple(range(30, 30 + 10 * i, 10)))]
    done = ingest(csv(rows) + "2021-13-01,S00,5\n", calendar="XNYS")
    lost = sum(loss["points"] for loss in done.health["lost"])
    assert done.result["score"] == pytest.approx(100 - lost, abs=0.05)


def test_a_clean_file_has_all_points_and_nothing_to_say(ingest) -> None:
    done = ingest(csv(prices("A", 1)), calendar=None)
    assert (done.result["score"], done.result["warnings"], done.health["worst"]) == (100.0, [], [])


@pytest.mark.parametrize("by_day", [True, False])
def test_sorted_by_day_or_by_symbol_is_in_order(ingest, by_day) -> None:
    rows = prices("A", 1)[:5] + prices("B", 2)[:5]
    done = ingest(csv(sorted(rows) if by_day else rows), calendar=None)
    assert done.result["warnings"] == []


def test_rows_out_of_order_are_sorted_and_said(ingest) -> None:
    rows = prices("A", 1)[:5]
    done = ingest(csv([rows[1], rows[0], *rows[2:]]), calendar=None)
    assert done.column("date") == [row[0] for row in rows]
    assert done.result["warnings"] == ["1 row stood before an earlier day's in the file; the table is sorted."]


def test_rows_of_the_future_are_told_by_the_day_that_is_declared_today(ingest) -> None:
    rows = prices("A", 1)[:5]
    done = ingest(csv(rows), calendar=None, as_of=str(rows[2][0]))
    assert "2 rows dated after as_of." in done.result["warnings"]
    assert done.health["symbols"][0]["future_rows"] == 2
    assert done.result["rows_kept"] == 5


def test_adjusted_prices_take_no_corporate_actions() -> None:
    given = {"upload": "upl_01970000-0000-7000-8000-000000000000", "dataset": "x", "adjusted": True}
    with pytest.raises(Invalid) as caught:
        check(KIND.params, given | {"corporate_actions": {"columns": ["a"], "rows": []}})
    assert caught.value.violations[0].pointer == "/params/adjusted"
