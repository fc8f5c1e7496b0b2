"""How far a Sharpe ratio can be believed: probabilistic and deflated (Bailey and López de Prado 2012, 2014).

Sharpe ratios here are per period, not annualised; `skew` and `kurtosis` are the plain moments (3 for a normal).
"""

from __future__ import annotations

import math
from statistics import NormalDist

NORMAL = NormalDist()
EULER_GAMMA = 0.5772156649015329


def standard_error(sharpe: float, skew: float, kurtosis: float, n: int) -> float:
    """Return the standard error of a Sharpe ratio from n returns that need not be normal; NaN below two."""
    if n < 2:
        return math.nan
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return math.sqrt(variance / (n - 1)) if variance > 0.0 else math.nan


def probabilistic_sharpe(sharpe: float, hurdle: float, skew: float, kurtosis: float, n: int) -> float:
    """Return the probability that the true Sharpe ratio exceeds `hurdle`; NaN where the error has no estimate."""
    error = standard_error(sharpe, skew, kurtosis, n)
    return math.nan if math.isnan(error) else NORMAL.cdf((sharpe - hurdle) / error)


def expected_best(trials: int, variance: float) -> float:
    """Return the Sharpe ratio that the best of `trials` worthless strategies is expected to show.

    `variance` is that of the trials' Sharpe ratios. Zero for a single trial.
    """
    if trials <= 1:
        return 0.0
    high = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    higher = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * high + EULER_GAMMA * higher)


def minimum_track_record(sharpe: float, hurdle: float, skew: float, kurtosis: float, confidence: float) -> float:
    """Return the number of returns at which the probabilistic Sharpe ratio reaches `confidence`; inf if it cannot."""
    if sharpe <= hurdle:
        return math.inf
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return 1.0 + variance * (NORMAL.inv_cdf(confidence) / (sharpe - hurdle)) ** 2
