"""From raw factors to one score: winsorize, standardise, neutralise, standardise again, combine, standardise, decay.

Each date is a cross-section by itself; only the decay looks back, and nothing looks ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant import cross_section
from tasks.quant.combine import combine, combine_by_date
from tasks.quant.decay import exponential_decay
from tasks.quant.neutralize import Exposures, neutralize_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNEXPOSED = Exposures()
BLOCK_ROWS = 32  # with 3,000 names a block is 768 kB: the whole chain on it stays in the processor's cache

WINSORIZE = {
    "quantile": cross_section.winsorize_quantile,
    "mad": cross_section.winsorize_mad,
    "sigma": cross_section.winsorize_sigma,
}
STANDARDIZE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zscore": cross_section.zscore,
    "rank": lambda x: cross_section.zscore(cross_section.percentile_rank(x)),
    "rank_normal": cross_section.rank_normal,
}


@dataclass(frozen=True)
class Recipe:
    """How raw factors become a score: positive `weights`, one for each factor; `limits` as the method means them."""

    weights: tuple[float, ...]
    winsorize: str = "quantile"
    limits: tuple[float, float] = (0.01, 0.99)
    standardize: str = "zscore"
    half_life: float | None = None
    min_names: int = 10
    min_coverage: float = 0.5


@dataclass(frozen=True)
class Scores:
    """What a recipe made, all (T, N) and NaN where there is no number.

    `before`: each factor winsorised and standardised; `after`: neutralised and standardised again (the very same
    arrays where nothing was asked to be neutralised); `score`: combined, standardised, decayed.
    """

    before: tuple[np.ndarray, ...]
    after: tuple[np.ndarray, ...]
    score: np.ndarray


def score(
    raws: Sequence[np.ndarray],
    recipe: Recipe,
    exposures: Exposures = UNEXPOSED,
    report: Callable[[float], None] = lambda _: None,
    *,
    keep_factors: bool = True,
) -> Scores:
    """Return the scores of K raw factors (T, N), larger being better; NaN where a name is not to be scored.

    A row with fewer than `recipe.min_names` names is NaN at whichever step it is too small. `report` is told the
    fraction done. Without `keep_factors` only the score is kept, in a fraction of the memory. Raises ValueError when
    weights and factors differ in number.
    """
    if len(raws) != len(recipe.weights):
        raise ValueError(f"{len(raws)} factors, but {len(recipe.weights)} weights")
    shape = raws[0].shape
    before = tuple(np.empty(shape) for _ in raws) if keep_factors else ()
    after = tuple(np.empty(shape) for _ in raws) if keep_factors and exposures else before
    combined = np.empty(shape)
    for start in range(0, shape[0], BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = _score_block([np.asfortranarray(raw[rows]) for raw in raws], recipe, exposures.rows(rows))
        combined[rows] = block.score
        for target, made in zip((*before, *after), (*block.before, *block.after), strict=False):
            target[rows] = made
        report(min(1.0, rows.stop / shape[0]))
    return Scores(before, after, _decayed(combined, recipe))


def recombined(scores: Scores, weights: np.ndarray, recipe: Recipe) -> Scores:
    """Return scores whose factors are combined anew, with the weights (T, K) of each date."""
    combined = np.empty(scores.after[0].shape)
    for start in range(0, len(combined), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = [np.asfortranarray(factor[rows]) for factor in scores.after]
        made = combine_by_date(block, weights[rows], recipe.min_coverage)
        combined[rows] = cross_section.zscore(_large_enough(made, recipe))
    return Scores(scores.before, scores.after, _decayed(combined, recipe))


def _score_block(raws: Sequence[np.ndarray], recipe: Recipe, exposures: Exposures) -> Scores:
    before = tuple(_standardized(raw, recipe) for raw in raws)
    after = before
    if exposures:
        residuals = neutralize_all(before, exposures)
        after = tuple(cross_section.zscore(_large_enough(residual, recipe)) for residual in residuals)
    combined = _large_enough(combine(after, recipe.weights, recipe.min_coverage), recipe)
    return Scores(before, after, cross_section.zscore(combined))


def _standardized(raw: np.ndarray, recipe: Recipe) -> np.ndarray:
    x = _large_enough(raw, recipe)
    if recipe.winsorize != "none":
        x = WINSORIZE[recipe.winsorize](x, *recipe.limits)
    return STANDARDIZE[recipe.standardize](x)


def _decayed(combined: np.ndarray, recipe: Recipe) -> np.ndarray:
    if recipe.half_life is None:
        return combined
    decayed = exponential_decay(combined, recipe.half_life, in_place=True)
    for start in range(0, len(decayed), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        decayed[rows] = cross_section.zscore(np.asfortranarray(decayed[rows]))
    return decayed


def _large_enough(x: np.ndarray, recipe: Recipe) -> np.ndarray:
    return cross_section.without_small_rows(x, recipe.min_names)
