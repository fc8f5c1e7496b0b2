"""Gathers what the factors are computed from: tables become panels on the prices' own dates and symbols."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.factors.columns import columns_of, days, unusable
from tasks.factors.expression_columns import price_columns
from tasks.factors.fundamentals import Fundamentals
from tasks.factors.sectors import sectors
from tasks.quant.total_return import total_return_index
from tasks.tables import read_columns, read_panels, require_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.inputs import Inputs, TableFile


@dataclass(frozen=True)
class Market:
    """What is known about T dates and N symbols; nothing in a row was unknown on its date.

    `close` as traded and `prices` on total-return levels, (T, N), NaN where not traded; `members` (T, N) bool, who may
    be scored; `volume` (T, N) as traded, where a factor asked for it; `sectors` (T, N) codes into `sector_names`, -1
    for none, or None without classifications; `raw` (T, N) what was read,
    as the table holds it, where an expression needs it.
    """

    dates: np.ndarray
    symbols: tuple[str, ...]
    close: np.ndarray
    prices: np.ndarray
    members: np.ndarray
    volume: np.ndarray | None = None
    sectors: np.ndarray | None = None
    sector_names: tuple[str, ...] = ()
    fundamentals: Fundamentals | None = None
    raw: Mapping[str, np.ndarray] = field(default_factory=dict)


def gather(params: Mapping[str, Any], inputs: Inputs) -> Market:
    """Read every table of a factors job; raises DataUnusable, naming the table, where one can't be used."""
    factors = params["recipe"]["factors"]
    wanted = price_columns(factors) | {"volume" for factor in factors if factor["name"] == "liquidity"}
    dates, symbols, panels = _prices(inputs.table("prices"), params["end"], sorted(wanted))
    close = panels["close"]
    codes: np.ndarray | None = None
    names: tuple[str, ...] = ()
    if "classifications" in inputs:
        codes, names = sectors(inputs.table("classifications"), dates, symbols)
    fundamentals = None
    if "fundamentals" in inputs:
        fundamentals = Fundamentals(inputs.table("fundamentals"), dates, symbols, panels)
    return Market(
        dates=dates,
        symbols=symbols,
        close=close,
        prices=total_return_index(close, panels["adj_factor"]) if "adj_factor" in panels else close,
        members=_members(inputs, dates, symbols, close),
        volume=panels.get("volume"),
        sectors=codes,
        sector_names=names,
        fundamentals=fundamentals,
        raw=panels if any(factor["name"] == "expression" for factor in factors) else {},
    )


def _prices(
    file: TableFile, end: str | None, wanted: list[str]
) -> tuple[np.ndarray, tuple[str, ...], dict[str, np.ndarray]]:
    """Return dates, symbols and panels of close, what else is wanted, and what factors there are, up to `end`."""
    types = require_columns(file, "date", "symbol", "close", *wanted)
    factors = [name for name in ("adj_factor", "split_factor") if name in types]
    panels = {name: panel.between(None, end) for name, panel in read_panels(file, ["close", *wanted, *factors]).items()}
    close = panels["close"]
    if len(close.dates) == 0:
        raise unusable(file, f"{file.ref} holds no price up to {end}.")
    values = {name: panel.values for name, panel in panels.items()}
    values["close"] = np.where(close.values > 0.0, close.values, np.nan)
    return close.dates, close.symbols, values


def _members(inputs: Inputs, dates: np.ndarray, symbols: tuple[str, ...], close: np.ndarray) -> np.ndarray:
    """Return who may be scored: a price on the day and, with a universe, membership on its newest date so far."""
    priced: np.ndarray = np.isfinite(close)
    if "universe" not in inputs:
        return priced
    file = inputs.table("universe")
    table = read_columns(file, ["date", "symbol"])
    changes, place = np.unique(days(file, "date", table["date"]), return_inverse=True)
    column, known = columns_of(table["symbol"], symbols)
    listed = np.zeros((len(changes) + 1, len(symbols)), dtype=bool)  # row 0: before the first date nobody is a member
    listed[place[known] + 1, column[known]] = True
    return np.asarray(priced & listed[np.searchsorted(changes, dates, side="right")])
