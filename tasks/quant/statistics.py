"""Statistics of a series of returns, each with its convention stated. Losses at risk are positive numbers.

Returns are simple, one a period, without NaN (shape (n,)). A statistic that has no value (too few returns, no
variation) is NaN, never zero. Where a name has several conventions the function says which one it follows; golden
numbers are Bacon's (2008) portfolio as computed by PerformanceAnalytics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


def total_return(r: np.ndarray) -> float:
    """Return `∏(1 + r) − 1`."""
    return float(np.prod(1.0 + r) - 1.0)


def annual_return(r: np.ndarray, periods: float) -> float:
    """Return the geometric annual return `∏(1 + r)^(periods/n) − 1`; NaN when everything was lost."""
    growth = float(np.prod(1.0 + r)) if len(r) else math.nan
    return growth ** (periods / len(r)) - 1.0 if growth > 0.0 else math.nan


def volatility(r: np.ndarray, periods: float = 1.0, ddof: int = 1) -> float:
    """Return the standard deviation, annualised by √periods."""
    return float(np.std(r, ddof=ddof)) * math.sqrt(periods) if len(r) > ddof else math.nan


def sharpe(r: np.ndarray, periods: float, risk_free: float = 0.0) -> float:
    """Return mean excess over its standard deviation (ddof 1), annualised; `risk_free` is per period."""
    excess = r - risk_free
    return _ratio(float(np.mean(excess)), volatility(excess)) * math.sqrt(periods) if len(r) > 1 else math.nan


def downside_deviation(r: np.ndarray, target: float = 0.0) -> float:
    """Return `√(Σ min(r − target, 0)² / n)` a period, over all n returns."""
    return math.sqrt(float(np.mean(np.minimum(r - target, 0.0) ** 2))) if len(r) else math.nan


def sortino(r: np.ndarray, periods: float, target: float = 0.0) -> float:
    """Return mean excess over the target by the downside deviation, annualised; `target` is per period."""
    return (
        _ratio(float(np.mean(r - target)), downside_deviation(r, target)) * math.sqrt(periods) if len(r) else math.nan
    )


def drawdowns(r: np.ndarray) -> np.ndarray:
    """Return wealth over its running peak, less one, (n,); the starting capital is a peak."""
    wealth = np.cumprod(1.0 + r)
    return np.asarray(wealth / np.maximum.accumulate(np.maximum(wealth, 1.0)) - 1.0)


def max_drawdown(r: np.ndarray) -> float:
    """Return the deepest drawdown, zero or negative."""
    return float(np.min(drawdowns(r), initial=0.0))


def calmar(r: np.ndarray, periods: float) -> float:
    """Return the geometric annual return over the whole period's maximum drawdown."""
    return _ratio(annual_return(r, periods), -max_drawdown(r))


def ulcer_index(r: np.ndarray) -> float:
    """Return the root mean square drawdown."""
    return math.sqrt(float(np.mean(drawdowns(r) ** 2))) if len(r) else math.nan


def pain_index(r: np.ndarray) -> float:
    """Return the mean drawdown, positive."""
    return -float(np.mean(drawdowns(r))) if len(r) else math.nan


def martin_ratio(r: np.ndarray, periods: float) -> float:
    """Return the geometric annual return over the ulcer index."""
    return _ratio(annual_return(r, periods), ulcer_index(r))


def pain_ratio(r: np.ndarray, periods: float) -> float:
    """Return the geometric annual return over the pain index."""
    return _ratio(annual_return(r, periods), pain_index(r))


def omega(r: np.ndarray, target: float = 0.0) -> float:
    """Return the gains above the target over the losses below it."""
    return _ratio(float(np.maximum(r - target, 0.0).sum()), float(np.maximum(target - r, 0.0).sum()))


def hit_rate(r: np.ndarray) -> float:
    """Return the share of positive returns among those that are not zero."""
    moved = r[r != 0.0]
    return float(np.mean(moved > 0.0)) if len(moved) else math.nan


def skewness(r: np.ndarray, *, sample: bool = False) -> float:
    """Return g1 = m₃ / m₂^1.5 with population moments; `sample` gives G1, corrected for bias."""
    n = len(r)
    centred = r - np.mean(r) if n else r
    m2 = float(np.mean(centred**2)) if n else math.nan
    g1 = _ratio(float(np.mean(centred**3)) if n else math.nan, m2**1.5)
    if not sample:
        return g1
    return g1 * math.sqrt(n * (n - 1)) / (n - 2) if n > 2 else math.nan


