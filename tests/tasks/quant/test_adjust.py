"""The arithmetic of adjustment: what compounding must preserve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quant.adjust import dividend_multiplier, factors, split_multiplier

DAYS = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-03-01"))
events = st.lists(
    st.tuples(st.integers(0, len(DAYS) - 1), st.floats(0.02, 50), st.floats(0.5, 1.0)), min_size=1, max_size=8
)


def at(steps, days: np.ndarray) -> np.ndarray:
    return np.searchsorted(steps.since, days, side="right") - 1


@given(events)
def test_each_factor_is_the_product_of_what_comes_later(given_events) -> None:
    places, split, cash = (np.array(column) for column in zip(*given_events, strict=True))
    steps = factors(DAYS[places], split, cash)
    for i, day in enumerate(DAYS):
        later = places > i
        assert steps.split[at(steps, day)] == pytest.approx(split[later].prod(), rel=1e-12)
        assert steps.price[at(steps, day)] == pytest.approx((split * cash)[later].prod(), rel=1e-12)


@given(events, st.randoms())
def test_the_order_of_the_actions_does_not_matter(given_events, random) -> None:
    shuffled = list(given_events)
    random.shuffle(shuffled)
    first, second = (
        factors(DAYS[np.array(p)], np.array(s), np.array(c)).price
        for p, s, c in (zip(*given_events, strict=True), zip(*shuffled, strict=True))
    )
    assert first == pytest.approx(second, rel=1e-12)


def test_a_price_on_the_ex_date_is_untouched() -> None:
    steps = factors(DAYS[[5]], np.array([0.5]), np.array([1.0]))
    assert steps.price[at(steps, DAYS[4:6])].tolist() == [0.5, 1.0]


def test_multipliers() -> None:
    assert split_multiplier(4.0) == 0.25
    assert dividend_multiplier(2.40, 16.51) == pytest.approx(0.85463, abs=1e-5)
    assert np.isnan(dividend_multiplier(float("nan"), 10.0))


@pytest.mark.parametrize("wrong", [0.0, -0.5, float("nan"), float("inf")])
def test_a_multiplier_that_is_no_positive_number_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match="not a positive finite number"):
        factors(DAYS[[5]], np.array([1.0]), np.array([wrong]))
