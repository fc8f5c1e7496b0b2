"""Takes named exposures out of a factor: what remains can't be explained by them on that date."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.name_sum import name_sum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLLINEAR = 1e-10  # the share of an exposure's own length below which what is left of it is rounding


def neutralize(x: np.ndarray, exposures: Sequence[np.ndarray], groups: np.ndarray | None = None) -> np.ndarray:
    """Return the residuals of one least-squares regression per row of `x` on all exposures together.

    `x` and every exposure are (T, N). `groups` is (T, N) of whole numbers, one group each (a dummy variable each), -1
    for none; without groups there is an intercept, with them the dummies hold it. A name takes part where its value,
    every exposure and its group are known; elsewhere the residual is NaN. A row whose names do not outnumber the
    regression's columns is all NaN: it would fit exactly and leave only rounding. An exposure that is a combination of
    those before it (constant within groups, say) adds nothing and is passed over.

    Solved without forming dummies: centring within groups takes out the groups and the intercept (Frisch and Waugh
    1933), Gram-Schmidt the exposures, each done twice ("twice is enough", Kahan), so the residuals are orthogonal to
    every exposure to rounding.
    """
    codes = np.broadcast_to(np.zeros(x.shape[1], dtype=np.int64), x.shape) if groups is None else groups
    residuals = np.full_like(x, np.nan)
    for rows in _runs(codes):
        residuals[rows] = _residuals(x[rows], [exposure[rows] for exposure in exposures], codes[rows.start])
    return residuals


def _runs(codes: np.ndarray) -> Iterator[slice]:
    """Cut the rows into runs within which no name changes its group."""
    if codes.strides[0] == 0:  # one row, repeated by broadcasting
        return iter([slice(0, len(codes))])
    changes = np.flatnonzero(np.any(codes[1:] != codes[:-1], axis=1)) + 1
    edges = [0, *changes.tolist(), len(codes)]
    return (slice(a, b) for a, b in pairwise(edges) if b > a)


def _residuals(x: np.ndarray, exposures: Sequence[np.ndarray], codes: np.ndarray) -> np.ndarray:
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-2))
    groups = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(codes)], strict=True) if codes[order[a]] >= 0]
    present = np.isfinite(x) & (codes >= 0)
    for exposure in exposures:
        present &= np.isfinite(exposure)
    held = _in_order(present, order)
    counts = np.stack([np.count_nonzero(held[:, group], axis=1) for group in groups], axis=1)
    basis: list[np.ndarray] = []
    rank = np.count_nonzero(counts, axis=1)
    for exposure in exposures:
        direction = _direction(_held(exposure, order, held), groups, counts, held, basis)
        rank += np.any(direction != 0.0, axis=1)
        basis.append(direction)
    y = _held(x, order, held)
    for _ in range(2):
        _centre(y, groups, counts, held)
        _project_out(y, basis)
    y[~held] = np.nan
    y[np.count_nonzero(held, axis=1) <= rank] = np.nan
    residuals = np.empty_like(y)
    residuals[:, order] = y
    return residuals


def _in_order(x: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the names in another order, each name's rows side by side in memory."""
    return np.asarray(np.take(x.T, order, axis=0).T)


def _held(x: np.ndarray, order: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return a copy in group order, with zeros where a name takes no part."""
    y = _in_order(x, order)
    np.copyto(y, 0.0, where=~held)
    return y


def _centre(y: np.ndarray, groups: Sequence[slice], counts: np.ndarray, held: np.ndarray) -> None:
    """Subtract each group's mean from its names, in place."""
    for g, group in enumerate(groups):
        mean = name_sum(y[:, group]) / np.maximum(counts[:, g], 1)
        y[:, group] -= mean[:, None] * held[:, group]


def _project_out(y: np.ndarray, basis: Sequence[np.ndarray]) -> None:
    """Subtract the projections on orthonormal directions, in place."""
    for direction in basis:
        along = name_sum(y * direction)
        y -= along[:, None] * direction


def _direction(
    y: np.ndarray, groups: Sequence[slice], counts: np.ndarray, held: np.ndarray, basis: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the unit vector that an exposure adds to those before it; zeros where it adds nothing."""
    length = np.sqrt(name_sum(y * y))
    for _ in range(2):
        _centre(y, groups, counts, held)
        _project_out(y, basis)
    left = np.sqrt(name_sum(y * y))
    adds = left > COLLINEAR * length
    y *= np.where(adds, 1.0 / np.where(adds, left, 1.0), 0.0)[:, None]
    return y
