"""Gathers what a backtest is computed from: every table read, checked and laid on the same names and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.backtest.reading import (
    Dated,
    Prices,
    build_market,
    on_names,
    read_benchmark,
    read_by_symbol,
    read_members,
    read_prices,
    read_scores,
    unusable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.inputs import Inputs
    from tasks.quant.market import Market
    from tasks.quant.panel import Panel

UNCLASSIFIED = "Unclassified"
NAMED = 5  # symbols that a note names before it ends in an ellipsis


@dataclass(frozen=True)
class Material:
    """The inputs on one grid of T sessions and N names.

    `source`: scores or weights by date. `returns` (total) and `traded` (close · volume), (T, N), only where something
    needs them. `fees`: annual borrow fees, (N,). `benchmark`: its level, (T,). `notes`: what the reader must know.
    """

    market: Market
    source: Dated
    members: Dated | None
    returns: np.ndarray | None
    traded: np.ndarray | None
    fees: np.ndarray
    benchmark: np.ndarray | None
    sectors: tuple[str, ...]
    notes: tuple[str, ...]


def gather(params: Mapping[str, Any], inputs: Inputs) -> Material:
    """Return everything that a backtest reads."""
    prices = read_prices(inputs.table("prices"), *_columns(params))
    given = "weights" if params["weights"] is not None else "signal"
    scores = read_scores(inputs.table(given), "weight" if given == "weights" else "score")
    columns, notes = _priced(scores, prices, inputs, given)
    market = build_market(prices, columns, params, inputs.table("prices"))
    returns = needs_liquidity(params) or params["construction"]["weighting"] == "inverse_volatility"
    return Material(
        market=market,
        source=on_names(scores, market.symbols),
        members=read_members(inputs.table("universe"), market.symbols) if "universe" in inputs else None,
        returns=prices.returns(columns) if returns else None,
        traded=_traded(prices, columns, inputs) if needs_liquidity(params) else None,
        fees=_fees(params, inputs, market.symbols),
        benchmark=read_benchmark(params, inputs, prices),
        sectors=_sectors(inputs, market.symbols),
        notes=notes,
    )


def needs_liquidity(params: Mapping[str, Any]) -> bool:
    """Say whether volumes are needed: for impact or a participation limit."""
    return params["costs"]["impact"]["model"] != "none" or params["max_adv_participation"] is not None


def _columns(params: Mapping[str, Any]) -> list[str]:
    """Return the price columns that only some backtests need."""
    volume = ["volume"] if needs_liquidity(params) else []
    return [*volume, "open"] if params["execution_price"] == "open" else volume


def _priced(scores: Panel, prices: Prices, inputs: Inputs, given: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the price table's columns that have scores or weights, and a note on names that have no prices."""
    wanted = set(scores.symbols)
    columns = np.array([i for i, name in enumerate(prices.symbols) if name in wanted], dtype=np.int64)
    if not len(columns):
        raise unusable(inputs.table(given), "names no symbol of the prices.")
    unpriced = sorted(wanted - set(prices.symbols))
    if not unpriced:
        return columns, ()
    named = ", ".join(unpriced[:NAMED]) + (", …" if len(unpriced) > NAMED else "")
    return columns, (f"{len(unpriced)} symbols of the {given} have no prices and are left out: {named}.",)


def _traded(prices: Prices, columns: np.ndarray, inputs: Inputs) -> np.ndarray:
    volume = prices.values("volume", columns)
    if volume is None:
        raise unusable(inputs.table("prices"), "has no column 'volume', which impact and max_adv_participation need.")
    return np.asarray(prices.close(columns) * volume)


def _fees(params: Mapping[str, Any], inputs: Inputs, symbols: Sequence[str]) -> np.ndarray:
    """Return each name's annual borrow fee as a fraction, (N,)."""
    fees = np.full(len(symbols), params["borrow"]["annual_bps"] / 1e4)
    if "borrow.by_symbol" not in inputs:
        return fees
    table = inputs.table("borrow.by_symbol")
    listed = read_by_symbol(table, "annual_bps")
    for i, name in enumerate(symbols):
        if name not in listed:
            continue
        if not 0.0 <= (listed[name] if listed[name] is not None else -1.0) < float("inf"):
            raise unusable(table, f"has the annual_bps {listed[name]!r} for {name}; give a number, zero or more.")
        fees[i] = listed[name] / 1e4
    return fees


def _sectors(inputs: Inputs, symbols: Sequence[str]) -> tuple[str, ...]:
    found = read_by_symbol(inputs.table("classifications"), "sector") if "classifications" in inputs else {}
    return tuple(found.get(name) or UNCLASSIFIED for name in symbols)
