"""Works out the factor `expression` on a market: which columns it reads, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.factors.figures import published
from tasks.quant.expression.check import expression
from tasks.quant.expression.evaluate import Given, evaluate
from tasks.quant.total_return import forward_factor
from tasks.quant.volatility import simple_returns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.factors.market import Market


def expression_values(market: Market, params: Mapping[str, Any]) -> np.ndarray:
    """Return (T, N) an expression's numbers; DataUnusable where a table lacks a column that it reads."""
    asked = expression(params["expression"])
    groups = {name: market.sectors for name in asked.groups if market.sectors is not None}
    columns = {name: _column(market, name) for name in asked.columns}
    return evaluate(asked, Given(columns, market.members, groups, params["min_coverage"]))


def _column(market: Market, name: str) -> np.ndarray:
    """Return (T, N) one column. Prices grow from their first session on: no level knows of a later split."""
    raw = market.raw
    if name in {"open", "high", "low"}:
        grown = forward_factor(raw["adj_factor"], market.close) if "adj_factor" in raw else None
        return _above_zero(raw[name]) if grown is None else np.asarray(_above_zero(raw[name]) * grown)
    if name == "volume":
        splits = forward_factor(raw["split_factor"], market.close) if "split_factor" in raw else None
        return raw["volume"] if splits is None else np.asarray(raw["volume"] / splits)
    plain: dict[str, Callable[[], np.ndarray]] = {
        "close": lambda: market.prices,
        "traded_close": lambda: market.close,
        "traded_volume": lambda: raw["volume"],
        "dollar_volume": lambda: market.close * raw["volume"],
        "returns": lambda: simple_returns(market.prices),
        "market_cap": lambda: published(market).caps(),
    }
    return plain[name]() if name in plain else published(market).figure(name)


def _above_zero(prices: np.ndarray) -> np.ndarray:
    return np.where(prices > 0.0, prices, np.nan)
