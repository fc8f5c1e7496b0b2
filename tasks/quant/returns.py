"""Total returns from prices as traded and their adjustment factors: each day looks back, never forward."""

from __future__ import annotations

import numpy as np

from tasks.quant.total_return import forward_factor


def total_returns(close: np.ndarray, adj_factor: np.ndarray | None = None) -> np.ndarray:
    """Return simple total returns, dividends reinvested and splits undone: `(c_t / c_p)·(f_t / f_p) - 1`.

    Shapes: `close` and `adj_factor` (T, N) → (T, N), a fraction a period. `c_p` is the symbol's last observed close
    before t, so a return after a gap covers the gap and compounding what is not NaN gives the whole return.
    NaN: where the symbol has no close on t, or none before t. A close or factor that is not a positive finite number
    is no observation. `adj_factor` None means nothing to adjust. Of a backward factor only the steps count, as their
    events give them (`forward_factor`): its level, which later splits and dividends change, cancels to the bit.
    """
    seen = _observed(close) if adj_factor is None else _observed(close) & _observed(adj_factor)
    returns = np.full(close.shape, np.nan)
    if len(close) < 2:
        return returns
    grown = None
    if adj_factor is not None:
        grown = forward_factor(np.where(seen, adj_factor, np.nan), np.where(seen, close, np.nan))
    factor = np.ones_like(close) if grown is None else grown
    whole = seen[1:] & seen[:-1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        returns[1:] = (close[1:] / close[:-1]) * (factor[1:] / factor[:-1]) - 1.0
    returns[1:][~whole] = np.nan
    _bridge_gaps(returns, close, factor, seen)
    return returns


def last_observed_row(seen: np.ndarray) -> np.ndarray:
    """Return, for each cell of a (T, N) mask, the latest row up to and including t that is True; −1 where none is."""
    rows = np.where(seen, np.arange(len(seen))[:, None], -1)
    return np.asarray(np.maximum.accumulate(rows, axis=0))


def _observed(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.isfinite(values) & (values > 0.0))


def _bridge_gaps(returns: np.ndarray, close: np.ndarray, factor: np.ndarray, seen: np.ndarray) -> None:
    """Fill, in place, the first return after each gap: it reaches back to the last observed close."""
    after = np.zeros_like(seen)
    after[1:] = seen[1:] & ~seen[:-1]
    columns = np.flatnonzero(after.any(axis=0))
    if not len(columns):
        return
    last = last_observed_row(seen[:, columns])
    t, c = np.nonzero(after[:, columns])
    p = last[t - 1, c]
    t, n, p = t[p >= 0], columns[c[p >= 0]], p[p >= 0]
    returns[t, n] = (close[t, n] / close[p, n]) * (factor[t, n] / factor[p, n]) - 1.0
