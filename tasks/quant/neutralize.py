"""Takes named exposures out of a factor: what remains can't be explained by them on that date."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.name_sum import name_sum
from tasks.quant.present import make_absent_nan, make_absent_zero, mask_of, zero_absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLLINEAR = 1e-10  # the share of an exposure's own length below which what is left of it is rounding
CANCELLED = 0.1  # a vector that lost more of its length than this in a projection is projected once more


@dataclass(frozen=True)
class Exposures:
    """What a factor is neutralised to: (T, N) panels of numbers, and (T, N) group codes (-1 for no group)."""

    panels: tuple[np.ndarray, ...] = ()
    groups: np.ndarray | None = None

    def __bool__(self) -> bool:
        return bool(self.panels) or self.groups is not None

    def rows(self, part: slice) -> Exposures:
        """Return a run of rows."""
        return Exposures(
            tuple(panel[part] for panel in self.panels), None if self.groups is None else self.groups[part]
        )


def neutralize(x: np.ndarray, exposures: Sequence[np.ndarray], groups: np.ndarray | None = None) -> np.ndarray:
    """Return the residuals of one least-squares regression per row of `x` on all exposures together.

    `x` and every exposure are (T, N). `groups` is (T, N) of whole numbers, one group each (a dummy variable each), -1
    for none; without groups there is an intercept, with them the dummies hold it. A name takes part where its value,
    every exposure and its group are known; elsewhere the residual is NaN. A row whose names do not outnumber the
    regression's columns is all NaN: it would fit exactly and leave only rounding. An exposure that is a combination of
    those before it (constant within groups, say) adds nothing and is passed over. Exposures of names that have no part
    in a date are best NaN there: then not one bit depends on them.
    """
    return neutralize_all([x], Exposures(tuple(exposures), groups))[0]


def neutralize_all(factors: Sequence[np.ndarray], exposures: Exposures) -> list[np.ndarray]:
    """Return `neutralize` of several factors, each by itself, for the price of preparing the exposures once.

    Solved without forming dummies: centring within groups takes out the groups and the intercept (Frisch and Waugh
    1933), Gram-Schmidt the exposures, repeated where digits cancelled ("twice is enough", Kahan), so the residuals are
    orthogonal to every exposure to rounding.
    """
    shape = factors[0].shape
    codes = np.broadcast_to(np.zeros(shape[1], dtype=np.int64), shape) if exposures.groups is None else exposures.groups
    residuals = [np.empty_like(factor) for factor in factors]
    for rows in _runs(codes):
        groups = _Groups(codes[rows.start])
        prepared = [groups.prepared(panel[rows]) for panel in exposures.panels]
        for factor, residual in zip(factors, residuals, strict=True):
            residual[rows] = groups.residuals(factor[rows], prepared)
    return residuals


def _runs(codes: np.ndarray) -> Iterator[slice]:
    """Cut the rows into runs within which no name changes its group."""
    if codes.strides[0] == 0:  # one row, repeated by broadcasting
        return iter([slice(0, len(codes))])
    changes = np.flatnonzero(np.any(codes[1:] != codes[:-1], axis=1)) + 1
    edges = [0, *changes.tolist(), len(codes)]
    return (slice(a, b) for a, b in pairwise(edges) if b > a)


class _Groups:
    """A run of rows in which every name keeps its group; names stand group by group, so that a group is a slice."""

    def __init__(self, codes: np.ndarray) -> None:
        order = np.argsort(codes, kind="stable")
        self.order = order[codes[order] >= 0]
        starts = np.flatnonzero(np.diff(codes[self.order], prepend=-2))
        self.slices = [slice(a, b) for a, b in pairwise([*starts.tolist(), len(self.order)])]

    def in_order(self, x: np.ndarray) -> np.ndarray:
        """Return the grouped names only, each name's rows side by side in memory."""
        return np.asarray(np.take(x.T, self.order, axis=0).T)

    def prepared(self, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return an exposure's mask and its values less their group's mean, lest a large level cost digits later."""
        y = self.in_order(exposure)
        present = np.isfinite(y)
        mask = mask_of(present)
        make_absent_zero(y, mask)
        self.centre(y, self.counts(present), mask)
        return mask, y

    def residuals(self, x: np.ndarray, prepared: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Return the residuals of (R, N), NaN where a name takes no part or the row has too few."""
        y = self.in_order(x)
        present = np.isfinite(y)
        mask = mask_of(present)
        for exposure_mask, _ in prepared:
            np.bitwise_and(mask, exposure_mask, out=mask)
        present = mask != 0
        counts = self.counts(present)
        basis: list[np.ndarray] = []
        for _, exposure in prepared:
            direction = self.orthogonal(zero_absent(exposure, mask), counts, mask, basis)
            basis.append(_unit(direction, exposure))
        make_absent_zero(y, mask)
        y = self.orthogonal(y, counts, mask, basis)
        make_absent_nan(y, mask)
        rank = np.count_nonzero(counts, axis=1) + sum(np.any(direction != 0.0, axis=1) for direction in basis)
        y[counts.sum(axis=1) <= rank] = np.nan
        return self.back(y, x)

    def counts(self, present: np.ndarray) -> np.ndarray:
        """Return (R, G) the names of each group."""
        return np.stack([np.count_nonzero(present[:, group], axis=1) for group in self.slices], axis=1)

    def orthogonal(
        self, y: np.ndarray, counts: np.ndarray, mask: np.ndarray, basis: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Return what is left of `y` beside the groups and the basis, in place."""
        before = name_sum(y * y)
        self.project(y, counts, mask, basis)
        cancelled = name_sum(y * y) < CANCELLED**2 * before
        if cancelled.any():
            once_more = y.copy(order="K")
            self.project(once_more, counts, mask, basis)
            y[cancelled] = once_more[cancelled]
        return y

    def project(self, y: np.ndarray, counts: np.ndarray, mask: np.ndarray, basis: Sequence[np.ndarray]) -> None:
        """Subtract the groups' means and the projections on orthonormal directions, in place."""
        self.centre(y, counts, mask)
        for direction in basis:
            along = y * direction
            np.multiply(direction, name_sum(along)[:, None], out=along)
            np.subtract(y, along, out=y)

    def centre(self, y: np.ndarray, counts: np.ndarray, mask: np.ndarray) -> None:
        """Subtract each group's mean from its names, in place."""
        for g, group in enumerate(self.slices):
            mean = name_sum(y[:, group]) / np.maximum(counts[:, g], 1)
            y[:, group] -= mean[:, None]
        make_absent_zero(y, mask)

    def back(self, y: np.ndarray, like: np.ndarray) -> np.ndarray:
        """Return the residuals in the panel's own order of names, NaN for those without a group."""
        found = np.full_like(like, np.nan)
        found.T[self.order] = y.T
        return found


def _unit(direction: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Scale what an exposure adds to those before it to length one, in place; zeros where it adds nothing."""
    left, length = np.sqrt(name_sum(direction * direction)), np.sqrt(name_sum(exposure * exposure))
    adds = left > COLLINEAR * length
    direction *= np.where(adds, 1.0 / np.where(adds, left, 1.0), 0.0)[:, None]
    return direction
