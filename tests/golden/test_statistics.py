"""Bacon's (2008) 24 months as PerformanceAnalytics has them (V01), the first-day loss (V03), Sharpe beliefs (V07)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.quant import sharpe_ratios
from tasks.quant import statistics as st

R = (
    np.array(
        [
            0.3,
            2.6,
            1.1,
            -1.0,
            1.5,
            2.5,
            1.6,
            6.7,
            -1.4,
            4.0,
            -0.5,
            8.1,
            4.0,
            -3.7,
            -6.1,
            1.7,
            -4.9,
            -2.2,
            7.0,
            5.8,
            -6.5,
            2.4,
            -0.5,
            -0.9,
        ]
    )
    / 100
)
B = (
    np.array(
        [
            0.2,
            2.5,
            1.8,
            -1.1,
            1.4,
            1.8,
            1.4,
            6.5,
            -1.5,
            4.2,
            -0.6,
            8.3,
            3.9,
            -3.8,
            -6.2,
            1.5,
            -4.8,
            2.1,
            6.0,
            5.6,
            -6.7,
            1.9,
            -0.3,
            0.0,
        ]
    )
    / 100
)

BACON = [
    ("annual return, geometric", lambda: st.annual_return(R, 12), 0.10367828972980941),
    ("volatility, ddof 1", lambda: st.volatility(R, 12), 0.13700015867969229),
    ("volatility, ddof 0", lambda: st.volatility(R, 12, ddof=0), 0.13411562175973388),
    ("Sharpe", lambda: st.sharpe(R, 12), 0.7883202548144859),
    ("downside deviation", lambda: st.downside_deviation(R), 0.02293741484997819),
    ("downside deviation, MAR 0.5 %", lambda: st.downside_deviation(R, 0.005), 0.02553673824120849),
    ("Sortino", lambda: st.sortino(R, 12), 1.3592165786838633),
    ("maximum drawdown", lambda: st.max_drawdown(R), -0.144672955739218),
    ("Calmar", lambda: st.calmar(R, 12), 0.7166390511623746),
    ("ulcer index", lambda: st.ulcer_index(R), 0.06118428726189615),
    ("pain index", lambda: st.pain_index(R), 0.03998969068730461),
    ("Martin ratio", lambda: st.martin_ratio(R, 12), 1.6945247606794847),
    ("pain ratio", lambda: st.pain_ratio(R, 12), 2.5926254479063475),
    ("omega", lambda: st.omega(R), 1.7797833935018055),
    ("VaR 95 %, historical", lambda: st.value_at_risk(R), 0.0592),
    ("ES 95 %, Rockafellar-Uryasev", lambda: st.expected_shortfall(R), 0.06433333333333334),
    ("skewness g1", lambda: st.skewness(R), -0.08256245520856835),
    ("skewness G1", lambda: st.skewness(R, sample=True), -0.08817174934967567),
    ("excess kurtosis g2", lambda: st.excess_kurtosis(R), -0.5675462058921252),
    ("excess kurtosis G2", lambda: st.excess_kurtosis(R, sample=True), -0.4076603211860866),
    ("tracking error", lambda: st.tracking_error(R, B, 12), 0.033639715141222715),
    ("beta", lambda: st.beta(R, B), 0.9988502086225742),
    ("information ratio, geometric", lambda: st.information_ratio_geometric(R, B, 12), -0.42524441361827925),
]


@pytest.mark.parametrize(("name", "compute", "expected"), BACON, ids=[row[0] for row in BACON])
def test_bacon(name, compute, expected):
    assert compute() == pytest.approx(expected, rel=1e-10)


def test_a_loss_on_the_first_day_is_a_drawdown():
    tiny = np.array(
        [
            -0.018720930383,
            -0.014303070725,
            -0.014572173794,
            -0.003467788444,
            -0.025038397377,
            -0.001677869157,
            -0.010129521509,
        ]
    )
    assert st.max_drawdown(tiny) == pytest.approx(-0.08485758410265398, rel=1e-10)
    assert st.worst_drawdowns(tiny)[0].peak == 0


PSR = {"sharpe": 0.0906476746454408, "skew": -0.0121128076316518, "kurtosis": 2.92407413196115}


@pytest.mark.parametrize(("hurdle", "expected"), [(0.0, 0.997867657003081), (0.02, 0.987037746369365)])
def test_probabilistic_sharpe(hurdle, expected):
    assert sharpe_ratios.probabilistic_sharpe(**PSR, hurdle=hurdle, n=1000) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("hurdle", "level", "expected"), [(0.0, 0.95, 331.924616272799), (0.02, 0.99, 1090.78661318015)]
)
def test_minimum_track_record(hurdle, level, expected):
    assert sharpe_ratios.minimum_track_record(**PSR, hurdle=hurdle, confidence=level) == pytest.approx(
        expected, rel=1e-10
    )


@pytest.mark.parametrize(("trials", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_deflated_sharpe_of_the_paper(trials, expected):
    hurdle = sharpe_ratios.expected_best(trials, 0.5 / 250)
    found = sharpe_ratios.probabilistic_sharpe(2.5 / math.sqrt(250), hurdle, -3.0, 10.0, 1250)
    assert found == pytest.approx(expected, abs=5e-5)
    if trials == 100:
        assert hurdle == pytest.approx(0.1132, abs=5e-5)
