"""Random small markets with the blemishes of real ones, for the tests of the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class World:
    """Raw prices and factors (T, N) as a price table holds them, and target weights for some rows."""

    dates: np.ndarray
    symbols: tuple[str, ...]
    close: np.ndarray
    open: np.ndarray
    adj_factor: np.ndarray
    split_factor: np.ndarray
    rows: np.ndarray
    weights: np.ndarray


def add_events(rng, close, opened, split, adj):
    """Give one name, in place, a split and two dividends in whole cents, each on a session with a price."""
    seen = np.flatnonzero(close > 0)
    *paid_on, split_on = rng.choice(np.arange(1, len(seen)), size=3, replace=False)
    for i in paid_on:
        paid = round(0.01 * close[seen[i - 1]], 2)
        adj[: seen[i]] *= 1 - paid / close[seen[i - 1]]
    day = seen[split_on]
    ratio = rng.choice([2.0, 3.0, 0.1])
    for values, by in ((split, 1 / ratio), (adj, 1 / ratio), (close, ratio), (opened, ratio)):
        values[:day] *= by


@pytest.fixture(scope="session")
def make_world():
    def make(seed, *, sessions=90, names=6, every=5, short=True, blemished=True, volatility=0.03):
        rng = np.random.default_rng(seed)
        dates = np.busday_offset("2019-12-20", np.arange(sessions))
        close = 40 * np.exp((rng.normal(size=(sessions, names)) * volatility).cumsum(axis=0))
        opened = close * (1 + 0.01 * rng.normal(size=close.shape))
        split, adj = np.ones((sessions, names)), np.ones((sessions, names))
        if blemished:
            close[rng.random(close.shape) < 0.03] = np.nan
            opened[rng.random(close.shape) < 0.03] = np.nan
            close[sessions // 2 :, 0] = np.nan  # this name's history ends
            close[: sessions // 4, 1] = np.nan  # this one begins late
            for column in range(names - 1):
                add_events(rng, close[:, column], opened[:, column], split[:, column], adj[:, column])
        rows = np.arange(1, sessions, every)
        weights = rng.normal(size=(len(rows), names)) if short else rng.random((len(rows), names))
        weights /= np.abs(weights).sum(axis=1, keepdims=True)
        weights[:, 1] = np.where(rows > sessions // 4, weights[:, 1], 0.0)
        symbols = tuple(f"S{i:02d}" for i in range(names))
        return World(dates, symbols, close, opened, adj, split, rows, weights)

    return make
