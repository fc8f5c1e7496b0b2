"""Decay: a score leans on the past scores of the same symbol."""

from __future__ import annotations

import numpy as np


def exponential_decay(scores: np.ndarray, half_life: float, *, in_place: bool = False) -> np.ndarray:
    """Return (T, N) `sum_k 2^(-k/h) x[t-k] / sum_k 2^(-k/h)` over the past scores that exist, k in rows.

    A missing score neither counts nor resets the history; where today's is missing the answer is NaN, so a name that
    has left keeps no score. Raises ValueError when the half-life is not positive.
    """
    if not half_life > 0.0:
        raise ValueError(f"the half-life must be positive, not {half_life}")
    fade = 2.0 ** (-1.0 / half_life)
    total, weight = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    decayed = scores if in_place else scores.copy()
    for row in decayed:
        present = np.isfinite(row)
        total *= fade
        weight *= fade
        np.add(total, row, out=total, where=present)
        weight += present
        np.divide(total, weight, out=row, where=present)
    return decayed
