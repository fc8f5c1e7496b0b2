"""Computes each named factor, larger being better, and each exposure that scores can be neutralised to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.factors import figures
from tasks.factors.expressions import expression_values
from tasks.quant.beta import beta
from tasks.quant.composite import neutral_where_missing
from tasks.quant.liquidity import amihud, log_dollar_volume
from tasks.quant.momentum import momentum
from tasks.quant.neutralize import Exposures
from tasks.quant.reversal import short_term_reversal
from tasks.quant.volatility import volatility

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.factors.market import Market


@dataclass(frozen=True)
class FactorValues:
    """A factor on D scoring dates: (D, N) numbers, NaN for non-members, and the parts that a composite is made of."""

    values: np.ndarray
    parts: tuple[str, ...] = ()


def _liquidity(market: Market, params: Mapping[str, Any]) -> np.ndarray:
    assert market.volume is not None
    window = {"lookback": params["lookback"], "min_coverage": params["min_coverage"]}
    if params["measure"] == "amihud":
        return amihud(market.prices, market.close, market.volume, **window)
    return log_dollar_volume(market.close, market.volume, **window)


def _esg(market: Market, params: Mapping[str, Any]) -> np.ndarray:
    score = figures.published(market).figure(params["column"])
    return neutral_where_missing(score, market.members) if params["missing"] == "neutral" else score


PLAIN: dict[str, Callable[[Market, Mapping[str, Any]], np.ndarray]] = {
    "momentum": lambda market, params: momentum(market.prices, **params),
    "short_term_reversal": lambda market, params: short_term_reversal(market.prices, **params),
    "low_volatility": lambda market, params: np.negative(volatility(market.prices, **params)),
    "beta": lambda market, params: beta(market.prices, **params),
    "size": lambda market, _: np.negative(np.log(figures.published(market).caps())),
    "liquidity": _liquidity,
    "esg": _esg,
    "expression": expression_values,
}


def factor_values(market: Market, factor: Mapping[str, Any], rows: np.ndarray) -> FactorValues:
    """Return one factor of a recipe on the given rows, its direction applied."""
    name, params = factor["name"], factor["params"]
    parts: tuple[str, ...] = ()
    if name in PLAIN:
        values = PLAIN[name](market, params)[rows]
        values[~market.members[rows]] = np.nan
    else:
        values, parts = figures.composite_values(market, name, params, rows)
    return FactorValues(values if factor["direction"] == 1 else -values, parts)


def exposures(market: Market, names: list[str], rows: np.ndarray) -> Exposures:
    """Return the named exposures on the given rows; the declaration saw to it that their tables were asked for."""
    panels = []
    if "beta" in names:
        panels.append(beta(market.prices)[rows])
    if "log_market_cap" in names:
        panels.append(np.log(figures.published(market).caps()[rows]))
    for panel in panels:
        panel[~market.members[rows]] = np.nan
    groups = None
    if "sector" in names and market.sectors is not None:
        same = market.sectors.strides[0] == 0
        groups = np.broadcast_to(market.sectors[0], (len(rows), len(market.symbols))) if same else market.sectors[rows]
    return Exposures(tuple(panels), groups)
