"""Every window against a plain loop that sees only its own window."""

import numpy as np
import pytest

from tasks.quant.expression import rolling

WINDOWS = [1, 2, 3, 7, 20, 63, 64, 200]


@pytest.fixture
def panels():
    rng = np.random.default_rng(4)
    x = 100 + np.cumsum(rng.normal(size=(64, 5)), axis=0)
    y = rng.normal(size=(64, 5))
    x[rng.random(x.shape) < 0.2] = np.nan
    y[rng.random(y.shape) < 0.1] = np.nan
    x[:, 3] = 7.1  # stands still
    x[20:40, 4] = np.nan
    x[5, 0] = x[6, 0] = x[9, 0] = 3.0
    return x, y


def looped(work, window, least, *panels):
    found = np.full(panels[0].shape, np.nan)
    for t, j in np.ndindex(found.shape):
        rows = [panel[max(0, t - window + 1) : t + 1, j] for panel in panels]
        both = np.isfinite(rows).all(axis=0)
        if both.sum() >= max(1, least):
            found[t, j] = work(*(row[both] for row in rows))
    return found


def check(found, expected, tolerance=1e-10):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=1e-12)


ONE = {
    "total": (rolling.total, np.sum),
    "mean": (rolling.mean, np.mean),
    "smallest": (lambda x, w, m: rolling.extreme(x, w, m, np.minimum), np.min),
    "largest": (lambda x, w, m: rolling.extreme(x, w, m, np.maximum), np.max),
    "deviation": (rolling.deviation, lambda v: np.std(v, ddof=1) if len(v) > 1 else np.nan),
}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("name", ONE)
def test_of_one_panel(panels, name, window, share):
    work, plain = ONE[name]
    check(work(panels[0], window, share * window), looped(plain, window, share * window, panels[0]))


@pytest.mark.parametrize("window", [3, 7, 63, 200])
def test_of_two_panels(panels, window):
    x, y = panels
    moving = np.delete(x, 3, axis=1), np.delete(y, 3, axis=1)
    least = max(3.0, 0.5 * window)
    check(rolling.covariance(x, y, window, least), looped(lambda a, b: np.cov(a, b)[0, 1], window, least, x, y), 1e-8)
    corr = looped(lambda a, b: np.corrcoef(a, b)[0, 1], window, least, *moving)
    check(rolling.correlation(*moving, window, least), corr, 1e-8)
    slope = looped(lambda b, a: np.polyfit(a, b, 1)[0], window, least, *moving[::-1])
    check(rolling.slope(*moving[::-1], window, least), slope, 1e-7)


def test_what_stands_still_has_no_correlation_and_a_deviation_of_zero(panels):
    x, y = panels
    assert np.isnan(rolling.correlation(x, y, 10, 5)[:, 3]).all()
    assert np.isnan(rolling.slope(y, x, 10, 5)[:, 3]).all()
    assert (rolling.deviation(x, 10, 5)[9:, 3] == 0.0).all()


@pytest.mark.parametrize("window", [2, 7, 63])
def test_rank_in_window(panels, window):
    def rank(values):
        return ((values < values[-1]).sum() + 0.5 * (values == values[-1]).sum()) / len(values)

    x = panels[0]
    expected = np.where(np.isfinite(x), looped(rank, window, 2, x), np.nan)
    check(rolling.rank_in_window(x, window, 2), expected)


def test_delay_counts_sessions(panels):
    x = panels[0]
    np.testing.assert_array_equal(rolling.delayed(x, 3)[3:], x[:-3])
    assert np.isnan(rolling.delayed(x, 3)[:3]).all()
    assert np.isnan(rolling.delayed(x, 500)).all()


def test_an_absurd_value_leaves_no_trace_once_it_is_out():
    x = np.random.default_rng(1).normal(size=(100, 1))
    poisoned = x.copy()
    poisoned[10] = 1e15
    for work, _ in ONE.values():
        np.testing.assert_array_equal(work(poisoned, 20, 1)[30:], work(x, 20, 1)[30:])


def test_small_moves_of_a_large_level_keep_their_deviation():
    moves = np.random.default_rng(2).normal(size=(300, 1))
    found = rolling.deviation(1e9 + moves, 50, 50)[49:]
    np.testing.assert_allclose(found, rolling.deviation(moves, 50, 50)[49:], rtol=1e-5)