def excess_kurtosis(r: np.ndarray, *, sample: bool = False) -> float:
    """Return g2 = m₄ / m₂² − 3 with population moments; `sample` gives G2, corrected for bias."""
    n = len(r)
    centred = r - np.mean(r) if n else r
    m2 = float(np.mean(centred**2)) if n else math.nan
    g2 = _ratio(float(np.mean(centred**4)) if n else math.nan, m2**2) - 3.0
    if not sample:
        return g2
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6.0) if n > 3 else math.nan


def value_at_risk(r: np.ndarray, confidence: float = 0.95) -> float:
    """Return the historical VaR, quantile of type 7 (linear), a positive loss."""
    return -float(np.quantile(r, 1.0 - confidence)) if len(r) else math.nan


def expected_shortfall(r: np.ndarray, confidence: float = 0.95) -> float:
    """Return the historical expected shortfall of Rockafellar and Uryasev, a positive loss.

    The mean of the worst `n · (1 − confidence)` returns, the last of them counted in part.
    """
    n = len(r)
    if not n:
        return math.nan
    tail = n * (1.0 - confidence)
    k = max(math.ceil(tail - 1e-9), 1)
    worst = np.sort(r)[:k]
    return -float((worst[:-1].sum() + (tail - (k - 1)) * worst[-1]) / tail)


def beta(r: np.ndarray, benchmark: np.ndarray) -> float:
    """Return cov(r, b) / var(b), the same ddof above and below."""
    if len(r) < 2:
        return math.nan
    b = benchmark - np.mean(benchmark)
    return _ratio(float(np.mean((r - np.mean(r)) * b)), float(np.mean(b * b)))


def alpha(r: np.ndarray, benchmark: np.ndarray, periods: float, risk_free: float = 0.0) -> float:
    """Return Jensen's alpha, arithmetic: mean of `(r − rf) − β (b − rf)` times the periods of a year."""
    slope = beta(r, benchmark)
    return float(np.mean((r - risk_free) - slope * (benchmark - risk_free))) * periods if len(r) else math.nan


def tracking_error(r: np.ndarray, benchmark: np.ndarray, periods: float) -> float:
    """Return the standard deviation (ddof 1) of active returns, annualised."""
    return volatility(r - benchmark, periods)


def information_ratio(r: np.ndarray, benchmark: np.ndarray, periods: float) -> float:
    """Return the mean active return, arithmetic and annual, over the tracking error."""
    return (
        _ratio(float(np.mean(r - benchmark)) * periods, tracking_error(r, benchmark, periods)) if len(r) else math.nan
    )


def information_ratio_geometric(r: np.ndarray, benchmark: np.ndarray, periods: float) -> float:
    """Return the difference of the geometric annual returns over the tracking error (PerformanceAnalytics)."""
    active = annual_return(r, periods) - annual_return(benchmark, periods)
    return _ratio(active, tracking_error(r, benchmark, periods))


def capture(r: np.ndarray, benchmark: np.ndarray, periods: float, *, up: bool) -> float:
    """Return the geometric annual return over the benchmark's, on its rising (or falling) periods only."""
    chosen = benchmark > 0.0 if up else benchmark < 0.0
    return _ratio(annual_return(r[chosen], periods), annual_return(benchmark[chosen], periods))


@dataclass(frozen=True)
class Drawdown:
    """One fall from a peak: rows of the wealth series, whose row 0 is the start; `recovery` None while it lasts."""

    depth: float
    peak: int
    trough: int
    recovery: int | None

    def length(self, rows: int) -> int:
        """Return the periods from the peak to the recovery, or to the last of `rows`."""
        return (rows - 1 if self.recovery is None else self.recovery) - self.peak


def worst_drawdowns(r: np.ndarray, count: int = 5) -> list[Drawdown]:
    """Return the deepest falls, deepest first; falls do not overlap."""
    depth = np.concatenate([[0.0], drawdowns(r)])
    under = depth < 0.0
    starts = np.flatnonzero(under & ~np.concatenate([[False], under[:-1]]))
    found = []
    for start in starts.tolist():
        back = np.flatnonzero(~under[start:])
        end = start + int(back[0]) if len(back) else None
        trough = start + int(np.argmin(depth[start:end]))
        found.append(Drawdown(float(depth[trough]), start - 1, trough, end))
    return sorted(found, key=lambda fall: (fall.depth, fall.peak))[:count]


def _ratio(numerator: float, denominator: float) -> float:
    """Return a quotient, NaN where the denominator is not a number above rounding."""
    return numerator / denominator if abs(denominator) > 1e-300 else math.nan
