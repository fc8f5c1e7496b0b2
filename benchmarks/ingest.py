"""A large OHLCV CSV parsed, typed, checked, sorted, adjusted and written as Parquet, beside pandas, Polars and DuckDB.

Every peer runs in a process of its own and does the same work: read the CSV, drop rows with prices that are not
positive or with high below low, drop repeated (symbol, date), sort, multiply in split and dividend factors of one
split and four dividends a symbol, write zstd Parquet. The ingest kind does more: it finds the line of every bad row,
grades the result, and takes the whole file's encoding into account. BENCH_ROWS sets the size (1,000,000; the figures in
docs/performance.md are of 10,000,000).
"""

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
DAYS = 2500
THREADS = "2"
PEERS = {"ingest": "duckdb", "duckdb": "duckdb", "polars": "polars", "pandas": "pyarrow"}


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make(folder)
        size = (folder / "prices.csv").stat().st_size / 1e6
        print(f"{ROWS:,} rows, {size:.0f} MB of CSV, best of {ROUNDS}\n")
        print("| who | seconds | times ingest | peak MB | rows | sum of adjusted closes |\n|---|--:|--:|--:|--:|--:|")
        ours = None
        for name, needs in PEERS.items():
            if importlib.util.find_spec(needs) is None:
                print(f"| {name} | not installed | | | | |")
                continue
            found = min((run(name, folder) for _ in range(ROUNDS)), key=lambda each: each["seconds"])
            ours = ours or found["seconds"]
            print(
                f"| {name} | {found['seconds']:.2f} | {found['seconds'] / ours:.2f} | {found['peak_mb']:.0f} "
                f"| {found['rows']:,} | {found['sum']:.6g} |"
            )


def make(folder):
    """Write date-major bars with prices of two decimals, and the actions."""
    import duckdb

    symbols = max(1, ROWS // DAYS)
    with duckdb.connect() as db:
        db.execute(
            f"""COPY (
                SELECT DATE '2000-01-03' + (i + 2 * (i // 5))::INT AS date, printf('S%05d', s) AS symbol,
                    round(p * 0.999, 2) AS open, round(p * 1.02, 2) AS high, round(p * 0.98, 2) AS low,
                    round(p, 2) AS close, 100000 + (hash(s * 7919 + i) % 900000)::BIGINT AS volume
                FROM (SELECT i, s, 20 + (hash(s) % 300) + 5 * sin(i / 30.0 + s) + (hash(s * 31 + i) % 100) / 50.0 AS p
                      FROM range({DAYS}) a(i), range({symbols}) b(s))
                ORDER BY i, s) TO '{folder}/prices.csv' (HEADER)"""
        )
        db.execute(
            f"""COPY (
                SELECT DATE '2000-01-03' + (500 * k + s % 97)::INT AS ex_date, printf('S%05d', s) AS symbol,
                    if(k = 3, 'split', 'cash_dividend') AS type, if(k = 3, 2.0, NULL)::DOUBLE AS ratio,
                    if(k = 3, NULL, 0.25)::DOUBLE AS amount
                FROM range({symbols}) a(s), range(1, 6) b(k)) TO '{folder}/actions.parquet' (FORMAT parquet)"""
        )


def run(name, folder):
    """Run one peer in a process of its own and return what it measured."""
    environment = os.environ | {"POLARS_MAX_THREADS": THREADS, "OMP_NUM_THREADS": THREADS}
    command = [sys.executable, __file__, name, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout)


def measure(name, folder):
    from_module = globals()[f"with_{name}"]
    begun = time.perf_counter()
    out = from_module(folder)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    import duckdb

    (found,) = duckdb.sql(f"SELECT count(*), sum(adj_close) FROM read_parquet('{out}')").fetchall()
    rows, total = found
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "rows": rows, "sum": total}))


def with_ingest(folder):
    from tasks.ingest import run as kind
    from tasks.ingest.kind import KIND
    from tasks.inputs import Inputs, LocalFile, TableFile
    from tasks.params import check

    params = check(KIND.params, {"upload": "upl_01970000-0000-7000-8000-000000000000", "dataset": "bench"})
    scratch = Path(tempfile.mkdtemp(dir=folder))
    found = {
        "upload": LocalFile(folder / "prices.csv", "prices.csv", "text/csv", 0, ""),
        "corporate_actions": TableFile(folder / "actions.parquet", "", "inline"),
    }
    return kind.run(params, Inputs(scratch, found), lambda *_: None).files[0].path


