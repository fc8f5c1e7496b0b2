"""Sums over moving windows of rows that neither drift nor remember what has left the window."""

from __future__ import annotations

import numpy as np


def rolling_sum(values: np.ndarray, window: int) -> np.ndarray:
    """Return for each row the sum of the last `window` rows, itself included; fewer where there are not so many.

    `values`: (T, N) without NaN. Rows are cut into blocks of one window each; a window is the tail of one block and
    the head of the next, so nothing is ever subtracted: an absurd value leaves no error behind it, and a row depends
    on no later one (van Herk 1992, with + in the place of max).
    """
    sums = np.empty_like(values)
    tail = np.empty_like(values[: window - 1])
    for start in range(0, len(values), window):
        head = sums[start : start + window]
        _running_sum(values[start : start + window], head)
        if start and window > 1:
            _running_sum(values[start - 1 : start - window : -1], tail)
            overlap = min(len(head), window - 1)
            head[:overlap] += tail[::-1][:overlap]
    return sums


def rolling_count(present: np.ndarray, window: int) -> np.ndarray:
    """Return for each row how many of the last `window` rows of a boolean (T, N) are true, as float64."""
    so_far = np.empty(present.shape, dtype=np.int32)
    _running_sum(present.astype(np.int32), so_far)
    counts = so_far.astype(np.float64)
    counts[window:] -= so_far[:-window]
    return counts


def _running_sum(values: np.ndarray, out: np.ndarray) -> None:
    """Write the running sum over rows; a row at a time is several times faster than numpy's cumsum across rows."""
    out[:1] = values[:1]
    for t in range(1, len(values)):
        np.add(out[t - 1], values[t], out=out[t])
