"""Declares the backtest kind."""

from __future__ import annotations

from typing import Final

from tasks.backtest.params import BacktestParams
from tasks.backtest.result import BacktestResult
from tasks.kind import Artifact, Column, JobKind, Limits

EQUITY: Final = (
    Column("date", "date"),
    Column("equity", "number", "cash plus the market value of every position at the close"),
    Column("return", "number", "equity over the session before's, less one; null on the first row"),
    Column("drawdown", "number", "equity over its running peak, less one; starting capital is a peak"),
    Column("gross", "number", "long plus short market value over equity, after the day's trades"),
    Column("net", "number", "long minus short market value over equity"),
    Column("cash", "number"),
    Column("turnover", "number", "one-way: half the traded notional over the equity before trading"),
    Column("commission", "number"),
    Column("spread", "number"),
    Column("impact", "number"),
    Column("borrow", "number", "the fee for borrowed shares since the session before"),
    Column("interest", "number", "what cash earned, or negative cash paid, since the session before"),
    Column("dividends", "number", "dividends credited to cash less those owed on shorts; zero when reinvested"),
    Column("benchmark", "number", "the benchmark's level, equal to the initial capital on the first row"),
)
TRADES: Final = (
    Column("date", "date"),
    Column("symbol", "text"),
    Column("side", "text", "buy or sell"),
    Column("shares", "number", "shares as traded that day, not adjusted for later splits"),
    Column("price", "number", "the price as traded; zero where shares came from a split or a reinvested dividend"),
    Column("notional", "number"),
    Column("commission", "number"),
    Column("spread_cost", "number"),
    Column("impact_cost", "number"),
    Column("reason", "text", "rebalance, missing_price, delisted, split or dividend_reinvested"),
)
POSITIONS: Final = (
    Column("date", "date"),
    Column("symbol", "text"),
    Column("shares", "number", "negative when short"),
    Column("price", "number", "the last price as traded"),
    Column("weight", "number", "market value over equity"),
)
MONTHLY: Final = (
    Column("year", "integer"),
    Column("month", "integer"),
    Column("return", "number"),
    Column("benchmark", "number"),
)
ATTRIBUTION: Final = (
    Column("level", "text", "symbol, sector, cash or total"),
    Column("name", "text"),
    Column("sector", "text"),
    Column("gross_pnl", "number", "price gains and dividends, in currency"),
    Column("costs", "number", "commission, spread and impact"),
    Column("borrow", "number"),
    Column("pnl", "number", "gross_pnl less costs and borrow"),
    Column("contribution", "number", "pnl over initial capital; the symbols and cash sum to the total return"),
)

KIND = JobKind(
    name="backtest",
    summary="Trades a signal or given weights through history: daily ledger, costs, statistics and a tear sheet.",
    params=BacktestParams,
    result=BacktestResult,
    permission="research.run",
    queue="compute",
    artifacts=(
        Artifact("equity", "table", "Equity, exposure and costs, a row a session.", EQUITY, csv_twin=True),
        Artifact("trades.csv", "csv", "Every trade, and every change of shares by a corporate action.", TRADES),
        Artifact("positions", "table", "Every position held at each close.", POSITIONS),
        Artifact("kpis.json", "json", "Every statistic with the convention it follows, and the worst drawdowns."),
        Artifact("monthly_returns.csv", "csv", "Compounded return of each calendar month.", MONTHLY),
        Artifact("attribution.csv", "csv", "Gains by symbol and by sector; they sum to the total.", ATTRIBUTION),
        Artifact("tearsheet.pdf", "pdf", "The backtest on paper: charts, statistics, drawdowns, costs."),
    ),
    example={
        "prices": "ds_01970000-0000-7000-8000-000000000001",
        "signal": {"job": "job_01970000-0000-7000-8000-000000000002", "artifact": "scores"},
        "construction": {"type": "quantile_long_short", "quantile": 0.2},
        "rebalance": "M",
        "costs": {"commission_bps": 1, "half_spread_bps": 2},
        "borrow": {"annual_bps": 50},
    },
    limits=Limits(run_s=900, memory_mb=4096, threads=1),
)
