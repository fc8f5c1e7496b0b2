"""Is a price history believable? Gaps, stale runs, outliers, suspected splits: found, never mended.

All functions take many symbols at once, one after the other: `starts` (S,) int64 holds the index of each symbol's
first row, and within a symbol rows ascend by date. NaN prices compare as unknown and raise no finding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAD_TO_SIGMA = 1.4826  # makes the median absolute deviation of a normal sample its standard deviation
NEIGHBOURS = np.r_[-10:0, 2:12]  # rows around a move, without itself and the one that takes it back
LONELY = 8.0  # times the median move: more than five standard deviations of the weeks around
SPLIT_RATIOS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100])
SPLIT_TOLERANCE = 0.1  # how far from a ratio the first day's trading may carry the price


@dataclass(frozen=True)
class Runs:
    """Stretches of rows: `first` and `last` (K,) row numbers, both included; `length` (K,) in rows or sessions."""

    first: np.ndarray
    last: np.ndarray
    length: np.ndarray


def within(starts: np.ndarray, rows: int) -> np.ndarray:
    """Return (rows,) bool: True where the row before belongs to the same symbol."""
    same = np.ones(rows, dtype=bool)
    same[starts] = False
    return same


def log_returns(prices: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return (T,) log returns from the row before, NaN on each symbol's first row and beside a NaN price."""
    logs = np.log(prices)
    returns = np.full(len(prices), np.nan)
    returns[1:] = logs[1:] - logs[:-1]
    returns[starts] = np.nan
    return returns


def robust_z(returns: np.ndarray, starts: np.ndarray, min_rows: int = 30) -> np.ndarray:
    """Return (T,) |r − median| / (1.4826 · MAD) of each symbol's own returns.

    NaN for a symbol with fewer than `min_rows` returns or a MAD of 0, and where the return is NaN. A MAD is blind to
    the outliers themselves, as a standard deviation is not.
    """
    z = np.full(len(returns), np.nan)
    for first, end in zip(starts, np.r_[starts[1:], len(returns)], strict=True):
        mine = returns[first:end]
        seen = mine[np.isfinite(mine)]
        if len(seen) < min_rows:
            continue
        middle = np.median(seen)
        scale = MAD_TO_SIGMA * np.median(np.abs(seen - middle))
        if scale > 0:
            z[first:end] = np.abs(mine - middle) / scale
    return z


def bad_ticks(returns: np.ndarray, z: np.ndarray, spike: float) -> np.ndarray:
    """Return the rows whose move, with a z above `spike`, the next day takes back: likelier a typing error than news.

    `returns` and `z` (T,) are those of `log_returns` and `robust_z`; NaN is none. In a crash prices go up and down by
    as much for weeks: a bad tick is also `LONELY` times the median move of the ten rows before and after it.
    """
    rows = np.flatnonzero((z > spike) & _undone(np.nan_to_num(returns), np.r_[returns[1:], np.nan]))
    around = np.clip(rows[:, None] + NEIGHBOURS, 0, len(returns) - 1)
    lonely: np.ndarray = np.abs(returns[rows]) > LONELY * np.nanmedian(np.abs(returns)[around], axis=1)
    found: np.ndarray = rows[lonely]
    return found


def outliers(returns: np.ndarray, z: np.ndarray, far: float, spike: float) -> np.ndarray:
    """Return the rows whose move is beyond belief: z above `far`, or above `spike` and taken back the next day.

    `returns` and `z` (T,) are those of `log_returns` and `robust_z`; NaN is no outlier. A lasting move can be news, and
    needs more to be doubted than one that the next day undoes.
    """
    return np.union1d(np.flatnonzero(z > far), bad_ticks(returns, z, spike))


def stale_runs(prices: np.ndarray, starts: np.ndarray, min_rows: int) -> Runs:
    """Find stretches of at least `min_rows` rows of one symbol with exactly the same price."""
    if len(prices) == 0:
        none = np.empty(0, dtype=np.int64)
        return Runs(none, none, none)
    same = np.r_[False, prices[1:] == prices[:-1]] & within(starts, len(prices))
    first = np.flatnonzero(~same)
    last = np.r_[first[1:], len(prices)] - 1
    length = last - first + 1
    long = length >= min_rows
    return Runs(first[long], last[long], length[long])


def missing_windows(session: np.ndarray, starts: np.ndarray) -> Runs:
    """Find sessions without a row between a symbol's rows.

    `session` (T,) int64 is each row's place in the calendar, non-decreasing within a symbol. `first` and `last` are
    the rows on either side, `length` the sessions missing between them.
    """
    ahead = np.diff(session, prepend=session[:1])
    gap = np.flatnonzero((ahead > 1) & within(starts, len(session)))
    return Runs(gap - 1, gap, ahead[gap] - 1)


def _undone(moves: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Say of each move whether the other one beside it takes most of it back."""
    back: np.ndarray = np.abs(np.nan_to_num(others) + moves) < np.abs(moves) / 2
    return back


def suspected_splits(prices: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, ratios) where the price moved as a split of a usual ratio would move it, and stayed.

    `prices` (T,) are split-adjusted already: what is found here was not in the actions. Ratio r > 1 is a split of r
    for 1, below 1 a reverse split. A move that the next day undoes is an outlier, not a split. The last row of a
    symbol can't have stayed and counts as it stands.
    """
    moves = log_returns(prices, starts)
    steps = np.r_[-np.log(SPLIT_RATIOS), np.log(SPLIT_RATIOS)]
    candidate = np.flatnonzero(np.abs(moves) > np.log(SPLIT_RATIOS[0] * (1 - SPLIT_TOLERANCE)))
    if not len(candidate):
        return candidate, np.empty(0)
    nearest = np.abs(moves[candidate, None] - steps[None, :]).argmin(axis=1)
    tolerance = np.where(np.abs(steps[nearest]) < np.log(1.9), SPLIT_TOLERANCE / 4, SPLIT_TOLERANCE)
    close = np.abs(moves[candidate] - steps[nearest]) < tolerance
    found = close & ~_undone(moves[candidate], np.r_[moves, np.nan][candidate + 1])
    found &= ~_undone(moves[candidate], moves[candidate - 1])  # nor is the way back from an outlier
    return candidate[found], np.exp(-steps[nearest[found]])
