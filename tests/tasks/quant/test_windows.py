import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.quant.windows import rolling_count, rolling_sum


@given(st.integers(1, 40), st.integers(1, 12))
def test_a_window_holds_its_own_rows_and_no_others(rows, window):
    values = np.random.default_rng(rows * 100 + window).integers(-9, 9, (rows, 3)).astype(float)
    found = rolling_sum(values, window)
    for t in range(rows):
        np.testing.assert_array_equal(found[t], values[max(0, t - window + 1) : t + 1].sum(axis=0))
    np.testing.assert_array_equal(rolling_count(values > 0, window), rolling_sum((values > 0).astype(float), window))


def test_an_absurd_value_is_forgotten_entirely():
    values = np.random.default_rng(0).normal(0, 0.01, (100, 1))
    clean = rolling_sum(values, 10)
    values[30] = 1e15
    after = rolling_sum(values, 10)[40:]
    np.testing.assert_allclose(after, clean[40:], rtol=1e-12, atol=1e-16)


def test_later_rows_change_no_bit_of_earlier_ones():
    values = np.random.default_rng(1).normal(size=(60, 4))
    for stop in range(1, 60):
        np.testing.assert_array_equal(rolling_sum(values[:stop], 7), rolling_sum(values, 7)[:stop])
