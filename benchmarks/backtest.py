"""The backtest's engine, and the whole job, on 500 symbols and 2,520 days beside peers on the same data in one run.

Every row trades the same weights (the top and bottom fifth by a random score) at the close with 5 bp of costs. Floor
also charges 0.5 % a year of borrow on calendar days and keeps the whole ledger; vectorbt and bt, which take part where
they are installed, have no borrow fee here. The loop over days is the fewest lines of numpy that keep the same account.
"""

import importlib.util
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.remove(str(Path(__file__).parent))  # the scripts beside this one share names with the packages

from tasks.quant.costs import Costs
from tasks.quant.ledger import Plan, Terms, live
from tasks.quant.market import market
from tasks.quant.rebalance import schedule

SESSIONS, NAMES, CAPITAL = 2520, 500, 1e6
COST, FEE = 0.0005, 0.005
DATES = np.busday_offset("2010-01-04", np.arange(SESSIONS))
SYMBOLS = tuple(f"S{i:04d}" for i in range(NAMES))


def main():
    rng = np.random.default_rng(0)
    close = 100 * np.exp((rng.normal(size=(SESSIONS, NAMES)) * 0.02).cumsum(axis=0))
    print(f"{NAMES} symbols x {SESSIONS} days, median of the calls; final equity shows that they agree\n")
    print("| engine | rebalance | calls | ms | of Floor's | final equity |\n|---|---|--:|--:|--:|--:|")
    for frequency in "MD":
        rows = schedule(DATES, frequency)
        rows = rows[rows < SESSIONS - 1] + 1
        rank = rng.normal(size=(len(rows), NAMES)).argsort(axis=1).argsort(axis=1)
        weights = (np.where(rank >= 400, 0.005, 0.0) - np.where(rank < 100, 0.005, 0.0)).astype(float)
        compare(frequency, close, rows, weights)
    whole_job(close)


def compare(frequency, close, rows, weights):
    place = market(DATES, SYMBOLS, close)
    plan, terms = Plan(rows, weights), Terms(CAPITAL, Costs(COST), np.full(NAMES, FEE))
    peers = {
        "Floor": (15, lambda: live(place, plan, terms, 0, SESSIONS - 1)["equity"][-1]),
        "numpy, a loop over days": (5, lambda: plain_numpy(close, rows, weights)),
    }
    if importlib.util.find_spec("vectorbt"):
        peers["vectorbt, no borrow"] = (3, lambda: vectorbt(close, rows, weights))
    if importlib.util.find_spec("bt") and frequency == "M":
        peers["bt, no borrow"] = (1, lambda: bt(close, rows, weights))
    base = None
    for name, (calls, run) in peers.items():
        took, equity = timed(run, calls)
        base = base or took
        print(f"| {name} | {frequency} | {calls} | {took * 1e3:.1f} | {took / base:.1f} | {equity:,.2f} |", flush=True)


def timed(run, calls):
    run()  # imports, compilation and first touches are not timed
    found = []
    for _ in range(calls):
        started = time.perf_counter()
        equity = run()
        found.append(time.perf_counter() - started)
    return statistics.median(found), equity


def plain_numpy(close, rows, weights):
    """Keep cash and shares, a day at a time."""
    days = np.diff(DATES, prepend=DATES[:1]).astype(int)
    cash, shares, plan = CAPITAL, np.zeros(NAMES), dict(zip(rows.tolist(), weights, strict=True))
    short = equity = 0.0
    for t in range(SESSIONS):
        cash -= short * FEE * days[t] / 360
        values = shares * close[t]
        equity = cash + values.sum()
        if t in plan:
            target = plan[t] * equity
            cost = COST * np.abs(target - values).sum()
            cash = equity - target.sum() - cost
            shares, values = target / close[t], target
            equity -= cost
        short = -np.minimum(values, 0.0).sum()
    return equity


def vectorbt(close, rows, weights):
    import pandas as pd
    import vectorbt as vbt

    size = np.full(close.shape, np.nan)
    size[rows] = weights
    portfolio = vbt.Portfolio.from_orders(
        pd.DataFrame(close, index=pd.DatetimeIndex(DATES), columns=list(SYMBOLS)),
        size=size, size_type="targetpercent", fees=COST, init_cash=CAPITAL, cash_sharing=True, group_by=True,
        call_seq="auto",
    )  # fmt: skip
    return float(portfolio.value().iloc[-1])


def bt(close, rows, weights):
    import bt as library
    import pandas as pd

    index = pd.DatetimeIndex(DATES)
    prices = pd.DataFrame(close, index=index, columns=list(SYMBOLS))
    targets = pd.DataFrame(weights, index=index[rows], columns=list(SYMBOLS))
    algos = [library.algos.WeighTarget(targets), library.algos.Rebalance()]
    test = library.Backtest(
        library.Strategy("s", algos), prices, initial_capital=CAPITAL, integer_positions=False,
        commissions=lambda q, p: abs(q) * p * COST, progress_bar=False,
    )  # fmt: skip
    library.run(test)
    return float(test.strategy.data["value"].iloc[-1])


def whole_job(close):
    """Time the job from Parquet in to every artifact written, stage by stage."""
    if not importlib.util.find_spec("reportlab"):
        return
    from reports.render import render
    from reports.tables import write_parquet
    from tasks.backtest.kind import KIND
    from tasks.backtest.run import run
    from tasks.inputs import Inputs, TableFile
    from tasks.params import check

    rng = np.random.default_rng(1)
    long = {"date": np.tile(DATES, NAMES), "symbol": np.repeat(np.array(SYMBOLS, dtype=object), SESSIONS)}
    ones = np.ones(SESSIONS * NAMES)
    prices = {**long, "close": np.ascontiguousarray(close.T).ravel(), "split_factor": ones, "adj_factor": ones}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        found = {}
        for name, columns in (("prices", prices), ("signal", {**long, "score": rng.normal(size=len(ones))})):
            write_parquet(columns, here / f"{name}.parquet")
            found[name] = TableFile(here / f"{name}.parquet", "", name)
        params = check(KIND.params, {**KIND.example, "rebalance": "M"})
        stages = [{} for _ in range(3)]
        for stage in stages:
            told = [("start", time.perf_counter())]
            outcome = run(params, Inputs(here, found), lambda _f, name, _m="", told=told: told.append((name, now())))
            told.append(("render", now()))
            render(outcome, KIND, here)
            told.append(("end", now()))
            stage |= {name: after - at for (name, at), (_, after) in itertools.pairwise(told)}
    print("\nThe whole monthly job, Parquet in to every artifact written (median of 3):\n\n| stage | ms |\n|---|--:|")
    medians = {name: statistics.median(stage[name] for stage in stages) for name in stages[0] if name != "start"}
    for name, took in {**medians, "all": sum(medians.values())}.items():
        print(f"| {name} | {took * 1e3:.0f} |")


def now():
    return time.perf_counter()


if __name__ == "__main__":
    main()
