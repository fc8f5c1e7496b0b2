"""Cuts panels into pieces that stay in the processor's cache while many small steps go over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLUMNS = 512
CELLS = 100_000


def by_columns(work: Callable[..., np.ndarray], *panels: np.ndarray) -> np.ndarray:
    """Return `work(*panels)` for work that treats every column (T, 1) by itself, done some columns at a time."""
    rows, columns = panels[0].shape
    made = np.empty((rows, columns))
    for start in range(0, columns, COLUMNS):
        part = slice(start, start + COLUMNS)
        made[:, part] = work(*(np.ascontiguousarray(panel[:, part]) for panel in panels))
    return made


def row_blocks(panel: np.ndarray) -> Iterator[slice]:
    """Cut the rows of a (T, N) panel into runs of some hundred thousand cells: for work that takes rows one by one."""
    height = max(1, CELLS // max(1, panel.shape[1]))
    return (slice(start, start + height) for start in range(0, len(panel), height))
