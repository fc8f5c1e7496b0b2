"""A market with every blemish, and a factors job run on it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reports.tables import write_parquet
from tasks.factors.kind import KIND
from tasks.factors.run import needs, run
from tasks.inputs import Inputs, TableFile
from tasks.params import check

DATASET = "ds_01970000-0000-7000-8000-000000000000"
SECTORS = ("Energy", "Health", "Tech", "Utilities")


def asked(**changes):
    recipe = {
        "factors": [
            {"name": "momentum", "weight": 0.6, "params": {"lookback": 40, "skip": 5}},
            {"name": "low_volatility", "weight": 0.4, "params": {"lookback": 30}},
        ],
        "neutralize": ["sector", "beta"],
        "decay": {"half_life": 5},
        **changes.pop("recipe", {}),
    }
    params = {"prices": DATASET, "classifications": DATASET, "recipe": recipe, "evaluate": {"horizons": [1, 5]}}
    return check(KIND.params, params | changes)


def market(rows=340, names=40, seed=3):
    """A long price table with listings, gaps, splits and dividends; ordered by symbol and date."""
    rng = np.random.default_rng(seed)
    days = np.arange("2020-01-01", "2022-12-31", dtype="datetime64[D]")
    days = days[np.is_busday(days)][:rows]
    close = np.exp(np.cumsum(rng.normal(0, 0.02, (rows, names)) + 0.01 * rng.normal(0, 1, (rows, 1)), axis=0)) * 50
    factor, split = np.ones((rows, names)), np.ones((rows, names))
    for j in range(0, names, 2):
        for t in range(20 + j, rows, 63):
            factor[:t, j] *= 1.0 - 0.25 / close[t - 1, j]
    for j in range(0, names, 5):
        t = int(rng.integers(30, rows))
        close[t:, j] /= 3.0
        factor[:t, j] /= 3.0
        split[:t, j] /= 3.0
    close[rng.random(close.shape) < 0.01] = np.nan
    close[:150, -1] = np.nan  # lists late
    close[250:, -2] = np.nan  # is delisted
    return days, [f"S{j:03d}" for j in range(names)], close, factor, split


def price_columns(days, symbols, close, factor, split):
    column, row = np.nonzero(np.isfinite(close.T))
    names = np.array(symbols, dtype=object)
    at = (row, column)
    return {
        "date": days[row],
        "symbol": names[column],
        "close": close[at],
        "split_factor": split[at],
        "adj_factor": factor[at],
        "adj_close": close[at] * factor[at],
    }


def sector_columns(symbols):
    sectors = np.array([SECTORS[j % len(SECTORS)] for j in range(len(symbols))], dtype=object)
    return {"symbol": np.array(symbols, dtype=object), "sector": sectors}


def table(folder, name, columns):
    path = folder / f"{name}.parquet"
    write_parquet(columns, path)
    return TableFile(path, "0" * 64, f"{DATASET}@1", pointer=f"/params/{name}")


def outcome(folder, params, **tables):
    found = {name: table(folder, name, columns) for name, columns in tables.items()}
    assert set(needs(params)) == set(found)
    told = []
    made = run(params, Inputs(folder, found), lambda fraction, *_: told.append(fraction))
    assert told == sorted(told)
    return made


def frame(made, name):
    return pd.DataFrame(dict(next(t for t in made.tables if t.name == name).columns))
