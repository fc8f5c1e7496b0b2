"""Gathers what the factors are computed from: tables become panels on the prices' own dates and symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.quant.as_of import as_of, valid_codes
from tasks.quant.total_return import forward_factor, total_return_index
from tasks.tables import column_types, read_columns, read_panels, require_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.inputs import Inputs, TableFile


@dataclass(frozen=True)
class Market:
    """What is known about T dates and N symbols; nothing in a row was unknown on its date.

    `close` as traded and `prices` on total-return levels, (T, N), NaN where not traded; `members` (T, N) bool;
    `sectors` (T, N) codes into `sector_names`, -1 for none, or None without classifications; `caps` (T, N) in the
    prices' currency, or None without fundamentals.
    """

    dates: np.ndarray
    symbols: tuple[str, ...]
    close: np.ndarray
    prices: np.ndarray
    members: np.ndarray
    sectors: np.ndarray | None = None
    sector_names: tuple[str, ...] = ()
    caps: np.ndarray | None = None


def gather(params: Mapping[str, Any], inputs: Inputs) -> Market:
    """Read every table of a factors job; raises DataUnusable, naming the table, where one can't be used."""
    file = inputs.table("prices")
    panels = _price_panels(file, params["end"])
    dates, symbols, close = panels["dates"], panels["symbols"], panels["close"]
    sectors, names = _sectors(inputs, dates, symbols)
    return Market(
        dates=dates,
        symbols=symbols,
        close=close,
        prices=total_return_index(close, panels["adj_factor"]) if "adj_factor" in panels else close,
        members=_members(inputs, dates, symbols, close),
        sectors=sectors,
        sector_names=names,
        caps=_caps(inputs, dates, symbols, panels),
    )


def _price_panels(file: TableFile, end: str | None) -> dict[str, Any]:
    """Return dates, symbols, close and the factors that the table has, with nothing after `end`."""
    types = require_columns(file, "date", "symbol", "close")
    fields = [name for name in ("close", "adj_factor", "split_factor") if name in types]
    panels = {name: panel.between(None, end) for name, panel in read_panels(file, fields).items()}
    if len(panels["close"].dates) == 0:
        raise _unusable(file, f"{file.ref} holds no price up to {end}.")
    found: dict[str, Any] = {name: panel.values for name, panel in panels.items()}
    found["close"] = np.where(found["close"] > 0.0, found["close"], np.nan)
    return found | {"dates": panels["close"].dates, "symbols": panels["close"].symbols}


def _members(inputs: Inputs, dates: np.ndarray, symbols: tuple[str, ...], close: np.ndarray) -> np.ndarray:
    """Return who may be scored: a price on the day and, with a universe, membership on its newest date so far."""
    priced: np.ndarray = np.isfinite(close)
    if "universe" not in inputs:
        return priced
    table = read_columns(inputs.table("universe"), ["date", "symbol"])
    days, place = np.unique(_days(inputs.table("universe"), "date", table["date"]), return_inverse=True)
    column, known = _columns_of(table["symbol"], symbols)
    listed = np.zeros((len(days) + 1, len(symbols)), dtype=bool)  # row 0: before the first date nobody is a member
    listed[place[known] + 1, column[known]] = True
    return np.asarray(priced & listed[np.searchsorted(days, dates, side="right")])


def _sectors(inputs: Inputs, dates: np.ndarray, symbols: tuple[str, ...]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if "classifications" not in inputs:
        return None, ()
    file = inputs.table("classifications")
    types = require_columns(file, "symbol", "sector")
    dated = [name for name in ("valid_from", "valid_to") if name in types]
    table = read_columns(file, ["symbol", "sector", *dated])
    column, known = _columns_of(table["symbol"], symbols)
    known &= np.array([sector is not None for sector in table["sector"]], dtype=bool)
    if not known.any():
        raise _unusable(file, f"{file.ref} gives no symbol of the prices a sector.")
    names, code = np.unique(table["sector"][known].astype(str), return_inverse=True)
    if not dated:
        row = np.full(len(symbols), -1, dtype=np.int64)
        row[column[known]] = code
        return np.broadcast_to(row, (len(dates), len(symbols))), tuple(names.tolist())
    unknown = np.full(len(column), np.datetime64("NaT"), dtype="datetime64[D]")
    bounds = {name: _days(file, name, table.get(name, unknown))[known] for name in ("valid_from", "valid_to")}
    codes = valid_codes(dates, len(symbols), column=column[known], code=code, **bounds)
    return codes, tuple(names.tolist())


def _caps(inputs: Inputs, dates: np.ndarray, symbols: tuple[str, ...], panels: Mapping[str, Any]) -> np.ndarray | None:
    """Return market capitalisations as published, or from published share counts, traded closes and splits since."""
    if "fundamentals" not in inputs:
        return None
    file = inputs.table("fundamentals")
    types = column_types(file)
    field = "market_cap" if "market_cap" in types else "shares_outstanding"
    require_columns(file, "symbol", "available_from", field)
    table = read_columns(file, ["symbol", "available_from", field])
    column, known = _columns_of(table["symbol"], symbols)
    values, known_from = table[field].astype(np.float64), _days(file, "available_from", table["available_from"])
    known &= np.isfinite(values) & (values > 0.0) & ~np.isnat(known_from)
    column, values, known_from = column[known], values[known], known_from[known]
    if field == "market_cap":
        return as_of(dates, len(symbols), known_from=known_from, column=column, values=values)
    splits = forward_factor(panels["split_factor"], panels["close"]) if "split_factor" in panels else None
    if splits is None:
        shares = as_of(dates, len(symbols), known_from=known_from, column=column, values=values)
        return np.asarray(shares * panels["close"])
    row = np.minimum(np.searchsorted(dates, known_from, side="left"), len(dates) - 1)
    in_first_shares = values / splits[row, column]  # one share of the first day, however often it was split since
    shares = splits * as_of(dates, len(symbols), known_from=known_from, column=column, values=in_first_shares)
    return np.asarray(shares * panels["close"])


def _columns_of(names: np.ndarray, symbols: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return each name's column and whether it has one."""
    place = {symbol: j for j, symbol in enumerate(symbols)}
    column = np.array([place.get(name, -1) for name in names.tolist()], dtype=np.int64)
    return column, column >= 0


def _days(file: TableFile, name: str, values: np.ndarray) -> np.ndarray:
    """Return a column as days; an inline table's come as text."""
    try:
        return values.astype("datetime64[D]")
    except ValueError as error:
        raise _unusable(file, f"column {name!r} of {file.ref} holds what is no date: {error}.") from None


def _unusable(file: TableFile, detail: str) -> DataUnusable:
    return DataUnusable(detail, Violation(file.pointer or "/params", detail))
