"""Corporate actions: backward, multiplicative adjustment factors. Source: CRSP's method, as Yahoo explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LARGE_DIVIDEND = 0.25  # of the price before: more is likelier a wrong split basis than a dividend


@dataclass(frozen=True)
class Factors:
    """Step functions of time for one symbol.

    Shapes: `since` (K,) datetime64[D], ascending, its first the earliest day there is; `split`, `price` (K,) float64:
    from `since[k]` until the day before `since[k + 1]`, a traded price times `split[k]` is split-adjusted and times
    `price[k]` fully adjusted. The last factors are 1.
    """

    since: np.ndarray
    split: np.ndarray
    price: np.ndarray


def split_multiplier(ratio: float) -> float:
    """Return 1/r, by which a split of r new shares for each old one multiplies earlier prices; NaN stays NaN."""
    return 1.0 / ratio


def dividend_multiplier(amount: float, close_before: float) -> float:
    """Return 1 − D / close[t−1], by which a cash distribution D with ex-date t multiplies earlier prices.

    `amount` and `close_before` are per share on the same split basis: both before t. NaN where either is NaN.
    """
    return 1.0 - amount / close_before


def factors(ex_dates: np.ndarray, split: np.ndarray, cash: np.ndarray) -> Factors:
    """Compound one symbol's actions into factors.

    Shapes: `ex_dates` (M,) datetime64[D] in any order; `split`, `cash` (M,) multipliers of earlier prices (1 where an
    action has no such part). A price on or after an ex-date is not touched by it; a split changes both series.
    Raises ValueError when a multiplier is not a positive finite number.
    """
    both = split * cash
    if not (np.isfinite(both).all() and (both > 0).all()):
        raise ValueError("a multiplier is not a positive finite number")
    since, place = np.unique(ex_dates.astype("datetime64[D]"), return_inverse=True)
    return Factors(
        np.r_[np.datetime64("0001-01-01", "D"), since],
        _backward(split, place, len(since)),
        _backward(both, place, len(since)),
    )


def _backward(multiplier: np.ndarray, place: np.ndarray, days: int) -> np.ndarray:
    """Multiply what happens on one day, then cumulate from the last day to the first."""
    per_day = np.ones(days)
    np.multiply.at(per_day, place, multiplier)
    cumulated: np.ndarray = np.r_[np.cumprod(per_day[::-1])[::-1], 1.0]
    return cumulated
