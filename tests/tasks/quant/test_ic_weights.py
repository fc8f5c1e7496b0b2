import numpy as np
import pytest

from tasks.quant.ic_weights import Weighting, ic_weights

T, N = 120, 25


def world(seed=3):
    rng = np.random.default_rng(seed)
    prices = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (T, N)), axis=0))
    prices[:, 4][rng.random(T) < 0.2] = np.nan
    prices[70:, 5] = np.nan
    factors = [np.where(np.isfinite(prices), rng.normal(size=(T, N)), np.nan) for _ in range(2)]
    return factors, prices


def spearman(x, y):
    both = np.isfinite(x) & np.isfinite(y)
    ranks = [np.argsort(np.argsort(v[both])) for v in (x, y)]
    return np.corrcoef(*ranks)[0, 1]


def looped(factors, prices, rows, w):
    """Each date by itself: only prices up to it are looked at."""
    found = []
    for day in rows:
        held = prices[: day + 1].copy()
        for t in range(1, len(held)):
            held[t] = np.where(np.isfinite(held[t]), held[t], held[t - 1])
        over = [k for k, row in enumerate(rows) if row + w.horizon <= day]
        ics = [
            [spearman(f[k], held[rows[k] + w.horizon] / held[rows[k]] - 1) for k in over[-w.window :]] for f in factors
        ]
        found.append([np.mean(ic) if len(ic) >= w.min_dates else np.nan for ic in ics])
    return np.array(found)


@pytest.mark.parametrize("every", [1, 5])
def test_weights_are_the_means_of_the_coefficients_known_by_then(every):
    factors, prices = world()
    rows = np.arange(0, T, every)
    factors = [f[rows] for f in factors]
    w = Weighting(horizon=7, window=9, min_dates=4, signed=True)
    found = ic_weights(factors, prices, rows, [0.7, 0.3], w)
    expected = looped(factors, prices, rows, w)
    early = np.isnan(expected).any(axis=1)
    assert early.sum() == np.argmax(rows >= 7 + rows[3])
    np.testing.assert_array_equal(found.from_ic, ~early)
    np.testing.assert_allclose(found.values[~early], expected[~early], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.values[early], np.tile([0.7, 0.3], (early.sum(), 1)))


def test_the_first_weight_from_an_ic_comes_the_day_its_horizon_is_over():
    factors, prices = world()
    found = ic_weights(factors, prices, np.arange(T), [1.0, 1.0], Weighting(21, 50, 1, signed=True))
    assert int(np.argmax(found.from_ic)) == 21


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("stop", [30, 31, 77, 119])
def test_neither_later_prices_nor_later_names_change_a_bit(stop, signed):
    factors, prices = world()
    w = Weighting(5, 20, 10, signed)
    whole = ic_weights(factors, prices, np.arange(T), [0.5, 0.5], w)
    cut = ic_weights([f[:stop] for f in factors], prices[:stop], np.arange(stop), [0.5, 0.5], w)
    poison = prices.copy()
    poison[stop:] = np.random.default_rng(0).exponential(1e6, poison[stop:].shape)
    wide = [np.insert(f, [0, 3, 9], np.nan, axis=1) for f in factors]
    for found in (
        cut,
        ic_weights(factors, poison, np.arange(T), [0.5, 0.5], w),
        ic_weights(wide, np.insert(prices, [0, 3, 9], np.nan, axis=1), np.arange(T), [0.5, 0.5], w),
    ):
        np.testing.assert_array_equal(found.values[:stop], whole.values[:stop])
        np.testing.assert_array_equal(found.from_ic[:stop], whole.from_ic[:stop])


def test_a_factor_that_foretells_the_opposite_gets_nothing_or_counts_against_itself():
    _, prices = world()
    ahead = np.full((T, N), np.nan)
    ahead[:-3] = prices[3:] / prices[:-3]
    for signed, sign in ((False, 0.0), (True, -1.0)):
        found = ic_weights([ahead, -ahead], prices, np.arange(T), [1.0, 2.0], Weighting(3, 30, 5, signed))
        assert found.from_ic[20:].all()
        np.testing.assert_allclose(found.values[20:], np.tile([1.0, sign], (T - 20, 1)))


def test_where_no_weight_is_left_the_given_ones_stand_in():
    _, prices = world()
    behind = np.full((T, N), np.nan)
    behind[:-3] = -prices[3:] / prices[:-3]
    found = ic_weights([behind], prices, np.arange(T), [0.4], Weighting(3, 30, 5))
    assert not found.from_ic.any()
    assert (found.values == 0.4).all()