def with_duckdb(folder):
    import duckdb

    out = folder / "duckdb.parquet"
    with duckdb.connect(config={"threads": int(THREADS)}) as db:
        db.execute(
            f"""CREATE TABLE prices AS SELECT DISTINCT ON (symbol, date) * FROM read_csv('{folder}/prices.csv')
                WHERE least(open, high, low, close) > 0 AND high >= low"""
        )
        db.execute(
            f"""CREATE TABLE steps AS
                SELECT p.symbol, ex_date, if(type = 'split', 1 / ratio, 1 - amount / close) AS m
                FROM '{folder}/actions.parquet' a ASOF JOIN prices p ON p.symbol = a.symbol AND p.date < a.ex_date"""
        )
        db.execute(
            """CREATE TABLE factors AS
               SELECT symbol, ex_date AS until, product(m) OVER (PARTITION BY symbol ORDER BY ex_date DESC) AS f
               FROM steps"""
        )
        db.execute(
            f"""COPY (SELECT p.*, coalesce(f, 1) AS adj_factor, close * coalesce(f, 1) AS adj_close
                FROM prices p ASOF LEFT JOIN factors f ON f.symbol = p.symbol AND f.until > p.date
                ORDER BY p.symbol, p.date) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"""
        )
    return out


def with_polars(folder):
    import polars as pl

    prices = pl.read_csv(folder / "prices.csv", try_parse_dates=True)
    prices = prices.filter((pl.min_horizontal("open", "high", "low", "close") > 0) & (pl.col("high") >= pl.col("low")))
    prices = prices.unique(["symbol", "date"], keep="first").sort("date", "symbol")
    actions = pl.read_parquet(folder / "actions.parquet").sort("ex_date")
    before = prices.select("symbol", pl.col("date") + pl.duration(days=1), "close").sort("date")
    steps = actions.join_asof(before, left_on="ex_date", right_on="date", by="symbol", check_sortedness=False)
    split = pl.when(pl.col("type") == "split")
    steps = steps.with_columns(m=split.then(1 / pl.col("ratio")).otherwise(1 - pl.col("amount") / pl.col("close")))
    steps = steps.sort("symbol", "ex_date").with_columns(f=pl.col("m").cum_prod(reverse=True).over("symbol"))
    until = steps.select("symbol", (pl.col("ex_date") - pl.duration(days=1)).alias("until"), "f").sort("until")
    whole = prices.join_asof(
        until, left_on="date", right_on="until", by="symbol", strategy="forward", check_sortedness=False
    )
    factor = pl.col("f").fill_null(1.0)
    whole = whole.with_columns(adj_factor=factor, adj_close=pl.col("close") * factor).sort("symbol", "date")
    out = folder / "polars.parquet"
    whole.write_parquet(out, compression="zstd")
    return out


def with_pandas(folder):
    import numpy as np
    import pandas as pd

    prices = pd.read_csv(folder / "prices.csv", parse_dates=["date"])
    fine = (prices[["open", "high", "low", "close"]].min(axis=1) > 0) & (prices["high"] >= prices["low"])
    prices = prices[fine].drop_duplicates(["symbol", "date"]).sort_values(["date", "symbol"])
    actions = pd.read_parquet(folder / "actions.parquet").sort_values("ex_date")
    actions["ex_date"] = actions["ex_date"].astype(prices["date"].dtype)
    actions["symbol"] = actions["symbol"].astype(prices["symbol"].dtype)
    closes = prices[["date", "symbol", "close"]]
    keys = {"left_on": "ex_date", "right_on": "date", "by": "symbol"}
    steps = pd.merge_asof(actions, closes, allow_exact_matches=False, **keys)
    steps["m"] = np.where(steps["type"] == "split", 1 / steps["ratio"], 1 - steps["amount"] / steps["close"])
    steps = steps.sort_values(["symbol", "ex_date"], ascending=[True, False])
    steps["f"] = steps.groupby("symbol")["m"].cumprod()
    until = steps[["symbol", "ex_date", "f"]].sort_values("ex_date")
    whole = pd.merge_asof(
        prices, until, left_on="date", right_on="ex_date", by="symbol", direction="forward", allow_exact_matches=False
    )
    whole["adj_factor"] = whole.pop("f").fillna(1.0)
    whole["adj_close"] = whole["close"] * whole["adj_factor"]
    out = folder / "pandas.parquet"
    whole.drop(columns="ex_date").sort_values(["symbol", "date"]).to_parquet(out, compression="zstd", index=False)
    return out


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
