"""Corporate actions: what each type does to the prices before it, and what happens to one that can't be right."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import DataUnusable

PRICES = "date,symbol,close\n2020-01-02,A,100\n2020-01-03,A,50\n2020-01-06,A,49\n"


def told(done) -> dict:
    return done.health["corporate_actions"]


def test_a_stock_dividend_is_a_split_by_its_ratio(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-03", "A", "stock_dividend", 1.05, None)])
    assert done.column("split_factor") == [1 / 1.05, 1.0, 1.0]
    assert told(done)["applied"] == {"stock_dividend": 1}


def test_a_spin_off_by_its_amount_touches_the_adjusted_price_only(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-06", "A", "spin_off", None, 5)])
    assert done.column("split_factor") == [1.0, 1.0, 1.0]
    assert done.column("adj_factor") == [0.9, 0.9, 1.0]


def test_a_spin_off_by_ratio_is_worth_the_new_shares_on_the_ex_date(ingest) -> None:
    rows = PRICES + "2020-01-06,B,20\n2020-01-07,B,30\n"
    done = ingest(rows, actions=[("2020-01-06", "A", "spin_off", 0.25, None, "B")])
    assert done.column("adj_factor")[:3] == [0.9, 0.9, 1.0]


def test_a_spin_off_of_shares_without_a_price_is_told(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-06", "A", "spin_off", 0.25, None, "B")])
    assert "no price" in told(done)["unapplied"][0]["reason"]
    assert done.column("adj_factor") == [1.0, 1.0, 1.0]


def test_money_of_one_day_adds_up_before_it_is_set_against_the_close(ingest) -> None:
    paid = [("2020-01-06", "A", "cash_dividend", None, 1), ("2020-01-06", "A", "cash_dividend", None, 4)]
    assert ingest(PRICES, actions=paid).column("adj_factor") == [0.9, 0.9, 1.0]


def test_the_same_action_twice_is_one(ingest) -> None:
    split = ("2020-01-03", "A", "split", 2, None)
    assert ingest(PRICES, actions=[split, split]).column("split_factor") == [0.5, 1.0, 1.0]


def test_two_ratios_on_one_day_are_not_chosen_between(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-03", "A", "split", 2, None), ("2020-01-03", "A", "split", 4, None)])
    assert done.column("split_factor") == [1.0, 1.0, 1.0]
    assert len(told(done)["unapplied"]) == 2


def test_a_dividend_of_more_than_a_quarter_of_the_price_is_told_unless_special(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-06", "A", "cash_dividend", None, 20)])
    assert "another split basis" in told(done)["unapplied"][0]["reason"]
    special = ingest(PRICES, actions=[("2020-01-06", "A", "cash_dividend", None, 20, None, None, 1)])
    assert special.column("adj_factor") == pytest.approx([0.6, 0.6, 1.0])


@pytest.mark.parametrize(
    ("day", "why"), [("2020-01-02", "before the first price"), ("2020-01-07", "after the last price")]
)
def test_an_action_outside_the_prices_changes_nothing_and_is_counted(ingest, day, why) -> None:
    done = ingest(PRICES, actions=[(day, "A", "split", 2, None)])
    assert done.column("split_factor") == [1.0, 1.0, 1.0]
    assert told(done)["without_effect"] == {why: 1}


def test_actions_of_symbols_without_prices_are_counted(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-03", "B", "split", 2, None)])
    assert told(done)["without_effect"] == {"no prices of the symbol": 1}


@pytest.mark.parametrize(
    ("action", "match"),
    [
        (("2020-01-03", "A", "split", None, None), "a split needs its ratio"),
        (("2020-01-03", "A", "split", -2, None), "a split needs its ratio"),
        (("2020-01-03", "A", "stock_dividend", 0.05, None), "1.05 for 5 %"),
        (("2020-01-03", "A", "cash_dividend", None, None), "needs its amount"),
        (("2020-01-03", "A", "bonus", None, 1), "type is not one of"),
        (("03/01/2020", "A", "split", 2, None), "ex_date is missing"),
        (("2020-01-03", "A", "rename", None, None), "needs its new_symbol"),
    ],
)
def test_a_row_that_is_no_action_is_refused(ingest, action, match) -> None:
    with pytest.raises(DataUnusable, match=match) as caught:
        ingest(PRICES, actions=[action])
    assert caught.value.violations[0].pointer == "/params/corporate_actions"


def test_a_delisting_leaves_its_return_on_the_last_row(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-07", "A", "delisting", None, None, None, -0.3)])
    assert done.column("delisting_return") == [None, None, -0.3]


def test_a_merger_is_valued_by_what_a_holder_received(ingest) -> None:
    rows = PRICES + "2020-01-06,B,20\n2020-01-07,B,22\n"
    done = ingest(rows, actions=[("2020-01-07", "A", "merger", 2, 6, "B")])
    assert done.column("delisting_return")[:3] == [None, None, pytest.approx((6 + 2 * 22) / 49 - 1)]


def test_an_end_that_prices_outlive_is_told(ingest) -> None:
    done = ingest(PRICES, actions=[("2020-01-03", "A", "delisting", None, None, None, -1)])
    assert "prices go on" in told(done)["unapplied"][0]["reason"]
    assert "delisting_return" not in done.columns


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    closes=st.lists(st.floats(1, 1e4), min_size=3, max_size=12),
    at=st.integers(1, 11),
    ratio=st.floats(0.05, 20),
    share=st.floats(0.0001, 0.24),
)
def test_adjusted_returns_are_what_a_holder_earned(ingest, closes, at, ratio, share) -> None:
    """On an ex-date the adjusted return is p1·r / (p0 - D); on every other day it is the price return."""
    at = min(at, len(closes) - 1)
    dividend = share * closes[at - 1]
    rows = "".join(f"2020-03-{i + 1:02d},A,{close!r}\n" for i, close in enumerate(closes))
    day = f"2020-03-{at + 1:02d}"
    actions = [(day, "A", "split", ratio, None), (day, "A", "cash_dividend", None, dividend)]
    done = ingest("date,symbol,close\n" + rows, actions=actions, calendar=None)
    adjusted = done.column("adj_close")
    assert done.column("close") == closes
    for i in range(1, len(closes)):
        before = closes[i - 1] - dividend if i == at else closes[i - 1]
        held = closes[i] * (ratio if i == at else 1.0)
        assert math.isclose(adjusted[i] / adjusted[i - 1], held / before, rel_tol=1e-9)
    assert adjusted[-1] == closes[-1]
