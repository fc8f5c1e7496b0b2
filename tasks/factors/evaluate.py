"""Judges scores over the horizons asked for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.quant.evaluation.judge import Judgement, held_after_the_last_price, judge, rank_autocorrelation
from tasks.quant.evaluation.quantiles import quantile_bins, quantile_turnover

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.factors.scored import Scored


@dataclass(frozen=True)
class Judged:
    """What came of judging: by horizon for the score and each factor, by disjoint window, and from date to date.

    `windows` are the disjoint ones, in sessions after the score's close. `turnover` is (Q, D).
    """

    horizons: tuple[int, ...]
    quantiles: int
    by_signal: Mapping[str, Judgement]
    windows: tuple[tuple[int, int], ...]
    decay: Judgement
    autocorrelation: np.ndarray
    turnover: np.ndarray
    step: float

    def overlap(self, window: tuple[int, int]) -> int:
        """Return how many of the next scoring dates have a return that shares sessions with this date's."""
        return max(0, int(np.ceil((window[1] - window[0]) / self.step)) - 1)


def judged(scored: Scored, asked: Mapping[str, Any], min_names: int) -> Judged:
    """Return the judgement of the score and of each factor (neutralised, if the recipe does so)."""
    lag, quantiles = asked["lag"], asked["quantiles"]
    prices = held_after_the_last_price(scored.market.prices)
    ends = [lag + horizon for horizon in asked["horizons"]]
    disjoint = tuple(pairwise([lag, *ends]))
    signals = {"score": scored.scores.score, **dict(zip(scored.labels, scored.scores.after, strict=True))}
    whole = [(lag, end) for end in ends]
    bins = quantile_bins(scored.scores.score, quantiles)
    return Judged(
        horizons=tuple(asked["horizons"]),
        quantiles=quantiles,
        by_signal={
            name: judge(signal, prices, scored.rows, whole, quantiles=quantiles, min_names=min_names)
            for name, signal in signals.items()
        },
        windows=disjoint,
        decay=judge(scored.scores.score, prices, scored.rows, disjoint, quantiles=quantiles, min_names=min_names),
        autocorrelation=rank_autocorrelation(scored.scores.score),
        turnover=np.stack([quantile_turnover(bins, quantile) for quantile in range(quantiles)]),
        step=float(np.median(np.diff(scored.rows))) if len(scored.rows) > 1 else 1.0,
    )
