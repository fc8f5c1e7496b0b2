"""From scores to target weights, one row a decision; all rows at once, each from itself alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Type = Literal["quantile_long_only", "quantile_long_short", "score_weighted", "top_n"]
Weighting = Literal["equal", "score", "inverse_volatility"]


@dataclass(frozen=True)
class Rule:
    """How scores become weights.

    The long leg sums to (gross + net)/2 and the short leg to (gross − net)/2. The quantile types hold `⌊quantile · n⌋`
    of n scored names on each side, at least one; `top_n` holds the n best (and worst, with a short leg);
    `score_weighted` holds every name in proportion to its score, less the mean score where there is a short leg.
    """

    type: Type
    quantile: float = 0.2
    top_n: int = 50
    weighting: Weighting = "equal"
    gross: float = 1.0
    net: float = 1.0
    max_weight: float | None = None

    @property
    def long(self) -> float:
        """The long leg's sum."""
        return (self.gross + self.net) / 2.0

    @property
    def short(self) -> float:
        """The short leg's sum, positive."""
        return (self.gross - self.net) / 2.0


def target_weights(scores: np.ndarray, rule: Rule, volatility: np.ndarray | None = None) -> np.ndarray:
    """Return the weights (K, N) for scores (K, N); NaN scores are not held.

    A row with too few scored names for the legs it needs is all NaN: there is no decision. Ties go to the name that
    comes first. `volatility` (K, N) is needed by inverse_volatility; a name without one takes the row's median.
    Names at `max_weight` pass their excess on within the leg, in proportion; what no name can take stays in cash.
    """
    scored = np.isfinite(scores)
    n = scored.sum(axis=1)
    if rule.type == "score_weighted":
        longs, shorts = _score_legs(scores, scored, rule)
    else:
        longs, shorts = _ranked_legs(scores, scored, n, rule)
    size = _leg_sizes(scores, scored, rule, volatility)
    weights = _leg(longs, size, rule.long, rule.max_weight) - _leg(shorts, size, rule.short, rule.max_weight)
    undecided = ((rule.long > 0) & ~longs.any(axis=1)) | ((rule.short > 0) & ~shorts.any(axis=1))
    weights[undecided] = np.nan
    return np.asarray(weights)


def _score_legs(scores: np.ndarray, scored: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    centred = _centred(scores, scored) if rule.short > 0.0 else np.where(scored, scores, 0.0)
    return centred > 0.0, (centred < 0.0) & (rule.short > 0.0)


def _ranked_legs(scores: np.ndarray, scored: np.ndarray, n: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Return which names are held long and short, (K, N) each."""
    count = np.minimum(rule.top_n, n)
    if rule.type != "top_n":
        count = np.maximum(np.floor(rule.quantile * n + 1e-9).astype(np.int64), 1)
    sides = int(rule.long > 0.0) + int(rule.short > 0.0)
    count = np.where(count * sides > n, n // sides if rule.type == "top_n" else 0, count)
    order = np.argsort(np.where(scored, -scores, np.inf), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(scores.shape[1]), order.shape), axis=1)
    longs = scored & (rank < count[:, None]) & (rule.long > 0.0)
    shorts = scored & (rank >= (n - count)[:, None]) & (rule.short > 0.0)
    return longs, shorts


def _leg_sizes(scores: np.ndarray, scored: np.ndarray, rule: Rule, volatility: np.ndarray | None) -> np.ndarray:
    """Return the relative sizes (K, N) of names inside a leg, not negative."""
    if rule.type == "score_weighted" and rule.short == 0.0:
        return np.asarray(np.abs(np.where(scored, scores, 0.0)))
    if rule.type == "score_weighted" or rule.weighting == "score":
        return np.asarray(np.abs(_centred(scores, scored)))
    if rule.weighting == "inverse_volatility":
        if volatility is None:
            raise ValueError("inverse_volatility needs volatilities")
        return np.asarray(1.0 / _usable_volatility(np.where(scored, volatility, np.nan)))
    return np.ones_like(scores)


def _centred(scores: np.ndarray, scored: np.ndarray) -> np.ndarray:
    known = np.where(scored, scores, 0.0)
    mean = known.sum(axis=1) / np.maximum(scored.sum(axis=1), 1)
    return np.asarray(np.where(scored, known - mean[:, None], 0.0))


def _usable_volatility(volatility: np.ndarray) -> np.ndarray:
    """Return volatilities with the row's median for what is missing or zero, and 1 in a row without any."""
    usable = volatility.copy()
    for row in usable:
        known = np.isfinite(row) & (row > 0.0)
        row[~known] = np.median(row[known]) if known.any() else 1.0
    return usable


def _leg(members: np.ndarray, size: np.ndarray, total: float, cap: float | None) -> np.ndarray:
    """Return weights that sum to `total` in each row with members, in proportion to size, none above `cap`.

    Members whose sizes are all zero share equally.
    """
    size = np.where(members, size, 0.0)
    nothing = size.sum(axis=1) == 0.0
    size[nothing] = members[nothing]
    sums = size.sum(axis=1, keepdims=True)
    weights = np.divide(size * total, sums, out=np.zeros_like(size), where=sums > 0.0)
    return np.asarray(weights if cap is None else _capped(weights, total, cap))


def _capped(weights: np.ndarray, total: float, cap: float) -> np.ndarray:
    """Pass what exceeds the cap on to the leg's other names in proportion, until none exceeds it.

    Row by row: a row's numbers must not depend on how many passes another row takes.
    """
    for k in np.flatnonzero((weights > cap).any(axis=1)).tolist():
        _cap(weights[k], total, cap)
    return weights


def _cap(row: np.ndarray, total: float, cap: float) -> None:
    full = np.zeros(len(row), dtype=bool)
    while (over := (row > cap) & ~full).any():
        full |= over
        row[full] = cap
        room, free = max(total - cap * int(full.sum()), 0.0), float(row[~full].sum())
        if free > 0.0:
            row[~full] *= room / free
