import numpy as np
import pytest

from tasks.quant.total_return import forward_factor, total_return_index

nan = np.nan


def backward(events, rows):
    """The cumulative backward factor of (row, multiplier of everything earlier) events."""
    factor = np.ones((rows, 1))
    for row, multiplier in events:
        factor[:row] *= multiplier
    return factor


def test_ratios_are_total_returns():
    close = np.array([[46.99], [48.30], [24.96], [24.53]])
    factor = backward([(2, 0.5), (3, 1 - 0.08 / 24.96)], 4)
    index = total_return_index(close, factor)
    adjusted = close * factor
    np.testing.assert_allclose(index[1:] / index[:-1], adjusted[1:] / adjusted[:-1], rtol=1e-14)
    assert index[0] == close[0]


def test_a_price_dividend_and_return_add_up():
    close, dividend = np.array([[100.0], [98.5]]), 1.25
    factor = backward([(1, 1 - dividend / 100.0)], 2)
    index = total_return_index(close, factor)
    assert index[1, 0] / index[0, 0] == pytest.approx(98.5 / (100.0 - dividend), rel=1e-14)


def test_later_splits_and_dividends_change_no_bit():
    rng = np.random.default_rng(5)
    close = rng.uniform(10, 300, (400, 1))
    past = [(row, 1 - round(rng.uniform(0.01, 2.0), 4) / close[row - 1, 0]) for row in range(3, 200, 9)]
    past += [(50, 1 / 7), (90, 3 / 4), (130, 10.0), (131, 20 / 21)]
    for later in ([(300, 1 / 3)], [(250, 1 - 0.37 / 41.11), (390, 0.1)], [(201, 1 - 0.0123)], [(399, 0.77)] * 9):
        known = total_return_index(close, backward(past, 400))[:200]
        np.testing.assert_array_equal(total_return_index(close, backward([*past, *later], 400))[:200], known)


def test_without_events_the_prices_are_themselves():
    close = np.array([[10.0, nan], [11.0, 5.0]])
    assert forward_factor(np.array([[0.25, nan], [0.25, 1.0]]), close) is None
    assert total_return_index(close, np.ones((2, 2))) is close


def test_an_event_across_a_gap_is_not_lost():
    close = np.array([[100.0], [nan], [51.0]])
    index = total_return_index(close, np.array([[0.5], [nan], [1.0]]))
    np.testing.assert_allclose(index, [[100.0], [nan], [102.0]])


def test_a_split_is_recovered_exactly():
    close = np.array([[700.0], [100.0], [101.0]])
    index = total_return_index(close, np.array([[0.3 / 7], [0.3], [0.3]]))
    np.testing.assert_array_equal(index[:2], [[700.0], [700.0]])


def test_a_step_that_is_neither_split_nor_dividend_is_kept_to_ten_digits():
    close = np.array([[50.0], [30.0]])
    index = total_return_index(close, np.array([[0.6123456789123], [1.0]]))
    np.testing.assert_allclose(index[1, 0], 30.0 / 0.6123456789123, rtol=1e-9)
