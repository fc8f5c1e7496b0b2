"""Runs a backtest: read the tables, decide, live the plan through the market, and lay out what happened."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.backtest import tables
from tasks.backtest.decisions import decisions, needs_liquidity, needs_returns, plan, weights_of, window
from tasks.backtest.kpis import Statistic, statistics
from tasks.backtest.reading import (
    build_market,
    on_names,
    read_benchmark,
    read_by_symbol,
    read_members,
    read_prices,
    read_scores,
    unusable,
)
from tasks.backtest.tearsheet import drawdown_rows, tearsheet
from tasks.inputs import Need
from tasks.outcome import Document, Outcome, Table
from tasks.params import TextOrTable
from tasks.quant.attribution import attribute
from tasks.quant.costs import Costs
from tasks.quant.ledger import Ledger, Terms, live

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.inputs import Inputs, Tell

UNCLASSIFIED = "Unclassified"
NAMED = 5  # symbols that a note names before it ends in an ellipsis


def needs(params: dict[str, Any]) -> dict[str, Need]:
    """Return the tables that a backtest reads."""
    found = {name: params[name] for name in ("prices", "signal", "weights", "universe", "classifications")}
    found["borrow.by_symbol"] = params["borrow"]["by_symbol"]
    if params["benchmark"] is not None and TextOrTable.is_table(params["benchmark"]):
        found["benchmark"] = params["benchmark"]
    return {name: Need("table", ref) for name, ref in found.items() if ref is not None}


def run(params: dict[str, Any], inputs: Inputs, tell: Tell) -> Outcome:
    """Return a backtest's outcome."""
    tell(0.05, "reading")
    finished, notes = simulate(params, inputs, tell)
    tell(0.7, "statistics")
    kpis = statistics(finished, params)
    parts = attribute(finished.ledger, finished.market, finished.plan, finished.terms)
    attribution = tables.attribution_columns(finished, parts)
    tell(0.8, "tables")
    trades = tables.trades(finished)
    falls = drawdown_rows(finished)
    result = _result(finished, kpis, falls, trades, notes)
    return Outcome(
        result=result,
        tables=(
            Table("equity", tables.equity_columns(finished)),
            trades,
            tables.positions(finished),
            tables.monthly_returns(finished),
            Table("attribution.csv", attribution),
        ),
        documents=(
            Document("kpis.json", {"statistics": [kpi.as_dict() for kpi in kpis], "drawdowns": falls, "notes": notes}),
            Document("tearsheet.pdf", tearsheet(finished, params, kpis, attribution, notes), template="backtest"),
        ),
        seeds={"seed": params["seed"]},
    )


def simulate(params: Mapping[str, Any], inputs: Inputs, tell: Tell) -> tuple[tables.Run, list[str]]:
    """Return the run itself, before anything is laid out, and what its reader must know."""
    prices = read_prices(inputs.table("prices"), *_columns(params))
    if needs_liquidity(params) and "volume" not in prices.panels:
        raise unusable(inputs.table("prices"), "has no column 'volume', which impact and max_adv_participation need.")
    given = "weights" if params["weights"] is not None else "signal"
    scores = read_scores(inputs.table(given), "weight" if given == "weights" else "score")
    wanted, notes = set(scores.symbols), []
    columns = np.array([i for i, name in enumerate(prices.symbols) if name in wanted], dtype=np.int64)
    if not len(columns):
        raise unusable(inputs.table(given), "names no symbol of the prices.")
    if len(columns) < len(wanted):
        unpriced = sorted(wanted - set(prices.symbols))
        notes.append(f"{len(unpriced)} symbols of the {given} have no prices and are left out: {_some(unpriced)}.")
    market = build_market(prices, columns, params, inputs.table("prices"))
    source = on_names(scores, market.symbols)
    tell(0.3, "deciding")
    first, last, found = window(params, market.dates, decisions(params, market.dates, source))
    returns = prices.returns(columns) if needs_returns(params) else None
    members = read_members(inputs.table("universe"), market.symbols) if "universe" in inputs else None
    weights = weights_of(params, found, source, market=market, members=members, returns=returns)
    planned = plan(params, found, weights, prices=prices, columns=columns, returns=returns)
    if not len(planned.rows):
        raise unusable(inputs.table(given), "has no date with enough scored and priced names to hold.")
    tell(0.5, "trading")
    terms = Terms(
        float(Decimal(params["initial_capital"])),
        _costs(params),
        _fees(params, inputs, market.symbols),
        params["cash_rate"],
    )
    ledger = live(market, planned, terms, first, last)
    notes += _ledger_notes(ledger, market.dates, len(found.rows) - len(planned.rows))
    benchmark = read_benchmark(params, inputs, prices)
    return tables.Run(market, planned, terms, ledger, benchmark, _sectors(inputs, market.symbols)), notes


