"""What the health mathematics finds, and what it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.quant.health import bad_ticks, log_returns, missing_windows, outliers, robust_z, stale_runs, suspected_splits

ONE = np.array([0])
NOISE = np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, 300))) * 100


def test_a_return_never_crosses_from_one_symbol_to_the_next() -> None:
    returns = log_returns(np.array([1.0, 2.0, 100.0, 50.0]), np.array([0, 2]))
    assert np.isnan(returns[[0, 2]]).all()
    assert returns[[1, 3]] == pytest.approx([np.log(2), -np.log(2)])


def test_an_outlier_is_measured_by_the_symbol_s_own_calm() -> None:
    prices = NOISE.copy()
    prices[200:] *= 1.5
    z = robust_z(log_returns(prices, ONE), ONE)
    assert np.nanargmax(z) == 200
    assert z[200] > 30
    assert np.nanmax(np.delete(z, 200)) < 6


def found_outliers(prices, far=20.0, spike=10.0):
    returns = log_returns(prices, ONE)
    return outliers(returns, robust_z(returns, ONE), far, spike).tolist()


def test_a_move_that_the_next_day_undoes_is_doubted_sooner_than_one_that_lasts() -> None:
    lasting, tick, huge = NOISE.copy(), NOISE.copy(), NOISE.copy()
    lasting[200:] *= 1.15
    tick[200] *= 1.15
    huge[200] *= 1.5
    assert found_outliers(lasting) == []
    assert found_outliers(tick) == [200]
    assert found_outliers(huge) == [200, 201]
    assert found_outliers(NOISE) == []


def test_too_few_returns_or_none_that_move_give_no_z() -> None:
    assert np.isnan(robust_z(log_returns(NOISE[:20], ONE), ONE)).all()
    assert np.isnan(robust_z(np.zeros(100), ONE)).all()


def test_stale_runs_stay_within_a_symbol_and_are_long() -> None:
    prices = np.array([5.0] * 9 + [5.0] * 12 + [6.0, 6.0, 7.0])
    runs = stale_runs(prices, np.array([0, 9]), 10)
    assert (runs.first.tolist(), runs.last.tolist(), runs.length.tolist()) == ([9], [20], [12])


def test_a_nan_breaks_a_stale_run() -> None:
    prices = np.array([5.0] * 6 + [np.nan] + [5.0] * 6)
    assert stale_runs(prices, ONE, 7).first.tolist() == []


def test_no_rows_no_runs() -> None:
    assert stale_runs(np.empty(0), np.empty(0, dtype=int), 10).first.tolist() == []


def test_missing_windows_count_sessions_between_rows() -> None:
    gaps = missing_windows(np.array([0, 1, 4, 5, 2, 9]), np.array([0, 4]))
    assert gaps.first.tolist() == [1, 4]
    assert gaps.length.tolist() == [2, 6]


@pytest.mark.parametrize("ratio", [2.0, 3.0, 7.0, 20.0, 1.5, 0.5, 0.1])
def test_a_split_that_was_not_adjusted_is_suspected(ratio) -> None:
    prices = NOISE.copy()
    prices[150:] /= ratio
    rows, ratios = suspected_splits(prices, ONE)
    assert (rows.tolist(), ratios.tolist()) == ([150], [pytest.approx(ratio)])


def test_a_bad_tick_that_goes_away_is_no_split() -> None:
    prices = NOISE.copy()
    prices[150] *= 100
    assert suspected_splits(prices, ONE)[0].tolist() == []


def test_calm_and_crashes_off_the_usual_ratios_are_no_splits() -> None:
    prices = NOISE.copy()
    prices[150:] *= 0.6
    assert suspected_splits(prices, ONE)[0].tolist() == []
    assert suspected_splits(NOISE, ONE)[0].tolist() == []


def test_a_tick_that_goes_away_is_bad_and_a_crash_that_goes_up_and_down_is_not() -> None:
    tick, crash = NOISE.copy(), NOISE.copy()
    tick[150] *= 1.4
    crash[140:170:2] *= 1.4
    for prices, found in ((tick, [150]), (crash, [])):
        returns = log_returns(prices, ONE)
        assert bad_ticks(returns, robust_z(returns, ONE), 10.0).tolist() == found
