"""Prices adjusted forward, so that no level ever knows of a split or dividend that comes after it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tasks.quant.as_of import carried

DIVIDENDS_LEAVE = 0.8  # a smaller multiplier, or one above 1, is looked at as a split first
ROUNDING = 4e-15


def total_return_index(close: np.ndarray, adj_factor: np.ndarray) -> np.ndarray:
    """Return (T, N) prices whose ratios are total returns and whose levels are never revised.

    `close` is as traded, `adj_factor` the cumulative backward factor (`adj_close / close`); both (T, N), NaN where
    there is no row. Where the factor never moves the answer is `close` itself.
    """
    grown = forward_factor(adj_factor, close)
    return close if grown is None else np.asarray(np.multiply(grown, close, out=grown))


def forward_factor(backward: np.ndarray, close: np.ndarray) -> np.ndarray | None:
    """Return (T, N) the growth of a cumulative backward factor since the first row, or None where it never moves.

    A backward factor holds every later event, so a price made with it changes with the future, and even the ratio of
    two such prices does in its last bits. So the factor's steps from one row to the next are taken apart into the
    events they came from, a split's ratio of small whole numbers or a dividend's amount, and put together again from
    these and the close before alone.
    """
    filled = carried(backward, np.isfinite(backward))
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = filled[:-1] / filled[1:]
    rows, columns = np.nonzero(np.isfinite(steps) & (steps != 1.0))
    if len(rows) == 0:
        return None
    before = carried(close, np.isfinite(close))[rows, columns]
    grown = np.ones_like(backward)
    grown[rows + 1, columns] = 1.0 / _from_events(steps[rows, columns], before)
    return np.asarray(np.cumprod(grown, axis=0, out=grown))


def _from_events(multipliers: np.ndarray, close_before: np.ndarray) -> np.ndarray:
    """Return the multipliers of earlier prices as their events give them: `q / p` of a split, `1 - D / close`.

    An amount is rounded to ten digits, which cuts off what the division of two cumulative factors left behind it.
    """
    amounts = (1.0 - multipliers) * close_before
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (9.0 - np.floor(np.log10(np.abs(amounts))))
        exact = 1.0 - np.rint(amounts * scale) / scale / close_before
    exact = np.where(np.isfinite(exact), exact, multipliers)
    for i in np.flatnonzero((multipliers < DIVIDENDS_LEAVE) | (multipliers > 1.0)):
        ratio = float(Fraction(float(multipliers[i])).limit_denominator(1000))
        if abs(ratio - multipliers[i]) <= ROUNDING * multipliers[i]:
            exact[i] = ratio
    return np.asarray(exact)
