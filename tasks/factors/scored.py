"""A market with its scores: what the evaluation judges and the tables show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.ic_weights import DatedWeights
from tasks.quant.scoring import Scores

if TYPE_CHECKING:
    from tasks.factors.market import Market
    from tasks.factors.values import FactorValues


@dataclass(frozen=True)
class Scored:
    """Scores on D of a market's T dates. `rows` (D,) are the dates' row numbers."""

    market: Market
    labels: tuple[str, ...]
    rows: np.ndarray
    factors: tuple[FactorValues, ...]
    scores: Scores
    weights: DatedWeights | None = None  # where they differ from date to date

    @property
    def dates(self) -> np.ndarray:
        """The (D,) scoring dates."""
        return np.asarray(self.market.dates[self.rows])

    @property
    def members(self) -> np.ndarray:
        """The (D, N) symbol-dates that could have been scored."""
        return np.asarray(self.market.members[self.rows])

    @property
    def panels(self) -> dict[str, np.ndarray]:
        """Every factor before and after neutralising, as `momentum_z` and `momentum_n`, each (D, N)."""
        named = {}
        for label, before, after in zip(self.labels, self.scores.before, self.scores.after, strict=True):
            named[f"{label}_z"], named[f"{label}_n"] = before, after
        return named

    def since(self, start: str | None) -> Scored:
        """Return the scores from a day on: earlier ones served the decay only."""
        if start is None:
            return self
        first = int(np.searchsorted(self.dates, np.datetime64(start)))
        scores = self.scores
        kept = Scores(_cut(scores.before, first), _cut(scores.after, first), scores.score[first:])
        factors = tuple(replace(factor, values=factor.values[first:]) for factor in self.factors)
        weights = self.weights and DatedWeights(self.weights.values[first:], self.weights.from_ic[first:])
        return Scored(self.market, self.labels, self.rows[first:], factors, kept, weights)


def _cut(panels: tuple[np.ndarray, ...], first: int) -> tuple[np.ndarray, ...]:
    return tuple(panel[first:] for panel in panels)
