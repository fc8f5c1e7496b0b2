"""The factor chain and its evaluation beside straightforward pandas, in one run.

3,000 symbols x 2,520 days with 3 % of the prices missing: momentum and low volatility through winsorize, z-score,
neutralize (sector and log cap), combine and decay; then daily rank IC and quintile returns. pandas neutralises with one
`lstsq` a date, as its users do; it is timed on a part of the dates and scaled up, since the whole takes minutes.
"""

import os
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tasks.quant.evaluation.judge import judge
from tasks.quant.momentum import momentum
from tasks.quant.neutralize import Exposures
from tasks.quant.scoring import Recipe, score
from tasks.quant.volatility import volatility

SYMBOLS = int(os.environ.get("BENCH_SYMBOLS", "3000"))
DAYS = int(os.environ.get("BENCH_DAYS", "2520"))
PANDAS_DAYS = int(os.environ.get("BENCH_PANDAS_DAYS", "60"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
HALF_LIFE = 10.0


def main():
    prices, cap, sectors = made()
    panel_mb = prices.nbytes / 1e6
    copy_s = timed(lambda: np.copyto(np.empty_like(prices), prices))
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    chain_s = timed(lambda: chain(prices, cap, sectors))
    scores = chain(prices, cap, sectors)
    judge_s = timed(lambda: evaluate(scores, prices))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    theirs, chain_pandas, judge_pandas = pandas_way(prices, cap, sectors)
    shared = slice(DAYS - PANDAS_DAYS, DAYS)
    worst = np.nanmax(np.abs(theirs - momentum_z(prices, cap, sectors)[shared]))

    print(f"{SYMBOLS} symbols x {DAYS} days, medians of {ROUNDS}; pandas timed on {PANDAS_DAYS} dates and scaled up\n")
    print("| part | seconds | pandas, seconds | times faster |\n|---|--:|--:|--:|")
    print(f"| factors to score | {chain_s:.3f} | {chain_pandas:.1f} | {chain_pandas / chain_s:.0f} |")
    print(f"| rank IC and quintile returns | {judge_s:.3f} | {judge_pandas:.1f} | {judge_pandas / judge_s:.0f} |")
    print(f"\nlargest difference from pandas in a neutralised z-score: {worst:.1e}")
    print(f"one copy of the panel: {copy_s * 1e3:.0f} ms, so the chain costs {chain_s / copy_s:.0f} copies")
    print(f"peak memory above the inputs: {peak_mb - before_mb:.0f} MB, {(peak_mb - before_mb) / panel_mb:.1f} panels")


def made():
    rng = np.random.default_rng(1)
    prices = np.exp(np.cumsum(rng.normal(0, 0.02, (DAYS, SYMBOLS)), axis=0)) * 50
    prices[rng.random(prices.shape) < 0.03] = np.nan
    return prices, rng.normal(23, 2, prices.shape), rng.integers(0, 11, SYMBOLS)


def chain(prices, cap, sectors):
    raws = [momentum(prices), volatility(prices)]
    np.negative(raws[1], out=raws[1])
    recipe = Recipe((0.5, 0.5), half_life=HALF_LIFE)
    exposures = Exposures((cap,), np.broadcast_to(sectors, prices.shape))
    return score(raws, recipe, exposures, keep_factors=False).score


def momentum_z(prices, cap, sectors):
    exposures = Exposures((cap,), np.broadcast_to(sectors, prices.shape))
    return score([momentum(prices)], Recipe((1.0,)), exposures).after[0]


def evaluate(scores, prices):
    return judge(scores, prices, np.arange(len(prices)), [(0, 1)], quantiles=5)


def pandas_way(prices, cap, sectors):
    """Time the idioms on the last dates; rolling windows are timed whole, since they can't be cut."""
    import pandas as pd

    frame, caps = pd.DataFrame(prices), pd.DataFrame(cap)
    dummies = pd.get_dummies(pd.Series(sectors)).to_numpy(dtype=float)
    start = time.perf_counter()
    momentum_ = frame.shift(21) / frame.shift(252) - 1.0
    momentum_ = momentum_.where(frame.notna().rolling(232).sum().shift(21) >= 0.9 * 232)
    volatility_ = -frame.pct_change(fill_method=None).rolling(252, min_periods=227).std() * np.sqrt(252)
    rolling_s = time.perf_counter() - start

    def z(row):
        return (row - row.mean()) / row.std()

    def neutral(row):
        row = z(row.clip(row.quantile(0.01), row.quantile(0.99)))
        names = row.notna().to_numpy()
        design = np.column_stack([dummies[names], caps.loc[row.name].to_numpy()[names]])
        fitted = design @ np.linalg.lstsq(design, row[names], rcond=None)[0]
        residual = pd.Series(np.nan, index=row.index)
        residual[names] = row[names] - fitted
        return z(residual)

    start = time.perf_counter()
    after = [factor.tail(PANDAS_DAYS).apply(neutral, axis=1) for factor in (momentum_, volatility_)]
    combined = (0.5 * after[0] + 0.5 * after[1]).apply(z, axis=1)
    final = combined.ewm(halflife=HALF_LIFE).mean().apply(z, axis=1)
    scale = DAYS / PANDAS_DAYS
    chain_s = rolling_s + (time.perf_counter() - start) * scale
    start = time.perf_counter()
    forward = (frame.shift(-1) / frame - 1.0).tail(PANDAS_DAYS)
    final.rank(axis=1).corrwith(forward.rank(axis=1), axis=1)
    for day, row in final.iloc[:-1].iterrows():
        forward.loc[day].groupby(pd.qcut(row, 5, labels=False)).mean()
    return after[0].to_numpy(), chain_s, (time.perf_counter() - start) * scale


def timed(work):
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}  # for every peer
    if not one_thread.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, __file__], os.environ | one_thread)
    main()
