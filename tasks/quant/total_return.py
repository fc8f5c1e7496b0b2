"""Prices adjusted forward, so that no level ever knows of a split or dividend that comes after it."""

from __future__ import annotations

import numpy as np

from tasks.quant.as_of import carried


def total_return_index(close: np.ndarray, adj_factor: np.ndarray) -> np.ndarray:
    """Return (T, N) prices whose ratios are total returns and whose levels are never revised.

    `close` is as traded, `adj_factor` the cumulative backward factor (`adj_close / close`); both (T, N), NaN where
    there is no row. Where the factor never moves the answer is `close` itself.
    """
    grown = forward_factor(adj_factor)
    return close if grown is None else np.asarray(np.multiply(grown, close, out=grown))


def forward_factor(backward: np.ndarray) -> np.ndarray | None:
    """Return (T, N) the growth of a cumulative backward factor since the first row, or None where it never moves.

    A backward factor holds every later event, so a price made with it changes with the future, and even the ratio of
    two such prices does in its last bits. Here only the factor's steps from one row to the next are used. A step is
    rounded to ten digits, which no price shows: what later events left in the last bits of the division is cut off.
    """
    filled = carried(backward, np.isfinite(backward))
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = filled[1:] / filled[:-1]
    rows, columns = np.nonzero(np.isfinite(steps) & (steps != 1.0))
    if len(rows) == 0:
        return None
    grown = np.ones_like(backward)
    grown[rows + 1, columns] = [float(f"{step:.10g}") for step in steps[rows, columns].tolist()]
    return np.asarray(np.cumprod(grown, axis=0, out=grown))
