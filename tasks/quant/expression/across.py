"""Cross-sections and groups: each date's names against each other. Absent values stay absent and count nowhere.

Sums run over the names one after another, so a name without a value leaves not one bit of the others changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.quant import cross_section
from tasks.quant.name_sum import name_sum
from tasks.quant.pieces import row_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

RANKED = cross_section.percentile_rank
ZSCORED = cross_section.zscore


def by_rows(work: Callable[..., np.ndarray], *panels: np.ndarray) -> np.ndarray:
    """Return (T, N) `work(*panels)` for work that treats every row by itself, done some rows at a time."""
    found = np.empty(panels[0].shape)
    for rows in row_blocks(panels[0]):
        found[rows] = work(*(panel[rows] for panel in panels))
    return found


def winsorized(lower: float, upper: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the work of clipping rows at two of their own quantiles."""
    low, high = min(lower, upper), max(lower, upper)
    return lambda x: cross_section.winsorize_quantile(x, low, high)


def demeaned(x: np.ndarray) -> np.ndarray:
    """Return (R, N) less each row's mean."""
    present = np.isfinite(x)
    n = np.maximum(np.count_nonzero(present, axis=1), 1)
    return np.asarray(x - (name_sum(np.where(present, x, 0.0)) / n)[:, None])


def scaled(x: np.ndarray) -> np.ndarray:
    """Return (R, N) over each row's sum of absolute values; NaN where that is zero."""
    gross = name_sum(np.where(np.isfinite(x), np.abs(x), 0.0))
    return np.asarray(x / np.where(gross > 0.0, gross, np.nan)[:, None])


def group_mean(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (R, N) the mean of each name's group; `codes` (R, N), -1 for none: NaN for those, and for absent names."""
    cell, inside, cells = _cells(x, codes)
    n, sums = (np.bincount(cell, weights, cells) for weights in (None, x[inside]))
    return _spread(x, inside, (sums / np.maximum(n, 1))[cell])


def group_demeaned(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (R, N) less the mean of each name's group."""
    return np.asarray(x - group_mean(x, codes))


def group_zscored(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (R, N) z-scores within each group (ddof 1); NaN in a group of one, 0 in one without spread."""
    centred = group_demeaned(x, codes)
    cell, inside, cells = _cells(centred, codes)
    n, squares = (np.bincount(cell, weights, cells) for weights in (None, centred[inside] ** 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(squares / np.where(n > 1, n - 1.0, np.nan))
    deviation[deviation < cross_section.NO_SPREAD] = np.inf
    return _spread(x, inside, centred[inside] / deviation[cell])


def group_ranked(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (R, N) `(rank - 0.5) / n` within each group."""
    found = np.full(x.shape, np.nan)
    for code in np.unique(codes[codes >= 0]):
        members = codes == code
        np.copyto(found, RANKED(np.where(members, x, np.nan)), where=members)
    return found


def _cells(x: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the date-and-group cell of each name that counts, which names those are, and how many cells there are.

    `bincount` adds in the order of the names, as `name_sum` does.
    """
    inside = np.isfinite(x) & (codes >= 0)
    groups = int(codes.max(initial=0)) + 1
    cell = np.broadcast_to(np.arange(len(x))[:, None] * groups, x.shape)[inside] + codes[inside]
    return cell, inside, len(x) * groups


def _spread(x: np.ndarray, inside: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = np.full(x.shape, np.nan)
    found[inside] = values
    return found
