from __future__ import annotations

import numpy as np
import pytest

from tasks.quant.returns import total_returns

NAN = np.nan


def test_splits_and_dividends_leave_only_the_economic_return():
    # Yahoo/CRSP example (V24): 2:1 split into the third close, 0.08 dividend before the fourth.
    close = np.array([[46.99], [48.30], [24.96], [24.53]])
    dividend = 1 - 0.08 / 24.96
    factor = np.array([[0.5 * dividend], [0.5 * dividend], [dividend], [1.0]])
    expected = [NAN, 48.30 / 46.99 - 1, 24.96 * 2 / 48.30 - 1, 24.53 / (24.96 - 0.08) - 1]
    assert total_returns(close, factor)[:, 0] == pytest.approx(
        expected, nan_ok=True, rel=1e-8
    )  # a factor's step counts to ten digits


def test_a_gap_is_bridged_by_the_next_return_and_compounding_loses_nothing():
    close = np.array([[NAN, 1.0], [10.0, NAN], [NAN, NAN], [NAN, 2.0], [12.0, 3.0]])
    found = total_returns(close)
    assert found[:, 0] == pytest.approx([NAN, NAN, NAN, NAN, 0.2], nan_ok=True)
    assert found[:, 1] == pytest.approx([NAN, NAN, NAN, 1.0, 0.5], nan_ok=True)
    assert np.nanprod(1 + found[:, 1]) == pytest.approx(3.0)


@pytest.mark.parametrize("blemish", [0.0, -3.0, np.inf])
def test_a_price_that_is_no_price_is_no_observation(blemish):
    found = total_returns(np.array([[10.0], [blemish], [11.0]]))
    assert np.isnan(found[1, 0])
    assert found[2, 0] == pytest.approx(0.1)


def test_the_past_does_not_move_by_one_bit_when_the_future_changes():
    rng = np.random.default_rng(3)
    close = np.exp(rng.normal(size=(60, 7)).cumsum(axis=0) * 0.02) * 50
    close[rng.random(close.shape) < 0.1] = NAN
    poisoned = close.copy()
    poisoned[30:] *= rng.uniform(0.1, 10, size=(30, 7))
    assert total_returns(poisoned)[:30].tobytes() == total_returns(close)[:30].tobytes()
    assert total_returns(close[:30]).tobytes() == total_returns(close)[:30].tobytes()


def test_one_row_has_no_return():
    assert np.isnan(total_returns(np.array([[5.0]]))).all()
