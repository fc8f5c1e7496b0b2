"""Computes each named factor, larger being better, and each exposure that scores can be neutralised to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.quant.beta import beta
from tasks.quant.momentum import momentum
from tasks.quant.neutralize import Exposures
from tasks.quant.volatility import volatility

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.factors.market import Market

VALUES: dict[str, Callable[[Market, Mapping[str, Any]], np.ndarray]] = {
    "momentum": lambda market, params: momentum(market.prices, **params),
    "low_volatility": lambda market, params: np.negative(volatility(market.prices, **params)),
}


def factor_values(market: Market, factor: Mapping[str, Any], rows: np.ndarray) -> np.ndarray:
    """Return (D, N) one factor of a recipe on the given rows, its direction applied, NaN for non-members."""
    values = VALUES[factor["name"]](market, factor["params"])[rows]
    values[~market.members[rows]] = np.nan
    return np.asarray(values if factor["direction"] == 1 else np.negative(values, out=values))


def exposures(market: Market, names: list[str], rows: np.ndarray) -> Exposures:
    """Return the named exposures on the given rows; the declaration saw to it that their tables were asked for."""
    panels = []
    if "beta" in names:
        panels.append(beta(market.prices)[rows])
    if "log_market_cap" in names:
        assert market.caps is not None
        panels.append(np.log(market.caps[rows]))
    for panel in panels:
        panel[~market.members[rows]] = np.nan
    groups = None
    if "sector" in names and market.sectors is not None:
        same = market.sectors.strides[0] == 0
        groups = np.broadcast_to(market.sectors[0], (len(rows), len(market.symbols))) if same else market.sectors[rows]
    return Exposures(tuple(panels), groups)
