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
    for start in range(0, len(values), window):
        head = sums[start : start + window]
        np.cumsum(values[start : start + window], axis=0, out=head)
        if start:
            tail = np.cumsum(values[start - 1 : start - window : -1], axis=0)[::-1]
            head[: len(tail)] += tail[: len(head)]
    return sums


def rolling_count(present: np.ndarray, window: int) -> np.ndarray:
    """Return for each row how many of the last `window` rows of a boolean (T, N) are true, as float64."""
    counted = np.cumsum(present, axis=0, dtype=np.int32)
    counted[window:] -= counted[:-window].copy()
    return counted.astype(np.float64)