def _columns(params: Mapping[str, Any]) -> list[str]:
    """Return the price columns that only some backtests need."""
    volume = ["volume"] if needs_liquidity(params) else []
    return [*volume, "open"] if params["execution_price"] == "open" else volume


def _costs(params: Mapping[str, Any]) -> Costs:
    costs = params["costs"]
    return Costs(
        commission=costs["commission_bps"] / 1e4,
        half_spread=costs["half_spread_bps"] / 1e4,
        min_commission=costs["min_commission"],
        impact=costs["impact"]["coefficient"] if costs["impact"]["model"] == "square_root" else 0.0,
    )


def _fees(params: Mapping[str, Any], inputs: Inputs, symbols: Sequence[str]) -> np.ndarray:
    """Return each name's annual borrow fee as a fraction, (N,)."""
    fees = np.full(len(symbols), params["borrow"]["annual_bps"] / 1e4)
    if "borrow.by_symbol" in inputs:
        table = inputs.table("borrow.by_symbol")
        listed = read_by_symbol(table, "annual_bps")
        for i, name in enumerate(symbols):
            fee = listed.get(name, fees[i] * 1e4)
            if fee is None or not 0.0 <= fee < float("inf"):
                raise unusable(table, f"has the annual_bps {fee!r} for {name}; give a number, zero or more.")
            fees[i] = fee / 1e4
    return fees


def _sectors(inputs: Inputs, symbols: Sequence[str]) -> tuple[str, ...]:
    found = read_by_symbol(inputs.table("classifications"), "sector") if "classifications" in inputs else {}
    return tuple(found.get(name) or UNCLASSIFIED for name in symbols)


def _ledger_notes(ledger: Ledger, dates: np.ndarray, undecided: int) -> list[str]:
    notes = []
    if undecided:
        notes.append(f"{undecided} rebalances had too few scored and priced names to decide on: the holdings stayed.")
    if ledger.unfilled > 0.0:
        notes.append(f"Trades of {ledger.unfilled:,.2f} were not made for want of a price or of volume.")
    exits: dict[str, int] = {}
    for basket in ledger.baskets:
        for exit_ in basket.exits:
            exits[exit_.reason] = exits.get(exit_.reason, 0) + len(exit_.columns)
    notes += [
        f"{count} holdings were closed out: {reason.replace('_', ' ')}." for reason, count in sorted(exits.items())
    ]
    if ledger.bankrupt:
        notes.append(f"Equity was gone on {dates[ledger.last]}: the run stopped there.")
    return notes


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _result(
    finished: tables.Run, kpis: Sequence[Statistic], falls: list[dict[str, Any]], trades: Table, notes: list[str]
) -> dict[str, Any]:
    """Return the job's small answer."""
    ledger, value = finished.ledger, {kpi.name: kpi.value for kpi in kpis}
    money, against = (
        ("commission", "spread", "impact", "borrow", "interest"),
        [k for k in kpis if k.group == "benchmark"],
    )
    made = ~np.isin(trades.columns["reason"], ["split", "dividend_reinvested"])
    apart = {*money, "dividends", "omega", "martin", "ulcer_index", "initial_turnover", *(kpi.name for kpi in against)}
    return {
        "start": str(finished.dates[0]),
        "end": str(finished.dates[-1]),
        "sessions": len(finished.dates),
        "rebalances": sum(basket.k is not None for basket in ledger.baskets),
        "trades": int(made.sum()),
        "final_equity": float(ledger["equity"][-1]),
        **{name: number for name, number in value.items() if name not in apart},
        "drawdown_dates": {key: falls[0][key] if falls else None for key in ("peak", "trough", "recovery")},
        "costs": {name: value[name] for name in money},
        "benchmark": {kpi.name: kpi.value for kpi in against} or None,
        "bankrupt_on": str(finished.dates[-1]) if ledger.bankrupt else None,
        "notes": notes,
    }
