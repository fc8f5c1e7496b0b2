"""A small seeded market as Parquet, and a way to run a backtest on it."""

from __future__ import annotations

import numpy as np
import pytest

from reports.tables import write_parquet
from tasks.backtest.kind import KIND
from tasks.backtest.run import needs, run
from tasks.inputs import Inputs, TableFile
from tasks.params import check

REF = "ds_01970000-0000-7000-8000-00000000000{}"
PLACES = ("prices", "signal", "weights", "universe", "classifications", "benchmark", "borrow.by_symbol")


def long(dates, symbols, **panels):
    """Return panels (T, N) as the columns of a long table sorted by symbol and date, without rows that hold nothing."""
    columns = {"date": np.tile(dates, len(symbols)), "symbol": np.repeat(np.array(symbols, dtype=object), len(dates))}
    columns |= {name: np.ascontiguousarray(values.T).ravel() for name, values in panels.items()}
    first = next(iter(panels))
    return {name: values[np.isfinite(columns[first])] for name, values in columns.items()}


@pytest.fixture(scope="session")
def prices():
    """Return 300 sessions of 24 names: two splits, dividends, a late start, an early end, gaps."""
    rng = np.random.default_rng(11)
    sessions, names = 300, 24
    dates = np.busday_offset("2020-01-02", np.arange(sessions))
    close = 50 * np.exp((0.0003 + rng.normal(size=(sessions, names)) * 0.015).cumsum(axis=0))
    split, adj = np.ones((sessions, names)), np.ones((sessions, names))
    for column, day, ratio in ((2, 100, 2.0), (9, 180, 0.25)):
        close[:day, column] *= ratio
        split[:day, column] /= ratio
        adj[:day, column] /= ratio
    for column in range(0, names, 2):
        for day in range(40 + column, sessions, 63):
            adj[:day, column] *= 1 - 0.25 / close[day - 1, column]
    opened = close * (1 + 0.004 * rng.normal(size=(sessions, names)))
    close[:60, 5] = np.nan
    close[200:, 7] = np.nan
    close[rng.random((sessions, names)) < 0.002] = np.nan
    symbols = tuple(f"S{i:02d}" for i in range(names))
    volume = rng.uniform(1e4, 1e5, size=(sessions, names))
    return long(dates, symbols, close=close, open=opened, volume=volume, adj_factor=adj, split_factor=split)


@pytest.fixture(scope="session")
def signal():
    """Return a random score for every name on every session."""
    rng = np.random.default_rng(12)
    dates = np.busday_offset("2020-01-02", np.arange(300))
    return long(dates, tuple(f"S{i:02d}" for i in range(24)), score=rng.normal(size=(300, 24)))


@pytest.fixture
def backtest(tmp_path):
    """Return a function that runs a backtest: tables by their place in the parameters, the rest as parameters."""

    def go(tables, **params):
        refs = {place: REF.format(i + 1) for i, place in enumerate(PLACES) if place in tables}
        by_symbol = refs.pop("borrow.by_symbol", None)
        if by_symbol:
            params["borrow"] = {**params.get("borrow", {}), "by_symbol": by_symbol}
        loaded = check(KIND.params, {**refs, **params})
        found = {}
        for name in needs(loaded):
            path = tmp_path / f"{name}.parquet"
            write_parquet(tables[name], path)
            found[name] = TableFile(path, "", name, pointer=f"/params/{name.replace('.', '/')}")
        return run(loaded, Inputs(tmp_path, found), lambda *_told: None)

    return go
