"""Runs a backtest: read the tables, decide, live the plan through the market, and lay out what happened."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.backtest import tables
from tasks.backtest.decisions import decisions, plan, window
from tasks.backtest.gather import gather
from tasks.backtest.kpis import Statistic, statistics
from tasks.backtest.tearsheet import drawdown_rows, tearsheet
from tasks.errors import DataUnusable, Violation
from tasks.inputs import Need
from tasks.outcome import Document, Outcome, Table
from tasks.params import TextOrTable
from tasks.quant.attribution import attribute
from tasks.quant.costs import Costs
from tasks.quant.ledger import Ledger, Plan, Terms, live
from tasks.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.backtest.decisions import Decisions
    from tasks.backtest.gather import Material
    from tasks.inputs import Inputs, Tell

FAR_ABOVE = 1.2  # times the decided gross exposure from which a reader is told
STILL = 10  # sessions without a change after which a benchmark is said to have stopped


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
    finished, notes = simulate(params, gather(params, inputs), tell)
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


def simulate(params: Mapping[str, Any], material: Material, tell: Tell) -> tuple[tables.Run, list[str]]:
    """Return the run itself, before anything is laid out, and what its reader must know."""
    market = material.market
    tell(0.3, "deciding")
    first, last, found = window(params, market.dates, decisions(params, market.dates, material.source))
    planned = plan(params, found, material)
    if not len(planned.rows):
        detail = "On no rebalance are there enough scored and priced names to hold; check signal, prices and universe."
        raise DataUnusable(detail, Violation("/params", detail))
    tell(0.5, "trading")
    terms = Terms(float(Decimal(params["initial_capital"])), _costs(params), material.fees, params["cash_rate"])
    ledger = live(market, planned, terms, first, last)
    notes = [*material.notes, *_decision_notes(params, found, planned, first, last)]
    finished = tables.Run(market, planned, terms, ledger, material.benchmark, material.sectors)
    notes += [*_benchmark_notes(material.benchmark, market.dates, first, last), *_ledger_notes(finished)]
    return finished, notes


def _costs(params: Mapping[str, Any]) -> Costs:
    costs = params["costs"]
    return Costs(
        commission=costs["commission_bps"] / 1e4,
        half_spread=costs["half_spread_bps"] / 1e4,
        min_commission=costs["min_commission"],
        impact=costs["impact"]["coefficient"] if costs["impact"]["model"] == "square_root" else 0.0,
    )


def _decision_notes(params: Mapping[str, Any], found: Decisions, planned: Plan, first: int, last: int) -> list[str]:
    notes = []
    blind = int(np.count_nonzero((found.blind >= first) & (found.blind <= last)))
    if blind:
        days = params["signal_max_age_days"]
        rebalances = counted(blind, "rebalance")
        notes.append(f"{rebalances} found nothing decided in the {days} days before: the holdings stayed.")
    undecided = len(found.rows) - len(planned.rows)
    if undecided:
        rebalances = counted(undecided, "rebalance")
        notes.append(f"{rebalances} had too few scored and priced names to decide on: the holdings stayed.")
    return notes


def _benchmark_notes(level: np.ndarray | None, dates: np.ndarray, first: int, last: int) -> list[str]:
    """Return what a reader of the comparison must know: a benchmark that begins late, or has stopped moving."""
    if level is None:
        return []
    shown, days = level[first : last + 1], dates[first : last + 1]
    known = np.flatnonzero(np.isfinite(shown))
    if not len(known):
        return [f"The benchmark has no value up to {days[-1]}."]
    notes = [f"The benchmark begins on {days[known[0]]}; it is compared from there."] if known[0] else []
    moved = np.flatnonzero(shown[1:] != shown[:-1])
    since = int(moved[-1]) + 1 if len(moved) else 0
    if len(days) - 1 - since >= STILL:
        notes.append(f"The benchmark has not moved since {days[since]}.")
    return notes


def _ledger_notes(run: tables.Run) -> list[str]:
    ledger, dates = run.ledger, run.market.dates
    notes = [*_missed_notes(ledger), *_exposure_notes(run), *_exit_notes(ledger)]
    if ledger.bankrupt:
        notes.append(f"Equity was gone on {dates[ledger.last]}: the run stopped there.")
    return notes


def _missed_notes(ledger: Ledger) -> list[str]:
    """Return what was wanted and not traded, in the prices' currency."""
    notes = []
    if ledger.unpriced.trades:
        trades = counted(ledger.unpriced.trades, "trade")
        notes.append(
            f"{trades} worth {ledger.unpriced.notional:,.0f} in the prices' currency not made: the name had no price "
            "that session, and what was held of it stayed."
        )
    if ledger.cut.trades:
        trades = counted(ledger.cut.trades, "trade")
        notes.append(
            f"{trades} cut, by {ledger.cut.notional:,.0f} in the prices' currency in all, to the share of the average "
            "volume that max_adv_participation allows."
        )
    return notes


def _exposure_notes(run: tables.Run) -> list[str]:
    """Return the day of the highest gross exposure where it is far above all that was decided."""
    equity = run.ledger["equity"]
    gross = np.divide(run.ledger["gross"], equity, out=np.zeros_like(equity), where=equity > 0.0)
    decided = float(np.abs(run.plan.weights).sum(axis=1).max())
    top = int(gross.argmax())
    if gross[top] <= FAR_ABOVE * decided:
        return []
    day = run.market.dates[run.ledger.first + top]
    return [f"Gross exposure was {gross[top]:.0%} of equity on {day}; at most {decided:.0%} was ever decided."]


def _exit_notes(ledger: Ledger) -> list[str]:
    exits: dict[str, int] = {}
    for basket in ledger.baskets:
        for exit_ in basket.exits:
            exits[exit_.reason] = exits.get(exit_.reason, 0) + len(exit_.columns)
    return [
        f"{counted(count, 'holding')} closed out: {reason.replace('_', ' ')}."
        for reason, count in sorted(exits.items())
    ]


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
