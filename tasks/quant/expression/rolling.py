"""Windows of rows, each column by itself: the newest `window` rows of (T, N), absent values left out.

A window is the tail of one block of rows and the head of the next (van Herk 1992), so nothing is ever subtracted from
a running total: an absurd value leaves no error behind it once it is out, and no row depends on a later one. Every
answer is NaN where fewer than `least` of the window's values exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.windows import rolling_count, rolling_sum

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_VARIATION = 1e-26  # of the squares' sum: what is left of a constant's is rounding


def delayed(x: np.ndarray, window: int) -> np.ndarray:
    """Return (T, N) the values `window` rows ago, NaN before there were any."""
    found = np.full_like(x, np.nan)
    found[window:] = x[: len(x) - window] if window < len(x) else x[:0]
    return found


def total(x: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return (T, N) the sum of a window's values."""
    present = np.isfinite(x)
    return _enough(rolling_sum(np.where(present, x, 0.0), window), present, window, least)


def mean(x: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return (T, N) the mean of a window's values."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total(x, window, least) / rolling_count(np.isfinite(x), window))


def extreme(x: np.ndarray, window: int, least: float, pick: np.ufunc) -> np.ndarray:
    """Return (T, N) the smallest (`np.minimum`) or largest (`np.maximum`) of a window's values."""
    present = np.isfinite(x)
    held = np.where(present, x, np.inf if pick is np.minimum else -np.inf)
    found = np.empty_like(held)
    for block, before in _blocks(len(held), window):
        pick.accumulate(held[block], axis=0, out=found[block])
        tail = pick.accumulate(held[before][::-1], axis=0)[::-1]
        head = found[block][: len(tail)]
        pick(head, tail[: len(head)], out=head)
    return _enough(found, present, window, least)


def rank_in_window(x: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return (T, N) `(rank - 0.5) / n` of the newest value among its window's, equal ones sharing a rank."""
    below, equal = np.zeros(x.shape, dtype=np.int32), np.zeros(x.shape, dtype=np.int32)
    for back in range(1, min(window, len(x))):
        below[back:] += x[:-back] < x[back:]
        equal[back:] += x[:-back] == x[back:]
    present = np.isfinite(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (below + 0.5 * equal + 0.5) / rolling_count(present, window)
    found[~present] = np.nan
    return _enough(found, present, window, least)


def deviation(x: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return (T, N) the standard deviation (ddof 1) of a window's values."""
    return np.asarray(np.sqrt(covariance(x, x, window, least)))


def covariance(x: np.ndarray, y: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return (T, N) the covariance (ddof 1) over the window's rows where both exist."""
    x, y = _paired(x, y)
    found = _comoment(x, y, window)
    n = rolling_count(np.isfinite(x), window)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _enough(found / (n - 1.0), np.isfinite(x), window, max(least, 2.0))


def correlation(x: np.ndarray, y: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return (T, N) the correlation over the window's rows where both exist; NaN where either stands still."""
    x, y = _paired(x, y)
    xx, yy = _variation(x, window), _variation(y, window)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.clip(_comoment(x, y, window) / (np.sqrt(xx) * np.sqrt(yy)), -1.0, 1.0)
    return _enough(found, np.isfinite(x), window, max(least, 3.0))


def slope(y: np.ndarray, x: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return (T, N) the least-squares slope of y on x, with an intercept; NaN where x stands still."""
    x, y = _paired(x, y)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = _comoment(x, y, window) / _variation(x, window)
    return _enough(found, np.isfinite(x), window, max(least, 3.0))


def _paired(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = np.isfinite(x) & np.isfinite(y)
    return np.where(both, x, np.nan), np.where(both, y, np.nan)


def _variation(x: np.ndarray, window: int) -> np.ndarray:
    """Return (T, N) `sum (x - mean)^2` of each window, NaN where that is nothing but rounding."""
    found = _comoment(x, x, window)
    squares = rolling_sum(np.where(np.isfinite(x), x, 0.0) ** 2, window)
    return np.where(found > NO_VARIATION * squares, found, np.nan)


@dataclass
class _Moments:
    """Count, both means and `sum (x - mean)(y - mean)` of some rows, each (R, N)."""

    n: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xy: np.ndarray

    def joined(self, other: _Moments) -> _Moments:
        """Return the moments of both sets of rows together (Chan, Golub and LeVeque 1983)."""
        n = self.n + other.n
        share = other.n / np.maximum(n, 1.0)
        dx, dy = other.x - self.x, other.y - self.y
        xy = self.xy + other.xy + dx * dy * self.n * share
        return _Moments(n, self.x + dx * share, self.y + dy * share, xy)

    def rows(self, rows: slice) -> _Moments:
        """Return some of the rows."""
        return _Moments(self.n[rows], self.x[rows], self.y[rows], self.xy[rows])


def _comoment(x: np.ndarray, y: np.ndarray, window: int) -> np.ndarray:
    """Return (T, N) `sum (x - mean)(y - mean)` of each window, over the rows where both exist."""
    found = np.empty_like(x)
    for block, before in _blocks(len(x), window):
        head = _running(x[block], y[block])
        found[block] = head.xy
        tail = _running(x[before][::-1], y[before][::-1]).rows(slice(None, None, -1))
        shared = slice(min(len(head.xy), len(tail.xy)))
        found[block][shared] = tail.rows(shared).joined(head.rows(shared)).xy
    return found


def _running(x: np.ndarray, y: np.ndarray) -> _Moments:
    """Return the moments of the first 1, 2, … rows (Welford 1962)."""
    present = np.isfinite(x) & np.isfinite(y)
    n = np.cumsum(present, axis=0, dtype=np.float64)
    found = _Moments(n, np.zeros_like(x), np.zeros_like(x), np.zeros_like(x))
    mean_x, mean_y, xy = np.zeros(x.shape[1]), np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for t, there in enumerate(present):
        share = 1.0 / np.maximum(n[t], 1.0)
        dx = np.where(there, x[t] - mean_x, 0.0)
        mean_x = mean_x + dx * share
        mean_y = mean_y + np.where(there, y[t] - mean_y, 0.0) * share
        xy = xy + dx * np.where(there, y[t] - mean_y, 0.0)
        found.x[t], found.y[t], found.xy[t] = mean_x, mean_y, xy
    return found


def _blocks(rows: int, window: int) -> Iterator[tuple[slice, slice]]:
    """Cut rows into blocks of one window; with each, the rows before it that its windows still reach."""
    for start in range(0, rows, window):
        yield slice(start, min(start + window, rows)), slice(max(0, start - window + 1), start)


def _enough(found: np.ndarray, present: np.ndarray, window: int, least: float) -> np.ndarray:
    """Return the answer with NaN where too few of the window's values exist."""
    found[rolling_count(present, window) < max(least, 1.0)] = np.nan
    return found
