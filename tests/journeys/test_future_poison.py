"""From raw bars to the last trade: noise on every price after a day changes no bit of what was known up to it."""

import csv
import hashlib
import random

import duckdb
import numpy as np
import pytest

from infra.cli.universe import files
from reports.tables import write_parquet
from tasks.inputs import Inputs, LocalFile, TableFile
from tasks.params import check
from tasks.registry import kinds

UUID = "01970000-0000-7000-8000-000000000000"
DATASET = f"ds_{UUID}"
SYMBOLS = 40
FIRST, CUT, LAST = "2019-06-03", "2021-03-17", "2022-02-28"


def run(kind, params, found, scratch):
    import importlib

    scratch.mkdir()
    loaded = check(kinds()[kind].params, params)
    return importlib.import_module(f"tasks.{kind}.run").run(loaded, Inputs(scratch, found), lambda *_: None)


def table_file(outcome, name, scratch):
    (columns,) = [table.columns for table in outcome.tables if table.name == name]
    path = scratch / f"{name}.parquet"
    write_parquet(columns, path)
    return TableFile(path, "0" * 64, name, pointer=f"/params/{name}")


def rows_of(path):
    with path.open(newline="") as lines:
        return list(csv.reader(lines))


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market")
    universe = files.write(folder)
    header, *bars = rows_of(universe.prices)
    symbols = sorted({row[1] for row in bars})[:SYMBOLS]
    kept = [row for row in bars if row[1] in symbols and FIRST <= row[0] <= LAST]
    return header, kept, universe.actions


def poisoned(bars):
    chance = random.Random(5)
    for day, symbol, *numbers in bars:
        factor = chance.uniform(0.3, 3.0) if day > CUT else 1.0
        *prices, volume = numbers
        noisy = [repr(float(price) * factor) if price else price for price in prices] if day > CUT else prices
        yield [day, symbol, *noisy, volume]


def whole_chain(folder, header, bars, actions):
    folder.mkdir()
    path = folder / "prices.csv"
    with path.open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *bars])
    given = LocalFile(
        path, "prices.csv", "text/csv", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    )
    events = folder / "actions.parquet"
    duckdb.sql(f"SELECT * FROM read_csv('{actions}', all_varchar=true)").write_parquet(str(events))
    found = {"upload": given, "corporate_actions": TableFile(events, "0" * 64, "actions", "corporate_actions")}
    params = {"upload": f"upl_{UUID}", "as": "prices", "dataset": "m", "corporate_actions": DATASET}
    data = run("ingest", params, found, folder / "ingest").files[0].path
    prices = TableFile(data, "0" * 64, "prices", "prices", "/params/prices")
    recipe = {
        "factors": [{"name": "momentum", "weight": 0.5}, {"name": "low_volatility", "weight": 0.5}],
        "neutralize": [],
        "decay": {"half_life": 5},
    }
    scored = run(
        "factors", {"prices": DATASET, "frequency": "W", "recipe": recipe}, {"prices": prices}, folder / "factors"
    )
    scores = table_file(scored, "scores", folder)
    tested = run(
        "backtest",
        {
            "prices": DATASET,
            "signal": DATASET,
            "construction": {"type": "quantile_long_short", "quantile": 0.2},
            "rebalance": "W",
            "costs": {
                "commission_bps": 1,
                "half_spread_bps": 2,
                "impact": {"model": "square_root", "coefficient": 0.1},
            },
            "borrow": {"annual_bps": 50},
        },
        {"prices": prices, "signal": scores},
        folder / "backtest",
    )
    return scored, tested


def known(columns):
    """Return a table's rows up to the cut, as bytes a column."""
    days = np.asarray(columns["date"]).astype("datetime64[D]")
    keep = days <= np.datetime64(CUT)
    picked = {name: np.asarray(values)[keep] for name, values in columns.items()}
    return int(keep.sum()), {
        name: values.tolist() if values.dtype == object else values.tobytes() for name, values in picked.items()
    }


def test_the_whole_chain_knows_nothing_of_the_future(market, tmp_path):
    header, bars, actions = market
    first = whole_chain(tmp_path / "true", header, bars, actions)
    second = whole_chain(tmp_path / "poisoned", header, list(poisoned(bars)), actions)
    compared = {}
    for honest, spoilt in zip(first, second, strict=True):
        others = {table.name: table.columns for table in spoilt.tables}
        for table in honest.tables:
            if "date" in table.columns and table.name in {"scores", "equity", "trades.csv", "positions"}:
                count, past = known(table.columns)
                assert (count, past) == known(others[table.name]), table.name
                compared[table.name] = count
    assert set(compared) == {"scores", "equity", "trades.csv", "positions"}
    assert min(compared.values()) > 100
    last = [
        table.columns["equity"][-1]
        for outcome in (first[1], second[1])
        for table in outcome.tables
        if table.name == "equity"
    ]
    assert last[0] != last[1]  # the noise did arrive
