from __future__ import annotations

import math

import empyrical
import numpy as np
import pytest

from tasks.quant import sharpe_ratios
from tasks.quant import statistics as st

R = np.random.default_rng(5).normal(0.0004, 0.011, size=500)
B = 0.6 * R + np.random.default_rng(6).normal(0.0002, 0.007, size=500)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (st.total_return(R), empyrical.cum_returns_final(R)),
        (st.annual_return(R, 252), empyrical.annual_return(R)),
        (st.volatility(R, 252), empyrical.annual_volatility(R)),
        (st.sharpe(R, 252, 0.0001), empyrical.sharpe_ratio(R, risk_free=0.0001)),
        (st.sortino(R, 252, 0.0001), empyrical.sortino_ratio(R, required_return=0.0001)),
        (st.max_drawdown(R), empyrical.max_drawdown(R)),
        (st.calmar(R, 252), empyrical.calmar_ratio(R)),
        (st.omega(R), empyrical.omega_ratio(R)),
        (st.value_at_risk(R), -empyrical.value_at_risk(R)),
        (st.beta(R, B), empyrical.beta(R, B)),
        (st.capture(R, B, 252, up=True), empyrical.up_capture(R, B)),
        (st.capture(R, B, 252, up=False), empyrical.down_capture(R, B)),
        (st.tracking_error(R, B, 252) / math.sqrt(252), np.std(R - B, ddof=1)),
    ],
)
def test_an_independent_library_agrees(mine, theirs):
    assert mine == pytest.approx(theirs, rel=1e-10)


def test_alpha_is_what_beta_leaves():
    assert st.alpha(0.001 + 1.3 * B, B, 252) == pytest.approx(0.252)
    assert st.alpha(0.0002 + 0.5 * (B - 0.0002), B, 252, 0.0002) == pytest.approx(0.0)


EMPTY, ONE, FLAT = np.zeros(0), np.array([0.01]), np.full(10, 0.002)


@pytest.mark.parametrize(
    "value",
    [
        st.volatility(ONE),
        st.sharpe(ONE, 252),
        st.sharpe(np.zeros(5), 252),
        st.sortino(FLAT, 252),
        st.calmar(FLAT, 252),
        st.omega(FLAT),
        st.hit_rate(np.zeros(5)),
        st.skewness(np.zeros(5)),
        st.excess_kurtosis(EMPTY),
        st.excess_kurtosis(np.array([0.1, 0.2, 0.3]), sample=True),
        st.skewness(np.array([0.1, 0.2]), sample=True),
        st.value_at_risk(EMPTY),
        st.expected_shortfall(EMPTY),
        st.beta(R, np.zeros(500)),
        st.annual_return(np.array([0.1, -1.0, 0.2]), 252),
        st.annual_return(EMPTY, 252),
        st.capture(R, np.ones(500), 252, up=False),
        sharpe_ratios.standard_error(0.1, 0.0, 3.0, 1),
        sharpe_ratios.probabilistic_sharpe(0.5, 0.0, 9.0, 3.0, 50),
    ],
)
def test_what_has_no_value_is_no_number(value):
    assert math.isnan(value)


def test_the_expected_shortfall_counts_the_last_loss_in_part():
    losses = -np.arange(1.0, 31.0) / 100
    assert st.expected_shortfall(losses) == pytest.approx((0.30 + 0.5 * 0.29) / 1.5)
    assert st.expected_shortfall(ONE) == pytest.approx(-0.01)


def test_the_worst_drawdowns_with_their_places():
    r = np.array([0.1, -0.2, 0.05, 0.5, -0.1, 0.2, -0.3])
    deepest, second, third = st.worst_drawdowns(r)
    assert (deepest.peak, deepest.trough, deepest.recovery, deepest.length(8)) == (6, 7, None, 1)
    assert deepest.depth == pytest.approx(-0.3)
    assert (second.peak, second.trough, second.recovery, second.length(8)) == (1, 2, 4, 3)
    assert (third.peak, third.trough, third.recovery) == (4, 5, 6)
    assert st.worst_drawdowns(np.array([0.1, 0.2])) == []


def test_one_trial_deflates_nothing_and_more_trials_deflate_more():
    hurdles = [sharpe_ratios.expected_best(trials, 0.01) for trials in (1, 2, 10, 1000)]
    assert hurdles[0] == 0.0
    assert hurdles == sorted(hurdles)


def test_a_sharpe_ratio_below_the_hurdle_never_proves_itself():
    assert sharpe_ratios.minimum_track_record(0.01, 0.02, 0.0, 3.0, 0.95) == math.inf
